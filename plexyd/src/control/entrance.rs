//! The socket of a door: accepting, and who it is that comes.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use plexy_shared::spec::BoundAddr;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::either::Either;
use tracing::{debug, warn};

use crate::bind::{Bound, SocketFile};
use crate::fold::Fold;
use crate::service::Peer;

/// Clients that may wait to be accepted.
pub(crate) const BACKLOG: u32 = 128;

/// The mode of a Unix control socket: its user and its group.
pub(crate) const SOCKET_MODE: u32 = 0o660;

/// The pause after an error of `accept`.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// What is accepted.
pub(crate) type Stream = Either<TcpStream, UnixStream>;

/// A socket that listens for a door.
#[derive(Debug)]
pub(crate) struct Entrance {
    pub(crate) addr: BoundAddr,
    listener: Listener,
    /// Takes the path of a Unix socket away again.
    _file: Option<SocketFile>,
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Entrance {
    /// Must be called on a runtime.
    pub(crate) fn open(bound: Bound) -> std::io::Result<Self> {
        let listener = match &bound.addr {
            BoundAddr::Unix(_) => Listener::Unix(UnixListener::from_std(bound.listener.into())?),
            BoundAddr::Any(_) | BoundAddr::Ip(_) => {
                Listener::Tcp(TcpListener::from_std(bound.listener.into())?)
            }
        };
        Ok(Self { addr: bound.addr, listener, _file: bound.file })
    }

    /// Whether it is reached over TCP, where no file says who may.
    pub(crate) fn is_tcp(&self) -> bool {
        matches!(self.listener, Listener::Tcp(_))
    }

    /// Lets in whoever comes, for ever.
    pub(crate) async fn accept_all(&self, mut enter: impl FnMut(Stream, Peer)) {
        let errors = Fold::default();
        loop {
            match self.accept().await {
                Ok((stream, peer)) => enter(stream, peer),
                Err(error) => {
                    if errors.admits(|| "control socket: cannot accept".to_owned()) {
                        warn!(socket = %self.addr, %error, "cannot accept on a control socket");
                    }
                    tokio::time::sleep(ERROR_PAUSE).await;
                }
            }
        }
    }

    async fn accept(&self) -> std::io::Result<(Stream, Peer)> {
        match &self.listener {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are small and come one after the other.
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "cannot turn off Nagle's algorithm");
                }
                Ok((Either::Left(stream), Peer::Tcp(canonical(peer))))
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let peer = unix_peer(&stream);
                Ok((Either::Right(stream), peer))
            }
        }
    }
}

fn canonical(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), peer.port())
}

fn unix_peer(stream: &UnixStream) -> Peer {
    let peer = rustix::net::sockopt::socket_peercred(stream.as_fd()).ok();
    Peer::Unix {
        uid: peer.as_ref().map(|peer| peer.uid.as_raw()),
        pid: peer.map(|peer| peer.pid.as_raw_nonzero().get()),
    }
}
