//! A tunnel as its connections see it: an identity, what it has counted, and
//! one immutable [`Route`] that a change swaps whole.
//!
//! It knows nothing of sockets: its listener belongs to the registry.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use plexy_shared::info::{Origin, Reason};
use plexy_shared::spec::{
    AdminState, BackendAddr, BoundAddr, OnAllDown, TunnelOptions, TunnelSpec,
};

use crate::admin::Admin;
use crate::backend::{Backend, Member};
use crate::balance::{Asking, Balance};
use crate::fold::Fold;
use crate::histogram::Histogram;
use crate::tally::Tally;
use crate::traffic::Totals;

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
    pub(crate) totals: Totals,
    /// Messages about clients that were refused, folded.
    pub(crate) refusals: Fold,
    /// Why connections have ended.
    pub(crate) ended: Reasons,
    /// Why clients were reset instead of let in.
    pub(crate) rejected: Reasons,
    /// How long connections have lived.
    pub(crate) lifetimes: Histogram,
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
    /// The daemon's revision that made it.
    pub(crate) revision: u64,
}

impl Route {
    /// A route over these backends.
    pub(crate) fn new(options: TunnelOptions, backends: Vec<Member>, revision: u64) -> Self {
        let balance = Balance::new(&options, backends.len());
        Self { options, backends: backends.into(), balance, revision }
    }

    /// Chooses a backend for a client, unless none is up and the tunnel refuses clients then.
    pub(crate) fn choose(&self, asking: &Asking<'_>) -> Option<usize> {
        let may_choose = match self.options.on_all_down {
            OnAllDown::TryAll => true,
            OnAllDown::Refuse => self.backends.iter().any(Member::is_usable),
        };
        if may_choose { self.balance.choose(&self.backends, asking) } else { None }
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

    /// The backend of that address.
    pub(crate) fn backend(&self, addr: &BackendAddr) -> Option<&Member> {
        self.backends.iter().find(|backend| backend.addr == *addr)
    }
}

/// A place among the connections of a tunnel; given back on drop.
#[derive(Debug)]
pub(crate) struct Seat {
    tunnel: Arc<Tunnel>,
}

impl Tunnel {
    pub(crate) fn new(id: TunnelId, listen: BoundAddr, origin: Origin, route: Route) -> Self {
        Self {
            id,
            listen,
            origin,
            opened: Instant::now(),
            totals: Totals::default(),
            refusals: Fold::default(),
            route: ArcSwap::from_pointee(route),
            ended: Reasons::default(),
            rejected: Reasons::default(),
            lifetimes: Histogram::default(),
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

    /// Sends new connections another way from now on.
    pub(crate) fn reroute(&self, route: Route) {
        self.route.store(Arc::new(route));
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

    /// A place for one more connection, unless `max-conns` are there.
    pub(crate) fn seat(self: &Arc<Self>) -> Option<Seat> {
        let max = self.route.load().options.max_conns;
        self.totals.enter(max).then(|| Seat { tunnel: Arc::clone(self) })
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
    }
}
