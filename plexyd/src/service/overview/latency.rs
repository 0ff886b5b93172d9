//! How long it takes to connect, and how long connections live: of late, or since the beginning.

use plexy_shared::overview::{LatencyInfo, Quantiles};

use super::look::Look;
use super::millis;
use super::recent::{Notes, Past};
use super::sheet::{BackendSight, TunnelLook};
use crate::histogram::{Bounds, CONNECT_TIMES, Distribution, Histogram, LIFETIMES};
use crate::worker::Workers;

/// The durations of something.
#[derive(Debug)]
pub(super) struct Latency {
    bounds: Bounds,
    /// Since the beginning.
    held: Distribution,
    recent: Distribution,
    recent_ms: u64,
}

/// Connect times of all that there was, tunnels closed since included, and lifetimes.
pub(super) fn of_daemon(workers: &Workers) -> (Distribution, Distribution) {
    let connect = sum(workers.tables().map(|table| table.connect_times()));
    (connect, sum(workers.tables().map(|table| table.lifetimes())))
}

fn sum<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Distribution {
    let mut sum = Distribution::default();
    for observed in histograms.filter_map(Histogram::distribution) {
        sum.add(&observed);
    }
    sum
}

/// How long it takes to connect to the backends of a tunnel.
pub(super) fn connect(look: &Look, tunnel: &TunnelLook) -> Latency {
    let (none, past) = (Distribution::default(), Past::default());
    let mut sum = Latency::new(none, &past, &look.notes, CONNECT_TIMES);
    for sight in look.backends(tunnel) {
        sum.add(&connect_of(look, sight));
    }
    sum
}

/// How long it takes to connect to a backend.
pub(super) fn connect_of(look: &Look, sight: BackendSight<'_>) -> Latency {
    let histogram = &sight.member.backend.connect_times;
    Latency::of(histogram, &sight.look.connect_times, &look.notes, CONNECT_TIMES)
}

/// How long the connections of a tunnel live.
pub(super) fn lifetime(look: &Look, tunnel: &TunnelLook) -> Latency {
    Latency::of(&tunnel.tunnel.lifetimes, &tunnel.lifetimes, &look.notes, LIFETIMES)
}

/// How long those of a backend live.
pub(super) fn lifetime_of(look: &Look, sight: BackendSight<'_>) -> Latency {
    let histogram = &sight.member.backend.lifetimes;
    Latency::of(histogram, &sight.look.lifetimes, &look.notes, LIFETIMES)
}

impl Latency {
    /// Of a histogram that has this past.
    fn of(histogram: &Histogram, past: &Past, notes: &Notes, bounds: Bounds) -> Self {
        Self::new(histogram.distribution().unwrap_or_default(), past, notes, bounds)
    }

    pub(super) fn new(held: Distribution, past: &Past, notes: &Notes, bounds: Bounds) -> Self {
        let recent = past.recent(&held, notes, &bounds);
        Self { bounds, held, recent, recent_ms: millis(notes.lasts()) }
    }

    fn add(&mut self, other: &Self) {
        self.held.add(&other.held);
        self.recent.add(&other.recent);
    }

    /// In few numbers: of late where there was anything, or else since the beginning.
    pub(super) fn quantiles(&self) -> Quantiles {
        if self.recent.count() > 0 { self.recent() } else { self.held.quantiles(&self.bounds) }
    }

    fn recent(&self) -> Quantiles {
        Quantiles { over_ms: self.recent_ms, ..self.recent.quantiles(&self.bounds) }
    }

    /// All of it.
    pub(super) fn info(&self) -> LatencyInfo {
        LatencyInfo {
            recent_ms: self.recent_ms,
            recent: self.recent(),
            since_start: self.held.quantiles(&self.bounds),
            buckets: self.recent.shown(&self.bounds),
        }
    }
}
