//! One direction, by reading into a buffer and writing from it: the plain
//! path, and the specification of every faster one.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::future::Future;
use std::task::{Context, Poll, ready};

use super::{Readiness, Stream};
use crate::traffic::{Direction, Flow};

/// Most bytes that one direction holds while its reader does not take them.
pub(crate) const BUFFER_BYTES: usize = 64 * 1024;

/// Reads in a row before others get their turn: 256 KiB, about 50 µs.
const ROUNDS_MAX: u32 = 4;

thread_local! {
    /// One buffer per worker: it is used between a read and its write, and
    /// never held over a wait, so that an idle connection holds none.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER_BYTES].into_boxed_slice());
}

/// Which stream failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The one that is read from.
    Read,
    /// The one that is written to.
    Write,
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
pub(super) struct Copier {
    /// What was read and not yet taken: `spilled[written..]`. While there is
    /// something, nothing more is read, and that is the back-pressure.
    spilled: Vec<u8>,
    written: usize,
    state: State,
    /// Whether it tries without having been told that it can.
    is_eager: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Copying,
    /// The source has ended; the sink does not know yet.
    Ending,
    Ended,
    /// The source has broken: nothing more comes, and no end.
    Broken,
}

enum Round {
    Moved,
    /// Nothing there; try again when the source is readable.
    Empty,
    /// The sink takes no more.
    Full,
    SourceEnded,
}

/// Reads and throws away until the source ends or breaks.
pub(super) fn poll_discard<F: Stream>(cx: &mut Context<'_>, from: &F) -> Poll<io::Result<()>> {
    for _ in 0..ROUNDS_MAX {
        match BUFFER.with_borrow_mut(|buffer| from.try_read(buffer, Readiness::Told)) {
            Ok(0) => return Poll::Ready(Ok(())),
            Ok(_) => {}
            Err(error) if is_transient(&error) => ready!(from.poll_readable(cx))?,
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
    give_way(cx)
}

/// Lets all others have their turn, those included of whom the kernel has news: what is only woken
/// would come before those.
fn give_way<T>(cx: &mut Context<'_>) -> Poll<T> {
    let turn = std::pin::pin!(tokio::task::yield_now());
    // Tokio has it wait in a list of its own, and that holds without the future.
    if turn.poll(cx).is_ready() {
        cx.waker().wake_by_ref();
    }
    Poll::Pending
}

impl Copier {
    /// One that begins by trying.
    pub(super) fn eager() -> Self {
        Self { is_eager: true, ..Self::default() }
    }

    /// Whether it waits for its sink.
    pub(super) fn is_blocked(&self) -> bool {
        !self.spilled.is_empty()
    }

    /// Copies until the source ends, and passes its end on.
    pub(super) fn poll<F: Stream, T: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        way: Way<'_, F, T>,
    ) -> Poll<Result<(), Fault>> {
        if self.state == State::Copying {
            ready!(self.poll_copy(cx, way))?;
        }
        if self.state == State::Ending {
            way.to.end().map_err(|_| Fault::Write)?;
            self.state = State::Ended;
        }
        Poll::Ready(Ok(()))
    }

    /// Copies what a broken source has left, and does not pass its end on.
    pub(super) fn poll_rest<F: Stream, T: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        way: Way<'_, F, T>,
    ) -> Poll<Result<(), Fault>> {
        if self.state != State::Copying {
            return Poll::Ready(Ok(()));
        }
        match ready!(self.poll_copy(cx, way)) {
            // That is how a broken source ends.
            Ok(()) | Err(Fault::Read) => Poll::Ready(Ok(())),
            Err(Fault::Write) => Poll::Ready(Err(Fault::Write)),
        }
    }

    fn poll_copy<F: Stream, T: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        way: Way<'_, F, T>,
    ) -> Poll<Result<(), Fault>> {
        for _ in 0..ROUNDS_MAX {
            ready!(self.poll_spilled(cx, way)).map_err(|_| Fault::Write)?;
            match self.round(way)? {
                Round::Moved | Round::Full => {}
                Round::Empty => ready!(way.from.poll_readable(cx)).map_err(|_| Fault::Read)?,
                Round::SourceEnded => {
                    self.state = State::Ending;
                    return Poll::Ready(Ok(()));
                }
            }
        }
        give_way(cx)
    }

    /// Reads once and writes at once; what the sink does not take is spilled.
    fn round<F: Stream, T: Stream>(&mut self, way: Way<'_, F, T>) -> Result<Round, Fault> {
        let eager = std::mem::take(&mut self.is_eager);
        let readiness = if eager { Readiness::Unknown } else { Readiness::Told };
        BUFFER.with_borrow_mut(|buffer| {
            let read = match way.from.try_read(buffer, readiness) {
                Ok(0) => return Ok(Round::SourceEnded),
                Ok(read) => buffer.get(..read).unwrap_or_default(),
                Err(error) if is_transient(&error) => return Ok(Round::Empty),
                Err(_) => {
                    self.state = State::Broken;
                    return Err(Fault::Read);
                }
            };
            let written = match way.to.try_write(read, readiness) {
                Ok(written) => written,
                Err(error) if is_transient(&error) => 0,
                Err(_) => return Err(Fault::Write),
            };
            way.flow.count(way.direction, written);
            let rest = read.get(written..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(Round::Moved);
            }
            self.spilled = rest.to_vec();
            self.written = 0;
            Ok(Round::Full)
        })
    }

    /// Writes what was spilled before.
    fn poll_spilled<F: Stream, T: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        way: Way<'_, F, T>,
    ) -> Poll<io::Result<()>> {
        while let Some(rest) = self.spilled.get(self.written..).filter(|rest| !rest.is_empty()) {
            match way.to.try_write(rest, Readiness::Told) {
                Ok(written) => {
                    self.written += written;
                    way.flow.count(way.direction, written);
                }
                Err(error) if is_transient(&error) => ready!(way.to.poll_writable(cx))?,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.spilled = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
