//! A TLS connection that stands, as the relay sees it: plaintext in and out.
//!
//! The steady state is rustls on slices, without another layer of buffers: large raw reads into the
//! worker's buffer, each decrypted straight into the relay's while that has room; what the relay writes is encrypted and
//! handed to the socket in one call. An idle connection holds neither. What the socket does not take
//! stays here, at most what one write of the relay gives, and nothing more is taken before it is gone.
//!
//! The end of a direction is a `close_notify` here, both ways. An end of the socket without one is no
//! end but a break: somebody may have cut it (RFC 8446, section 6.1).

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use plexy_shared::info::TlsFailure;
use rustls::Connection;

use super::failure::failure_of;
use crate::relay::{BoxFuture, Readiness, Stream, WIDE_BUFFER_BYTES, is_transient};
use crate::socket::Socket;

/// Raw bytes that are read at once: so few that they are still in the cache when they are decrypted.
const RAW_BYTES: usize = 64 * 1024;

thread_local! {
    /// What was read from a socket and is about to be decrypted, one per worker: it is used within one
    /// read, and never held over a wait.
    static RAW: RefCell<Box<[u8]>> = RefCell::new(vec![0; RAW_BYTES].into_boxed_slice());
}

/// The state of a TLS connection, for as long as that lives. Its lock is never waited for: one task
/// reads and writes.
pub(crate) struct Secured(Mutex<Inner>);

/// What stands behind it.
pub(super) struct Inner {
    pub(super) tls: Connection,
    /// Bytes that were taken and not yet handed to the socket, as far as that is known.
    kept: usize,
    /// The peer has said that it sends nothing more.
    peer_has_ended: bool,
    /// We have said so.
    has_ended: bool,
    /// Why nothing more can be read.
    pub(super) failure: Option<TlsFailure>,
    /// What the socket has said, which it says once, behind what was still given.
    broken: Option<ErrorKind>,
}

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

    /// Bytes that it has taken and not handed to the socket, as far as that is known.
    pub(crate) fn kept_bytes(&self) -> usize {
        let inner = self.lock();
        if inner.tls.wants_write() { inner.kept.max(1) } else { 0 }
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

impl Inner {
    pub(super) fn new(mut tls: Connection) -> Self {
        // What it takes is bounded here: nothing more while some of it is left.
        tls.set_buffer_limit(None);
        // What came with the handshake may hold the end.
        let peer_has_ended = tls.process_new_packets().is_ok_and(|state| state.peer_has_closed());
        Self { tls, kept: 0, peer_has_ended, has_ended: false, failure: None, broken: None }
    }

    /// Reads at most so many raw bytes, decrypts them, and gives what they say, as far as it fits;
    /// the rest is [taken](Self::take) later. `WouldBlock` where nothing is there.
    pub(super) fn read(
        &mut self,
        socket: &Socket,
        raw_bytes_max: usize,
        readiness: Readiness,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        if let Some(error) = self.broken {
            return Err(error.into());
        }
        RAW.with_borrow_mut(|raw| {
            let raw = raw.get_mut(..raw_bytes_max.min(RAW_BYTES)).unwrap_or_default();
            match socket.try_read(raw, readiness) {
                Ok(0) => {
                    self.failure = Some(TlsFailure::Truncated);
                    Err(ErrorKind::UnexpectedEof.into())
                }
                Ok(read) => Ok(self.decrypt(raw.get(..read).unwrap_or_default(), buffer)),
                Err(error) => Err(error),
            }
        })
    }

    /// The same again and again, as long as there is more and room for what it says.
    fn fill(
        &mut self,
        socket: &Socket,
        readiness: Readiness,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        let mut filled = self.read(socket, buffer.len(), readiness, buffer)?;
        while self.failure.is_none() && !self.peer_has_ended {
            let room = buffer.get_mut(filled..).filter(|room| room.len() >= RAW_BYTES);
            let Some(room) = room else { break };
            match self.read(socket, RAW_BYTES, Readiness::Told, room) {
                Ok(read) => filled += read,
                Err(error) => {
                    let is_over = self.failure.is_some() || is_transient(&error);
                    self.broken = Some(error.kind()).filter(|_| !is_over);
                    break;
                }
            }
        }
        Ok(filled)
    }

    fn decrypt(&mut self, mut raw: &[u8], buffer: &mut [u8]) -> usize {
        let mut filled = 0;
        while !raw.is_empty() && self.failure.is_none() && !self.peer_has_ended {
            let processed = match self.tls.read_tls(&mut raw) {
                Ok(_) => self.tls.process_new_packets(),
                // It is full: what comes is longer than anything may be.
                Err(_) => Err(rustls::Error::PeerSentOversizedRecord),
            };
            match processed {
                Ok(state) => self.peer_has_ended = state.peer_has_closed(),
                Err(error) => self.failure = Some(failure_of(&error)),
            }
            filled += self.take(buffer.get_mut(filled..).unwrap_or_default());
        }
        filled
    }

    /// Takes what was decrypted, as far as it fits.
    fn take(&mut self, buffer: &mut [u8]) -> usize {
        // An error says that there is nothing.
        if buffer.is_empty() { 0 } else { self.tls.reader().read(buffer).unwrap_or(0) }
    }

    fn has_plaintext(&mut self) -> bool {
        self.tls.reader().into_first_chunk().is_ok_and(|chunk| !chunk.is_empty())
    }

    /// What a read comes to when all that came was given.
    fn rest(&self) -> io::Result<usize> {
        match self.failure {
            Some(_) => Err(ErrorKind::InvalidData.into()),
            None if self.peer_has_ended => Ok(0),
            None => Err(ErrorKind::WouldBlock.into()),
        }
    }

    /// Hands to the socket what is encrypted; `WouldBlock` while some of it is left.
    pub(super) fn flush(&mut self, socket: &Socket) -> io::Result<()> {
        while self.tls.wants_write() {
            let written = self.tls.write_tls(&mut Raw(socket))?;
            self.kept = self.kept.saturating_sub(written);
        }
        self.kept = 0;
        Ok(())
    }

    /// The same; ready when nothing is left.
    pub(super) fn poll_flushed(
        &mut self,
        socket: &Socket,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.flush(socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(socket.poll_writable(cx))?;
                }
                flushed => return Poll::Ready(flushed),
            }
        }
    }
}

impl Stream for Session<'_> {
    fn try_read(&self, buffer: &mut [u8], readiness: Readiness) -> io::Result<usize> {
        let mut inner = self.secured.lock();
        let taken = inner.take(buffer);
        if taken > 0 {
            return Ok(taken);
        }
        if inner.failure.is_some() || inner.peer_has_ended {
            return inner.rest();
        }
        let read = inner.fill(self.socket, readiness, buffer)?;
        if inner.tls.wants_write() {
            // An answer to what was read: new keys are asked for, or it is no good. What the socket
            // does not take now goes with what is written next.
            inner.flush(self.socket).ok();
        }
        if read > 0 { Ok(read) } else { inner.rest() }
    }

    fn try_write(&self, bytes: &[u8], _readiness: Readiness) -> io::Result<usize> {
        let mut inner = self.secured.lock();
        inner.flush(self.socket)?;
        let bytes = bytes.get(..WIDE_BUFFER_BYTES).unwrap_or(bytes);
        let taken = inner.tls.writer().write(bytes)?;
        inner.kept = taken;
        match inner.flush(self.socket) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            Ok(()) | Err(_) => Ok(taken),
        }
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.secured.lock();
        // The socket knows nothing of what was read from it before.
        let is_over = inner.failure.is_some() || inner.broken.is_some() || inner.peer_has_ended;
        if is_over || inner.has_plaintext() {
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
        let mut inner = self.secured.lock();
        if !inner.has_ended {
            inner.has_ended = true;
            inner.tls.send_close_notify();
        }
        ready!(inner.poll_flushed(self.socket, cx))?;
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

/// A socket as rustls writes to it.
struct Raw<'a>(&'a Socket);

impl Write for Raw<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
