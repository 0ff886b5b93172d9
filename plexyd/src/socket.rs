//! A connected socket, TCP or Unix, and what Plexy does to it.

use std::fmt;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};
use std::time::Duration;

use plexy_shared::spec::Keepalive;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, SendFlags, Shutdown};
use rustix::pipe::SpliceFlags;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tracing::debug;

use crate::relay::{BoxFuture, Pipe, Readiness, Stream};
use crate::sys;

#[cfg(test)]
pub(crate) mod tests;

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: AsyncFd<OwnedFd>,
    kind: Kind,
}

/// What a socket can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Unix,
}

/// How a peer has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It has sent nothing more, and may have closed.
    Fin,
    /// It has reset the connection, or closed a Unix socket.
    Reset,
}

/// Who is at the other end of an accepted socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientAddr {
    Ip(SocketAddr),
    Unix,
}

impl fmt::Display for ClientAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

impl Socket {
    /// Takes a non-blocking socket into the runtime that calls. Where that has no room for it, its
    /// peer is reset: nothing that it has sent will be read.
    pub(crate) fn new(fd: impl Into<OwnedFd>, kind: Kind) -> io::Result<Self> {
        // News of urgent data come with those of other data.
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY;
        let fd = fd.into();
        if kind == Kind::Unix {
            keep_urgent(&fd)?;
        }
        match sys::watch(fd, interest) {
            Ok(fd) => Ok(Self { fd, kind }),
            Err((fd, error)) => {
                reset_on_close(fd);
                Err(error)
            }
        }
    }

    /// Waits until a connection that was begun stands.
    pub(crate) async fn connected(&self) -> io::Result<()> {
        self.fd.writable().await?.retain_ready();
        SockRef::from(&self.fd).take_error()?.map_or(Ok(()), Err)
    }

    /// Our end of it, if it has an address.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        SockRef::from(&self.fd).local_addr().ok()?.as_socket()
    }

    /// Moves some of `whole` bytes, where the kernel has said that it can be done, or has said
    /// nothing yet.
    fn attempt(
        &self,
        interest: Interest,
        readiness: Readiness,
        whole: usize,
        mut io: impl FnMut() -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut outcome = None;
        let mut attempt = || {
            let moved = io();
            // Less than was asked for: it is empty, or full, and will say when that has changed
            // (epoll(7), "Questions and answers", 9). Not asking once more saves a call for each
            // message. A Unix socket also stops where credentials change.
            let is_exhausted = self.kind == Kind::Tcp
                && matches!(moved, Ok(moved) if 0 < moved && moved < whole)
                && (interest.is_writable() || !self.has_urgent_bytes());
            let would_block = matches!(&moved, Err(error) if error.kind() == ErrorKind::WouldBlock);
            outcome = Some(moved);
            if is_exhausted || would_block { Err(ErrorKind::WouldBlock.into()) } else { Ok(()) }
        };
        let known = self.fd.try_io(interest, |_| attempt());
        match (outcome, known, readiness) {
            (Some(outcome), ..) => outcome,
            (None, _, Readiness::Unknown) => io(),
            (None, Err(error), Readiness::Told) => Err(error),
            (None, Ok(()), Readiness::Told) => Err(ErrorKind::WouldBlock.into()),
        }
    }

    /// Whether urgent bytes have come since this was asked last. A read stops before them although
    /// more is there (tcp(7), "Urgent data").
    fn has_urgent_bytes(&self) -> bool {
        let mut has_come = false;
        let note = |_: &OwnedFd| -> io::Result<()> {
            has_come = true;
            // That is how it is forgotten.
            Err(ErrorKind::WouldBlock.into())
        };
        self.fd.try_io(Interest::PRIORITY, note).ok();
        has_come
    }

    /// Has the kernel ask a peer that is silent for long whether it is still there.
    pub(crate) fn keep_alive(&self, keepalive: Option<Keepalive>) {
        if self.kind == Kind::Tcp
            && let Err(error) = keep_alive(self, keepalive)
        {
            debug!(%error, "cannot set keepalive");
        }
    }

    /// Waits until a peer that nobody has served yet is gone: it has reset the connection, or has
    /// ended its direction and left nothing to be read. A half-close behind bytes is no reason to go:
    /// it may be all that there is to ask.
    pub(crate) async fn gone(&self) -> Gone {
        // News of an end come with those of urgent data, and without those of other data.
        if let Err(error) = self.fd.ready(Interest::PRIORITY).await {
            debug!(%error, "cannot watch a socket");
            return pending().await;
        }
        let mut this = [PollFd::new(&self.fd, PollFlags::RDHUP)];
        let news = poll(&mut this, Some(&Timespec::default())).is_ok();
        let news = this.iter().find(|_| news).map_or(PollFlags::empty(), PollFd::revents);
        if news.intersects(PollFlags::HUP | PollFlags::ERR) {
            return Gone::Reset;
        }
        if news.contains(PollFlags::RDHUP) && !self.has_unread_bytes() {
            return Gone::Fin;
        }
        self.broken().await;
        Gone::Reset
    }

    /// Whether the peer has sent something that was not read.
    pub(crate) fn has_unread_bytes(&self) -> bool {
        self.peek(&mut [0; 1]).is_ok_and(|bytes| bytes > 0)
    }

    /// Looks at what the peer has sent, and leaves it to be read.
    pub(crate) fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let look = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        Ok(rustix::net::recv(self, buffer, look)?.1)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Stream for Socket {
    fn try_read(&self, buffer: &mut [u8], readiness: Readiness) -> io::Result<usize> {
        let whole = buffer.len();
        self.attempt(Interest::READABLE, readiness, whole, || {
            Ok(rustix::net::recv(self, &mut *buffer, RecvFlags::empty())?.0)
        })
    }

    fn try_write(&self, bytes: &[u8], readiness: Readiness) -> io::Result<usize> {
        self.attempt(Interest::WRITABLE, readiness, bytes.len(), || {
            Ok(rustix::net::send(self, bytes, SendFlags::NOSIGNAL)?)
        })
    }

    fn can_splice(&self) -> bool {
        self.kind == Kind::Tcp
    }

    fn try_read_into(&self, pipe: &Pipe, bytes: usize) -> io::Result<usize> {
        // The pipe may be full before the socket is empty: less than was asked for says nothing.
        self.attempt(Interest::READABLE, Readiness::Told, 0, || splice(self, pipe.writer(), bytes))
    }

    fn try_write_from(&self, pipe: &Pipe, bytes: usize) -> io::Result<usize> {
        self.attempt(Interest::WRITABLE, Readiness::Told, 0, || splice(pipe.reader(), self, bytes))
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fd.poll_read_ready(cx).map_ok(drop)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fd.poll_write_ready(cx).map_ok(drop)
    }

    fn poll_end(&self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(rustix::net::shutdown(self, Shutdown::Write).map_err(Into::into))
    }

    fn ends_on_drop(&self) -> bool {
        true
    }

    fn broken(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if self.kind == Kind::Unix {
                // It has no reset to hear of.
                pending::<()>().await;
            }
            if let Err(error) = self.fd.ready(Interest::ERROR).await {
                debug!(%error, "cannot watch a socket");
                pending::<()>().await;
            }
        })
    }

    fn unsent_bytes(&self) -> io::Result<usize> {
        sys::unsent_bytes(self)
    }

    fn reset_on_close(&self) {
        reset_on_close(self);
    }
}

/// Moves bytes where one of both is a pipe.
fn splice(from: impl AsFd, to: impl AsFd, bytes: usize) -> io::Result<usize> {
    let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
    Ok(rustix::pipe::splice(from, None, to, None, bytes, flags)?)
}

/// Makes the coming close of a TCP socket a reset; a Unix socket knows none.
pub(crate) fn reset_on_close(socket: impl AsFd) {
    if let Err(error) = SockRef::from(&socket).set_linger(Some(Duration::ZERO)) {
        debug!(%error, "cannot make the close of a socket a reset");
    }
}

/// What every TCP socket gets; accepted ones have it from their listener.
pub(crate) fn tune(socket: impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    // Without it a response waits for the peer's delayed acknowledgement.
    socket.set_tcp_nodelay(true)
}

/// Has the kernel give up a TCP connection whose peer acknowledges nothing of what was sent to it for
/// so long (tcp(7), `TCP_USER_TIMEOUT`).
pub(crate) fn break_after(socket: impl AsFd, timeout: Option<Duration>) {
    if timeout.is_some()
        && let Err(error) = SockRef::from(&socket).set_tcp_user_timeout(timeout)
    {
        debug!(%error, "cannot set a user time-out");
    }
}

/// Without it an urgent byte is lost that nobody asks for (tcp(7), "Urgent data"). Sockets that a TCP
/// listener accepts have it from there.
pub(crate) fn keep_urgent(socket: impl AsFd) -> io::Result<()> {
    SockRef::from(&socket).set_out_of_band_inline(true)
}

fn keep_alive(socket: impl AsFd, keepalive: Option<Keepalive>) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    match keepalive {
        None => socket.set_keepalive(false),
        Some(Keepalive { idle, interval, probes }) => socket.set_tcp_keepalive(
            &TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(probes),
        ),
    }
}
