//! A connected socket, TCP or Unix, and what Plexy does to it.

use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};
use std::time::Duration;

use plexy_shared::spec::Keepalive;
use rustix::net::{RecvFlags, Shutdown};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};
use tracing::debug;

use crate::relay::{BoxFuture, Stream};
use crate::sys;

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
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
    /// Takes a connected, non-blocking socket into the runtime that calls.
    pub(crate) fn from_accepted(fd: OwnedFd, client: ClientAddr) -> io::Result<Self> {
        Ok(match client {
            ClientAddr::Ip(_) => Self::Tcp(TcpStream::from_std(fd.into())?),
            ClientAddr::Unix => Self::Unix(UnixStream::from_std(fd.into())?),
        })
    }

    /// Whether the peer has sent something that was not read.
    pub(crate) fn has_unread_bytes(&self) -> bool {
        let look = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        rustix::net::recv(self, &mut [0; 1], look).is_ok_and(|(_, bytes)| bytes > 0)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Stream for Socket {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(buffer),
            Self::Unix(stream) => stream.try_read(buffer),
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(cx),
            Self::Unix(stream) => stream.poll_read_ready(cx),
        }
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_write_ready(cx),
            Self::Unix(stream) => stream.poll_write_ready(cx),
        }
    }

    fn end(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(self, Shutdown::Write)?)
    }

    fn broken(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let ready = match self {
                Self::Tcp(stream) => stream.ready(Interest::ERROR).await,
                // A Unix socket has no reset to hear of.
                Self::Unix(_) => pending().await,
            };
            if let Err(error) = ready {
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

/// Makes the coming close of a TCP socket a reset; a Unix socket knows none.
pub(crate) fn reset_on_close(socket: impl AsFd) {
    if let Err(error) = SockRef::from(&socket).set_linger(Some(Duration::ZERO)) {
        debug!(%error, "cannot make the close of a socket a reset");
    }
}

/// What every TCP socket of a tunnel gets, on both sides. Accepted sockets
/// inherit it from their listener.
pub(crate) fn tune(socket: impl AsFd, keepalive: Option<Keepalive>) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    // Without it a response waits for the peer's delayed acknowledgement.
    socket.set_tcp_nodelay(true)?;
    match keepalive {
        None => socket.set_keepalive(false),
        Some(Keepalive { idle, interval, probes }) => socket.set_tcp_keepalive(
            &TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(probes),
        ),
    }
}
