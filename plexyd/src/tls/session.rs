//! A TLS connection that stands, as the relay sees it: plaintext in and out.
//!
//! The steady state is rustls on slices: much is read at once into the worker's buffer, decrypted there, and
//! its plaintext put into the relay's; what the relay writes is encrypted into a second one and handed to
//! the socket in one call. An idle connection holds neither: of what was read it has what is no whole record
//! yet, and of what was encrypted what the socket did not take, at most what one write of the relay gives,
//! and nothing more is taken before it is gone.
//!
//! The end of a direction is a `close_notify` here, both ways. An end of the socket without one is no
//! end but a break: somebody may have cut it (RFC 8446, section 6.1).

mod inner;
mod rest;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use plexy_shared::info::TlsFailure;

use crate::relay::{BoxFuture, Readiness, Stream};
use crate::socket::Socket;
pub(super) use inner::Inner;

/// The state of a TLS connection, for as long as that lives. Its lock is never waited for: one task
/// reads and writes.
pub(crate) struct Secured(Mutex<Inner>);

/// A socket with its TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session<'a> {
    pub(crate) socket: &'a Socket,
    pub(crate) secured: &'a Secured,
}

impl Secured {
    pub(super) fn new(inner: Inner) -> Self {
        Self(Mutex::new(inner))
    }

    /// What of its TLS has broken it, if that did.
    pub(crate) fn failure(&self) -> Option<TlsFailure> {
        self.lock().failure
    }

    /// Bytes that it has for the socket, and has not handed to it.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.lock().unsent_bytes()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secured").finish_non_exhaustive()
    }
}

impl Stream for Session<'_> {
    fn try_read(&self, buffer: &mut [u8], readiness: Readiness) -> io::Result<usize> {
        self.secured.lock().try_read(self.socket, buffer, readiness)
    }

    fn try_write(&self, bytes: &[u8], _readiness: Readiness) -> io::Result<usize> {
        self.secured.lock().try_write(self.socket, bytes)
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The socket knows nothing of what was read from it before.
        if self.secured.lock().has_news() {
            return Poll::Ready(Ok(()));
        }
        self.socket.poll_readable(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flushed(cx)
    }

    fn poll_flushed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.secured.lock().poll_flushed(self.socket, cx)
    }

    fn poll_end(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.secured.lock().poll_end(self.socket, cx))?;
        self.socket.poll_end(cx)
    }

    fn broken(&self) -> BoxFuture<'_, ()> {
        self.socket.broken()
    }

    fn unsent_bytes(&self) -> io::Result<usize> {
        Ok(self.socket.unsent_bytes()? + self.secured.kept_bytes())
    }

    fn reset_on_close(&self) {
        self.socket.reset_on_close();
    }
}
