//! How fast connections come: the generic cell rate algorithm in its form of virtual scheduling
//! (ITU-T I.371, annex A), which is a token bucket in one number, the time at which the next one is
//! due. So it needs no lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plexy_shared::units::Rate;

use super::BEGUN;

/// The pace of one tunnel.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the next one is due, in nanoseconds.
    due: AtomicU64,
}

impl Pace {
    /// Whether one more keeps to the rate.
    pub(crate) fn admits(&self, rate: Rate) -> bool {
        self.admits_at(rate, BEGUN.elapsed())
    }

    /// Whether one more would keep to the rate. Nothing is taken of it.
    pub(crate) fn would_admit(&self, rate: Rate) -> bool {
        let due = AtomicU64::new(self.due.load(Ordering::Relaxed));
        Self { due }.admits(rate)
    }

    fn admits_at(&self, rate: Rate, now: Duration) -> bool {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let (now, interval) = (nanos(now), nanos(rate.interval()));
        // So far ahead of its time may one come.
        let ahead = interval.saturating_mul(u64::from(rate.burst()) - 1);
        let next = |due: u64| {
            // Further ahead is only what a lower rate has left.
            let is_left = due.saturating_sub(now) > ahead.saturating_add(interval);
            let due = if is_left { now } else { due };
            let is_in_time = due.saturating_sub(now) <= ahead;
            is_in_time.then(|| due.max(now).saturating_add(interval))
        };
        self.due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(pace: &Pace, rate: &str, at_ms: u64, tries: usize) -> usize {
        let rate = Rate::parse(rate).unwrap();
        let now = Duration::from_millis(at_ms);
        (0..tries).filter(|_| pace.admits_at(rate, now)).count()
    }

    #[test]
    fn those_of_a_second_may_come_at_once_and_then_one_per_interval() {
        let pace = Pace::default();
        assert_eq!(admitted(&pace, "10/s", 0, 100), 10);
        assert_eq!(admitted(&pace, "10/s", 99, 100), 0);
        assert_eq!(admitted(&pace, "10/s", 100, 100), 1);
        assert_eq!(admitted(&pace, "10/s", 600, 100), 5);
        // However long nobody has come.
        assert_eq!(admitted(&pace, "10/s", 60_000, 100), 10);
    }

    #[test]
    fn who_asks_takes_nothing_of_the_rate() {
        let (pace, rate) = (Pace::default(), Rate::parse("2/m").unwrap());
        for admitted in [true, false] {
            assert!((0..100).all(|_| pace.would_admit(rate) == admitted));
            assert_eq!(pace.admits(rate), admitted);
        }
    }

    #[test]
    fn less_than_one_a_second_comes_one_by_one() {
        let pace = Pace::default();
        let taken: usize = (0..=60).map(|second| admitted(&pace, "6/m", second * 1_000, 5)).sum();
        assert_eq!(taken, 7);
    }

    #[test]
    fn a_higher_rate_does_not_wait_for_what_a_lower_one_has_left() {
        let pace = Pace::default();
        assert_eq!(admitted(&pace, "1/m", 0, 5), 1);
        assert_eq!(admitted(&pace, "100/s", 20, 200), 100);
        // Nor does a lower one begin anew.
        assert_eq!(admitted(&pace, "1/m", 30, 5), 0);
        assert_eq!(admitted(&pace, "1/m", 1_020, 5), 1);
    }
}
