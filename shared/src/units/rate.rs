//! Rates: how often something may happen, as `100/s` or `600/m`.

use std::fmt;
use std::time::Duration;

use super::{ValueError, parse_count};

/// Highest count of a rate: one a microsecond.
const COUNT_MAX: u32 = 1_000_000;

/// How often something may happen.
///
/// ```
/// use plexy_shared::units::Rate;
///
/// let rate = Rate::parse("600/m")?;
/// assert_eq!((rate.interval().as_millis(), rate.burst()), (100, 10));
/// assert_eq!(rate.to_string(), "600/m");
/// # Ok::<(), plexy_shared::units::ValueError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At least 1, so that there is an interval.
    count: u32,
    per: Per,
}

/// In which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
}

impl Rate {
    /// Reads `N/s` or `N/m`, with N from 1 to 1 000 000.
    ///
    /// # Errors
    ///
    /// Everything else is refused as what it is.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let rule = "is not a rate like `100/s` or `600/m`";
        let (count, per) = match text.split_once('/') {
            Some(parts) => parts,
            None if text.is_empty() => return Err(ValueError::Empty),
            None => return Err(ValueError::malformed(text, rule)),
        };
        let count = parse_count(count, &(1..=COUNT_MAX))?;
        let per = match per.to_ascii_lowercase().as_str() {
            "s" => Per::Second,
            "m" => Per::Minute,
            _ => return Err(ValueError::malformed(text, rule)),
        };
        Ok(Self { count, per })
    }

    /// The time between two of them where they come evenly, to the nanosecond below.
    #[must_use]
    pub fn interval(self) -> Duration {
        self.time() / self.count
    }

    /// How many may come at once: those of a second, and one at least.
    #[must_use]
    pub fn burst(self) -> u32 {
        match self.per {
            Per::Second => self.count,
            Per::Minute => (self.count / 60).max(1),
        }
    }

    fn time(self) -> Duration {
        match self.per {
            Per::Second => Duration::from_secs(1),
            Per::Minute => Duration::from_secs(60),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = match self.per {
            Per::Second => "s",
            Per::Minute => "m",
        };
        write!(f, "{}/{per}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, interval: Duration, burst: u32) {
        let rate = Rate::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((rate.interval(), rate.burst()), (interval, burst), "{text}");
        assert_eq!(Rate::parse(&rate.to_string()), Ok(rate));
    }

    #[track_caller]
    fn refused(text: &str, sentence: &str) {
        let error = Rate::parse(text).expect_err(text).to_string();
        assert!(error.contains(sentence), "{text}: {error}");
    }

    #[test]
    fn a_rate_is_a_count_in_a_second_or_a_minute() {
        check("1/s", Duration::from_secs(1), 1);
        check("100/S", Duration::from_millis(10), 100);
        check("1000000/s", Duration::from_micros(1), 1_000_000);
        check("600/m", Duration::from_millis(100), 10);
        check("6/m", Duration::from_secs(10), 1);
    }

    #[test]
    fn a_bad_rate_is_refused_as_what_it_is() {
        refused("", "missing");
        refused("100", "is not a rate");
        refused("/s", "missing");
        refused("100/", "is not a rate");
        refused("100/h", "is not a rate");
        refused("100/s/s", "is not a rate");
        refused("0/s", "1 to 1000000");
        refused("1000001/m", "1 to 1000000");
        refused("-1/s", "negative");
        refused("nan/s", "not a finite number");
        refused("1.5/s", "not a whole number");
    }
}
