//! How fast a connection moves bytes: what those who look at it remember, the sweep and everybody
//! else. No look, no rate: nothing runs for it, and the data path does not know of it.

/// Shortest time over which a rate is an average: with less, two who look one right after the other
/// would see bursts and pauses.
const WINDOW_MIN_MS: u64 = 1_000;

/// Bytes of a connection at one look, and its rates up to then.
#[derive(Debug)]
pub(super) struct Pace {
    bytes: (u64, u64),
    /// In milliseconds of the table's clock.
    at: u64,
    last: Last,
}

/// The rates up to that look. Seven digits of them are more than anybody reads, and each connection
/// has them for itself.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    bytes_in: f32,
    bytes_out: f32,
    over_ms: u32,
}

/// Bytes per second, in and out, as averages over a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) over_ms: u64,
}

impl Pace {
    /// Of a connection that begins.
    pub(super) fn beginning(now: u64) -> Self {
        Self { bytes: (0, 0), at: now, last: Last::default() }
    }

    /// The rates since the look before, and from now on since this one; until that is
    /// [`WINDOW_MIN_MS`] ago, those are told that were found then.
    pub(super) fn look(&mut self, bytes: (u64, u64), now: u64) -> Rates {
        let over_ms = now.saturating_sub(self.at);
        let is_first = self.last.over_ms == 0;
        if over_ms < WINDOW_MIN_MS && !is_first {
            return self.last.into();
        }
        let rates = Rates {
            bytes_in: per_second(bytes.0.saturating_sub(self.bytes.0), over_ms),
            bytes_out: per_second(bytes.1.saturating_sub(self.bytes.1), over_ms),
            over_ms,
        };
        if over_ms >= WINDOW_MIN_MS {
            *self = Self { bytes, at: now, last: rates.into() };
        }
        rates
    }
}

impl Rates {
    /// Both directions together.
    pub(crate) fn sum(self) -> u64 {
        self.bytes_in.saturating_add(self.bytes_out)
    }
}

impl From<Rates> for Last {
    #[expect(clippy::cast_precision_loss, reason = "digits beyond the seventh do not matter")]
    fn from(rates: Rates) -> Self {
        let over_ms = u32::try_from(rates.over_ms).unwrap_or(u32::MAX);
        Self { bytes_in: rates.bytes_in as f32, bytes_out: rates.bytes_out as f32, over_ms }
    }
}

impl From<Last> for Rates {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was a whole number, and not negative"
    )]
    fn from(last: Last) -> Self {
        let over_ms = last.over_ms.into();
        Self { bytes_in: last.bytes_in as u64, bytes_out: last.bytes_out as u64, over_ms }
    }
}

fn per_second(bytes: u64, ms: u64) -> u64 {
    let rate = u128::from(bytes) * 1_000 / u128::from(ms.max(1));
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(bytes_in: u64, bytes_out: u64, over_ms: u64) -> Rates {
        Rates { bytes_in, bytes_out, over_ms }
    }

    #[test]
    fn rates_are_averages_since_the_look_before() {
        let mut pace = Pace::beginning(5_000);
        assert_eq!(pace.look((1_000, 0), 7_000), rates(500, 0, 2_000));
        assert_eq!(pace.look((1_000, 90), 10_000), rates(0, 30, 3_000));
        assert_eq!(pace.look((1_000, 90), 130_000), rates(0, 0, 120_000));
    }

    #[test]
    fn a_look_right_after_another_one_tells_the_same_and_takes_nothing_from_the_next() {
        let mut pace = Pace::beginning(0);
        assert_eq!(pace.look((4_000, 8_000), 4_000), rates(1_000, 2_000, 4_000));
        for soon in [4_000, 4_001, 4_999] {
            assert_eq!(pace.look((4_900, 8_000), soon), rates(1_000, 2_000, 4_000));
        }
        assert_eq!(pace.look((5_000, 8_000), 5_000), rates(1_000, 0, 1_000));
    }

    #[test]
    fn a_connection_younger_than_the_window_has_the_rate_of_its_life() {
        let mut pace = Pace::beginning(0);
        assert_eq!(pace.look((0, 0), 0), rates(0, 0, 0));
        assert_eq!(pace.look((50, 10), 500), rates(100, 20, 500));
        assert_eq!(pace.look((60, 10), 600), rates(100, 16, 600));
        assert_eq!(pace.look((100, 10), 1_000), rates(100, 10, 1_000));
    }
}
