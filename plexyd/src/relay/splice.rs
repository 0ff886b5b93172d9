//! The fast path: bytes pass through a pipe inside the kernel and are never copied (splice(2)).
//!
//! It costs one call more than the plain path, which only pays where much comes at once; so a
//! direction begins on the plain path, and changes over and back by what it sees. The figures are
//! those of `performance.md`, tried again with the benchmark.

use std::io;
use std::task::{Context, Poll, ready};

use super::Stream;
use super::copy::BUFFER_BYTES;
use super::lane::{Fault, Moved, Way, is_transient};
use super::pipe::Pipe;

/// Reads in a row that fill the buffer before the fast path is worth it.
const FULL_READS: i8 = 2;

/// Such reads before a pipe is asked for again where there was none.
const FULL_READS_WITHOUT_PIPE: i8 = 64;

/// Moves in a row of less than [`SMALL_BYTES`] after which it no longer is.
const SMALL_MOVES: i8 = 4;
const SMALL_BYTES: usize = 8 * 1024;

/// The fast path of one direction.
#[derive(Debug, Default)]
pub(super) struct Splice {
    /// The pipe, while there is something to move.
    pipe: Option<Box<Pipe>>,
    /// Bytes in it. While there are some, nothing more is read, and that is the back-pressure.
    held: usize,
    is_on: bool,
    /// Full reads in a row while it is off, small moves in a row while it is on.
    streak: i8,
}

impl Splice {
    /// Whether bytes are in the pipe.
    pub(super) fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Whether bytes should go this way; then there is a pipe.
    pub(super) fn is_on(&mut self) -> bool {
        if self.is_on && self.pipe.is_none() {
            self.pipe = Pipe::take();
            self.is_on = self.pipe.is_some();
            self.streak = if self.is_on { self.streak } else { -FULL_READS_WITHOUT_PIPE };
        }
        self.is_on
    }

    /// Takes note of what one read of the plain path brought.
    pub(super) fn saw_read(&mut self, bytes: usize) {
        self.streak = match bytes {
            BUFFER_BYTES => self.streak + 1,
            _ => self.streak.min(0),
        };
        if self.streak >= FULL_READS {
            (self.is_on, self.streak) = (true, 0);
        }
    }

    /// Moves once what the source has, as far as the sink takes it.
    pub(super) fn round<F: Stream, T: Stream>(
        &mut self,
        way: Way<'_, F, T>,
    ) -> Result<Moved, Fault> {
        let Some(pipe) = &self.pipe else { return Ok(Moved::Bytes(0)) };
        let moved = match way.from.try_read_into(pipe, pipe.size) {
            Ok(0) => Moved::End,
            Ok(moved) => Moved::Bytes(moved),
            Err(error) if is_transient(&error) => Moved::Nothing,
            Err(_) => return Err(Fault::Read),
        };
        if let Moved::Bytes(bytes) = moved {
            self.held = bytes;
            self.streak = if bytes < SMALL_BYTES { self.streak + 1 } else { 0 };
            self.write(way).map_err(|_| Fault::Write)?;
        }
        if self.held == 0 && (self.streak >= SMALL_MOVES || moved == Moved::End) {
            (self.is_on, self.streak) = (false, 0);
        }
        if self.held == 0
            && (!self.is_on || moved == Moved::Nothing)
            && let Some(pipe) = self.pipe.take()
        {
            pipe.keep();
        }
        Ok(moved)
    }

    /// Writes all that is in the pipe.
    pub(super) fn poll_written<F: Stream, T: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        way: Way<'_, F, T>,
    ) -> Poll<io::Result<()>> {
        while self.held > 0 {
            if !self.write(way)? {
                ready!(way.to.poll_writable(cx))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what the sink takes; whether it took something.
    fn write<F: Stream, T: Stream>(&mut self, way: Way<'_, F, T>) -> io::Result<bool> {
        let Some(pipe) = &self.pipe else { return Ok(false) };
        match way.to.try_write_from(pipe, self.held) {
            Ok(written) => {
                self.held -= written;
                way.flow.count(way.direction, written);
                Ok(written > 0)
            }
            Err(error) if is_transient(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Empties the pipe: what was in it.
    pub(super) fn drain(&mut self) -> io::Result<Vec<u8>> {
        let Self { pipe, held, .. } = std::mem::take(self);
        pipe.map_or(Ok(Vec::new()), |pipe| pipe.drain(held))
    }
}
