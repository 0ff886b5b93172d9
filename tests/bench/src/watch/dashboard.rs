//! The dashboard of plexyctl in a terminal: what it takes while nobody presses a key, and how long one
//! takes from the keyboard to the screen.

use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use portable_pty::CommandBuilder;

use super::{Size, used};
use crate::interrupt;
use crate::proxy::Proxy;
use crate::terminal::Terminal;

/// The size that every terminal has.
const ROWS_AND_COLUMNS: (u16, u16) = (24, 80);

/// What stands before the row that is selected, and is written anew when that is another one.
const MARK: &[u8] = "▸".as_bytes();

/// Views, by the keys that lead to them.
const VIEWS: [(&str, &[u8]); 3] = [("tunnels", b"1"), ("backends", b"2"), ("connections", b"3")];

/// From one key to the next: no multiple of the second after which it is shown something new.
const PAUSE: Duration = Duration::from_millis(73);

/// Until a view has what it shows.
const SETTLING: Duration = Duration::from_secs(3);

/// Measures it in those views that have rows, and prints it.
pub(super) fn run(
    plexyctl: &Path,
    size: &Size,
    proxy: &mut Proxy,
    has_connections: bool,
) -> anyhow::Result<()> {
    // The socket is there before anybody connects.
    drop(proxy.rpc()?);
    let mut terminal = start(plexyctl, &proxy.socket())?;
    terminal.wait_for(MARK)?;
    let mut stdout = io::stdout();
    for (view, key) in VIEWS.iter().filter(|(view, _)| has_connections || *view != "connections") {
        interrupt::check()?;
        terminal.press(key)?;
        thread::sleep(SETTLING);
        let percent = used(size, terminal.pid()?)?;
        let times = keys(&mut terminal, size.keys)?;
        let ms = |quantile| {
            let us = times.value_at_quantile(quantile);
            format!("{}.{} ms", us / 1_000, us % 1_000 / 100)
        };
        writeln!(
            stdout,
            "plexyctl top, {view}: {percent:.2} %; from a key to the screen: median {}, p99 {}, of {}",
            ms(0.5),
            ms(0.99),
            times.len()
        )?;
    }
    Ok(())
}

/// How long each of so many keys takes, in microseconds.
fn keys(terminal: &mut Terminal, count: usize) -> anyhow::Result<Histogram<u64>> {
    let mut times = Histogram::new(3)?;
    for key in b"jk".iter().cycle().take(count) {
        let began = Instant::now();
        terminal.press(&[*key])?;
        terminal.wait_for(MARK)?;
        times.record(u64::try_from(began.elapsed().as_micros())?)?;
        thread::sleep(PAUSE);
    }
    Ok(times)
}

fn start(plexyctl: &Path, socket: &Path) -> anyhow::Result<Terminal> {
    let mut command = CommandBuilder::new(plexyctl);
    command.args(["--endpoint", &format!("unix:{}", socket.display()), "top"]);
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    Terminal::start(command, ROWS_AND_COLUMNS)
}
