//! How fast a tunnel or a backend goes: what was counted at one look, and the rates up to then. As with
//! a [connection](crate::table::Rates), who looks a moment later is told the same, and takes nothing
//! from the next.

use std::time::{Duration, Instant};

use plexy_shared::info::Traffic;
use plexy_shared::overview::RatesInfo;

/// Shortest time over which a rate is an average.
const WINDOW_MIN: Duration = Duration::from_secs(1);

/// What only ever grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) connections: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    /// Attempts to connect that failed.
    pub(super) failed: u64,
    /// Clients that were not let in.
    pub(super) rejected: u64,
}

/// What was counted when rates began, and those that were found last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    base: Counts,
    pub(super) rates: RatesInfo,
}

/// Over which time rates are found: the same for all of one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Since when is counted.
    from: Instant,
    /// Over which the rates are averages that are told.
    pub(super) over: Duration,
    step: Step,
}

/// What a look does to what was found before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It is the first.
    Begin,
    /// It finds rates, and others are found from now on.
    Advance,
    /// It finds rates since somebody began, as there are none yet that are good.
    Peek,
    /// It tells those that were found last.
    Repeat,
}

impl Counts {
    pub(super) fn of(traffic: Traffic, failed: u64, rejected: u64) -> Self {
        let Traffic { connections_total, bytes_in, bytes_out, .. } = traffic;
        Self { connections: connections_total, bytes_in, bytes_out, failed, rejected }
    }

    /// What has come to it since.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            connections: self.connections.saturating_sub(before.connections),
            bytes_in: self.bytes_in.saturating_sub(before.bytes_in),
            bytes_out: self.bytes_out.saturating_sub(before.bytes_out),
            failed: self.failed.saturating_sub(before.failed),
            rejected: self.rejected.saturating_sub(before.rejected),
        }
    }

    fn rates(self, over: Duration) -> RatesInfo {
        if self == Self::default() {
            return RatesInfo::default();
        }
        let over_ms = over.as_millis().max(1);
        let per_ms = |count: u64, times| {
            u64::try_from(u128::from(count) * times / over_ms).unwrap_or(u64::MAX)
        };
        RatesInfo {
            rate_in: per_ms(self.bytes_in, 1_000),
            rate_out: per_ms(self.bytes_out, 1_000),
            new_per_1000s: per_ms(self.connections, 1_000_000),
            failed_per_1000s: per_ms(self.failed, 1_000_000),
            rejected_per_1000s: per_ms(self.rejected, 1_000_000),
        }
    }
}

impl Window {
    /// Of a look behind another one, if there was one.
    pub(super) fn new(before: Option<Self>, now: Instant) -> Self {
        let Some(before) = before else {
            return Self { from: now, over: Duration::ZERO, step: Step::Begin };
        };
        let over = now.saturating_duration_since(before.from);
        if over >= WINDOW_MIN {
            Self { from: now, over, step: Step::Advance }
        } else if matches!(before.step, Step::Begin | Step::Peek) {
            Self { from: before.from, over, step: Step::Peek }
        } else {
            Self { from: before.from, over: before.over, step: Step::Repeat }
        }
    }
}

impl Pace {
    /// Whether something else was counted when rates began.
    pub(super) fn differs_from(self, counts: Counts) -> bool {
        counts != self.base
    }

    /// Behind a look that counts so much. What was not there at the look before has counted from zero
    /// since then.
    pub(super) fn look(self, counts: Counts, window: Window) -> Self {
        match window.step {
            Step::Begin => Self { base: counts, rates: RatesInfo::default() },
            Step::Advance => {
                Self { base: counts, rates: counts.since(self.base).rates(window.over) }
            }
            Step::Peek => Self { rates: counts.since(self.base).rates(window.over), ..self },
            Step::Repeat => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn counts(bytes_in: u64, connections: u64) -> Counts {
        Counts { bytes_in, connections, ..Counts::default() }
    }

    /// Looks at these times, in milliseconds, at so many bytes: the rates, and over how many
    /// milliseconds each is an average.
    fn looks(looks: &[(u32, u64)]) -> Vec<(u64, u128)> {
        let begin = Instant::now();
        let (mut window, mut pace) = (None, Pace::default());
        let look = |&(ms, bytes): &(u32, u64)| {
            let next = Window::new(window, begin + ms * MS);
            pace = pace.look(counts(bytes, 0), next);
            window = Some(next);
            (pace.rates.rate_in, next.over.as_millis())
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn rates_are_averages_since_the_look_before() {
        let rates = looks(&[(0, 500), (1_000, 600), (3_000, 600), (63_000, 12_600)]);
        assert_eq!(rates, [(0, 0), (100, 1_000), (0, 2_000), (200, 60_000)]);
    }

    #[test]
    fn a_look_right_after_another_one_tells_the_same_and_takes_nothing_from_the_next() {
        let rates = looks(&[(0, 0), (2_000, 400), (2_001, 900), (2_999, 900), (3_000, 1_000)]);
        assert_eq!(rates, [(0, 0), (200, 2_000), (200, 2_000), (200, 2_000), (600, 1_000)]);
    }

    #[test]
    fn until_a_second_has_passed_rates_are_those_since_the_first_look() {
        let rates = looks(&[(0, 100), (100, 110), (500, 150), (1_000, 200), (1_500, 900)]);
        assert_eq!(rates, [(0, 0), (100, 100), (100, 500), (100, 1_000), (100, 1_000)]);
    }

    #[test]
    fn what_is_new_has_counted_from_zero_and_what_is_rare_counts_in_thousandths() {
        let begin = Instant::now();
        let first = Window::new(None, begin);
        let next = Window::new(Some(first), begin + 2_000 * MS);
        let rates = Pace::default().look(counts(10, 3), next).rates;
        assert_eq!((rates.rate_in, rates.new_per_1000s), (5, 1_500));
    }
}
