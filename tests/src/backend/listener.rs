//! The listening socket of a backend, TCP or Unix: it can refuse from one moment to the next.

use std::fs;
use std::io;
use std::net::Shutdown;

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

use crate::stream::{Stream, Target};

/// Enough for a burst of clients; a full queue would look like a slow backend.
const BACKLOG: i32 = 4096;

/// A listener and the address it really has.
#[derive(Debug)]
pub(super) struct Listener {
    socket: Kind,
    target: Target,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Listens on `target`; `prepare` may set options before the connections that inherit them
    /// come.
    pub(super) fn bind(
        target: &Target,
        prepare: impl FnOnce(&Socket) -> io::Result<()>,
    ) -> io::Result<Self> {
        let socket = match target {
            Target::Tcp(addr) => Socket::new(Domain::for_address(*addr), Type::STREAM, None)?,
            Target::Unix(_) => Socket::new(Domain::UNIX, Type::STREAM, None)?,
        };
        socket.set_nonblocking(true)?;
        match target {
            Target::Tcp(addr) => {
                // A free port is asked for without SO_REUSEADDR: with it, the kernel may give the
                // port of a killed backend, which is bound but does not listen.
                socket.set_reuse_address(addr.port() != 0)?;
                socket.bind(&(*addr).into())?;
                socket.set_reuse_address(true)?;
            }
            Target::Unix(path) => {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                socket.bind(&SockAddr::unix(path)?)?;
            }
        }
        prepare(&socket)?;
        socket.listen(BACKLOG)?;
        Ok(match target {
            Target::Tcp(_) => {
                let listener = TcpListener::from_std(socket.into())?;
                Self { target: Target::Tcp(listener.local_addr()?), socket: Kind::Tcp(listener) }
            }
            Target::Unix(_) => {
                let listener = UnixListener::from_std(socket.into())?;
                Self { target: target.clone(), socket: Kind::Unix(listener) }
            }
        })
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Kind::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(stream.into())
            }
            // Polled, since `accept().await` would spin within one poll once the socket was shut
            // down: it is readable then, and has nothing to accept.
            Kind::Unix(listener) => {
                let (stream, _) = std::future::poll_fn(|cx| listener.poll_accept(cx)).await?;
                Ok(stream.into())
            }
        }
    }

    /// Stops listening at once, although the accept loop still holds the socket: connections are
    /// refused and those not yet accepted are reset. The port stays bound, and so reserved, until
    /// the listener is dropped.
    pub(super) fn refuse(&self) {
        let socket = match &self.socket {
            Kind::Tcp(listener) => SockRef::from(listener),
            Kind::Unix(listener) => SockRef::from(listener),
        };
        // It fails only where it has been done before.
        socket.shutdown(Shutdown::Both).ok();
    }
}
