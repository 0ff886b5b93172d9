//! What can be asked of the daemon, one method per verb. Every door comes
//! through here, so all of them have the same checks and the same audit line.
//!
//! A change is validated whole before anything is touched; changes come one
//! after the other, and each has a revision.

mod add;
mod caller;
mod close;
mod detail;
mod error;
mod events;
mod export;
mod history;
mod load;
mod log;
mod open;
mod open_all;
mod reload;
mod remove;
mod restore;
mod save;
mod status;
mod survey;
mod transition;
mod undo;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use plexy_shared::event::EventKind;
use plexy_shared::info::{HelloReply, VersionReply};
use plexy_shared::rpc::FEATURES;
use plexy_shared::spec::{BackendAddr, BackendSpec, BoundAddr, TunnelRef, TunnelSpec};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use caller::{Actor, Caller, Door, Peer};
pub use error::{BindFailure, OpenError, ServiceError};
pub(crate) use log::LogControl;
pub(crate) use reload::TunnelFiles;
pub(crate) use survey::{Survey, TunnelSurvey};

use crate::bind::is_own_ip;
use crate::engine::Engine;
use crate::events::{Events, Happening};
use crate::listener::Waiting;
use crate::registry::{Open, Registry};
use crate::resolver::Resolver;
use crate::state::{Edited, Edits, Proposal, Row, Rows, State, StateError};
use crate::systemd::Systemd;
use crate::trace::Fate;
use crate::tunnel::Tunnel;
use log::Logging;
use reload::LastReload;

/// The service.
#[derive(Debug)]
pub struct Service {
    engine: Arc<Engine>,
    resolver: Arc<Resolver>,
    events: Arc<Events>,
    state: Arc<State>,
    files: Arc<dyn TunnelFiles>,
    systemd: Arc<Systemd>,
    log: Arc<Logging>,
    /// Where the doors are: no tunnel can be there.
    doors: Vec<BoundAddr>,
    /// Differs from every other daemon's.
    instance: String,
    registry: Mutex<Registry>,
    /// Held through a change, so that changes come one after the other.
    changing: tokio::sync::Mutex<()>,
    revision: AtomicU64,
    draining: AtomicBool,
    last_reload: Mutex<LastReload>,
    /// Held while the configuration file is read and done, so that what was read last counts.
    reloading: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
    /// Cancelled when the daemon begins to end.
    stopping: CancellationToken,
    started: Instant,
}

/// What a service is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) engine: Arc<Engine>,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) events: Arc<Events>,
    pub(crate) state: State,
    pub(crate) files: Arc<dyn TunnelFiles>,
    pub(crate) systemd: Arc<Systemd>,
    pub(crate) log: Arc<dyn LogControl>,
    /// Where no tunnel can be opened.
    pub(crate) doors: Vec<BoundAddr>,
}

impl Service {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { engine, resolver, events, state, files, systemd, log, doors } = parts;
        Self {
            instance: format!("{:016x}", fastrand::u64(..)),
            log: Arc::new(Logging::new(log, Arc::clone(&events))),
            engine,
            resolver,
            events,
            revision: AtomicU64::new(state.revision()),
            state: Arc::new(state),
            files,
            systemd,
            doors,
            registry: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            draining: AtomicBool::new(false),
            last_reload: Mutex::default(),
            reloading: tokio::sync::Mutex::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            started: Instant::now(),
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The revision of the last change that is done.
    fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Waits until no other change is under way, and checks that the caller
    /// knows of all that were.
    async fn turn(&self, caller: &Caller) -> Result<Turn<'_>, ServiceError> {
        let changing = self.changing.lock().await;
        let revision = self.revision();
        match caller.expected_revision {
            Some(expected) if expected != revision => {
                Err(ServiceError::RevisionMismatch { expected, revision })
            }
            _ => Ok(Turn { service: self, _changing: changing, revision: revision + 1 }),
        }
    }

    /// Who this is.
    #[must_use]
    pub fn version(&self) -> VersionReply {
        VersionReply {
            program: "plexyd".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_seconds: self.started.elapsed().as_secs(),
        }
    }

    /// Who this is, and what it can do.
    #[must_use]
    pub fn hello(&self) -> HelloReply {
        HelloReply {
            version: self.version(),
            instance: self.instance.clone(),
            features: FEATURES.iter().map(|&feature| feature.to_owned()).collect(),
        }
    }

    /// Whether new tunnels are taken: not once the daemon ends.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.draining.load(Ordering::Relaxed)
    }

    /// Descriptors that the data path may still take, and how often a listener waited for some.
    pub(crate) fn descriptors(&self) -> (u64, u64) {
        let descriptors = &self.engine.descriptors;
        (descriptors.left() as u64, descriptors.pauses())
    }

    /// Lines of the access log that were dropped.
    pub(crate) fn access_log_dropped(&self) -> u64 {
        self.engine.access_log.dropped()
    }

    /// How many spans met each fate, where connections are traced.
    pub(crate) fn spans(&self) -> Option<[(Fate, u64); 3]> {
        self.engine.traces.counts()
    }

    /// Tasks that live on the workers.
    pub(crate) fn worker_tasks(&self) -> u64 {
        self.engine.workers.tasks()
    }

    /// The tunnel that a command means. A name that does not resolve is no
    /// tunnel's address.
    async fn find(&self, wanted: &TunnelRef) -> Result<Arc<Tunnel>, ServiceError> {
        let addr = match wanted {
            TunnelRef::Name(_) => None,
            TunnelRef::Listen(listen) => self.resolver.resolve_listen(listen).await.ok(),
        };
        let found = match (wanted, addr) {
            (TunnelRef::Name(name), _) => self.registry().named(name).cloned(),
            (TunnelRef::Listen(_), Some(addr)) => self.registry().listening_on(&addr).cloned(),
            (TunnelRef::Listen(_), None) => None,
        };
        found.ok_or_else(|| self.not_found(wanted))
    }

    fn not_found(&self, wanted: &TunnelRef) -> ServiceError {
        let near = match wanted {
            TunnelRef::Name(name) => self.registry().near(name),
            TunnelRef::Listen(_) => None,
        };
        ServiceError::TunnelNotFound { wanted: wanted.clone(), near }
    }

    /// Begins to change a tunnel: others wait until the turn is over. The tunnel
    /// is found first, so that no name is waited for while changes wait, and has
    /// to be there still.
    async fn begin_change(
        &self,
        wanted: &TunnelRef,
        caller: &Caller,
    ) -> Result<(Turn<'_>, Arc<Tunnel>), ServiceError> {
        let found = self.find(wanted).await;
        let turn = self.turn(caller).await?;
        let tunnel = found?;
        let is_open =
            self.registry().listening_on(&tunnel.listen).is_some_and(|it| it.id == tunnel.id);
        if is_open { Ok((turn, tunnel)) } else { Err(self.not_found(wanted)) }
    }

    /// What a change makes of a tunnel that is open.
    fn edit_of(&self, tunnel: &Tunnel, after: Option<TunnelSpec>) -> Edits {
        let registry = self.registry();
        let (configured, order) = (registry.configured(tunnel.id), registry.order(tunnel.id));
        let (before, origin) = (Some(tunnel.spec()), tunnel.origin);
        let mut edits = self.state.edits();
        edits.add(&Edited { before, after, origin, configured, order });
        edits
    }

    /// Every tunnel that has to be kept, where keeping has failed before.
    fn rows_to_save(&self) -> Option<Rows> {
        if self.state.is_saving() != Some(false) {
            return None;
        }
        let row = |open: &Open| {
            let (tunnel, configured) = (&open.tunnel, open.configured.as_deref());
            let row = Row::of(&tunnel.spec(), tunnel.origin, configured, open.order)?;
            Some((tunnel.listen.to_string(), row))
        };
        Some(self.registry().all().filter_map(row).collect())
    }

    /// Saves something, not on a control thread, and tells if that begins to fail or works again.
    async fn saved(
        &self,
        save: impl FnOnce() -> Result<(), StateError> + Send + 'static,
    ) -> Result<(), ServiceError> {
        let Some(was_good) = self.state.is_saving() else {
            return save().map_err(|error| ServiceError::NotSaved(error.to_string()));
        };
        let saved = match tokio::task::spawn_blocking(save).await {
            Ok(saved) => saved.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match &saved {
            Err(error) if was_good => {
                self.events.tell(Happening::new(EventKind::StateFailed).detail(error));
            }
            Ok(()) if !was_good => self.events.tell(Happening::new(EventKind::StateSaved)),
            _ => {}
        }
        saved.map_err(ServiceError::NotSaved)
    }

    /// Whether what was to be saved last was; nothing without a state file.
    pub(crate) fn is_saving(&self) -> Option<bool> {
        self.state.is_saving()
    }

    /// Tells what has happened to the daemon as a whole.
    pub(crate) fn tell(&self, kind: EventKind, detail: impl Into<String>) {
        self.events.tell(Happening::new(kind).detail(detail));
    }

    /// Connections that live.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.engine.workers.connections()
    }

    /// How many threads of the data path do not come to a new task in that time.
    pub(crate) async fn stuck_workers(&self, within: Duration) -> usize {
        self.engine.workers.stuck(within).await
    }

    /// Refuses new tunnels from now on, and stops listening everywhere;
    /// connections go on. Where sockets are kept, newcomers may wait for a successor.
    pub(crate) async fn begin_shutdown(&self, newcomers: Newcomers) {
        let _changing = self.changing.lock().await;
        self.draining.store(true, Ordering::Relaxed);
        self.stopping.cancel();
        let all = self.registry().take_all();
        // Before the first wait, since a second signal may cut this short.
        for backend in all.iter().flat_map(|open| open.tunnel.route().backends.to_vec()) {
            backend.removed.cancel();
        }
        let may_wait = newcomers == Newcomers::Wait && self.systemd.is_there();
        let waiting = if may_wait { Waiting::HandOn } else { Waiting::Accept };
        // Each is told before one is waited for.
        let closing = all.into_iter().map(|Open { tunnel, listener, .. }| {
            if !may_wait {
                self.systemd.forget(&tunnel.listen);
            }
            listener.close(waiting)
        });
        join_all(closing).await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What clients get who come while the daemon ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Newcomers {
    /// They wait for the next daemon, if their sockets are kept for it.
    Wait,
    /// They are refused: there will be none.
    Refused,
}

/// The turn of one change, while which there is no other.
#[derive(Debug)]
struct Turn<'a> {
    service: &'a Service,
    _changing: tokio::sync::MutexGuard<'a, ()>,
    /// What the daemon will be at.
    revision: u64,
}

impl Turn<'_> {
    /// Keeps what is about to be done. Where that cannot be, nothing may be.
    async fn keep(
        &self,
        caller: &Caller,
        edits: Edits,
        unconfigured: Vec<String>,
    ) -> Result<(), ServiceError> {
        let service = self.service;
        if edits.is_empty() && unconfigured.is_empty() {
            return Ok(());
        }
        let (door, actor) = caller.actor.door_and_peer();
        let (revision, rows) = (self.revision, service.rows_to_save());
        let proposal = Proposal { revision, door, actor, edits, unconfigured, rows };
        let state = Arc::clone(&service.state);
        service.saved(move || state.keep(proposal)).await
    }

    /// The change is done. Only now is its revision the daemon's: who reads the
    /// revision and then the tunnels sees all that led to it.
    fn done(self) -> u64 {
        self.service.revision.store(self.revision, Ordering::Release);
        self.revision
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
