//! Lines of a terminal that cannot move its cursor: whoever types sees what the terminal shows by itself.

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, sync_channel};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, channel};

use super::Read;
use super::ending::Ending;
use super::live::Live;
use super::prompt::Prompt;

/// Notices that may wait to be written.
const NOTICES_MAX: usize = 64;

/// It. A line is read when it is wanted, and not before: commands may read answers themselves.
pub(super) struct Plain {
    wanted: mpsc::Sender<()>,
    lines: Receiver<String>,
    runtime: Handle,
    ending: Arc<Ending>,
}

impl Plain {
    /// From now on, with notices between the lines.
    pub(super) fn new(live: &Arc<Live>, runtime: &Handle, ending: &Arc<Ending>) -> Self {
        let (notices, told) = sync_channel::<String>(NOTICES_MAX);
        live.notices.go_to(notices);
        thread::spawn(move || told.iter().for_each(|line| write(&format!("{line}\n"))));
        let (wanted, asked) = mpsc::channel();
        let (sender, lines) = channel(1);
        thread::spawn(move || {
            let lines = asked.iter().map_while(|()| next_line());
            lines.map(|line| sender.blocking_send(line)).take_while(Result::is_ok).for_each(drop);
        });
        Self { wanted, lines, runtime: runtime.clone(), ending: Arc::clone(ending) }
    }

    /// The next line.
    pub(super) fn read(&mut self, prompt: &Prompt) -> Read {
        write(&format!("{}> ", prompt.left()));
        self.line().unwrap_or(Read::Ended)
    }

    /// The next line, or that there is none; nothing where the program is to end.
    fn line(&mut self) -> Option<Read> {
        // A thread that has gone has seen the end.
        self.wanted.send(()).unwrap_or_default();
        let (lines, ending) = (&mut self.lines, &self.ending);
        self.runtime.block_on(async {
            tokio::select! {
                line = lines.recv() => Some(line.map_or(Read::End, Read::Line)),
                () = ending.wait() => None,
            }
        })
    }

    /// What somebody answers; nothing where there is none.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        write(question);
        match self.line() {
            Some(Read::Line(answer)) => Some(answer.trim().to_owned()),
            _ => None,
        }
    }
}

/// One line, without its end; none behind the last one. What is no text is read as what it looks like.
fn next_line() -> Option<String> {
    let mut line = Vec::new();
    let read = io::stdin().lock().read_until(b'\n', &mut line).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
    (read > 0).then_some(line)
}

/// Where the terminal cannot be written to, it will not be read from either.
fn write(text: &str) {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).unwrap_or_default();
}
