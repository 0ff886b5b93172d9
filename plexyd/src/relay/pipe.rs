//! Pipes in which bytes pass from socket to socket inside the kernel, and the few that a worker keeps.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::descriptors::{Descriptors, Taken};

/// Bytes that all pipes of all workers can hold together: what Linux lets an unprivileged user have
/// (pipe(7), `pipe-user-pages-soft`).
pub(crate) const PIPE_BYTES_MAX: usize = 64 * LARGE_BYTES;

/// Bytes that a pipe can hold: as many as Linux gives an unprivileged user (pipe(7),
/// `pipe-max-size`), or fewer where half of all is taken, so that more streams have one.
const LARGE_BYTES: usize = 1024 * 1024;
const SMALL_BYTES: usize = 256 * 1024;

/// Empty pipes that a worker keeps for the next one who needs one.
const KEPT_MAX: usize = 16;

/// Descriptors of a pipe.
const DESCRIPTORS: u32 = 2;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { pipes: None, kept: Vec::new() }) };
}

/// What the pipes of all workers are taken from.
#[derive(Debug)]
pub(crate) struct Pipes {
    descriptors: Arc<Descriptors>,
    /// So many times [`SMALL_BYTES`] are left.
    left: Arc<Semaphore>,
    max: usize,
}

/// What one worker has.
#[derive(Debug)]
struct Pool {
    /// Nothing where this thread is to have none.
    pipes: Option<Arc<Pipes>>,
    #[expect(clippy::vec_box, reason = "a direction has a pointer: most have no pipe")]
    kept: Vec<Box<Pipe>>,
}

/// A pipe. It is empty whenever nobody's bytes are in it: only then may it be [kept](Pipe::keep).
#[derive(Debug)]
pub(crate) struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    /// Bytes that it can hold.
    pub(super) size: usize,
    _left: OwnedSemaphorePermit,
    _taken: Taken,
}

impl Pipes {
    /// Pipes for at most so many bytes, as far as descriptors go.
    pub(crate) fn new(descriptors: Arc<Descriptors>, bytes_max: usize) -> Arc<Self> {
        let max = bytes_max / SMALL_BYTES;
        Arc::new(Self { descriptors, left: Arc::new(Semaphore::new(max)), max })
    }

    /// The calling thread takes its pipes from these.
    pub(crate) fn serve_thread(self: &Arc<Self>) {
        POOL.with_borrow_mut(|pool| {
            *pool = Pool { pipes: Some(Arc::clone(self)), kept: Vec::new() }
        });
    }

    /// How many bytes those that exist can hold.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        (self.max - self.left.available_permits()) * SMALL_BYTES
    }

    /// Where a limit of ours, of the user or of the system is reached there is none.
    fn create(&self) -> Option<Pipe> {
        let large = if self.is_roomy() { self.create_of(LARGE_BYTES) } else { None };
        large.or_else(|| self.create_of(SMALL_BYTES))
    }

    /// Whether more than half is left.
    fn is_roomy(&self) -> bool {
        self.left.available_permits() > self.max / 2
    }

    fn create_of(&self, bytes: usize) -> Option<Pipe> {
        let shares = u32::try_from(bytes / SMALL_BYTES).ok()?;
        let left = Arc::clone(&self.left).try_acquire_many_owned(shares).ok()?;
        let taken = self.descriptors.try_take_spare(DESCRIPTORS)?;
        let (reader, writer) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).ok()?;
        let size = fcntl_setpipe_size(&writer, bytes).ok()?;
        (size >= bytes).then_some(Pipe { reader, writer, size, _left: left, _taken: taken })
    }
}

impl Pipe {
    /// An empty one.
    pub(super) fn take() -> Option<Box<Self>> {
        POOL.with_borrow_mut(|pool| match pool.kept.pop() {
            Some(pipe) => Some(pipe),
            None => pool.pipes.as_ref()?.create().map(Box::new),
        })
    }

    /// Gives an empty one back, for the next who needs one: but a small one only where there would
    /// be no large one for them.
    pub(super) fn keep(self: Box<Self>) {
        POOL.with_borrow_mut(|pool| {
            let is_roomy = pool.pipes.as_ref().is_some_and(|pipes| pipes.is_roomy());
            let is_best = self.size >= LARGE_BYTES || !is_roomy;
            if is_best && pool.kept.len() < KEPT_MAX {
                pool.kept.push(self);
            }
        });
    }

    /// The end where bytes come out.
    pub(crate) fn reader(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    /// The end where bytes go in.
    pub(crate) fn writer(&self) -> BorrowedFd<'_> {
        self.writer.as_fd()
    }

    /// All that is in it: so many bytes.
    pub(super) fn drain(&self, held: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; held];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match rustix::io::read(&self.reader, rest)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_are_large_while_half_is_left_and_then_small_and_then_none() {
        let pipes = Pipes::new(Arc::new(Descriptors::new(1_000, Arc::default())), 4 * LARGE_BYTES);
        let mut taken: Vec<_> = std::iter::from_fn(|| pipes.create()).collect();
        let sizes: Vec<_> = taken.iter().map(|pipe| pipe.size).collect();
        assert_eq!(sizes, [[LARGE_BYTES; 2].as_slice(), &[SMALL_BYTES; 8]].concat());
        assert_eq!(pipes.bytes(), 4 * LARGE_BYTES);
        taken.clear();
        assert_eq!(pipes.bytes(), 0);
    }
}
