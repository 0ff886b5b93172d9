//! One direction of a connection: what it holds, how its bytes go, and how it ends.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::task::{Context, Poll, ready};

use super::copy::{self, BUFFER_BYTES, LARGE_READ, Spill, WIDE_BUFFER_BYTES};
use super::splice::Splice;
use super::{Readiness, Stream};
use crate::traffic::{Direction, Flow};

/// Bytes after which others get their turn: about 50 µs.
const TURN_BYTES: usize = 256 * 1024;

/// Which stream failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The one that is read from.
    Read,
    /// The one that is written to.
    Write,
}

/// What one try to move bytes has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// So many were read.
    Bytes(usize),
    /// Nothing is there now.
    Nothing,
    /// Nothing will come any more.
    End,
}

/// Which way bytes go, and where they are counted.
#[derive(Debug)]
pub(super) struct Way<'a, F, T> {
    pub(super) from: &'a F,
    pub(super) to: &'a T,
    pub(super) flow: &'a Flow,
    pub(super) direction: Direction,
}

impl<F, T> Clone for Way<'_, F, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F, T> Copy for Way<'_, F, T> {}

/// What one direction remembers between two polls.
#[derive(Debug, Default)]
pub(super) struct Lane {
    spill: Spill,
    splice: Splice,
    state: State,
    /// Whether it tries without having been told that it can.
    is_eager: bool,
    /// Whether its sink keeps something to itself.
    is_kept: bool,
    /// Whether much comes, and is taken at once.
    is_wide: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Moving,
    /// The source has ended; the sink does not know yet.
    Ending,
    Ended,
    /// The source has broken: nothing more comes, and no end.
    Broken,
}

impl Lane {
    /// One that begins by trying.
    pub(super) fn eager() -> Self {
        Self { is_eager: true, ..Self::default() }
    }

    /// These bytes were read before, and are written first.
    pub(super) fn begin_with(&mut self, read: Vec<u8>) {
        self.spill = Spill::new(read);
    }

    /// Whether it waits for its sink.
    pub(super) fn is_blocked(&self) -> bool {
        !self.spill.is_empty() || !self.splice.is_empty() || self.is_kept
    }

    /// Whether its source has ended, and its sink knows.
    pub(super) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Moves bytes until the source ends, and passes its end on. The last lane of a connection to
    /// end need not: both streams are dropped then.
    pub(super) fn poll<F: Stream, T: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        way: Way<'_, F, T>,
        is_last: bool,
    ) -> Poll<Result<(), Fault>> {
        if self.state == State::Moving {
            ready!(self.poll_moved(cx, way))?;
        }
        if self.state == State::Ending {
            if !(is_last && way.to.ends_on_drop()) {
                ready!(way.to.poll_end(cx)).map_err(|_| Fault::Write)?;
            }
            self.state = State::Ended;
        }
        Poll::Ready(Ok(()))
    }

    /// Moves what a broken source has left, and does not pass its end on.
    pub(super) fn poll_rest<F: Stream, T: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        way: Way<'_, F, T>,
    ) -> Poll<Result<(), Fault>> {
        if self.state != State::Moving {
            return Poll::Ready(Ok(()));
        }
        match ready!(self.poll_moved(cx, way)) {
            // That is how a broken source ends.
            Ok(()) | Err(Fault::Read) => Poll::Ready(Ok(())),
            Err(Fault::Write) => Poll::Ready(Err(Fault::Write)),
        }
    }

    /// Takes what it holds out of the kernel, so that it can be kept and gone on with elsewhere.
    pub(super) fn empty_pipe(&mut self) -> io::Result<()> {
        let held = self.splice.drain()?;
        if !held.is_empty() {
            self.spill = Spill::new(held);
        }
        Ok(())
    }

    fn poll_moved<F: Stream, T: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        way: Way<'_, F, T>,
    ) -> Poll<Result<(), Fault>> {
        let mut turn = 0;
        while turn < TURN_BYTES {
            ready!(self.poll_written(cx, way)).map_err(|_| Fault::Write)?;
            match self.round(way)? {
                Moved::Bytes(bytes) => turn += bytes,
                Moved::Nothing => ready!(way.from.poll_readable(cx)).map_err(|_| Fault::Read)?,
                Moved::End => {
                    self.state = State::Ending;
                    return Poll::Ready(Ok(()));
                }
            }
        }
        give_way(cx)
    }

    fn round<F: Stream, T: Stream>(&mut self, way: Way<'_, F, T>) -> Result<Moved, Fault> {
        let moved = if self.splice.is_on() {
            match self.splice.round(way) {
                // splice(2) stops before urgent bytes as if nothing came, or nothing more; recv(2)
                // knows better.
                Ok(Moved::Nothing | Moved::End) => {
                    copy::round(way, Readiness::Unknown, BUFFER_BYTES, &mut self.spill)
                }
                moved => moved,
            }
        } else {
            let is_eager = std::mem::take(&mut self.is_eager);
            let readiness = if is_eager { Readiness::Unknown } else { Readiness::Told };
            let bytes_max = if self.is_wide { WIDE_BUFFER_BYTES } else { BUFFER_BYTES };
            let moved = copy::round(way, readiness, bytes_max, &mut self.spill);
            if let Ok(Moved::Bytes(bytes)) = moved {
                self.saw_read(bytes, way.from.can_splice() && way.to.can_splice());
            }
            moved
        };
        if moved == Err(Fault::Read) {
            self.state = State::Broken;
        }
        moved
    }

    /// Takes note of what one read of the plain path brought, for the next one.
    fn saw_read(&mut self, bytes: usize, can_splice: bool) {
        if can_splice {
            self.splice.saw_read(bytes);
        } else {
            self.is_wide = bytes >= LARGE_READ && self.spill.is_empty();
        }
    }

    /// Writes what was read before.
    fn poll_written<F: Stream, T: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        way: Way<'_, F, T>,
    ) -> Poll<io::Result<()>> {
        ready!(self.spill.poll_written(cx, way))?;
        ready!(self.splice.poll_written(cx, way))?;
        let flushed = way.to.poll_flushed(cx);
        self.is_kept = flushed.is_pending();
        flushed
    }
}

/// Reads and throws away until the source ends or breaks.
pub(super) fn poll_discard<F: Stream>(cx: &mut Context<'_>, from: &F) -> Poll<io::Result<()>> {
    let mut turn = 0;
    while turn < TURN_BYTES {
        match copy::discard(from) {
            Ok(0) => return Poll::Ready(Ok(())),
            Ok(bytes) => turn += bytes,
            Err(error) if is_transient(&error) => ready!(from.poll_readable(cx))?,
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
    give_way(cx)
}

/// Lets all others have their turn, those included of whom the kernel has news: what is only woken
/// would come before those.
fn give_way<T>(cx: &mut Context<'_>) -> Poll<T> {
    let turn = pin!(tokio::task::yield_now());
    // Tokio has it wait in a list of its own, and that holds without the future.
    if turn.poll(cx).is_ready() {
        cx.waker().wake_by_ref();
    }
    Poll::Pending
}

/// Whether it is not an error but a matter of time.
pub(crate) fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
