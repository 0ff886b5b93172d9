//! A change of tunnels: those that are opened, those that go another way, and
//! those that are closed. All of it is done, or nothing.

use std::collections::HashSet;
use std::sync::Arc;

use plexy_shared::event::EventKind;
use plexy_shared::history::TransitionReply;
use plexy_shared::info::{Change, OpenReply, Origin};
use plexy_shared::spec::{BackendSpec, BoundAddr, TunnelSpec};
use tracing::{error, warn};

use super::close::closed;
use super::error::OpenError;
use super::{Caller, Service, ServiceError, Turn, check_own_backends};
use crate::backend::Member;
use crate::bind::{Bound, adopt, bind};
use crate::descriptors::Taken;
use crate::events::{Happening, Telling};
use crate::listener::{Listener, Waiting};
use crate::places::Places;
use crate::registry::Open;
use crate::socket::tune;
use crate::state::{Edited, Edits};
use crate::systemd::Socket;
use crate::tunnel::{Route, Tunnel, TunnelId};

/// What becomes of tunnels.
#[derive(Debug, Default)]
pub(super) struct Transition {
    pub(super) open: Vec<Opening>,
    pub(super) change: Vec<Rerouting>,
    pub(super) close: Vec<Closing>,
    /// What the configuration file said of tunnels that were closed against it, and says no more.
    pub(super) unconfigured: Vec<String>,
}

/// A tunnel that is opened.
#[derive(Debug)]
pub(super) struct Opening {
    /// Its place in the call, from 0.
    pub(super) index: usize,
    pub(super) spec: TunnelSpec,
    pub(super) addr: BoundAddr,
    /// A socket that listens there already.
    pub(super) socket: Option<Socket>,
    pub(super) origin: Origin,
    /// What file or arguments say of it, where they do.
    pub(super) configured: Option<Arc<TunnelSpec>>,
    /// Its place in the order of opening, where it had one before the daemon started.
    pub(super) order: Option<u64>,
}

/// A tunnel that goes another way, perhaps under another name.
#[derive(Debug)]
pub(super) struct Rerouting {
    /// Its place in the call, from 0.
    pub(super) index: usize,
    pub(super) tunnel: Arc<Tunnel>,
    pub(super) spec: TunnelSpec,
    pub(super) configured: Option<Arc<TunnelSpec>>,
}

/// A tunnel that is closed; its connections go on.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) tunnel: Arc<Tunnel>,
    /// What file or arguments go on to say of it, where they do.
    pub(super) configured: Option<Arc<TunnelSpec>>,
}

/// A tunnel that can be opened, since all is there that it needs.
#[derive(Debug)]
pub(super) struct Prepared {
    opening: Opening,
    id: TunnelId,
    bound: Bound,
    taken: Taken,
    keeper: Keeper,
}

/// Who has a copy of the socket of a tunnel, besides us.
#[derive(Debug)]
enum Keeper {
    /// Nobody yet.
    None,
    /// The store of the service manager, under this name.
    Store(String),
    /// The service manager, which has made it.
    Manager,
}

/// What a transition has done.
#[derive(Debug)]
pub(super) struct Done {
    /// The tunnels that were opened, each with its place in the call.
    pub(super) opened: Vec<(usize, OpenReply)>,
    pub(super) reply: TransitionReply,
}

impl Transition {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.change.is_empty() && self.close.is_empty()
    }

    /// Where each tunnel is, of those that go on.
    fn places(&self) -> impl Iterator<Item = (usize, &TunnelSpec, &BoundAddr)> {
        let opened = self.open.iter().map(|it| (it.index, &it.spec, &it.addr));
        opened.chain(self.change.iter().map(|it| (it.index, &it.spec, &it.tunnel.listen)))
    }

    /// Tunnels that give up the names they have, or stand in it with others.
    fn leaving(&self) -> HashSet<TunnelId> {
        let changed = self.change.iter().map(|it| it.tunnel.id);
        changed.chain(self.close.iter().map(|it| it.tunnel.id)).collect()
    }
}

impl Service {
    /// Holds what comes out of it against itself, and against all that stays.
    pub(super) fn check(&self, transition: &Transition) -> Result<(), OpenError> {
        let (leaving, mut places) = (transition.leaving(), Places::default());
        for (index, spec, addr) in transition.places() {
            let name = spec.options.name.as_ref();
            let fixed = Some(addr).filter(|addr| addr.port() != Some(0));
            let check = || {
                if let Some(first) = fixed.and_then(|addr| places.overlapping(addr)) {
                    let (addr, first_addr) = (addr.clone(), addr.clone());
                    return Err(ServiceError::AddressTwice { addr, first: first + 1, first_addr });
                }
                if let Some((name, first)) = name.and_then(|it| Some((it, places.named(it)?))) {
                    return Err(ServiceError::NameTwice { name: name.clone(), first: first + 1 });
                }
                let holder = name.and_then(|name| self.registry().named(name).cloned());
                if let Some((name, holder)) = name.zip(holder)
                    && !leaving.contains(&holder.id)
                {
                    let holder = holder.listen.clone();
                    return Err(ServiceError::NameInUse { name: name.clone(), holder });
                }
                check_own_backends(addr, &spec.backends)
            };
            check().map_err(|error| OpenError::of(index, error))?;
            places.take(name, fixed, index);
        }
        for opening in &transition.open {
            self.check_addr(&opening.addr).map_err(|error| OpenError::of(opening.index, error))?;
        }
        Ok(())
    }

    /// Whether nothing of ours listens there.
    pub(super) fn check_addr(&self, addr: &BoundAddr) -> Result<(), ServiceError> {
        // Port 0 is any free one, so it overlaps with nothing.
        let registry = self.registry();
        if let Some(holder) = registry.overlapping(addr).filter(|_| addr.port() != Some(0)) {
            return Err(ServiceError::AddressInUse {
                addr: addr.clone(),
                holder: holder.label(),
                holder_addr: holder.listen.clone(),
            });
        }
        if self.doors.iter().any(|socket| socket.overlaps(addr)) {
            return Err(ServiceError::OwnSocket(addr.clone()));
        }
        Ok(())
    }

    /// Binds, keeps, then does: what can fail comes first.
    pub(super) async fn carry_out(
        &self,
        mut turn: Turn<'_>,
        mut transition: Transition,
        caller: &Caller,
    ) -> Result<Done, OpenError> {
        let prepared = self.prepare(std::mem::take(&mut transition.open)).await?;
        let edits = self.edits(&transition, &prepared);
        turn.keep(caller, edits, std::mem::take(&mut transition.unconfigured)).await?;
        let count = prepared.len() + transition.change.len() + transition.close.len();
        let telling = self.events.telling(count);
        let mut done = self.perform(&turn, transition, prepared, caller, &telling).await;
        let (TransitionReply { opened, changed, closed, .. }, revision) =
            (done.reply, turn.revision());
        telling.end(|| {
            Happening::new(EventKind::TunnelsChanged)
                .detail(format!("opened {opened}, changed {changed}, closed {closed}"))
                .by(&caller.actor, revision)
        });
        if opened + changed + closed > 0 {
            done.reply.revision = turn.done().await;
        }
        Ok(done)
    }

    /// Gets all that tunnels need to be opened, for each of them or for none.
    pub(super) async fn prepare(&self, openings: Vec<Opening>) -> Result<Vec<Prepared>, OpenError> {
        let mut wanted = Vec::with_capacity(openings.len());
        for opening in openings {
            let taken = self.engine.descriptors.try_take(1);
            let taken = taken
                .ok_or_else(|| OpenError::of(opening.index, ServiceError::OutOfDescriptors))?;
            wanted.push((opening, self.registry().next_id(), taken));
        }
        let is_one = wanted.len() <= 1;
        let bind_all = move || wanted.into_iter().map(bound).collect::<Result<Vec<_>, _>>();
        // One is a matter of microseconds; many are not for the control threads.
        if is_one {
            return bind_all();
        }
        tokio::task::spawn_blocking(bind_all).await.unwrap_or_else(|error| {
            error!(%error, "binding has failed");
            Err(ServiceError::ShuttingDown.into())
        })
    }

    /// Has the socket kept through a restart, unless it is already.
    async fn keep_socket(&self, prepared: &Prepared) {
        let bound = &prepared.bound;
        match &prepared.keeper {
            Keeper::None => {
                self.systemd.keep(bound, || self.engine.descriptors.try_take(1)).await;
            }
            Keeper::Store(name) => self.systemd.has_kept(&bound.addr, name.clone()),
            Keeper::Manager => {}
        }
    }

    fn edits(&self, transition: &Transition, prepared: &[Prepared]) -> Edits {
        let registry = self.registry();
        let opened = prepared.iter().map(|it| Edited {
            before: None,
            after: Some(it.spec()),
            origin: it.opening.origin,
            configured: it.opening.configured.clone(),
            order: it.order(),
        });
        let changed = transition.change.iter().map(|it| Edited {
            before: Some(it.tunnel.spec()),
            after: Some(it.spec_of_route()),
            origin: it.tunnel.origin,
            configured: it.configured.clone(),
            order: registry.order(it.tunnel.id),
        });
        let closed = transition.close.iter().map(|it| Edited {
            before: Some(it.tunnel.spec()),
            after: None,
            origin: it.tunnel.origin,
            configured: it.configured.clone(),
            order: registry.order(it.tunnel.id),
        });
        let mut edits = self.state.edits();
        closed.chain(changed).chain(opened).for_each(|edit| edits.add(&edit));
        edits
    }

    /// Does what can no more fail.
    pub(super) async fn perform(
        &self,
        turn: &Turn<'_>,
        transition: Transition,
        prepared: Vec<Prepared>,
        caller: &Caller,
        telling: &Telling<'_>,
    ) -> Done {
        let revision = turn.revision();
        let reply = TransitionReply {
            opened: prepared.len(),
            changed: transition.change.len(),
            closed: transition.close.len(),
            unchanged: 0,
            revision: self.revision(),
        };
        let note = |happening: Happening| telling.note(happening.by(&caller.actor, revision));
        for closing in transition.close {
            self.close_gone(&closing.tunnel).await.into_iter().for_each(note);
        }
        self.reroute_all(transition.change, revision).into_iter().for_each(note);
        let mut opened = Vec::with_capacity(prepared.len());
        for prepared in prepared {
            let index = prepared.opening.index;
            self.keep_socket(&prepared).await;
            let (reply, happening) = self.insert(prepared, revision);
            opened.push((index, reply));
            note(happening);
        }
        Done { opened, reply }
    }

    async fn close_gone(&self, tunnel: &Tunnel) -> Option<Happening> {
        let open = self.registry().remove(tunnel.id)?;
        open.listener.close(Waiting::Accept).await;
        self.systemd.forget(&tunnel.listen);
        for backend in &tunnel.route().backends {
            backend.removed.cancel();
        }
        Some(closed(tunnel, 0, tunnel.totals.live()))
    }

    /// Sends connections of all of them another way in one step.
    fn reroute_all(&self, changed: Vec<Rerouting>, revision: u64) -> Vec<Happening> {
        let befores: Vec<_> = changed.iter().map(|it| it.tunnel.route()).collect();
        let route = |(it, before): (&Rerouting, &Arc<Route>)| {
            (Arc::clone(&it.tunnel), route_of(&it.tunnel, before, &it.spec, revision))
        };
        let routes: Vec<_> = changed.iter().zip(&befores).map(route).collect();
        {
            let mut registry = self.registry();
            registry.reroute(routes);
            for it in &changed {
                registry.configure(it.tunnel.id, it.configured.clone());
            }
        }
        let mut happenings = Vec::with_capacity(changed.len());
        for (Rerouting { tunnel, .. }, before) in changed.iter().zip(befores) {
            let (label, after) = (tunnel.label(), tunnel.route());
            for backend in only_in(&after.backends, &before.backends) {
                self.engine.health.watch(&label, backend);
            }
            for backend in only_in(&before.backends, &after.backends) {
                backend.removed.cancel();
            }
            let happening = Happening::new(EventKind::TunnelChanged).of_tunnel(label);
            happenings.push(happening.detail(tunnel.spec().to_string()));
        }
        happenings
    }

    fn insert(&self, prepared: Prepared, revision: u64) -> (OpenReply, Happening) {
        let order = prepared.order();
        let Prepared { opening, id, bound, taken, .. } = prepared;
        // What fails here is a nicety: the tunnel works without it.
        if bound.addr.port().is_some()
            && let Err(error) = tune(&bound.listener)
        {
            warn!(listen = %bound.addr, %error, "cannot set options of the listener");
        }
        let Opening { spec, origin, configured, .. } = opening;
        let backends: Vec<_> = spec.backends.into_iter().map(Member::new).collect();
        let route = Route::new(spec.options, backends.clone(), revision);
        let mut registry = self.registry();
        let tunnel = Arc::new(Tunnel::new(id, bound.addr.clone(), origin, route));
        let label = tunnel.label();
        for backend in &backends {
            self.engine.health.watch(&label, backend);
        }
        let listen = tunnel.listen.to_string();
        let happening = Happening::new(EventKind::TunnelOpened).of_tunnel(label);
        let happening = happening.detail(tunnel.spec().to_string());
        let is_kept = self.systemd.is_there();
        let listener = Listener::start(Arc::clone(&tunnel), bound, taken, is_kept, &self.engine);
        registry.insert(Open { tunnel, listener, configured, order });
        (OpenReply { result: Change::Opened.into(), listen, revision }, happening)
    }
}

impl Prepared {
    /// Its place in the order of opening.
    fn order(&self) -> u64 {
        self.opening.order.unwrap_or(self.id.0)
    }

    /// With the port that it was given.
    fn spec(&self) -> TunnelSpec {
        TunnelSpec { listen: self.bound.addr.clone().into(), ..self.opening.spec.clone() }
    }
}

impl Rerouting {
    fn spec_of_route(&self) -> TunnelSpec {
        let mut options = self.spec.options.clone();
        options.backlog = self.tunnel.route().options.backlog;
        let listen = self.tunnel.listen.clone().into();
        TunnelSpec { listen, backends: self.spec.backends.clone(), options }
    }
}

fn bound((mut opening, id, taken): (Opening, TunnelId, Taken)) -> Result<Prepared, OpenError> {
    let (addr, backlog) = (&opening.addr, opening.spec.options.backlog);
    let (bound, keeper) = match opening.socket.take() {
        None => (bind(addr, backlog, None), Keeper::None),
        Some(Socket { listener, file, name, is_kept, .. }) => {
            let keeper = if is_kept { Keeper::Store(name) } else { Keeper::Manager };
            (adopt(listener, addr, file, backlog), keeper)
        }
    };
    let of = |error: ServiceError| OpenError::of(opening.index, error);
    let bound = bound.map_err(|error| of(error.into()))?;
    // Port 0 is known only now.
    check_own_backends(&bound.addr, &opening.spec.backends).map_err(of)?;
    Ok(Prepared { opening, id, bound, taken, keeper })
}

/// Where connections go that come from now on. Backends that stand there as before are the same ones.
fn route_of(tunnel: &Tunnel, before: &Route, spec: &TunnelSpec, revision: u64) -> Route {
    let mut options = spec.options.clone();
    if options.backlog != before.options.backlog {
        let tunnel = tunnel.label();
        warn!(tunnel, "`backlog` of a tunnel that is open stays as it is");
        options.backlog = before.options.backlog;
    }
    let backend = |spec: &BackendSpec| match before.backend(&spec.addr) {
        Some(Member { backend, .. }) => {
            Member { backend: Arc::clone(backend), options: spec.options.clone() }
        }
        None => Member::new(spec.clone()),
    };
    Route::new(options, spec.backends.iter().map(backend).collect(), revision)
}

/// Those of a set that another one lacks.
fn only_in<'a>(set: &'a [Member], other: &'a [Member]) -> impl Iterator<Item = &'a Member> {
    set.iter().filter(|backend| !other.iter().any(|other| backend.is_same(other)))
}

/// Whether a tunnel is open as it stands there.
pub(super) fn is_same(tunnel: &Tunnel, spec: &TunnelSpec) -> bool {
    let open = tunnel.spec();
    open.backends == spec.backends && open.options == spec.options
}
