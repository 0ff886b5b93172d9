//! Keys, the mouse, and what is pasted, as they come from the terminal. crossterm has a reader of them,
//! but it waits within a sequence that has only begun, for everybody, and reads from a terminal that has
//! gone again and again.

mod mouse;
mod named;
mod parser;

use std::collections::VecDeque;
use std::io;

use crossterm::event::Event;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Instant, sleep_until};

use super::tty::Tty;
use parser::Parser;

/// Bytes that are read at once.
const READ: usize = 4096;

/// Them.
#[derive(Debug)]
pub(in super::super) struct Keys {
    tty: Receiver,
    parser: Parser,
    read: VecDeque<Event>,
    /// When the last of it came.
    last: Instant,
}

impl Keys {
    /// Of the terminal that is standard input.
    pub(in super::super) fn of_input() -> io::Result<Self> {
        let tty = Tty::of(&io::stdin())?.receiver()?;
        let (parser, read) = (Parser::default(), VecDeque::new());
        Ok(Self { tty, parser, read, last: Instant::now() })
    }

    /// The next one; none once the terminal has gone. Whoever stops waiting loses nothing.
    pub(in super::super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Some(event);
            }
            let patience = self.parser.patience();
            let deadline = self.last + patience.unwrap_or_default();
            tokio::select! {
                biased;
                read = read(&self.tty) => {
                    let bytes = read.ok().filter(|bytes| !bytes.is_empty())?;
                    self.parser.take(&bytes, &mut self.read);
                    self.last = Instant::now();
                }
                () = sleep_until(deadline), if patience.is_some() => {
                    self.parser.end(&mut self.read);
                }
            }
        }
    }

    /// What was begun is not meant any more: somebody else has had the keys.
    pub(in super::super) fn forget(&mut self) {
        self.parser = Parser::default();
        self.read.clear();
    }
}

/// What was typed; nothing at its end.
async fn read(tty: &Receiver) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; READ];
    loop {
        tty.readable().await?;
        match tty.try_read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // There is nothing after all.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => {
                bytes.truncate(read?);
                return Ok(bytes);
            }
        }
    }
}
