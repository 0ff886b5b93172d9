//! What is written to the terminal, as fast as that takes it: nobody waits, and nothing new is drawn
//! before the last is written, so that what waits is one frame at most.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use tokio::net::unix::pipe::Sender;

use super::lease::PATIENCE;
use super::tty::Tty;

/// Where a frame is written before the terminal gets it.
#[derive(Debug, Clone, Default)]
pub(super) struct Sheet(Rc<RefCell<Vec<u8>>>);

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// It.
#[derive(Debug)]
pub(super) struct Output {
    tty: Tty,
    sender: Sender,
    sheet: Sheet,
    /// How much of the sheet the terminal has.
    written: usize,
}

impl Output {
    /// To this terminal.
    pub(super) fn to(tty: Tty) -> io::Result<Self> {
        let sender = tty.sender()?;
        Ok(Self { tty, sender, sheet: Sheet::default(), written: 0 })
    }

    /// The terminal.
    pub(super) fn tty(&self) -> &Tty {
        &self.tty
    }

    /// What is written here goes there.
    pub(super) fn sheet(&self) -> Sheet {
        self.sheet.clone()
    }

    /// Whether the terminal has all of it.
    pub(super) fn is_idle(&self) -> bool {
        self.sheet.0.borrow().is_empty()
    }

    /// Until the terminal has all of it. Whoever stops waiting loses nothing.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        while !self.is_idle() {
            self.sender.writable().await?;
            let sheet = self.sheet.0.borrow();
            let taken = self.sender.try_write(sheet.get(self.written..).unwrap_or_default());
            drop(sheet);
            match taken {
                Ok(taken) => self.advance(taken),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It takes nothing after all.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes the rest, if the terminal takes it within a moment; else that is no more.
    pub(super) fn end(&mut self) {
        let sheet = std::mem::take(&mut *self.sheet.0.borrow_mut());
        let left = sheet.get(self.written..).unwrap_or_default();
        self.tty.write_all(left, PATIENCE).unwrap_or_default();
        self.forget();
    }

    /// Nothing of it is written any more.
    pub(super) fn forget(&mut self) {
        self.sheet.0.borrow_mut().clear();
        self.written = 0;
    }

    fn advance(&mut self, taken: usize) {
        self.written += taken;
        if self.written >= self.sheet.0.borrow().len() {
            self.forget();
        }
    }
}
