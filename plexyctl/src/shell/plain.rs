//! Lines of a terminal that cannot move its cursor: whoever types sees what the terminal shows by itself.

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, channel};

use super::Read;
use super::ending::Ending;
use super::live::Live;
use super::prompt::Prompt;

/// Notices that may wait to be written.
const NOTICES_MAX: usize = 64;

/// It.
pub(super) struct Plain {
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
        let (sender, lines) = channel(1);
        thread::spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self { lines, runtime: runtime.clone(), ending: Arc::clone(ending) }
    }

    /// The next line.
    pub(super) fn read(&mut self, prompt: &Prompt) -> Read {
        write(&format!("{}> ", prompt.left()));
        let (lines, ending) = (&mut self.lines, &self.ending);
        self.runtime.block_on(async {
            tokio::select! {
                line = lines.recv() => line.map_or(Read::End, Read::Line),
                () = ending.wait() => Read::Ended,
            }
        })
    }

    /// What somebody answers; nothing where there is none.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        write(question);
        let (lines, ending) = (&mut self.lines, &self.ending);
        self.runtime.block_on(async {
            tokio::select! {
                line = lines.recv() => Some(line?.trim().to_owned()),
                () = ending.wait() => None,
            }
        })
    }
}

/// Where the terminal cannot be written to, it will not be read from either.
fn write(text: &str) {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).unwrap_or_default();
}
