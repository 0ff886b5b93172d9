//! A program in a terminal, as somebody has it before them who presses keys and waits for what comes.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

/// How long something may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a terminal is asked for where its cursor is, and what it may say.
const WHERE_IS_THE_CURSOR: &[u8] = b"\x1b[6n";
const CURSOR: &[u8] = b"\x1b[3;1R";

/// A program, and the terminal that it is in.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    written: Receiver<Vec<u8>>,
    /// What was written since the last key, as far as that was looked at.
    seen: Vec<u8>,
}

impl Terminal {
    /// Of so many rows and columns.
    pub(crate) fn start(command: CommandBuilder, (rows, cols): (u16, u16)) -> anyhow::Result<Self> {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let child = pair.slave.spawn_command(command)?;
        let mut reader = pair.master.try_clone_reader()?;
        let (sender, written) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // It fails once the program has gone.
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                let bytes = buffer.get(..read).unwrap_or_default().to_vec();
                if sender.send(bytes).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, writer: pair.master.take_writer()?, written, seen: Vec::new() })
    }

    /// The number of the process.
    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.child.process_id().context("the program has gone")
    }

    /// Presses keys, and forgets what was written before.
    pub(crate) fn press(&mut self, keys: &[u8]) -> anyhow::Result<()> {
        self.written.try_iter().for_each(drop);
        self.seen.clear();
        self.writer
            .write_all(keys)
            .and_then(|()| self.writer.flush())
            .context("the program has gone")
    }

    /// Until it has written that since the last key.
    pub(crate) fn wait_for(&mut self, text: &[u8]) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.seen.windows(text.len()).any(|seen| seen == text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.written.recv_timeout(left) {
                Ok(bytes) => self.see(&bytes)?,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let seen = String::from_utf8_lossy(&self.seen).into_owned();
                    bail!(
                        "the program does not show {:?}, but {seen:?}",
                        String::from_utf8_lossy(text)
                    );
                }
            }
        }
        Ok(())
    }

    fn see(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let asked =
            bytes.windows(WHERE_IS_THE_CURSOR.len()).filter(|it| *it == WHERE_IS_THE_CURSOR);
        for _ in asked {
            self.writer.write_all(CURSOR)?;
        }
        self.seen.extend_from_slice(bytes);
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}
