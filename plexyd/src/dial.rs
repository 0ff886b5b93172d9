//! One attempt to reach a backend, its TLS included: the same for a client's connection and for
//! the probe that ends an ejection.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use plexy_shared::info::{Attempt, TlsFailure};
use plexy_shared::spec::{TunnelOptions, UnixPath};
use plexy_shared::units::show_duration;
use rustix::io::Errno;
use rustix::net::{SocketAddrUnix, getsockname};
use socket2::{Domain, SockAddr, Type};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use crate::backend::{Backend, Target};
use crate::hops::{Hops, Origin, Underway};
use crate::socket::{Kind, Socket, break_after, keep_urgent, tune};
use crate::tls::{Approached, HandshakeFault, Over, Secured, Session, part};

/// Ports that the system gives to outgoing connections, as they are when the first one is made
/// (ip(7), `ip_local_port_range`): all of them where it does not tell.
static LOCAL_PORTS: LazyLock<RangeInclusive<u16>> = LazyLock::new(|| {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut ports = range.split_whitespace().map_while(|port| port.parse().ok());
    ports.next().zip(ports.next()).map_or(0..=u16::MAX, |(first, last)| first..=last)
});

/// How an attempt is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner<'a> {
    /// For all addresses of the backend together, and its TLS.
    pub(crate) timeout: Duration,
    /// How long the backend may acknowledge nothing, once it is connected.
    pub(crate) user_timeout: Option<Duration>,
    /// Tunnels that the client has come through.
    pub(crate) hops: u8,
    /// Another port than that of the backend.
    pub(crate) port: Option<u16>,
    /// How TLS is spoken, where it is.
    pub(crate) over: Option<Over<'a>>,
}

impl<'a> Manner<'a> {
    pub(crate) fn new(options: &TunnelOptions, hops: u8, over: Option<Over<'a>>) -> Self {
        let user_timeout = options.limits().tcp_user_timeout;
        Self { timeout: options.connect_timeout, user_timeout, hops, port: None, over }
    }
}

/// A connection that stands.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(crate) socket: Socket,
    pub(crate) _underway: Option<Underway>,
}

/// A backend that is reached.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) dialled: Dialled,
    /// Its TLS, where that is spoken.
    pub(crate) approached: Option<Approached>,
}

impl Reached {
    /// Its TLS, where that is spoken.
    pub(crate) fn secured(&self) -> Option<&Secured> {
        self.approached.as_ref().map(|it| &*it.secured)
    }

    /// Ends what was only to be seen to work: why it does not, if its TLS was refused in the end.
    pub(crate) async fn part(&self) -> Result<(), DialError> {
        let Some(secured) = self.secured() else { return Ok(()) };
        match Box::pin(part(Session { socket: &self.dialled.socket, secured })).await {
            Some(failure) => Err(DialError::Tls(HandshakeFault::broken(failure))),
            None => Ok(()),
        }
    }
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
    /// This machine has no descriptors or no memory left: nothing else can be
    /// reached either. Never held against the backend.
    #[error("{}", describe(.0))]
    Exhausted(io::Error),
    /// This machine has no local port or address left for this destination.
    /// Never held against the backend; another one may be reached.
    #[error("{}", describe(.0))]
    NoLocalPort(io::Error),
    /// More clients wait at a Unix socket than its backlog allows (unix(7)): it is busy, not dead.
    /// Never held against the backend; it may be reached a little later.
    #[error("its queue of waiting clients is full")]
    QueueFull,
    /// It is reached, and does not come to terms about TLS.
    #[error(transparent)]
    Tls(HandshakeFault),
    /// The name of the backend has no address now.
    #[error("its name does not resolve")]
    Unresolved,
}

impl DialError {
    /// What it counts as.
    pub(crate) fn outcome(&self) -> Attempt {
        match self {
            Self::Backend(_) => Attempt::Failure,
            Self::TimedOut(_) => Attempt::Timeout,
            Self::Tls(fault) if fault.kind == TlsFailure::Timeout => Attempt::Timeout,
            Self::Tls(_) => Attempt::Failure,
            Self::Exhausted(_) | Self::NoLocalPort(_) | Self::QueueFull | Self::Unresolved => {
                Attempt::Local
            }
        }
    }
}

/// The system's words without Rust's number behind them.
pub(crate) fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        // The second one: it had ended the connection before.
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "connection reset".to_owned(),
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
    manner: Manner<'_>,
    hops: &Arc<Hops>,
) -> Result<Reached, DialError> {
    let deadline = Instant::now() + manner.timeout;
    let mut targets = backend.targets();
    if let Some(port) = manner.port {
        targets = targets.into_iter().map(|target| target.with_port(port)).collect();
    }
    // What the backend did says more than what this machine lacks: where IPv6
    // is off, the second address of `localhost` cannot even be tried.
    let (mut backends_fault, mut own_fault) = (None, None);
    for (tried, target) in targets.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(targets.len() - tried).unwrap_or(u32::MAX);
        match reach(backend, target, manner, hops, share).await {
            Ok(reached) => {
                backend.prefer(target);
                return Ok(reached);
            }
            Err(exhausted @ DialError::Exhausted(_)) => return Err(exhausted),
            Err(fault @ (DialError::NoLocalPort(_) | DialError::QueueFull)) => {
                own_fault = own_fault.or(Some(fault));
            }
            Err(fault) => backends_fault = backends_fault.or(Some(fault)),
        }
    }
    Err(backends_fault.or(own_fault).unwrap_or(DialError::Unresolved))
}

/// Connects to one of its addresses, and does the handshake where TLS is spoken, both within `share`.
async fn reach(
    backend: &Backend,
    target: &Target,
    manner: Manner<'_>,
    hops: &Arc<Hops>,
    share: Duration,
) -> Result<Reached, DialError> {
    let until = Instant::now() + share;
    let connected = timeout_at(until, connect(backend, target, manner, hops)).await;
    let connected = connected.map_err(|_| DialError::TimedOut(manner.timeout))?;
    let dialled = connected.map_err(|error| classify(error, target))?;
    let Some(over) = manner.over else { return Ok(Reached { dialled, approached: None }) };
    let sessions = &backend.handshakes_to_count().sessions;
    let approach = Box::pin(over.approach(&dialled.socket, &backend.addr, sessions));
    let approached = timeout_at(until, approach).await;
    let approached = approached.unwrap_or_else(|_| Err(HandshakeFault::timed_out(manner.timeout)));
    Ok(Reached { approached: Some(approached.map_err(DialError::Tls)?), dialled })
}

fn classify(error: io::Error, target: &Target) -> DialError {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        // The last one: no more descriptors may be watched (epoll(7), `max_user_watches`).
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::NOSPC) => {
            DialError::Exhausted(error)
        }
        Some(Errno::AGAIN) if matches!(target, Target::Unix(_)) => DialError::QueueFull,
        // The first one: an address family without ports for it (connect(2)).
        Some(Errno::AGAIN | Errno::ADDRNOTAVAIL | Errno::ADDRINUSE | Errno::AFNOSUPPORT) => {
            DialError::NoLocalPort(error)
        }
        _ => DialError::Backend(error),
    }
}

async fn connect(
    backend: &Backend,
    target: &Target,
    manner: Manner<'_>,
    hops: &Arc<Hops>,
) -> io::Result<Dialled> {
    match target {
        Target::Tcp(addr) => connect_tcp(backend, *addr, manner, hops).await,
        Target::Unix(path) => connect_unix(path, manner, hops),
    }
}

async fn connect_tcp(
    backend: &Backend,
    addr: SocketAddr,
    manner: Manner<'_>,
    hops: &Arc<Hops>,
) -> io::Result<Dialled> {
    let flags = Type::STREAM.nonblocking().cloexec();
    let socket = socket2::Socket::new(Domain::for_address(addr), flags, None)?;
    tune(&socket)?;
    keep_urgent(&socket)?;
    break_after(&socket, manner.user_timeout);
    let begin = || is_connected(&socket, addr);
    let is_here = addr.ip().is_loopback() || backend.is_here.load(Ordering::Relaxed);
    let may_be_ours = hops.listens_on_port(addr.port());
    let underway = if may_be_ours && is_here {
        hops.depart(manner.hops, || {
            begin()?;
            let local = socket.local_addr()?.as_socket();
            let is_own = |local: &SocketAddr| addr.ip().is_loopback() || local.ip() == addr.ip();
            Ok(local.filter(is_own).map(|local| Origin::tcp(local, addr)))
        })?
    } else {
        begin()?;
        None
    };
    // A backend on this machine has answered by now; then there is nothing to wait for, and no
    // time-out to set up.
    let is_there = is_connected(&socket, addr)?;
    let socket = Socket::new(socket, Kind::Tcp)?;
    if !is_there {
        socket.connected().await?;
    }
    if may_be_ours || LOCAL_PORTS.contains(&addr.port()) {
        let local = socket.local_addr();
        // Where nobody listens on a port that the system may also give to outgoing connections, a
        // socket can be connected to itself.
        if local == Some(addr) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        // Only who connects to its own machine has one address at both ends. This attempt may be a
        // hop that is not counted; those that follow are.
        if local.is_some_and(|local| local.ip() == addr.ip()) {
            backend.is_here.store(true, Ordering::Relaxed);
        }
    }
    Ok(Dialled { socket, _underway: underway })
}

/// Begins to connect, or looks how far it is: asked again, the kernel tells what came of it
/// (connect(2), `EALREADY` and `EISCONN`).
fn is_connected(socket: &socket2::Socket, addr: SocketAddr) -> io::Result<bool> {
    let Err(error) = socket.connect(&addr.into()) else { return Ok(true) };
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::ISCONN) => Ok(true),
        Some(Errno::INPROGRESS | Errno::ALREADY) => Ok(false),
        _ => Err(error),
    }
}

fn connect_unix(path: &UnixPath, manner: Manner<'_>, hops: &Arc<Hops>) -> io::Result<Dialled> {
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
    let underway = if hops.listens_on_unix() {
        hops.depart(manner.hops, || {
            // Binding to no name gives an abstract one (unix(7), "autobind").
            rustix::net::bind(&socket, &SocketAddrUnix::new_unnamed())?;
            let name = SocketAddrUnix::try_from(getsockname(&socket)?)?;
            Ok(name.abstract_name().map(|name| Origin::Abstract(name.to_vec())))
        })?
    } else {
        None
    };
    socket.connect(&SockAddr::unix(path.as_path())?)?;
    Ok(Dialled { socket: Socket::new(socket, Kind::Unix)?, _underway: underway })
}
