//! What was told before: numbers in the order of their time, as they are drawn in sparklines.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use plexy_shared::overview::{Overview, TunnelRow};

/// How many numbers are kept: more than any terminal has columns for.
const KEPT: usize = 600;

/// How many are kept of a tunnel: a minute, where it is looked at once a second.
const KEPT_OF_TUNNEL: usize = 60;

/// Looks after which a tunnel is forgotten that was not among the rows.
const FORGOTTEN: u64 = 60;

/// Numbers; none where nothing was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trend {
    numbers: VecDeque<Option<u64>>,
    peak: u64,
}

impl Trend {
    /// The newest so many, the oldest first; fewer, where there are not so many.
    pub(crate) fn last(&self, count: usize) -> impl Iterator<Item = Option<u64>> {
        self.numbers.iter().skip(self.numbers.len().saturating_sub(count)).copied()
    }

    /// The largest one since it was forgotten last.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    fn push(&mut self, number: Option<u64>, kept: usize) {
        while self.numbers.len() >= kept {
            self.numbers.pop_front();
        }
        self.numbers.push_back(number);
        self.peak = self.peak.max(number.unwrap_or_default());
    }
}

/// All that is drawn.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trends {
    /// Bytes per second from clients.
    pub(crate) rate_in: Trend,
    /// Bytes per second to clients.
    pub(crate) rate_out: Trend,
    /// New connections in a thousand seconds.
    pub(crate) new: Trend,
    /// Live connections.
    pub(crate) connections: Trend,
    /// Failed attempts in a thousand seconds.
    pub(crate) failed: Trend,
    /// Of each tunnel, with the number of the look at it.
    tunnels: HashMap<u64, (TunnelTrends, u64)>,
    looks: u64,
    /// The daemon's clock at the newest look that counts, in milliseconds.
    newest_ms: Option<u64>,
}

/// What is drawn of a tunnel.
#[derive(Debug, Clone, Default)]
pub(crate) struct TunnelTrends {
    /// Bytes per second in both directions.
    pub(crate) rate: Trend,
    /// Bytes per second from clients.
    pub(crate) rate_in: Trend,
    /// Bytes per second to clients.
    pub(crate) rate_out: Trend,
    /// Live connections.
    pub(crate) connections: Trend,
}

impl TunnelTrends {
    fn told(&mut self, row: &TunnelRow, has_rates: bool) {
        let rate = |rate: u64| has_rates.then_some(rate);
        let rates = &row.rates;
        self.rate.push(rate(rates.rate_in.saturating_add(rates.rate_out)), KEPT_OF_TUNNEL);
        self.rate_in.push(rate(rates.rate_in), KEPT_OF_TUNNEL);
        self.rate_out.push(rate(rates.rate_out), KEPT_OF_TUNNEL);
        self.connections.push(Some(row.status.traffic.connections), KEPT_OF_TUNNEL);
    }
}

impl Trends {
    /// Takes what was told, where somebody looks so often. Who moves to another row is told more at once:
    /// that is no other moment.
    pub(crate) fn told(&mut self, overview: &Overview, every: Duration) {
        let passed = |before: u64| overview.monotonic_ms.checked_sub(before);
        let passed = self.newest_ms.and_then(passed).map(Duration::from_millis);
        if passed.is_some_and(|passed| passed < every / 2) {
            return;
        }
        self.newest_ms = Some(overview.monotonic_ms);
        // The first look of a daemon tells no rates.
        let rates = (overview.over_ms > 0).then_some(overview.sums.rates);
        self.rate_in.push(rates.map(|it| it.rate_in), KEPT);
        self.rate_out.push(rates.map(|it| it.rate_out), KEPT);
        self.new.push(rates.map(|it| it.new_per_1000s), KEPT);
        self.failed.push(rates.map(|it| it.failed_per_1000s), KEPT);
        self.connections.push(Some(overview.sums.traffic.connections), KEPT);
        self.looks += 1;
        let look = self.looks;
        let rows = overview.tunnels.iter().flat_map(|tunnels| &tunnels.rows);
        for row in rows.chain(overview.tunnel.iter().map(|tunnel| &tunnel.row)) {
            let (trends, seen) = self.tunnels.entry(row.id).or_default();
            // One that is among the rows and told in full as well is told once.
            if *seen != look {
                trends.told(row, rates.is_some());
                *seen = look;
            }
        }
        self.tunnels.retain(|_, (_, seen)| look - *seen < FORGOTTEN);
    }

    /// Nothing was told when something should have been: a gap, no zeros.
    pub(crate) fn gap(&mut self) {
        for trend in [
            &mut self.rate_in,
            &mut self.rate_out,
            &mut self.new,
            &mut self.failed,
            &mut self.connections,
        ] {
            trend.push(None, KEPT);
        }
    }

    /// Tunnels of another daemon are others.
    pub(crate) fn forget_tunnels(&mut self) {
        self.tunnels.clear();
    }

    /// Forgets the largest numbers.
    pub(crate) fn forget_peaks(&mut self) {
        for trend in [
            &mut self.rate_in,
            &mut self.rate_out,
            &mut self.new,
            &mut self.failed,
            &mut self.connections,
        ] {
            trend.peak = 0;
        }
        for (trends, _) in self.tunnels.values_mut() {
            trends.connections.peak = 0;
        }
    }

    /// Bytes per second of a tunnel in both directions.
    pub(crate) fn of_tunnel(&self, id: u64) -> Option<&Trend> {
        self.all_of_tunnel(id).map(|trends| &trends.rate)
    }

    /// All that is drawn of a tunnel.
    pub(crate) fn all_of_tunnel(&self, id: u64) -> Option<&TunnelTrends> {
        self.tunnels.get(&id).map(|(trends, _)| trends)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::Daemon;
    use super::*;

    #[test]
    fn a_look_that_comes_at_once_is_no_other_moment() {
        let mut trends = Trends::default();
        let every = Duration::from_secs(1);
        let look = |at_ms: u64, trends: &mut Trends| {
            let mut overview = Daemon::busy().answer(&Default::default(), Duration::ZERO);
            overview.monotonic_ms = at_ms;
            trends.told(&overview, every);
            trends.rate_in.last(9).count()
        };
        let counts = [5_000, 5_100, 5_900, 6_000, 100].map(|at_ms| look(at_ms, &mut trends));
        assert_eq!(counts, [1, 1, 2, 2, 3], "another daemon begins anew");
    }

    #[test]
    fn a_tunnel_that_is_told_twice_counts_once() {
        let daemon = Daemon::busy();
        let row = daemon.tunnels.first().unwrap();
        let wanted = plexy_shared::overview::OverviewParams {
            tunnels: Some(Default::default()),
            tunnel: Some(row.status.listen.clone()),
            ..Default::default()
        };
        let mut trends = Trends::default();
        trends.told(&daemon.answer(&wanted, Duration::ZERO), Duration::from_secs(1));
        assert_eq!(trends.all_of_tunnel(row.id).unwrap().connections.last(9).count(), 1);
    }
}
