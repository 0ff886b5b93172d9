//! What can be asked of the daemon, one method per verb. Every door comes
//! through here, so all of them have the same checks and the same audit line.
//!
//! A change is validated whole before anything is touched. Changes of one tunnel
//! come one after the other, and each change has a revision.

mod add;
mod apply;
mod caller;
mod certificates;
mod change;
mod close;
mod conns;
mod cut;
mod detail;
mod down;
mod error;
mod events;
mod expiry;
mod explain;
mod export;
mod forecast;
mod history;
mod kill;
mod live;
mod load;
mod log;
mod open;
mod open_all;
mod overview;
mod rehearsal;
mod reload;
mod remove;
mod reroute;
mod restore;
mod revisions;
mod save;
mod security;
mod selection;
mod status;
mod survey;
mod transition;
mod turns;
mod undo;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use plexy_shared::event::EventKind;
use plexy_shared::info::{HelloReply, VersionReply};
use plexy_shared::rpc::FEATURES;
use plexy_shared::spec::{
    BackendAddr, BackendSpec, BoundAddr, OptionSettings, TunnelRef, TunnelSpec,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

pub use caller::{Actor, Caller, Door, Peer};
pub use error::{BindFailure, OpenError, ServiceError, TlsFault};
pub(crate) use log::LogControl;
pub(crate) use overview::Watcher;
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
use crate::tls::Renewable;
use crate::trace::Fate;
use crate::tunnel::Tunnel;
use crate::watch::Watches;
use certificates::Certificates;
use log::Logging;
use overview::Sampler;
use reload::LastReload;
use revisions::Revisions;
use turns::{Place, Scope, Turns};

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
    /// What they show to clients of TLS, if any of them speaks it.
    door_certificate: Option<Arc<dyn Renewable>>,
    certificates: Certificates,
    /// Differs from every other daemon's.
    instance: String,
    registry: Mutex<Registry>,
    turns: Turns,
    revisions: Revisions,
    /// Whether the state could be saved, as it was told last.
    told_saving: Mutex<bool>,
    draining: AtomicBool,
    last_reload: Mutex<LastReload>,
    /// Held while the configuration file is read and done, so that what was read last counts.
    reloading: tokio::sync::Mutex<()>,
    /// Held during a look at all connections: one at a time leaves the data path the rest of the
    /// machine.
    looking: Arc<tokio::sync::Mutex<()>>,
    /// What is kept for those who watch.
    sampler: Sampler,
    /// The most connections that have lived at once when somebody looked.
    connections_peak: AtomicU64,
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
    /// What is shown there to clients of TLS.
    pub(crate) door_certificate: Option<Arc<dyn Renewable>>,
    /// Where files are watched.
    pub(crate) watches: Watches,
}

impl Service {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { engine, resolver, events, state, files, systemd, log, doors, .. } = parts;
        Self {
            instance: format!("{:016x}", fastrand::u64(..)),
            log: Arc::new(Logging::new(log, Arc::clone(&events))),
            engine,
            resolver,
            events,
            turns: Turns::default(),
            revisions: Revisions::from(state.revision()),
            told_saving: Mutex::new(true),
            state: Arc::new(state),
            files,
            systemd,
            doors,
            certificates: Certificates::of(parts.watches, parts.door_certificate.as_ref()),
            door_certificate: parts.door_certificate,
            registry: Mutex::default(),
            draining: AtomicBool::new(false),
            last_reload: Mutex::default(),
            reloading: tokio::sync::Mutex::default(),
            looking: Arc::default(),
            sampler: Sampler::default(),
            connections_peak: AtomicU64::new(0),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            started: Instant::now(),
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The revision of the newest change before which all are done.
    fn revision(&self) -> u64 {
        self.revisions.reached()
    }

    /// Waits until no change is under way that has to do with the same, and checks that the caller
    /// knows of all that were.
    async fn turn(&self, scope: Scope, caller: &Caller) -> Result<Turn<'_>, ServiceError> {
        // Where keeping has failed, all has to be kept anew, as it is: then nothing else may change.
        let has_to_be_alone =
            caller.expected_revision.is_some() || self.state.is_saving() == Some(false);
        let scope = if has_to_be_alone { Scope::All } else { scope };
        let place = self.turns.take(scope).await;
        let revision = self.revision();
        match caller.expected_revision {
            Some(expected) if expected != revision => {
                Err(ServiceError::RevisionMismatch { expected, revision })
            }
            _ => Ok(Turn { service: self, place, revision: None }),
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

    /// Checks of backends that began later than they should.
    pub(crate) fn checks_late(&self) -> u64 {
        self.engine.health.checks_late()
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

    /// Begins to change a tunnel, perhaps by these settings: others wait until the turn is over. The tunnel
    /// is found first, so that no name is waited for while changes wait, and has
    /// to be there still.
    async fn begin_change(
        &self,
        wanted: &TunnelRef,
        settings: Option<&OptionSettings>,
        caller: &Caller,
    ) -> Result<(Turn<'_>, Arc<Tunnel>), ServiceError> {
        let found = self.find(wanted).await;
        let scope = match &found {
            Ok(tunnel) => Scope::of_change(tunnel, settings),
            Err(_) => Scope::All,
        };
        let turn = self.turn(scope, caller).await?;
        let tunnel = found?;
        // Others may have closed it meanwhile, or given its name to another one.
        let is_still = {
            let registry = self.registry();
            let now = match wanted {
                TunnelRef::Name(name) => registry.named(name),
                TunnelRef::Listen(_) => registry.listening_on(&tunnel.listen),
            };
            now.is_some_and(|it| it.id == tunnel.id)
        };
        if is_still { Ok((turn, tunnel)) } else { Err(self.not_found(wanted)) }
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
    async fn saved<T: Send + 'static>(
        &self,
        save: impl FnOnce() -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        if self.state.is_saving().is_none() {
            return save().map_err(|error| ServiceError::NotSaved(error.to_string()));
        }
        let saved = match tokio::task::spawn_blocking(save).await {
            Ok(saved) => saved.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        // Many are saved at once, and it is told once, in the order in which it is held here.
        let mut was_good = self.told_saving.lock().unwrap_or_else(PoisonError::into_inner);
        match &saved {
            Err(error) if *was_good => {
                self.events.tell(Happening::new(EventKind::StateFailed).detail(error));
            }
            Ok(_) if !*was_good => self.events.tell(Happening::new(EventKind::StateSaved)),
            _ => {}
        }
        *was_good = saved.is_ok();
        saved.map_err(ServiceError::NotSaved)
    }

    /// Whether what was to be saved last was; nothing without a state file.
    pub(crate) fn is_saving(&self) -> Option<bool> {
        self.state.is_saving()
    }

    /// How often the state was written, and how often that has failed, where there is a file for it.
    pub(crate) fn state_commits(&self) -> Option<(u64, u64)> {
        self.state.commits()
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

    /// Refuses new tunnels from now on, and stops listening everywhere, once changes that are under way
    /// have ended or that time is over; connections go on. Where sockets are kept, newcomers may wait for
    /// a successor.
    pub(crate) async fn begin_shutdown(&self, newcomers: Newcomers, patience: Option<Duration>) {
        self.draining.store(true, Ordering::Relaxed);
        let alone = self.turns.take(Scope::All);
        let alone = match patience {
            None => Some(alone.await),
            Some(patience) => timeout(patience, alone).await.ok(),
        };
        if alone.is_none() {
            error!("a change that is under way does not end; ending without it");
        }
        self.stopping.cancel();
        let all = self.registry().take_all();
        // Before the first wait, since a second signal may cut this short.
        for backend in all.iter().flat_map(|open| open.tunnel.route().backends.to_vec()) {
            self.engine.health.leave(&backend);
        }
        let may_wait = newcomers == Newcomers::Wait && self.systemd.is_there();
        let waiting = if may_wait { Waiting::HandOn } else { Waiting::Accept };
        // Each is told before one is waited for.
        let closing = all.into_iter().map(|Open { tunnel, listener, .. }| {
            if !may_wait {
                self.systemd.forget(&tunnel.listen);
            }
            async move {
                if let Some(listener) = listener {
                    listener.close(waiting).await;
                }
            }
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

/// The turn of one change, until it is done.
#[derive(Debug)]
struct Turn<'a> {
    service: &'a Service,
    place: Place<'a>,
    /// That of the change, once it is kept.
    revision: Option<u64>,
}

impl Turn<'_> {
    /// Keeps what is about to be done. Where that cannot be, nothing may be.
    async fn keep(
        &mut self,
        caller: &Caller,
        edits: Edits,
        unconfigured: Vec<String>,
    ) -> Result<(), ServiceError> {
        let service = self.service;
        if edits.is_empty() && unconfigured.is_empty() {
            return Ok(());
        }
        let (door, actor) = caller.actor.door_and_peer();
        let rows = if self.place.is_alone { service.rows_to_save() } else { None };
        let proposal = Proposal { door, actor, edits, unconfigured, rows };
        let state = Arc::clone(&service.state);
        self.revision = service.saved(move || state.keep(proposal)).await?;
        Ok(())
    }

    /// Begins what need not be kept.
    fn begin(&mut self) {
        self.revision = Some(self.service.state.issue_revision());
    }

    /// That of the change, or else the daemon's.
    fn revision(&self) -> u64 {
        self.revision.unwrap_or_else(|| self.service.revision())
    }

    /// The change is done. Only now is its revision the daemon's, once those before it are done too.
    async fn done(self) -> u64 {
        let (service, revision) = (self.service, self.revision());
        drop(self);
        service.revisions.reach(revision).await;
        revision
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(revision) = self.revision {
            self.service.revisions.done(revision);
        }
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
