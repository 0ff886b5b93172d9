//! A change of tunnels: those that are opened, those that go another way, and
//! those that are closed. All of it is done, or nothing.

use std::collections::HashSet;
use std::sync::Arc;

use plexy_shared::command::LiveChoice;
use plexy_shared::event::EventKind;
use plexy_shared::history::TransitionReply;
use plexy_shared::info::{Change, LiveCounts, OpenReply, Origin, Reason};
use plexy_shared::plan::Rehearsal;
use plexy_shared::spec::{AdminState, BoundAddr, TunnelSpec};
use tracing::{error, warn};

use super::close::{closed, waiting_for};
use super::error::OpenError;
use super::live::settled;
use super::reroute::{Ready, Rerouting};
use super::security::{load_all, warn_if_unverified};
use super::{Caller, Service, ServiceError, Turn, check_own_backends};
use crate::backend::Member;
use crate::bind::{Bound, adopt, bind};
use crate::descriptors::Taken;
use crate::events::{Happening, Telling};
use crate::listener::Listener;
use crate::places::Places;
use crate::registry::Open;
use crate::socket::tune;
use crate::state::{Edited, Edits};
use crate::systemd::Socket;
use crate::tls::Security;
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

/// A tunnel that is closed.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) tunnel: Arc<Tunnel>,
    /// What its connections get.
    pub(super) live: LiveChoice,
    /// What file or arguments go on to say of it, where they do.
    pub(super) configured: Option<Arc<TunnelSpec>>,
}

/// A tunnel that can be opened, since all is there that it needs.
#[derive(Debug)]
pub(super) struct Prepared {
    opening: Opening,
    id: TunnelId,
    addr: BoundAddr,
    /// None where it is to drain: it does not listen then.
    socket: Option<(Bound, Taken, Keeper)>,
    security: Option<Arc<Security>>,
}

/// What can no more fail.
#[derive(Debug, Default)]
pub(super) struct Performing {
    pub(super) close: Vec<Closing>,
    pub(super) changed: Vec<Ready>,
    pub(super) prepared: Vec<Prepared>,
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
    /// What became of the live connections of those that were changed.
    pub(super) live: Vec<LiveCounts>,
    /// What became of those of tunnels that were closed.
    pub(super) closed: Vec<LiveCounts>,
    pub(super) reply: TransitionReply,
}

impl Transition {
    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How many tunnels it is about.
    pub(super) fn count(&self) -> usize {
        self.open.len() + self.change.len() + self.close.len()
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

    /// Binds, keeps, then does: what can fail comes first. Of one that is only tried out it is told what
    /// would be done.
    pub(super) async fn carry_out(
        &self,
        mut turn: Turn<'_>,
        mut transition: Transition,
        caller: &Caller,
    ) -> Result<Done, OpenError> {
        if caller.dry_run {
            return self.rehearse(&transition, caller).await;
        }
        let prepared = self.prepare(std::mem::take(&mut transition.open)).await?;
        let changed = self.prepare_all(std::mem::take(&mut transition.change)).await?;
        let edits = self.edits(&transition.close, &changed, &prepared);
        turn.keep(caller, edits, std::mem::take(&mut transition.unconfigured)).await?;
        let count = prepared.len() + changed.len() + transition.close.len();
        let telling = self.events.telling(count);
        let ready = Performing { close: transition.close, changed, prepared };
        let mut done = self.perform(&turn, ready, caller, &telling).await;
        let TransitionReply { opened, changed, closed, .. } = done.reply;
        let revision = turn.revision();
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
        let securities = load_all(openings.iter().map(|it| (it.index, &it.spec))).await?;
        let mut wanted = Vec::with_capacity(openings.len());
        for (opening, security) in openings.into_iter().zip(securities) {
            let taken = self.engine.descriptors.try_take(1);
            let taken = taken
                .ok_or_else(|| OpenError::of(opening.index, ServiceError::OutOfDescriptors))?;
            wanted.push((opening, self.registry().next_id(), taken, security));
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
        let Some((bound, _, keeper)) = &prepared.socket else { return };
        match keeper {
            Keeper::None => {
                self.systemd.keep(bound, || self.engine.descriptors.try_take(1)).await;
            }
            Keeper::Store(name) => self.systemd.has_kept(&bound.addr, name.clone()),
            Keeper::Manager => {}
        }
    }

    fn edits(&self, close: &[Closing], changed: &[Ready], prepared: &[Prepared]) -> Edits {
        let registry = self.registry();
        let opened = prepared.iter().map(|it| Edited {
            before: None,
            after: Some(it.spec()),
            origin: it.opening.origin,
            configured: it.opening.configured.clone(),
            order: it.order(),
        });
        let changed = changed.iter().map(Ready::rerouting).map(|it| Edited {
            before: Some(it.tunnel.spec()),
            after: Some(it.after()),
            origin: it.tunnel.origin,
            configured: it.configured.clone(),
            order: registry.order(it.tunnel.id),
        });
        let closed = close.iter().map(|it| Edited {
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
        ready: Performing,
        caller: &Caller,
        telling: &Telling<'_>,
    ) -> Done {
        let Performing { close, changed, prepared } = ready;
        let revision = turn.revision();
        let reply = TransitionReply {
            opened: prepared.len(),
            changed: changed.len(),
            closed: close.len(),
            unchanged: 0,
            certificate_files: 0,
            revision: self.revision(),
            rehearsal: Rehearsal::default(),
        };
        let note = |happening: Happening| telling.note(happening.by(&caller.actor, revision));
        let mut gone = Vec::with_capacity(close.len());
        for closing in &close {
            gone.extend(self.take_out(closing).await);
        }
        let closed_live = self.part_all(&gone, Reason::TunnelClosed, &caller.actor);
        for ((tunnel, choice), live) in gone.iter().zip(&closed_live) {
            note(closed(tunnel, *live, choice.deadline));
        }
        let (live, happenings) = self.reroute_all(changed, revision, &caller.actor).await;
        happenings.into_iter().for_each(note);
        let mut opened = Vec::with_capacity(prepared.len());
        for prepared in prepared {
            let index = prepared.opening.index;
            self.keep_socket(&prepared).await;
            let (reply, happening) = self.insert(prepared, revision);
            opened.push((index, reply));
            note(happening);
        }
        Done { opened, live, closed: closed_live, reply }
    }

    /// Stops listening, for good: what the connections of the tunnel get now, if it was still there.
    async fn take_out(
        &self,
        Closing { tunnel, live, .. }: &Closing,
    ) -> Option<(Arc<Tunnel>, LiveChoice)> {
        let open = self.registry().remove(tunnel.id)?;
        if let Some(listener) = open.listener {
            listener.close(waiting_for(*live)).await;
        }
        self.systemd.forget(&tunnel.listen);
        let route = tunnel.route();
        for backend in &route.backends {
            self.engine.health.leave(backend);
        }
        Some((Arc::clone(tunnel), settled(*live, &route.options)))
    }

    fn insert(&self, prepared: Prepared, revision: u64) -> (OpenReply, Happening) {
        let order = prepared.order();
        let Prepared { opening, id, addr, socket, security } = prepared;
        let Opening { spec, origin, configured, .. } = opening;
        let backends: Vec<_> = spec.backends.into_iter().map(Member::new).collect();
        let route = Route::new(spec.options, backends.clone(), revision).with(security);
        let mut registry = self.registry();
        let tunnel = Arc::new(Tunnel::new(id, addr, origin, route));
        let label = tunnel.label();
        warn_if_unverified(&label, &tunnel.route());
        for backend in &backends {
            self.engine.health.watch(&tunnel, backend);
        }
        let listen = tunnel.listen.to_string();
        let happening = Happening::new(EventKind::TunnelOpened).of_tunnel(label);
        let happening = happening.detail(tunnel.spec().to_string());
        let is_kept = self.systemd.is_there();
        let listener = socket.map(|(bound, taken, _)| {
            Listener::start(Arc::clone(&tunnel), bound, taken, is_kept, &self.engine)
        });
        self.certificates.keep_of(&tunnel);
        registry.insert(Open { tunnel, listener, configured, order });
        let (result, rehearsal) = (Change::Opened.into(), Rehearsal::default());
        (OpenReply { result, listen, revision, rehearsal }, happening)
    }
}

impl Prepared {
    /// Its place in the order of opening.
    fn order(&self) -> u64 {
        self.opening.order.unwrap_or(self.id.0)
    }

    /// With the port that it was given.
    fn spec(&self) -> TunnelSpec {
        TunnelSpec { listen: self.addr.clone().into(), ..self.opening.spec.clone() }
    }
}

/// What a tunnel is opened with.
type Wanted = (Opening, TunnelId, Taken, Option<Arc<Security>>);

fn bound((mut opening, id, taken, security): Wanted) -> Result<Prepared, OpenError> {
    let (addr, backlog) = (&opening.addr, u32::from(opening.spec.options.backlog));
    let of = |error: ServiceError| OpenError::of(opening.index, error);
    let is_ready = opening.spec.options.admin == AdminState::Ready;
    // Which port is free is found out by listening on it.
    if !is_ready && addr.port() != Some(0) {
        let addr = addr.clone();
        return Ok(Prepared { opening, id, addr, socket: None, security });
    }
    let (bound, keeper) = match opening.socket.take() {
        None => (bind(addr, backlog, None), Keeper::None),
        Some(Socket { listener, file, name, is_kept, .. }) => {
            let keeper = if is_kept { Keeper::Store(name) } else { Keeper::Manager };
            (adopt(listener, addr, file, backlog), keeper)
        }
    };
    let bound = tuned(bound.map_err(|error| of(error.into()))?);
    // Port 0 is known only now.
    check_own_backends(&bound.addr, &opening.spec.backends).map_err(of)?;
    let addr = bound.addr.clone();
    let socket = is_ready.then_some((bound, taken, keeper));
    Ok(Prepared { opening, id, addr, socket, security })
}

/// Listens there, for a tunnel that exists.
pub(super) fn bind_one(addr: &BoundAddr, backlog: u32) -> Result<Bound, ServiceError> {
    Ok(tuned(bind(addr, backlog, None)?))
}

fn tuned(bound: Bound) -> Bound {
    // What fails here is a nicety: the tunnel works without it.
    if bound.addr.port().is_some()
        && let Err(error) = tune(&bound.listener)
    {
        warn!(listen = %bound.addr, %error, "cannot set options of the listener");
    }
    bound
}

/// Whether a tunnel is open as it stands there.
pub(super) fn is_same(tunnel: &Tunnel, spec: &TunnelSpec) -> bool {
    let open = tunnel.spec();
    open.backends == spec.backends && open.options == spec.options
}
