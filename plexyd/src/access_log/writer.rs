//! The thread that writes the access log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use tracing::{info, warn};

use super::output::Output;
use super::{AccessFormat, Message, Told, line};

/// Lines that are written at once: what a pipe takes as one piece (pipe(7), `PIPE_BUF`), so that
/// nobody else's lines get into ours.
const WRITE_BYTES: usize = 4096;

/// Messages that are taken before something else is looked at.
const BATCH: usize = 1024;

/// The pause after all that waited was written. While it lasts, whoever puts something into the
/// queue has nobody to wake up, which would cost more than the rest of it.
const PAUSE: Duration = Duration::from_millis(10);

/// What it works with.
pub(super) struct Writer {
    format: AccessFormat,
    output: Output,
    told: Arc<Told>,
    /// Whole lines.
    waiting: String,
    line: String,
}

impl Writer {
    pub(super) fn new(format: AccessFormat, output: Output, told: Arc<Told>) -> Self {
        Self { format, output, told, waiting: String::new(), line: String::new() }
    }

    /// Writes until it is told to end, or nobody is left who could tell something.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        while let Ok(first) = messages.recv() {
            let mut next = Some(first);
            while let Some(message) = next {
                self.take(message);
                messages.try_iter().take(BATCH).for_each(|message| self.take(message));
                self.write();
                self.reopen();
                next = messages.try_recv().ok();
            }
            if self.told.finish.load(Ordering::Acquire) {
                return;
            }
            thread::sleep(PAUSE);
        }
    }

    fn take(&mut self, message: Message) {
        let Message::Record(at, record) = message else { return };
        self.line.clear();
        line::write(self.format, at, &record, &mut self.line);
        if self.waiting.len() + self.line.len() > WRITE_BYTES {
            self.write();
        }
        self.waiting.push_str(&self.line);
    }

    fn write(&mut self) {
        let lost = self.output.write(self.waiting.as_bytes());
        if lost > 0 {
            self.told.dropped.fetch_add(lost, Ordering::Relaxed);
        }
        self.waiting.clear();
    }

    fn reopen(&mut self) {
        if !self.told.reopen.swap(false, Ordering::AcqRel) {
            return;
        }
        match self.output.reopen() {
            Ok(()) => info!("access log opened again"),
            Err(error) => warn!(%error, "the access log stays in its old file"),
        }
    }
}
