//! The slow start of a backend that was not there before: how its share grows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plexy_shared::weight::Weight;

/// Its share at the begin, in thousandths of its weight: enough to be tried, too little to be
/// flooded. The tenth that Envoy begins with too (`min_weight_percent`).
const FIRST_SHARE: u64 = 100;

/// When a backend came to a running tunnel, or came back. Times are counted from when its record
/// was made.
#[derive(Debug, Default)]
pub(super) struct WarmUp {
    /// In milliseconds, plus one: zero for one that was there from the start.
    begun: AtomicU64,
}

impl WarmUp {
    /// It takes clients from now on.
    pub(super) fn begin(&self, now: Duration) {
        self.begun.store(millis(now).saturating_add(1), Ordering::Relaxed);
    }

    /// Whether it was not there from the start.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed) > 0
    }

    /// What a weight counts now, if it grows evenly over the time `length`.
    pub(super) fn weight(&self, whole: u32, length: Duration, now: Duration) -> Weight {
        let begun = self.begun.load(Ordering::Relaxed);
        let Some(begun) = begun.checked_sub(1) else { return Weight::whole(whole) };
        let length = millis(length).max(1);
        let passed = millis(now).saturating_sub(begun).min(length);
        let share = FIRST_SHARE + (1_000 - FIRST_SHARE) * passed / length;
        let thousandths = u64::from(whole) * share;
        Weight::in_thousandths(u32::try_from(thousandths).unwrap_or(u32::MAX))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(warm_up: &WarmUp, whole: u32, seconds: u64) -> u32 {
        warm_up.weight(whole, MINUTE, Duration::from_secs(seconds)).thousandths()
    }

    #[test]
    fn a_share_grows_evenly_from_a_tenth_to_the_whole() {
        let warm_up = WarmUp::default();
        warm_up.begin(Duration::from_secs(100));
        assert_eq!(
            [100, 120, 130, 160, 9_000].map(|now| at(&warm_up, 1, now)),
            [100, 400, 550, 1_000, 1_000]
        );
        assert_eq!(
            [100, 130, 160].map(|now| at(&warm_up, 1_000, now)),
            [100_000, 550_000, 1_000_000]
        );
    }

    #[test]
    fn who_was_there_from_the_start_has_it_all() {
        let warm_up = WarmUp::default();
        assert_eq!(at(&warm_up, 3, 0), 3_000);
        warm_up.begin(Duration::ZERO);
        assert_eq!(at(&warm_up, 3, 0), 300);
    }

    /// A worker may have looked at its clock before another thread did.
    #[test]
    fn a_moment_before_the_begin_is_the_begin() {
        let warm_up = WarmUp::default();
        warm_up.begin(Duration::from_secs(100));
        assert_eq!(at(&warm_up, 1, 99), 100);
    }
}
