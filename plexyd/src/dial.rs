//! One attempt to reach a backend: the same for a client's connection and for
//! the probe that ends an ejection.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use plexy_shared::spec::{Keepalive, TunnelOptions, UnixPath};
use plexy_shared::units::show_duration;
use rustix::io::Errno;
use rustix::net::{SocketAddrUnix, getsockname};
use thiserror::Error;
use tokio::net::{TcpSocket, UnixSocket};
use tokio::time::Instant;

use crate::backend::{Backend, Target};
use crate::hops::{Hops, Origin, Underway};
use crate::socket::{Socket, tune};

/// How an attempt is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// For all addresses of the backend together.
    pub(crate) timeout: Duration,
    pub(crate) keepalive: Option<Keepalive>,
    /// Tunnels that the client has come through.
    pub(crate) hops: u8,
}

impl Manner {
    pub(crate) fn new(options: &TunnelOptions, hops: u8) -> Self {
        Self { timeout: options.connect_timeout, keepalive: options.keepalive, hops }
    }
}

/// A connection that stands.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(crate) socket: Socket,
    pub(crate) underway: Option<Underway>,
}

/// Why an attempt failed.
#[derive(Debug, Error)]
pub(crate) enum DialError {
    /// The backend's fault.
    #[error("{}", describe(.0))]
    Backend(io::Error),
    /// Nobody answered.
    #[error("connect timeout after {}", show_duration(*.0))]
    TimedOut(Duration),
    /// This machine's fault, which is never held against the backend.
    #[error("{}", describe(.0))]
    OwnFault(io::Error),
    /// The name of the backend has no address now.
    #[error("its name does not resolve")]
    Unresolved,
}

/// The system's words without Rust's number behind them.
fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::HostUnreachable => "host unreachable".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network unreachable".to_owned(),
        io::ErrorKind::NotFound => "no such socket".to_owned(),
        _ => error.to_string(),
    }
}

/// Connects to a backend, over its addresses one after the other, each with
/// its part of the time that is left.
pub(crate) async fn dial(
    backend: &Backend,
    manner: Manner,
    hops: &Arc<Hops>,
) -> Result<Dialled, DialError> {
    let deadline = Instant::now() + manner.timeout;
    let mut targets = backend.targets();
    let mut last = DialError::Unresolved;
    while !targets.is_empty() {
        let target = targets.remove(0);
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(targets.len() + 1).unwrap_or(u32::MAX);
        let attempt = tokio::time::timeout(share, connect(&target, manner, hops));
        match attempt.await {
            Ok(Ok(dialled)) => {
                backend.prefer(&target);
                return Ok(dialled);
            }
            Ok(Err(error)) if is_own_fault(&error) => return Err(DialError::OwnFault(error)),
            Ok(Err(error)) => last = DialError::Backend(error),
            Err(_) => last = DialError::TimedOut(manner.timeout),
        }
    }
    Err(last)
}

/// No descriptors, no memory, or no local ports.
fn is_own_fault(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::ADDRNOTAVAIL)
    )
}

async fn connect(target: &Target, manner: Manner, hops: &Arc<Hops>) -> io::Result<Dialled> {
    match target {
        Target::Tcp(addr) => connect_tcp(*addr, manner, hops).await,
        Target::Unix(path) => connect_unix(path, manner, hops).await,
    }
}

async fn connect_tcp(addr: SocketAddr, manner: Manner, hops: &Arc<Hops>) -> io::Result<Dialled> {
    let (socket, any) = match addr {
        SocketAddr::V4(_) => (TcpSocket::new_v4()?, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
        SocketAddr::V6(_) => (TcpSocket::new_v6()?, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))),
    };
    tune(&socket, manner.keepalive)?;
    let underway = if hops.listens_on_port(addr.port()) {
        // The local port has to be known before it is seen at the other end.
        socket.bind(any)?;
        Some(hops.depart(Origin::Port(socket.local_addr()?.port()), manner.hops))
    } else {
        None
    };
    let stream = socket.connect(addr).await?;
    // Where nobody listens on a loopback port that the system may also give to
    // outgoing connections, a socket can be connected to itself.
    if addr.ip().is_loopback() && stream.local_addr()? == addr {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(Dialled { socket: Socket::Tcp(stream), underway })
}

async fn connect_unix(path: &UnixPath, manner: Manner, hops: &Arc<Hops>) -> io::Result<Dialled> {
    let socket = UnixSocket::new_stream()?;
    let underway = if hops.listens_on_unix() {
        // Binding to no name gives an abstract one (unix(7), "autobind").
        rustix::net::bind(&socket, &SocketAddrUnix::new_unnamed())?;
        let name = SocketAddrUnix::try_from(getsockname(&socket)?)?;
        let name = name.abstract_name().unwrap_or_default().to_vec();
        Some(hops.depart(Origin::Abstract(name), manner.hops))
    } else {
        None
    };
    let stream = socket.connect(path.as_path()).await?;
    Ok(Dialled { socket: Socket::Unix(stream), underway })
}
