//! What a histogram has held at one moment, in the buckets that were not empty: it is added to
//! others, and taken from a later one.

use plexy_shared::overview::{Bucket, Quantiles};

use super::bounds::Bounds;

/// Durations by their buckets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Distribution {
    /// Number of a bucket, and how many it holds: rising, none of them empty.
    buckets: Vec<(u8, u64)>,
    /// The longest one, in microseconds; of a difference, not less than that.
    max: u64,
}

impl Distribution {
    /// Of buckets that rise.
    pub(super) fn new(buckets: Vec<(u8, u64)>, max: u64) -> Self {
        Self { buckets, max }
    }

    /// How many durations it holds.
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// Takes in those of another one.
    pub(crate) fn add(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            match self.buckets.binary_search_by_key(bucket, |(known, _)| *known) {
                Ok(place) => {
                    if let Some((_, sum)) = self.buckets.get_mut(place) {
                        *sum += count;
                    }
                }
                Err(place) => self.buckets.insert(place, (*bucket, *count)),
            }
        }
        self.max = self.max.max(other.max);
    }

    /// Those that have come since it was `before`.
    pub(crate) fn since(&self, before: &Self, bounds: &Bounds) -> Self {
        let newer = |&(bucket, count): &(u8, u64)| {
            let known = before.buckets.binary_search_by_key(&bucket, |(known, _)| *known);
            let known = known.ok().and_then(|place| before.buckets.get(place));
            let new = count.saturating_sub(known.map_or(0, |(_, count)| *count));
            (new > 0).then_some((bucket, new))
        };
        let buckets: Vec<_> = self.buckets.iter().filter_map(newer).collect();
        // Which was the longest of these nobody knows: no longer than that of all, nor than its bucket.
        let last = buckets.last().map(|(bucket, _)| upper(bounds, *bucket).unwrap_or(u64::MAX));
        Self { buckets, max: last.unwrap_or_default().min(self.max) }
    }

    /// In few numbers.
    pub(crate) fn quantiles(&self, bounds: &Bounds) -> Quantiles {
        let count = self.count();
        let at = |percent| self.quantile(bounds, count, percent);
        let (p50_us, p90_us, p99_us) = (at(50), at(90), at(99));
        Quantiles { over_ms: 0, count, p50_us, p90_us, p99_us, max_us: self.max }
    }

    /// So many percent of them are shorter: where that is in its bucket follows from how many of it
    /// are, as if they were spread evenly (`histogram_quantile` of Prometheus does the same).
    fn quantile(&self, bounds: &Bounds, count: u64, percent: u64) -> u64 {
        // In hundredths of one duration.
        let rank = u128::from(count) * u128::from(percent);
        let mut below = 0;
        for &(bucket, held) in &self.buckets {
            let held = u128::from(held) * 100;
            if below + held >= rank {
                let lower = bucket.checked_sub(1).and_then(|bucket| upper(bounds, bucket));
                let lower = lower.unwrap_or_default();
                let upper = upper(bounds, bucket).unwrap_or(self.max).min(self.max);
                let width = u128::from(upper.saturating_sub(lower));
                let within = width * (rank - below) / held;
                return lower + u64::try_from(within).unwrap_or_default();
            }
            below += held;
        }
        self.max
    }

    /// From the first bucket that holds one to the last, those between that hold none included.
    pub(crate) fn shown(&self, bounds: &Bounds) -> Vec<Bucket> {
        let ends = self.buckets.first().zip(self.buckets.last());
        let Some(((first, _), (last, _))) = ends else { return Vec::new() };
        let shown = |bucket| {
            let held = self.buckets.iter().find(|(known, _)| *known == bucket);
            Bucket { up_to_us: upper(bounds, bucket), count: held.map_or(0, |(_, count)| *count) }
        };
        (*first..=*last).map(shown).collect()
    }
}

/// The longest duration of a bucket, in microseconds; the last one has no bound.
fn upper(bounds: &Bounds, bucket: u8) -> Option<u64> {
    bounds.micros.get(usize::from(bucket)).copied()
}

#[cfg(test)]
mod tests {
    use super::super::{CONNECT_TIMES, Histogram};
    use super::*;
    use std::time::Duration;

    fn of(micros: impl IntoIterator<Item = u64>) -> Distribution {
        let histogram = Histogram::default();
        let micros = micros.into_iter().map(Duration::from_micros);
        micros.for_each(|it| histogram.observe(&CONNECT_TIMES, it));
        histogram.distribution().unwrap_or_default()
    }

    #[track_caller]
    fn check(micros: impl IntoIterator<Item = u64>, expected: [u64; 4]) {
        let it = of(micros).quantiles(&CONNECT_TIMES);
        assert_eq!([it.p50_us, it.p90_us, it.p99_us, it.max_us], expected);
    }

    #[test]
    fn quantiles_stand_where_they_are_in_their_bucket_and_never_above_the_longest() {
        check([], [0, 0, 0, 0]);
        // Half of the way from 800 to 1000.
        check([1_000; 7], [900, 980, 998, 1_000]);
        // The bucket ends with the longest of them.
        check([820; 7], [810, 818, 819, 820]);
        check([3; 5], [1, 2, 2, 3]);
        // Behind the last bound.
        check([70_000_000; 2], [65_000_000, 69_000_000, 69_900_000, 70_000_000]);
    }

    #[test]
    fn quantiles_are_as_exact_as_a_bucket_is_fine() {
        let it = of((1..=10_000).map(|n| n * 10)).quantiles(&CONNECT_TIMES);
        for (found, exact) in [(it.p50_us, 50_000), (it.p90_us, 90_000), (it.p99_us, 99_000)] {
            assert!(found.abs_diff(exact) * 100 < exact, "{found} is not {exact}");
        }
        assert_eq!((it.count, it.max_us), (10_000, 100_000));
    }

    #[test]
    fn what_has_come_since_is_what_is_more() {
        let (before, now) = (of([90, 90, 4_000]), of([90, 90, 90, 700, 4_000]));
        let since = now.since(&before, &CONNECT_TIMES);
        assert_eq!(since.buckets, of([90, 700]).buckets);
        // That of its bucket, since that of all is longer.
        assert_eq!(since.quantiles(&CONNECT_TIMES).max_us, 800);
        assert_eq!(now.since(&now, &CONNECT_TIMES), Distribution::default());
        let mut sum = before;
        sum.add(&since);
        assert_eq!(sum, now);
    }

    #[test]
    fn buckets_are_shown_from_the_first_to_the_last_that_holds_one() {
        let counts: Vec<_> = of([60, 150, 100_000_000])
            .shown(&CONNECT_TIMES)
            .iter()
            .map(|bucket| (bucket.up_to_us, bucket.count))
            .collect();
        assert_eq!(counts.len(), 62);
        assert_eq!(counts[..4], [(Some(63), 1), (Some(80), 0), (Some(100), 0), (Some(125), 0)]);
        assert_eq!((counts[4], counts[61]), ((Some(160), 1), (None, 1)));
        assert!(of([]).shown(&CONNECT_TIMES).is_empty());
    }
}
