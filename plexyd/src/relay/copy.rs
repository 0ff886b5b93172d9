//! The plain path: bytes are read into a buffer and written from it. It is the specification of
//! every faster one.

use std::cell::RefCell;
use std::io;
use std::task::{Context, Poll, ready};

use super::lane::{Fault, Moved, Way, is_transient};
use super::{Readiness, Stream};

/// Most bytes that are read at once, and so are held of one direction while its reader does not take
/// them.
pub(crate) const BUFFER_BYTES: usize = 64 * 1024;

/// The same where bytes cannot pass through a pipe, as those of TLS, and much goes at once: an eighth of
/// the calls for it, and of the times that the peers are woken.
pub(crate) const WIDE_BUFFER_BYTES: usize = 512 * 1024;

/// A read after which much may be there: most of the buffer, since records take some of it.
pub(super) const LARGE_READ: usize = BUFFER_BYTES / 4 * 3;

thread_local! {
    /// One buffer per worker: it is used between a read and its write, and never held over a wait,
    /// so that an idle connection holds none.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; WIDE_BUFFER_BYTES].into_boxed_slice());
}

/// What was read and not yet taken: `bytes[written..]`. While there is something, nothing more is
/// read, and that is the back-pressure.
#[derive(Debug, Default)]
pub(super) struct Spill {
    bytes: Vec<u8>,
    written: usize,
}

impl Spill {
    /// These bytes, of which none is written.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, written: 0 }
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Writes all of it.
    pub(super) fn poll_written<F: Stream, T: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        way: Way<'_, F, T>,
    ) -> Poll<io::Result<()>> {
        while let Some(rest) = self.bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match way.to.try_write(rest, Readiness::Told) {
                Ok(written) => {
                    self.written += written;
                    way.flow.count(way.direction, written);
                }
                Err(error) if is_transient(&error) => ready!(way.to.poll_writable(cx))?,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        *self = Self::default();
        Poll::Ready(Ok(()))
    }
}

/// Reads once, at most so much, and writes at once; what the sink does not take is spilled.
pub(super) fn round<F: Stream, T: Stream>(
    way: Way<'_, F, T>,
    readiness: Readiness,
    bytes_max: usize,
    spill: &mut Spill,
) -> Result<Moved, Fault> {
    BUFFER.with_borrow_mut(|buffer| {
        let buffer = buffer.get_mut(..bytes_max).unwrap_or_default();
        let read = match way.from.try_read(buffer, readiness) {
            Ok(0) => return Ok(Moved::End),
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(error) if is_transient(&error) => return Ok(Moved::Nothing),
            Err(_) => return Err(Fault::Read),
        };
        let written = match way.to.try_write(read, readiness) {
            Ok(written) => written,
            Err(error) if is_transient(&error) => 0,
            Err(_) => return Err(Fault::Write),
        };
        way.flow.count(way.direction, written);
        let rest = read.get(written..).unwrap_or_default();
        if !rest.is_empty() {
            *spill = Spill::new(rest.to_vec());
        }
        Ok(Moved::Bytes(read.len()))
    })
}

/// Reads and throws away: how much.
pub(super) fn discard<F: Stream>(from: &F) -> io::Result<usize> {
    BUFFER.with_borrow_mut(|buffer| from.try_read(buffer, Readiness::Told))
}
