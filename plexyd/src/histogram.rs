//! Histograms of durations: cells that are written without a lock, and do not exist before the first
//! observation, since most tunnels are idle.

mod bounds;
mod distribution;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use once_cell::race::OnceBox;

pub(crate) use bounds::{Bounds, CONNECT_TIMES, LIFETIMES, PARKED_TIMES, TOLD_BOUNDS};
pub(crate) use distribution::Distribution;

/// Cells that are made at once: what is observed of one thing mostly lies within a decade or two.
const CHUNK_CELLS: usize = 16;

/// As many as the longest list of bounds needs.
const CHUNKS: usize = 6;

/// A histogram that is made by its first observation.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    cells: OnceBox<Cells>,
}

#[derive(Debug, Default)]
struct Cells {
    /// One per bound, and one for what is longer than all of them; those are made that are needed.
    chunks: [OnceBox<Chunk>; CHUNKS],
    /// All of it together.
    micros: AtomicU64,
    /// The longest.
    max: AtomicU64,
}

type Chunk = [AtomicU64; CHUNK_CELLS];

/// A histogram at one moment, as metrics tell it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Observed {
    /// Observations in each bucket, not summed up; the last has no bound.
    pub(crate) counts: [u64; TOLD_BOUNDS + 1],
    pub(crate) sum: Duration,
}

impl Histogram {
    /// Counts one duration.
    pub(crate) fn observe(&self, bounds: &Bounds, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        // What is a part of a microsecond over a bound is longer than that.
        let is_over = !duration.subsec_nanos().is_multiple_of(1_000);
        let bucket = bounds.bucket(micros.saturating_add(is_over.into()));
        let cells = self.cells.get_or_init(Box::default);
        if let Some(chunk) = cells.chunks.get(bucket / CHUNK_CELLS)
            && let Some(count) = chunk.get_or_init(Box::default).get(bucket % CHUNK_CELLS)
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
        cells.micros.fetch_add(micros, Ordering::Relaxed);
        // Most are not the longest, and a look is cheaper than to write.
        if cells.max.load(Ordering::Relaxed) < micros {
            cells.max.fetch_max(micros, Ordering::Relaxed);
        }
    }

    /// What was observed, if anything was, by the bounds of metrics.
    pub(crate) fn observed(&self, bounds: &Bounds) -> Option<Observed> {
        let cells = self.cells.get()?;
        let mut counts = [0; TOLD_BOUNDS + 1];
        for (bucket, count) in cells.counts() {
            if let Some(sum) = counts.get_mut(bounds.told(bucket)) {
                *sum += count;
            }
        }
        Some(Observed { counts, sum: Duration::from_micros(cells.micros.load(Ordering::Relaxed)) })
    }

    /// What was observed, if anything was, in all buckets.
    pub(crate) fn distribution(&self) -> Option<Distribution> {
        let cells = self.cells.get()?;
        let buckets = cells.counts().filter_map(|(bucket, count)| {
            let bucket = u8::try_from(bucket).ok()?;
            Some((bucket, count))
        });
        Some(Distribution::new(buckets.collect(), cells.max.load(Ordering::Relaxed)))
    }
}

impl Cells {
    /// The buckets that hold something, with how much: the shortest first.
    fn counts(&self) -> impl Iterator<Item = (usize, u64)> {
        let chunks = self.chunks.iter().enumerate();
        let made = chunks.filter_map(|(number, chunk)| Some((number, chunk.get()?)));
        let cells = made.flat_map(|(number, chunk)| {
            let first = number * CHUNK_CELLS;
            chunk.iter().enumerate().map(move |(place, cell)| (first + place, cell))
        });
        let counts = cells.map(|(bucket, cell)| (bucket, cell.load(Ordering::Relaxed)));
        counts.filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        assert_eq!(histogram.observed(&CONNECT_TIMES), None);
        assert_eq!(histogram.distribution(), None);
        for ms in [0, 1, 2, 10, 2000, 3000] {
            histogram.observe(&CONNECT_TIMES, Duration::from_millis(ms));
        }
        let observed = histogram.observed(&CONNECT_TIMES).unwrap();
        assert_eq!(observed.counts, [1, 1, 1, 1, 0, 0, 0, 2]);
        assert_eq!(observed.sum, Duration::from_millis(5013));
        assert_eq!(histogram.distribution().unwrap().count(), 6);
    }

    #[test]
    fn what_is_a_little_longer_than_a_bound_is_in_the_next_bucket() {
        let histogram = Histogram::default();
        let bound = CONNECT_TIMES.told[0];
        histogram.observe(&CONNECT_TIMES, bound);
        histogram.observe(&CONNECT_TIMES, bound + Duration::from_nanos(1));
        assert_eq!(histogram.observed(&CONNECT_TIMES).unwrap().counts[..2], [1, 1]);
    }

    #[test]
    fn metrics_tell_each_duration_in_the_bucket_that_it_is_in() {
        for bounds in [LIFETIMES, CONNECT_TIMES, PARKED_TIMES] {
            for micros in bounds.micros.iter().flat_map(|bound| [bound - 1, *bound, bound + 1]) {
                let histogram = Histogram::default();
                histogram.observe(&bounds, Duration::from_micros(micros));
                let duration = Duration::from_micros(micros);
                let bucket = bounds.told.iter().take_while(|bound| duration > **bound).count();
                let counts = histogram.observed(&bounds).unwrap().counts;
                assert_eq!(counts.iter().position(|count| *count == 1), Some(bucket), "{micros}");
            }
        }
    }

    /// What an idle tunnel has of it, and one whose connections are all of a kind.
    #[test]
    fn a_histogram_is_small() {
        assert_eq!(size_of::<Histogram>(), size_of::<usize>());
        assert_eq!((size_of::<Cells>(), size_of::<Chunk>()), (64, 128));
    }
}
