//! What is known of one tunnel.

use std::ops::Range;
use std::sync::Arc;

use plexy_shared::info::Traffic;

use super::{BackendLook, News};
use crate::ledger::Line;
use crate::service::overview::face::Face;
use crate::service::overview::health::{self, Condition};
use crate::service::overview::pace::{Counts, Pace, Window};
use crate::service::overview::recent::{Notes, Past};
use crate::service::survey::{TunnelSurvey, ended};
use crate::tunnel::{Route, Tunnel};

/// One tunnel.
#[derive(Debug, Clone)]
pub(in crate::service::overview) struct TunnelLook {
    pub(in crate::service::overview) tunnel: Arc<Tunnel>,
    /// Where that counts.
    line: Line,
    pub(in crate::service::overview) route: Arc<Route>,
    pub(in crate::service::overview) traffic: Traffic,
    pub(in crate::service::overview) face: Arc<Face>,
    /// Its place among all when they are sorted by what they are called.
    pub(in crate::service::overview) rank: usize,
    pub(in crate::service::overview) condition: Condition,
    /// Attempts of its backends that failed; those that are gone count below only.
    pub(in crate::service::overview) failed: u64,
    failed_ever: u64,
    pub(in crate::service::overview) rejected: u64,
    pub(in crate::service::overview) parked: u64,
    /// When the first of its certificates ends, in seconds since 1970.
    pub(in crate::service::overview) not_after: Option<i64>,
    /// How much of it had changed when that, and who was rejected, was looked up; nothing if that is
    /// to be done.
    changes: Option<u64>,
    /// Whether there are connections that no backend carries yet: only those may be parked.
    pub(super) has_newcomers: bool,
    pub(in crate::service::overview) pace: Pace,
    pub(in crate::service::overview) lifetimes: Past,
    pub(super) backends: Range<usize>,
}

impl TunnelLook {
    /// One that nothing is known of; its backends come behind those that are there.
    pub(super) fn new(tunnel: Arc<Tunnel>, backends: &mut Vec<BackendLook>) -> Self {
        let route = tunnel.route();
        let first = backends.len();
        backends.extend(route.backends.iter().map(BackendLook::new));
        Self {
            face: Arc::new(Face::of(&tunnel, &route)),
            rank: usize::MAX,
            condition: health::of_tunnel(&route),
            not_after: None,
            changes: None,
            has_newcomers: false,
            line: tunnel.totals.line().clone(),
            tunnel,
            route,
            traffic: Traffic::default(),
            failed: 0,
            failed_ever: 0,
            rejected: 0,
            parked: 0,
            pace: Pace::default(),
            lifetimes: Past::default(),
            backends: first..backends.len(),
        }
    }

    /// The same on the way that it goes now, with its backends behind those that are there: what is
    /// `known` of them stays with those that are still the same.
    pub(super) fn rerouted(
        self,
        known: impl Iterator<Item = BackendLook>,
        backends: &mut Vec<BackendLook>,
    ) -> Self {
        let first = backends.len();
        let route = self.tunnel.route();
        if Arc::ptr_eq(&route, &self.route) {
            backends.extend(known);
            return Self { backends: first..backends.len(), ..self };
        }
        let known: Vec<_> = known.collect();
        backends.extend(route.backends.iter().map(|member| {
            let known = known.iter().find(|it| it.is(&member.backend));
            known.map_or_else(|| BackendLook::new(member), BackendLook::rerouted)
        }));
        Self {
            face: Arc::new(Face::of(&self.tunnel, &route)),
            rank: usize::MAX,
            condition: health::of_tunnel(&route),
            changes: None,
            route,
            backends: first..backends.len(),
            ..self
        }
    }

    /// Takes what has ended of it.
    pub(super) fn take_ended(&mut self) {
        self.traffic = ended(&self.line);
        self.has_newcomers = false;
    }

    /// Looks at what has changed of it and of its backends, behind what was counted of them. What it has
    /// for itself is looked at only then.
    pub(super) fn update(
        &mut self,
        backends: &mut [BackendLook],
        window: Window,
        notes: &Notes,
    ) -> News {
        let tunnel = &self.tunnel;
        let (mut news, mut has_turned) = (News::default(), false);
        self.failed = 0;
        for (member, backend) in self.route.backends.iter().zip(backends) {
            let (has_changed, failed) = backend.update(member, window, notes);
            has_turned |= has_changed;
            news.failed += failed;
            self.failed += backend.failed;
        }
        self.failed_ever += news.failed;
        if has_turned {
            self.condition = health::of_tunnel(&self.route);
        }
        // Before the rest: what changes meanwhile is looked at again.
        let changes = Some(self.line.changes());
        if changes != self.changes {
            self.changes = changes;
            self.not_after = first_end(&self.route);
            let rejected = tunnel.rejected().counts().map(|(_, count)| count).sum();
            news.rejected = u64::saturating_sub(rejected, self.rejected);
            self.rejected = rejected;
        }
        if self.has_newcomers || self.parked > 0 {
            self.parked = tunnel.parked();
        }
        let counts = Counts::of(self.traffic, self.failed_ever, self.rejected);
        // Who is parked once more is not counted among those that are there, and ends here all the same.
        let is_astir =
            self.traffic.connections > 0 || self.has_newcomers || self.pace.differs_from(counts);
        self.pace = self.pace.look(counts, window);
        self.lifetimes.note(notes, is_astir, || tunnel.lifetimes.distribution());
        news
    }

    /// The same for who tells all of it.
    pub(in crate::service::overview) fn survey(&self, backends: Vec<Traffic>) -> TunnelSurvey {
        TunnelSurvey {
            tunnel: Arc::clone(&self.tunnel),
            route: Arc::clone(&self.route),
            traffic: self.traffic,
            backends,
        }
    }
}

/// When the first certificate ends that a tunnel shows, in seconds since 1970.
fn first_end(route: &Route) -> Option<i64> {
    let mut first = None;
    for live in route.live() {
        live.visit(&mut |shown| {
            let end = shown.certificate.not_after;
            first = Some(first.map_or(end, |first: i64| first.min(end)));
        });
    }
    first
}
