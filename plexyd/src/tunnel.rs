//! A tunnel as its connections see it: an identity, what it has counted, and
//! one immutable [`Route`] that a change swaps whole.
//!
//! It knows nothing of sockets: its listener belongs to the registry.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use plexy_shared::info::{EndedInfo, Origin, Reason};
use plexy_shared::spec::{BackendSpec, BoundAddr, TunnelOptions, TunnelSpec};

use crate::backend::Backend;
use crate::balance::Balance;
use crate::fold::Fold;
use crate::traffic::Totals;

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
    pub(crate) refusals: Arc<Fold>,
    route: ArcSwap<Route>,
    /// One cell per [`Reason`], in the order of the list.
    ended: [AtomicU64; Reason::ALL.len()],
}

/// Where connections go, and how: made whole, never changed.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) options: TunnelOptions,
    pub(crate) backends: Box<[Arc<Backend>]>,
    pub(crate) balance: Balance,
    /// The daemon's revision that made it.
    pub(crate) revision: u64,
}

impl Route {
    /// A route over these backends.
    pub(crate) fn new(options: TunnelOptions, backends: Vec<Arc<Backend>>, revision: u64) -> Self {
        let balance = Balance::new(options.strategy, backends.len());
        Self { options, backends: backends.into(), balance, revision }
    }

    /// The backend of that address.
    pub(crate) fn backend(&self, spec: &BackendSpec) -> Option<&Arc<Backend>> {
        self.backends.iter().find(|backend| backend.spec.addr == spec.addr)
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
            refusals: Arc::default(),
            route: ArcSwap::from_pointee(route),
            ended: std::array::from_fn(|_| AtomicU64::new(0)),
        }
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
        let route = self.route.load();
        TunnelSpec {
            listen: self.listen.clone().into(),
            backends: route.backends.iter().map(|backend| backend.spec.clone()).collect(),
            options: route.options.clone(),
        }
    }

    /// What it is called in sentences and logs: its name, or else its address.
    pub(crate) fn label(&self) -> String {
        let route = self.route.load();
        route.options.name.as_ref().map_or_else(|| self.listen.to_string(), ToString::to_string)
    }

    /// A place for one more connection, unless `max-conns` are there.
    pub(crate) fn seat(self: &Arc<Self>) -> Option<Seat> {
        let max = self.route.load().options.max_conns;
        self.totals.enter(max).then(|| Seat { tunnel: Arc::clone(self) })
    }

    /// Counts the end of a connection, or of a client that never became one.
    pub(crate) fn count_end(&self, reason: Reason) {
        let known = Reason::ALL.iter().zip(&self.ended).find(|(known, _)| **known == reason);
        if let Some((_, cell)) = known {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Why connections have ended, reasons without any left out.
    pub(crate) fn ended(&self) -> Vec<EndedInfo> {
        let counts = Reason::ALL.iter().zip(&self.ended);
        let infos = counts.map(|(reason, cell)| EndedInfo {
            reason: *reason,
            connections: cell.load(Ordering::Relaxed),
        });
        infos.filter(|info| info.connections > 0).collect()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.tunnel.totals.leave();
    }
}
