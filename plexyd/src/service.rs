//! What can be asked of the daemon, one method per verb. Every door comes
//! through here, so all of them have the same checks and the same audit line.
//!
//! A change is validated whole before anything is touched; changes come one
//! after the other, and each has a revision.

mod add;
mod close;
mod detail;
mod error;
mod open;
mod remove;
mod status;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use plexy_shared::info::VersionReply;
use plexy_shared::spec::{BackendAddr, BackendSpec, BoundAddr, TunnelRef};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use error::{BindFailure, ServiceError};

use crate::bind::is_own_ip;
use crate::engine::Engine;
use crate::listener::Waiting;
use crate::registry::Registry;
use crate::resolver::Resolver;
use crate::tunnel::Tunnel;

/// Who asks, for the audit line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The daemon's own arguments.
    Args,
    /// The line protocol, over TCP.
    LineTcp(std::net::SocketAddr),
    /// The line protocol, over a Unix socket, by this user.
    LineUnix {
        /// The user's number, where the system tells it.
        uid: Option<u32>,
        /// The process, where the system tells it.
        pid: Option<i32>,
    },
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Args => f.write_str("args"),
            Self::LineTcp(peer) => write!(f, "line {peer}"),
            Self::LineUnix { uid: Some(uid), pid: Some(pid) } => {
                write!(f, "line uid={uid} pid={pid}")
            }
            Self::LineUnix { uid: Some(uid), pid: None } => write!(f, "line uid={uid}"),
            Self::LineUnix { .. } => f.write_str("line unix"),
        }
    }
}

/// The service.
#[derive(Debug)]
pub struct Service {
    engine: Arc<Engine>,
    resolver: Arc<Resolver>,
    control_sockets: Vec<BoundAddr>,
    registry: Mutex<Registry>,
    /// Held through a change, so that changes come one after the other.
    changing: tokio::sync::Mutex<()>,
    revision: AtomicU64,
    draining: AtomicBool,
    tasks: TaskTracker,
    /// Cancelled when the daemon begins to end.
    stopping: CancellationToken,
    started: Instant,
}

impl Service {
    /// One that opens no tunnel on these control sockets.
    pub(crate) fn new(
        engine: Arc<Engine>,
        resolver: Arc<Resolver>,
        control_sockets: Vec<BoundAddr>,
    ) -> Self {
        Self {
            engine,
            resolver,
            control_sockets,
            registry: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            revision: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            started: Instant::now(),
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_revision(&self) -> u64 {
        self.revision.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Who this is.
    #[must_use]
    pub fn version(&self) -> VersionReply {
        VersionReply {
            program: "plexyd",
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            uptime_seconds: self.started.elapsed().as_secs(),
        }
    }

    /// The tunnel that a command means. A name that does not resolve is no
    /// tunnel's address.
    async fn find(&self, wanted: &TunnelRef) -> Result<Arc<Tunnel>, ServiceError> {
        let addr = match wanted {
            TunnelRef::Name(_) => None,
            TunnelRef::Listen(listen) => self.resolver.resolve_listen(listen).await.ok(),
        };
        let registry = self.registry();
        let found = match (wanted, addr) {
            (TunnelRef::Name(name), _) => registry.named(name),
            (TunnelRef::Listen(_), Some(addr)) => registry.listening_on(&addr),
            (TunnelRef::Listen(_), None) => None,
        };
        found.cloned().ok_or_else(|| ServiceError::TunnelNotFound(wanted.clone()))
    }

    /// Begins to change a tunnel: others wait until the guard is dropped. The
    /// tunnel is found first, so that no name is waited for while changes wait,
    /// and has to be there still.
    async fn begin_change(
        &self,
        wanted: &TunnelRef,
    ) -> Result<(tokio::sync::MutexGuard<'_, ()>, Arc<Tunnel>), ServiceError> {
        let tunnel = self.find(wanted).await?;
        let changing = self.changing.lock().await;
        let is_open =
            self.registry().listening_on(&tunnel.listen).is_some_and(|it| it.id == tunnel.id);
        if is_open {
            Ok((changing, tunnel))
        } else {
            Err(ServiceError::TunnelNotFound(wanted.clone()))
        }
    }

    /// Connections that live.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.engine.workers.connections()
    }

    /// Refuses new tunnels from now on, and stops listening everywhere;
    /// connections go on.
    pub(crate) async fn begin_shutdown(&self) {
        let _changing = self.changing.lock().await;
        self.draining.store(true, Ordering::Relaxed);
        self.stopping.cancel();
        let all = self.registry().take_all();
        // Before the first wait, since a second signal may cut this short; the
        // listeners that are left close by drop then.
        for backend in all.iter().flat_map(|open| open.tunnel.route().backends.to_vec()) {
            backend.removed.cancel();
        }
        for open in all {
            open.listener.close(Waiting::Accept).await;
        }
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Refuses a backend that is the tunnel itself, as far as that can be seen.
fn check_own_backends(listen: &BoundAddr, backends: &[BackendSpec]) -> Result<(), ServiceError> {
    let is_own = |backend: &&BackendSpec| match &backend.addr {
        BackendAddr::Ip(addr) => listen.receives(*addr, is_own_ip),
        BackendAddr::Name(name, port) if name.is_localhost() => {
            listen.receives((std::net::Ipv4Addr::LOCALHOST, *port).into(), is_own_ip)
        }
        BackendAddr::Name(..) => false,
        BackendAddr::Unix(path) => *listen == BoundAddr::Unix(path.clone()),
    };
    match backends.iter().find(is_own) {
        None => Ok(()),
        Some(backend) => {
            Err(ServiceError::OwnBackend { listen: listen.clone(), backend: backend.addr.clone() })
        }
    }
}
