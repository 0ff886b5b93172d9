//! `reload`: the tunnels of the configuration file, as they stand there now.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use plexy_shared::info::{Change, OpenReply, Origin};
use plexy_shared::spec::{BackendSpec, BoundAddr, TunnelSpec};
use tracing::{info, warn};

use super::error::OpenError;
use super::open_all::{Step, is_same};
use super::{Caller, Service, ServiceError, check_own_backends};
use crate::backend::Backend;
use crate::listener::Waiting;
use crate::places::Places;
use crate::tunnel::{Route, Tunnel};

/// What a reload has done: so many tunnels of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reloaded {
    pub(crate) opened: usize,
    pub(crate) changed: usize,
    /// Their connections go on.
    pub(crate) closed: usize,
    pub(crate) unchanged: usize,
}

/// How the last reload went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastReload {
    pub(crate) is_good: bool,
    /// When the last good one was; the start is one.
    pub(crate) good_at: SystemTime,
}

impl Default for LastReload {
    fn default() -> Self {
        Self { is_good: true, good_at: SystemTime::now() }
    }
}

/// What becomes of the tunnels of the file.
#[derive(Debug, Default)]
struct Plan {
    /// Open ones that stand there otherwise, with the place of their specification.
    changed: Vec<(Arc<Tunnel>, usize)>,
    /// Open ones that stand there no more.
    gone: Vec<Arc<Tunnel>>,
    /// One for each specification.
    steps: Vec<Step>,
}

impl Service {
    /// Opens, changes and closes tunnels of the file until they are these, or does nothing. All other
    /// tunnels, and connections, are left alone.
    ///
    /// Where one of them cannot be had nothing was changed.
    pub(crate) async fn reload(
        &self,
        specs: &[TunnelSpec],
        caller: &Caller,
    ) -> Result<Reloaded, OpenError> {
        let (turn, addrs) = self.begin_opening(specs, caller).await?;
        let plan = self.plan_reload(specs, &addrs);
        self.check_reload(specs, &addrs, &plan)?;
        let (opened, bound) = self.bind_all(specs, &plan.steps).await?;

        let reloaded = Reloaded {
            opened: opened.len(),
            changed: plan.changed.len(),
            closed: plan.gone.len(),
            unchanged: specs.len() - opened.len() - plan.changed.len(),
        };
        for tunnel in &plan.gone {
            self.close_gone(tunnel, caller, turn.revision).await;
        }
        self.change_all(&plan.changed, specs, caller, turn.revision);
        for (index, (bound, taken)) in opened.into_iter().zip(bound) {
            if let Some(spec) = specs.get(index) {
                self.insert(spec, Origin::File, caller, turn.revision, bound, taken);
            }
        }
        if reloaded.opened + reloaded.changed + reloaded.closed > 0 {
            turn.done();
        }
        Ok(reloaded)
    }

    /// How the last one went.
    pub(crate) fn last_reload(&self) -> LastReload {
        *self.last_reload.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how one went, the reading of the file included.
    pub(crate) fn note_reload(&self, is_good: bool) {
        let mut last = self.last_reload.lock().unwrap_or_else(PoisonError::into_inner);
        let good_at = if is_good { SystemTime::now() } else { last.good_at };
        *last = LastReload { is_good, good_at };
    }

    /// Which open tunnel of the file each specification stands for.
    fn plan_reload(&self, specs: &[TunnelSpec], addrs: &[BoundAddr]) -> Plan {
        let registry = self.registry();
        let is_of_file = |tunnel: &&Arc<Tunnel>| tunnel.origin == Origin::File;
        let (mut plan, mut staying) = (Plan::default(), HashSet::new());
        for (index, (spec, addr)) in specs.iter().zip(addrs).enumerate() {
            let open = if addr.port() == Some(0) {
                let mut free = registry.tunnels().filter(|it| !staying.contains(&it.id));
                free.find(|tunnel| is_of_file(tunnel) && stands_for(spec, addr, tunnel))
            } else {
                // One that is open in the same way need not be of the file.
                let open = registry.listening_on(addr);
                open.filter(|tunnel| is_of_file(tunnel) || is_same(tunnel, spec))
            };
            let Some(tunnel) = open else {
                plan.steps.push(Step::Open(addr.clone()));
                continue;
            };
            staying.insert(tunnel.id);
            plan.steps.push(Step::IsOpen(OpenReply {
                result: Change::Unchanged.into(),
                listen: tunnel.listen.to_string(),
                revision: tunnel.route().revision,
            }));
            if !is_same(tunnel, spec) {
                plan.changed.push((Arc::clone(tunnel), index));
            }
        }
        let of_file = registry.tunnels().filter(is_of_file);
        plan.gone = of_file.filter(|tunnel| !staying.contains(&tunnel.id)).cloned().collect();
        plan
    }

    /// Holds the specifications against each other, and against all that stays.
    fn check_reload(
        &self,
        specs: &[TunnelSpec],
        addrs: &[BoundAddr],
        plan: &Plan,
    ) -> Result<(), OpenError> {
        let mut places = Places::default();
        for (index, ((spec, addr), step)) in specs.iter().zip(addrs).zip(&plan.steps).enumerate() {
            let check = || {
                if let Some(first) = self.check_planned(spec, addr, specs, addrs, &places)? {
                    let (addr, first_addr) = (addr.clone(), addr.clone());
                    return Err(ServiceError::AddressTwice { addr, first: first + 1, first_addr });
                }
                self.check_name(spec, addr)?;
                if let Step::Open(addr) = step {
                    self.check_addr(addr)?;
                }
                check_own_backends(addr, &spec.backends)
            };
            check().map_err(|error| OpenError::of(index, error))?;
            let listen = Some(addr).filter(|addr| addr.port() != Some(0));
            places.take(spec.options.name.as_ref(), listen, index);
        }
        Ok(())
    }

    /// Whether no other tunnel has its name that is none of the file: those that are give theirs up,
    /// or stand there themselves.
    fn check_name(&self, spec: &TunnelSpec, addr: &BoundAddr) -> Result<(), ServiceError> {
        let Some(name) = &spec.options.name else { return Ok(()) };
        match self.registry().named(name) {
            Some(holder) if holder.origin != Origin::File && holder.listen != *addr => {
                let holder = holder.listen.clone();
                Err(ServiceError::NameInUse { name: name.clone(), holder })
            }
            _ => Ok(()),
        }
    }

    async fn close_gone(&self, tunnel: &Tunnel, caller: &Caller, revision: u64) {
        let Some(open) = self.registry().remove(tunnel.id) else { return };
        open.listener.close(Waiting::Accept).await;
        for backend in &tunnel.route().backends {
            backend.removed.cancel();
        }
        let draining = tunnel.totals.live();
        info!(tunnel = tunnel.label(), actor = %caller.actor, revision, draining, "tunnel closed");
    }

    /// Changes all of them in one step.
    fn change_all(
        &self,
        changed: &[(Arc<Tunnel>, usize)],
        specs: &[TunnelSpec],
        caller: &Caller,
        revision: u64,
    ) {
        let with_route = changed.iter().filter_map(|(tunnel, index)| {
            let before = tunnel.route();
            let after = route_of(tunnel, &before, specs.get(*index)?, revision);
            Some(((Arc::clone(tunnel), before), (Arc::clone(tunnel), after)))
        });
        let (before, routes): (Vec<_>, Vec<_>) = with_route.unzip();
        self.registry().reroute(routes);
        for (tunnel, before) in before {
            let (label, after) = (tunnel.label(), tunnel.route());
            for backend in only_in(&after.backends, &before.backends) {
                self.engine.health.watch(&label, backend);
            }
            for backend in only_in(&before.backends, &after.backends) {
                backend.removed.cancel();
            }
            info!(tunnel = label, actor = %caller.actor, revision, spec = %tunnel.spec(), "tunnel changed");
        }
    }
}

/// Where connections go that come from now on. Backends that stand there as before are the same ones.
fn route_of(tunnel: &Tunnel, before: &Route, spec: &TunnelSpec, revision: u64) -> Route {
    let mut options = spec.options.clone();
    if options.backlog != before.options.backlog {
        let tunnel = tunnel.label();
        warn!(tunnel, "`backlog` of a tunnel that is open stays as it is");
        options.backlog = before.options.backlog;
    }
    let backend = |spec: &BackendSpec| match before.backend(spec) {
        Some(known) if known.spec == *spec => Arc::clone(known),
        _ => Arc::new(Backend::new(spec.clone())),
    };
    Route::new(options, spec.backends.iter().map(backend).collect(), revision)
}

/// Those of a set that another one lacks.
fn only_in<'a>(
    set: &'a [Arc<Backend>],
    other: &'a [Arc<Backend>],
) -> impl Iterator<Item = &'a Arc<Backend>> {
    set.iter().filter(|backend| !other.iter().any(|other| Arc::ptr_eq(backend, other)))
}

/// With port 0, which is any, the name of a tunnel decides which one it is, or else all of it.
fn stands_for(spec: &TunnelSpec, addr: &BoundAddr, tunnel: &Tunnel) -> bool {
    let is_on_host = match (addr, &tunnel.listen) {
        (BoundAddr::Any(_), BoundAddr::Any(_)) => true,
        (BoundAddr::Ip(wanted), BoundAddr::Ip(open)) => wanted.ip() == open.ip(),
        _ => false,
    };
    is_on_host
        && match &spec.options.name {
            Some(wanted) => tunnel.route().options.name.as_ref() == Some(wanted),
            None => is_same(tunnel, spec),
        }
}
