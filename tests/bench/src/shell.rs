//! How long whoever works in the shell of plexyctl waits: for its prompt, and for a completion while the
//! daemon is stopped and can answer nobody.

use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};

use crate::child::{self, Launch};
use crate::contestant::build_of;
use crate::cpus::Cpus;
use crate::interrupt;
use crate::terminal::Terminal;

/// Shells that are started, and completions that are asked for in each.
const SHELLS: usize = 20;
const COMPLETIONS: usize = 5;

/// Tunnels that there are to choose from.
const TUNNELS: usize = 1_000;

/// What completing adds.
const COMPLETED: &[u8] = b"-tunnel";

/// How long something may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is printed.
struct Figures {
    start: Histogram<u64>,
    completion: Histogram<u64>,
}

/// Measures it, and prints medians and what one in a hundred takes.
pub(crate) fn run(plexyctl: &Path, cpus: &Cpus) -> anyhow::Result<()> {
    let plexyd = build_of("plexyd")?;
    let home = tempfile::tempdir()?;
    let tunnels = (0..TUNNELS).map(|number| format!("0=127.0.0.1:9[name=t{number}-tunnel]"));
    let launch = Launch::new("plexyd", &plexyd, home.path(), cpus);
    let launch = tunnels.fold(launch.env("RUNTIME_DIRECTORY", home.path()), Launch::argument);
    let daemon = child::Child::start(launch)?;
    let socket = home.path().join("rpc.sock");
    let began = Instant::now();
    while !socket.exists() {
        ensure!(began.elapsed() < PATIENCE, "plexyd has not started");
        thread::sleep(Duration::from_millis(10));
    }
    let pid = i32::try_from(daemon.pid()).ok().and_then(Pid::from_raw).context("no process")?;
    let mut figures = Figures { start: Histogram::new(3)?, completion: Histogram::new(3)? };
    for _ in 0..SHELLS {
        interrupt::check()?;
        one(plexyctl, home.path(), &socket, pid, &mut figures)?;
    }
    let mut stdout = io::stdout();
    let Figures { start, completion } = figures;
    for (what, times) in [
        ("from the start of plexyctl to its prompt", start),
        ("from Tab to its answer, plexyd stopped", completion),
    ] {
        let ms = |quantile| {
            let us = times.value_at_quantile(quantile);
            format!("{}.{} ms", us / 1_000, us % 1_000 / 100)
        };
        writeln!(stdout, "{what}: median {}, p99 {}, of {}", ms(0.5), ms(0.99), times.len())?;
    }
    Ok(())
}

fn one(
    plexyctl: &Path,
    home: &Path,
    socket: &Path,
    daemon: Pid,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut shell = start(plexyctl, home, socket)?;
    shell.wait_for(b"> ")?;
    figures.start.record(micros(began))?;
    // Once it has said so it knows all tunnels.
    shell.press(b"detail t999-\t")?;
    shell.wait_for(COMPLETED)?;
    kill_process(daemon, Signal::STOP)?;
    let completed = (0..COMPLETIONS).try_for_each(|_| {
        shell.press(b"\x03")?;
        shell.wait_for(b"> ")?;
        shell.press(b"detail t987-")?;
        shell.wait_for(b"t987-")?;
        let began = Instant::now();
        shell.press(b"\t")?;
        shell.wait_for(COMPLETED)?;
        figures.completion.record(micros(began)).map_err(anyhow::Error::from)
    });
    kill_process(daemon, Signal::CONT)?;
    completed
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// A shell in a terminal.
fn start(plexyctl: &Path, home: &Path, socket: &Path) -> anyhow::Result<Terminal> {
    let mut command = CommandBuilder::new(plexyctl);
    command.args(["--endpoint", &format!("unix:{}", socket.display())]);
    command.env("TERM", "xterm");
    command.env("XDG_STATE_HOME", home);
    Terminal::start(command, (40, 100))
}
