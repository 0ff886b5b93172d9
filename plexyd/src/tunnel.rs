//! A tunnel as its connections see it: an identity, what it has counted, and
//! one immutable [`Route`] that a change swaps whole.
//!
//! It knows nothing of sockets: its listener belongs to the registry.

mod names;
mod prospect;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use once_cell::race::OnceBox;
use plexy_shared::info::{Origin, Reason, TlsFailure, TlsHandshake};
use plexy_shared::spec::{
    AdminState, BackendAddr, BoundAddr, OnAllDown, TunnelOptions, TunnelSpec,
};

use crate::admin::Admin;
use crate::backend::{Backend, Member};
use crate::balance::{Asking, Balance, Outlook};
use crate::fold::Fold;
use crate::gate::Gate;
use crate::histogram::Histogram;
use crate::ledger::Account;
use crate::queue::Lane;
use crate::refusal::{Limit, Refusal};
use crate::socket::ClientAddr;
use crate::tally::Tally;
use crate::tls::{Live, Originate, Renewable, Security, Terminate};
pub(crate) use names::Names;
use names::Naming;

/// How many clients of a tunnel without `max-conns` are parked at most while no backend is up.
const HELD_MAX: u64 = 1_000;

/// Where clients wait who have yet to do their handshake: in nobody's way, since one that says nothing
/// could have all behind it wait for its time-out.
const BEFORE_TLS: Lane = Lane(usize::MAX);

/// One count per reason.
pub(crate) type Reasons = Tally<Reason>;

/// A tunnel's number within the daemon, in order of opening; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TunnelId(pub(crate) u64);

/// One tunnel.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(crate) id: TunnelId,
    pub(crate) listen: BoundAddr,
    pub(crate) origin: Origin,
    pub(crate) opened: Instant,
    /// Its changes are who was not let in, and the files that were taken anew.
    pub(crate) totals: Account,
    /// Messages about clients that found no backend, or could not be accepted, folded.
    pub(crate) refusals: Fold,
    /// What it remembers for its limits, where it has some or had some.
    gate: OnceBox<Gate>,
    /// Why connections have ended.
    pub(crate) ended: Reasons,
    /// Why clients were not let in.
    rejected: Reasons,
    /// How long connections have lived.
    pub(crate) lifetimes: Histogram,
    /// What became of TLS with clients, where it is terminated.
    tls_counts: OnceBox<TlsCounts>,
    /// What somebody has done to it last.
    pub(crate) admin: Admin,
    /// Until it is closed: connections may outlive that.
    is_open: AtomicBool,
    route: ArcSwap<Route>,
}

/// Where connections go, and how: made whole, never changed.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) options: TunnelOptions,
    pub(crate) backends: Box<[Member]>,
    pub(crate) balance: Balance,
    /// What TLS is spoken with, where it is.
    pub(crate) security: Option<Arc<Security>>,
    /// What names have to do with it: nothing in most tunnels.
    naming: Option<Box<Naming>>,
    /// The daemon's revision that made it.
    pub(crate) revision: u64,
}

impl Route {
    /// A route over these backends.
    pub(crate) fn new(options: TunnelOptions, backends: Vec<Member>, revision: u64) -> Self {
        let balance = Balance::new(&options, backends.len());
        let names = Names::of(&options, &backends, revision);
        let naming = names.map(|names| Box::new(Naming::Whole(names)));
        Self { options, backends: backends.into(), balance, security: None, naming, revision }
    }

    /// The same with what its options say of TLS.
    pub(crate) fn with(self, security: Option<Arc<Security>>) -> Self {
        Self { security, ..self }
    }

    /// What TLS is terminated with, where it is: a matter of the whole, and of none of its parts.
    pub(crate) fn terminate(&self) -> Option<&Arc<Live<Terminate>>> {
        self.security.as_ref()?.terminate.as_ref()
    }

    /// What TLS is originated with now, where it is: so, too.
    pub(crate) fn originate(&self) -> Option<Arc<Originate>> {
        Some(self.security.as_ref()?.originate.as_ref()?.current())
    }

    /// What is done of the TLS of clients, where anything is.
    pub(crate) fn tls(&self) -> Option<&'static str> {
        match (self.terminate(), self.names()) {
            (Some(_), _) => Some("terminate"),
            (None, Some(_)) => Some("route"),
            (None, None) => None,
        }
    }

    /// All of it that is kept as its files say.
    pub(crate) fn live(&self) -> impl Iterator<Item = Arc<dyn Renewable>> {
        self.security.iter().flat_map(|security| security.live())
    }

    /// Where clients go by the name that they ask for; nothing where that says nothing.
    pub(crate) fn names(&self) -> Option<&Names> {
        match self.naming.as_deref() {
            Some(Naming::Whole(names)) => Some(names),
            Some(Naming::Part(_)) | None => None,
        }
    }

    /// Where clients wait who go this way and not another one of the same tunnel.
    pub(crate) fn lane(&self) -> Lane {
        match self.naming.as_deref() {
            Some(Naming::Part(lane)) => *lane,
            Some(Naming::Whole(_)) | None => Lane::default(),
        }
    }

    /// Where one waits who has just come. It goes on to where it belongs when it has told who it is.
    fn first_lane(&self) -> Lane {
        if self.terminate().is_some() { BEFORE_TLS } else { self.lane() }
    }

    /// Whether there is a backend for clients, be it full: none where none is up and the tunnel refuses
    /// clients then.
    pub(crate) fn has_backend(&self) -> bool {
        match self.options.on_all_down {
            OnAllDown::TryAll => self.backends.iter().any(Member::is_offered),
            OnAllDown::Refuse | OnAllDown::Hold => self.backends.iter().any(Member::is_usable),
        }
    }

    /// Whether clients wait for a backend to come up: none is.
    pub(crate) fn holds(&self) -> bool {
        self.options.on_all_down == OnAllDown::Hold && !self.has_backend()
    }

    /// Chooses a backend for a client, if there is one that is not full.
    pub(crate) fn choose(&self, asking: &Asking<'_>) -> Option<usize> {
        if self.has_backend() { self.balance.choose(&self.backends, asking) } else { None }
    }

    /// What [`Route::choose`] would come to for a client who comes now, and may be unknown.
    pub(crate) fn outlook(&self, client: Option<&ClientAddr>, now: Instant) -> Option<Outlook> {
        let is_there = self.has_backend();
        is_there.then(|| self.balance.outlook(&self.backends, client, now)).flatten()
    }

    /// Whether nobody has to wait for one of the backends: one that clients get has room, or there is none
    /// to wait for.
    fn has_room(&self) -> bool {
        let is_one_usable = self.backends.iter().any(Member::is_usable);
        let may_have = |member: &&Member| {
            if is_one_usable { member.is_usable() } else { member.is_offered() }
        };
        let has_room = || self.backends.iter().filter(may_have).any(Member::has_room);
        if self.has_backend() { has_room() } else { !self.holds() }
    }

    /// Whether new clients may come to this backend.
    pub(crate) fn offers(&self, backend: &Arc<Backend>) -> bool {
        self.admin(backend) == Some(AdminState::Ready)
    }

    /// What somebody wants of this backend, if it is one of these.
    pub(crate) fn admin(&self, backend: &Arc<Backend>) -> Option<AdminState> {
        let is_it = |member: &&Member| Arc::ptr_eq(&member.backend, backend);
        self.backends.iter().find(is_it).map(|it| it.options.admin)
    }

    /// Whether anybody may have to wait here, or to be counted.
    pub(crate) fn is_limited(&self) -> bool {
        let limits = self.options.limits();
        self.parks() || limits.max_conns_per_source.is_some() || limits.conn_rate.is_some()
    }

    /// Whether anybody may have to wait here.
    fn parks(&self) -> bool {
        self.options.max_conns.is_some()
            || self.has_limited_backend()
            || self.options.on_all_down == OnAllDown::Hold
    }

    fn has_limited_backend(&self) -> bool {
        self.backends.iter().any(|backend| backend.options.max_conns.is_some())
    }

    /// How many clients may be parked: as many as may be connected.
    pub(crate) fn parked_max(&self) -> u64 {
        let of_backends = || {
            let each = self.backends.iter().filter_map(|backend| backend.options.max_conns);
            let sum = each.map(u64::from).sum();
            if self.options.on_all_down == OnAllDown::Hold { HELD_MAX.max(sum) } else { sum }
        };
        if self.options.queue_timeout().is_zero() {
            0
        } else {
            self.options.max_conns.map_or_else(of_backends, u64::from)
        }
    }

    /// The backend of that address.
    pub(crate) fn backend(&self, addr: &BackendAddr) -> Option<&Member> {
        self.backends.iter().find(|backend| backend.addr == *addr)
    }
}

/// What became of TLS with the clients of a tunnel, and of its files.
#[derive(Debug, Default)]
pub(crate) struct TlsCounts {
    pub(crate) handshakes: Tally<TlsHandshake>,
    pub(crate) failures: Tally<TlsFailure>,
    /// Messages about those, folded.
    pub(crate) warnings: Fold,
    /// How often what its files say has come into use, and how often it was told that it cannot.
    pub(crate) files_taken: AtomicU64,
    pub(crate) files_refused: AtomicU64,
}

/// A place among the connections of a tunnel; given back on drop.
#[derive(Debug)]
pub(crate) struct Seat {
    tunnel: Arc<Tunnel>,
}

/// A client that may stay.
#[derive(Debug)]
pub(crate) struct Admission {
    /// None for one that is parked.
    pub(crate) seat: Option<Seat>,
    /// Whether it is counted among the connections of its source.
    pub(crate) is_counted: bool,
}

impl Tunnel {
    pub(crate) fn new(id: TunnelId, listen: BoundAddr, origin: Origin, route: Route) -> Self {
        let gate = OnceBox::new();
        prepare(&gate, &route);
        Self {
            id,
            listen,
            origin,
            opened: Instant::now(),
            totals: Account::default(),
            refusals: Fold::default(),
            gate,
            route: ArcSwap::from_pointee(route),
            ended: Reasons::default(),
            rejected: Reasons::default(),
            lifetimes: Histogram::default(),
            tls_counts: OnceBox::new(),
            admin: Admin::default(),
            is_open: AtomicBool::new(true),
        }
    }

    /// Whether it was not closed.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// It is none of the registry's any more.
    pub(crate) fn leave(&self) {
        self.is_open.store(false, Ordering::Relaxed);
    }

    /// The route as it is now.
    pub(crate) fn route(&self) -> Arc<Route> {
        self.route.load_full()
    }

    /// Sends new connections another way from now on. Who is parked hears of it when it is
    /// [woken](Self::wake).
    pub(crate) fn reroute(&self, route: Route) {
        prepare(&self.gate, &route);
        self.route.store(Arc::new(route));
    }

    /// What it remembers for its limits, if it has ever had some.
    pub(crate) fn gate(&self) -> Option<&Gate> {
        self.gate.get()
    }

    /// The same where somebody is refused, for which it needs none.
    pub(crate) fn gate_to_refuse(&self) -> &Gate {
        self.gate.get_or_init(Box::default)
    }

    /// What became of TLS with its clients, if anything did.
    pub(crate) fn tls_counts(&self) -> Option<&TlsCounts> {
        self.tls_counts.get()
    }

    /// The same to count in.
    pub(crate) fn tls_counts_to_count(&self) -> &TlsCounts {
        self.tls_counts.get_or_init(Box::default)
    }

    /// Why clients were not let in, and how often.
    pub(crate) fn rejected(&self) -> &Reasons {
        &self.rejected
    }

    /// A client was not let in.
    pub(crate) fn count_rejected(&self, reason: Reason) {
        self.rejected.count(reason);
        self.totals.note_change();
    }

    /// What its files say has come into use.
    pub(crate) fn count_files_taken(&self) {
        self.tls_counts_to_count().files_taken.fetch_add(1, Ordering::Relaxed);
        self.totals.note_change();
    }

    /// It was told that what its files say cannot.
    pub(crate) fn count_files_refused(&self) {
        self.tls_counts_to_count().files_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// How many clients are parked.
    pub(crate) fn parked(&self) -> u64 {
        self.gate().map_or(0, |gate| gate.queue.len())
    }

    /// Has the first of those who are parked look whether it can go on, or has nothing to wait for. For
    /// whoever frees something, or sends it another way.
    pub(crate) fn wake(&self) {
        if let Some(gate) = self.gate() {
            gate.queue.wake();
        }
    }

    /// The specification that would open it again as it is now.
    pub(crate) fn spec(&self) -> TunnelSpec {
        self.spec_of(&self.route.load())
    }

    /// The same for a route of it.
    pub(crate) fn spec_of(&self, route: &Route) -> TunnelSpec {
        TunnelSpec {
            listen: self.listen.clone().into(),
            backends: route.backends.iter().map(Member::spec).collect(),
            options: route.options.clone(),
        }
    }

    /// Whether somebody lets clients come: it listens then.
    pub(crate) fn is_ready(&self) -> bool {
        self.route.load().options.admin == AdminState::Ready
    }

    /// What it is called in sentences and logs: its name, or else its address.
    pub(crate) fn label(&self) -> String {
        self.label_of(&self.route.load())
    }

    /// The same for a route of it.
    pub(crate) fn label_of(&self, route: &Route) -> String {
        route.options.name.as_ref().map_or_else(|| self.listen.to_string(), ToString::to_string)
    }

    /// Lets a client in, or parks it, or neither. What is about the client itself comes first, so
    /// that who is refused for that takes nothing from others.
    pub(crate) fn admit(
        self: &Arc<Self>,
        route: &Route,
        client: ClientAddr,
        connection: u64,
    ) -> Result<Admission, Refusal> {
        let limits = route.options.limits();
        if let (Some(access), ClientAddr::Ip(addr)) = (&limits.access, client)
            && !access.admits(addr.ip())
        {
            return Err(Refusal::Denied);
        }
        let Some(gate) = self.gate() else {
            let seat = self.seat(route);
            return Ok(Admission { seat, is_counted: false });
        };
        let arrival = match limits.max_conns_per_source {
            Some(max) => {
                let arrival = gate.sources.enter(client, max);
                Some(arrival.ok_or(Refusal::Limit(Limit::PerSource))?)
            }
            None => None,
        };
        if limits.conn_rate.is_some_and(|rate| !gate.pace.admits(rate)) {
            return Err(Refusal::Limit(Limit::ConnRate));
        }
        let may_sit = !self.is_behind_others(route, connection) && route.has_room();
        let seat = if may_sit { self.seat(route) } else { None };
        if seat.is_none() && !gate.queue.park(route.first_lane(), connection, route.parked_max()) {
            return Err(Refusal::Limit(self.limit_met(route)));
        }
        let is_counted = arrival.is_some();
        if let Some(arrival) = arrival {
            arrival.stay();
        }
        Ok(Admission { seat, is_counted })
    }

    /// A place for one more connection, unless `max-conns` are there.
    pub(crate) fn seat(self: &Arc<Self>, route: &Route) -> Option<Seat> {
        let is_let_in = self.totals.enter(route.options.max_conns);
        is_let_in.then(|| Seat { tunnel: Arc::clone(self) })
    }

    /// Whether fewer than `max-conns` are there.
    pub(crate) fn has_room(&self, route: &Route) -> bool {
        route.options.max_conns.is_none_or(|max| self.totals.live() < u64::from(max))
    }

    /// Whether somebody is parked who has come before that connection, goes the same way, and must not
    /// be overtaken. Where nobody has to wait any more, those who are parked still are only about to go
    /// on; and where names decide, who has not told its own is in nobody's way.
    pub(crate) fn is_behind_others(&self, route: &Route, connection: u64) -> bool {
        route.parks()
            && route.names().is_none()
            && self.gate().is_some_and(|gate| gate.queue.has_before(route.lane(), connection))
    }

    /// Which limit it is that lets nobody in. A place may be free by now that those who are parked are
    /// about to take: it is the same limit that made them wait.
    pub(crate) fn limit_met(&self, route: &Route) -> Limit {
        if route.holds() {
            Limit::NoneUp
        } else if self.has_room(route) && route.has_limited_backend() {
            Limit::Backends
        } else {
            Limit::MaxConns
        }
    }
}

/// Has the backends of a limited route wake who is parked, before anybody can be.
fn prepare(gate: &OnceBox<Gate>, route: &Route) {
    if route.is_limited() || gate.get().is_some() {
        let gate = gate.get_or_init(Box::default);
        route.backends.iter().for_each(|backend| backend.serve(&gate.queue));
    }
}

#[cfg(test)]
impl Tunnel {
    /// The tunnel of that specification, and its first backend.
    pub(crate) fn of(spec: &str) -> (Arc<Self>, Arc<Backend>) {
        let TunnelSpec { listen, backends, options } = spec.parse().unwrap();
        let route = Route::new(options, backends.into_iter().map(Member::new).collect(), 1);
        let backend = Arc::clone(&route.backends[0].backend);
        let tunnel = Self::new(TunnelId(1), listen.bound().unwrap(), Origin::Args, route);
        (Arc::new(tunnel), backend)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.tunnel.totals.leave();
        self.tunnel.wake();
    }
}

#[cfg(test)]
mod tests {
    use plexy_shared::spec::BackendOptions;

    use super::*;

    /// How the second client is let in or not, while the first one is parked and has not seen yet that
    /// there is a place for it.
    fn second(tunnel: &Arc<Tunnel>) -> Result<Admission, Refusal> {
        assert!(tunnel.gate().unwrap().queue.park(Lane::default(), 1, 1));
        tunnel.admit(&tunnel.route(), ClientAddr::Unix, 2)
    }

    #[track_caller]
    fn waits_for(spec: &str, limit: Limit) {
        let (tunnel, _) = Tunnel::of(spec);
        assert_eq!(second(&tunnel).unwrap_err(), Refusal::Limit(limit), "{spec}");
    }

    #[test]
    fn who_comes_behind_others_waits_for_the_limit_that_they_wait_for() {
        waits_for("3000=4000[max-conns=1]", Limit::MaxConns);
        waits_for("3000=4000+max-conns=1", Limit::Backends);
    }

    /// What each tunnel has while nobody comes, with one backend.
    #[test]
    fn an_idle_tunnel_is_small() {
        let bytes = [size_of::<Tunnel>(), size_of::<Route>(), size_of::<Backend>()];
        assert!(bytes[0] <= 144 && bytes[1] <= 320 && bytes[2] <= 240, "{bytes:?}");
    }

    #[test]
    fn nobody_waits_for_a_limit_that_is_lifted() {
        let (tunnel, backend) = Tunnel::of("3000=4000[max-conns=1]");
        let options = BackendOptions::default();
        let member = Member { backend, options };
        tunnel.reroute(Route::new(TunnelOptions::default(), vec![member], 2));

        assert!(second(&tunnel).unwrap().seat.is_some());
    }
}
