//! Histograms of durations: a few cells that are written without a lock, and
//! do not exist before the first observation, since most tunnels are idle.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use once_cell::race::OnceBox;

/// Upper bounds of the buckets, the last one without a bound not counted. Each
/// is one more series per tunnel or backend.
pub(crate) const BOUNDS: usize = 7;

/// What is measured, by its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds(pub(crate) [Duration; BOUNDS]);

/// How long connections live: from a health check to a session of hours.
pub(crate) const LIFETIMES: Bounds = Bounds([
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(600),
    Duration::from_secs(3600),
]);

/// How long it takes to connect: from the same machine to another continent.
pub(crate) const CONNECT_TIMES: Bounds = Bounds([
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_secs(1),
]);

/// How long clients are parked: from one of many short connections to the longest time-out.
pub(crate) const PARKED_TIMES: Bounds = Bounds([
    Duration::from_millis(1),
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(300),
]);

/// A histogram that is made by its first observation.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    cells: OnceBox<Cells>,
}

#[derive(Debug, Default)]
struct Cells {
    /// One per bound, and one for what is longer than all of them.
    counts: [AtomicU64; BOUNDS + 1],
    micros: AtomicU64,
}

/// A histogram at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Observed {
    /// Observations in each bucket, not summed up; the last has no bound.
    pub(crate) counts: [u64; BOUNDS + 1],
    pub(crate) sum: Duration,
}

impl Histogram {
    /// Counts one duration.
    pub(crate) fn observe(&self, bounds: &Bounds, duration: Duration) {
        let cells = self.cells.get_or_init(Box::default);
        let bucket = bounds.0.iter().take_while(|bound| duration > **bound).count();
        if let Some(count) = cells.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        cells.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What was observed, if anything was.
    pub(crate) fn observed(&self) -> Option<Observed> {
        let cells = self.cells.get()?;
        let counts = std::array::from_fn(|bucket| {
            cells.counts.get(bucket).map_or(0, |count| count.load(Ordering::Relaxed))
        });
        Some(Observed { counts, sum: Duration::from_micros(cells.micros.load(Ordering::Relaxed)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        assert_eq!(histogram.observed(), None);
        for ms in [0, 1, 2, 10, 2000, 3000] {
            histogram.observe(&CONNECT_TIMES, Duration::from_millis(ms));
        }
        let observed = histogram.observed().unwrap();
        assert_eq!(observed.counts, [1, 1, 1, 1, 0, 0, 0, 2]);
        assert_eq!(observed.sum, Duration::from_millis(5013));
    }
}
