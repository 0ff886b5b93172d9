//! Durations, sizes, whole numbers and rates as people write them.
//!
//! No time is held as a float: `1.5s` becomes 1 500 ms by counting digits.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Code, nearest, quoted};

mod rate;

pub use rate::Rate;

/// What is wrong with a value, whatever option it was meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueError {
    /// Nothing was given.
    Empty,
    /// Not a number with an optional unit.
    NotADuration(String),
    /// Not a whole number.
    NotANumber(String),
    /// `nan` or `inf`.
    NotFinite(String),
    /// Below zero.
    Negative(String),
    /// Finer than a millisecond.
    TooFine(String),
    /// A unit that is not known.
    UnknownUnit(String),
    /// Beyond the documented range; the range is given as text.
    OutOfRange {
        /// What was given.
        given: String,
        /// The lowest accepted value.
        least: String,
        /// The highest accepted value.
        most: String,
    },
    /// A word that is not one of the accepted ones.
    UnknownWord {
        /// What was given.
        given: String,
        /// What is accepted.
        valid: Vec<&'static str>,
    },
    /// What a list holds already.
    Repeated(String),
    /// A network with bits beyond its prefix.
    HostBits {
        /// What was given.
        given: String,
        /// The network that it is in.
        network: String,
    },
    /// Another rule, as a sentence that goes on after "`value` ".
    Malformed {
        /// What was given.
        given: String,
        /// What it should have been.
        rule: &'static str,
    },
}

impl ValueError {
    /// A value that breaks a rule, as a sentence that goes on after it.
    pub(crate) fn malformed(given: &str, rule: &'static str) -> Self {
        Self::Malformed { given: given.to_owned(), rule }
    }

    /// The code that programs see.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::OutOfRange { .. } | Self::Negative(_) | Self::TooFine(_) => Code::OutOfRange,
            Self::Repeated(_) => Code::Repeated,
            _ => Code::InvalidValue,
        }
    }

    /// The accepted word that was probably meant.
    #[must_use]
    pub fn suggestion(&self) -> Option<&'static str> {
        match self {
            Self::UnknownWord { given, valid } => nearest(given, valid.iter().copied()),
            _ => None,
        }
    }

    /// The accepted words, where there is a list of them.
    #[must_use]
    pub fn valid(&self) -> &[&'static str] {
        match self {
            Self::UnknownWord { valid, .. } => valid,
            _ => &[],
        }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a value is missing"),
            Self::NotADuration(given) => {
                write!(f, "{} is not a duration like `250ms`, `2s`, `5m` or `1h`", quoted(given))
            }
            Self::NotANumber(given) => write!(f, "{} is not a whole number", quoted(given)),
            Self::NotFinite(given) => write!(f, "{} is not a finite number", quoted(given)),
            Self::Negative(given) => write!(f, "{} is negative", quoted(given)),
            Self::TooFine(given) => write!(f, "{} is finer than a millisecond", quoted(given)),
            Self::UnknownUnit(given) => {
                write!(f, "{} has an unknown unit; use `ms`, `s`, `m` or `h`", quoted(given))
            }
            Self::OutOfRange { given, least, most } => {
                write!(f, "{} is out of range; it may be {least} to {most}", quoted(given))
            }
            Self::UnknownWord { given, valid } => {
                write!(f, "{} is not one of {}", quoted(given), valid.join(", "))
            }
            Self::Repeated(given) => write!(f, "{} is given twice", quoted(given)),
            Self::HostBits { given, network } => {
                write!(f, "{} has bits beyond its prefix; write `{network}`", quoted(given))
            }
            Self::Malformed { given, rule } => write!(f, "{} {rule}", quoted(given)),
        }
    }
}

impl std::error::Error for ValueError {}

/// Reads `250ms`, `2s`, `5m`, `1h`, `1.5s` or `2` (seconds) within a range.
///
/// # Errors
///
/// Everything that is not a finite, non-negative number of whole milliseconds
/// within `range` is refused as what it is.
///
/// ```
/// use std::time::Duration;
/// use plexy_shared::units::parse_duration;
///
/// let range = Duration::from_millis(1)..=Duration::from_secs(3600);
/// assert_eq!(parse_duration("1.5s", &range), Ok(Duration::from_millis(1500)));
/// assert!(parse_duration("-2s", &range).unwrap_err().to_string().contains("negative"));
/// assert!(parse_duration("2h", &range).unwrap_err().to_string().contains("1ms to 1h"));
/// ```
pub fn parse_duration(
    text: &str,
    range: &RangeInclusive<Duration>,
) -> Result<Duration, ValueError> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(number_end);
    check_number(text, number)
        .map_err(|error| error.unwrap_or(ValueError::NotADuration(text.into())))?;
    let unit_ms: u128 = match unit.to_ascii_lowercase().as_str() {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(ValueError::UnknownUnit(text.into())),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let out_of_range = || ValueError::OutOfRange {
        given: text.into(),
        least: show_duration(*range.start()),
        most: show_duration(*range.end()),
    };
    // Nothing near these lengths is in any range, and u128 cannot overflow below them.
    if whole.len() > 15 || fraction.len() > 15 {
        return Err(if fraction.len() > 15 {
            ValueError::TooFine(text.into())
        } else {
            out_of_range()
        });
    }
    let digits = |text: &str| text.parse::<u128>().unwrap_or(0);
    let scale = fraction.chars().fold(1_u128, |scale, _| scale * 10);
    let scaled = (digits(whole) * scale + digits(fraction)) * unit_ms;
    if !scaled.is_multiple_of(scale) {
        return Err(ValueError::TooFine(text.into()));
    }
    let ms = u64::try_from(scaled / scale).map_err(|_| out_of_range())?;
    let duration = Duration::from_millis(ms);
    if range.contains(&duration) { Ok(duration) } else { Err(out_of_range()) }
}

/// Writes a duration so that [`parse_duration`] reads the same one: in the
/// largest unit that needs no decimals.
#[must_use]
pub fn show_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        0 => "0s".to_owned(),
        _ if ms.is_multiple_of(3_600_000) => format!("{}h", ms / 3_600_000),
        _ if ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        _ if ms.is_multiple_of(1_000) => format!("{}s", ms / 1_000),
        _ => format!("{ms}ms"),
    }
}

/// Units of sizes, the smallest first: each is 1 024 of the one before it.
const SIZE_UNITS: [&str; 5] = ["", "k", "m", "g", "t"];

/// Reads `512`, `64k`, `10m`, `1g` or `2t` bytes within a range; `k` is 1 024.
///
/// # Errors
///
/// Everything that is not a whole number, with one of these units or none, within `range`.
///
/// ```
/// use plexy_shared::units::parse_size;
///
/// assert_eq!(parse_size("64k", &(0..=1 << 20)), Ok(65_536));
/// assert!(parse_size("2m", &(0..=1 << 20)).unwrap_err().to_string().contains("0 to 1m"));
/// ```
pub fn parse_size(text: &str, range: &RangeInclusive<u64>) -> Result<u64, ValueError> {
    const RULE: &str = "is not a size like `512`, `64k`, `10m`, `1g` or `2t`";
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(number_end);
    let malformed = || ValueError::malformed(text, RULE);
    check_number(text, number).map_err(|error| error.unwrap_or_else(malformed))?;
    let unit = SIZE_UNITS.iter().position(|known| known.eq_ignore_ascii_case(unit));
    let power = unit.and_then(|unit| u32::try_from(unit).ok()).ok_or_else(malformed)?;
    if number.contains('.') {
        return Err(malformed());
    }
    // All digits: what does not fit is too large.
    let bytes = number.parse().ok().and_then(|it: u64| it.checked_mul(1_024_u64.pow(power)));
    bytes.filter(|bytes| range.contains(bytes)).ok_or_else(|| ValueError::OutOfRange {
        given: text.into(),
        least: show_size(*range.start()),
        most: show_size(*range.end()),
    })
}

/// Writes a size so that [`parse_size`] reads the same one: in the largest unit that needs no
/// decimals.
#[must_use]
pub fn show_size(bytes: u64) -> String {
    let (mut bytes, mut units) = (bytes, SIZE_UNITS.iter());
    let mut unit = units.next();
    while bytes > 0 && bytes.is_multiple_of(1_024) {
        let Some(next) = units.next() else { break };
        (bytes, unit) = (bytes / 1_024, Some(next));
    }
    format!("{bytes}{}", unit.copied().unwrap_or_default())
}

/// Reads a whole number within a range.
///
/// # Errors
///
/// Everything that is not a whole number within `range`.
pub fn parse_count<T: FromStr + PartialOrd + fmt::Display>(
    text: &str,
    range: &RangeInclusive<T>,
) -> Result<T, ValueError> {
    check_number(text, text)
        .map_err(|error| error.unwrap_or(ValueError::NotANumber(text.into())))?;
    if text.contains('.') {
        return Err(ValueError::NotANumber(text.into()));
    }
    // All digits: what does not fit is too large.
    match text.parse::<T>() {
        Ok(count) if range.contains(&count) => Ok(count),
        _ => Err(ValueError::OutOfRange {
            given: text.into(),
            least: range.start().to_string(),
            most: range.end().to_string(),
        }),
    }
}

/// So many of a thing that has an `s` where there are more.
///
/// ```
/// use plexy_shared::units::counted;
/// assert_eq!((counted(1, "tunnel"), counted(2, "tunnel")), ("1 tunnel".into(), "2 tunnels".into()));
/// ```
#[must_use]
pub fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// Finds what is wrong with the numeric part of a value; `Err(None)` means
/// "no number at all", which each caller words in its own way.
fn check_number(text: &str, number: &str) -> Result<(), Option<ValueError>> {
    let lower = text.to_ascii_lowercase();
    let unsigned = lower.trim_start_matches(['-', '+']);
    if text.is_empty() {
        return Err(Some(ValueError::Empty));
    }
    if unsigned.starts_with("nan") || unsigned.starts_with("inf") {
        return Err(Some(ValueError::NotFinite(text.into())));
    }
    if lower.starts_with('-') && unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Some(ValueError::Negative(text.into())));
    }
    let well_formed = number.starts_with(|c: char| c.is_ascii_digit())
        && number.ends_with(|c: char| c.is_ascii_digit())
        && number.matches('.').count() <= 1
        && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    if well_formed { Ok(()) } else { Err(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(86_400);

    #[track_caller]
    fn check(text: &str, ms: u64) {
        assert_eq!(parse_duration(text, &RANGE), Ok(Duration::from_millis(ms)), "{text}");
    }

    #[track_caller]
    fn refused(text: &str, sentence: &str) {
        let error = parse_duration(text, &RANGE).expect_err(text).to_string();
        assert!(error.contains(sentence), "{text}: {error}");
    }

    #[test]
    fn durations_are_read_in_every_unit() {
        check("250ms", 250);
        check("2s", 2_000);
        check("2", 2_000);
        check("5m", 300_000);
        check("1h", 3_600_000);
        check("1.5s", 1_500);
        check("0.25", 250);
        check("0.5m", 30_000);
        check("1.000s", 1_000);
    }

    #[test]
    fn a_bad_duration_is_refused_as_what_it_is() {
        refused("", "missing");
        refused("nan", "not a finite number");
        refused("-inf", "not a finite number");
        refused("inf s", "not a finite number");
        refused("-1s", "negative");
        refused("0", "1ms to 24h");
        refused("0.5ms", "finer than a millisecond");
        refused("1.0000000000000000001s", "finer than a millisecond");
        refused("99999999999999999999999999h", "out of range");
        refused("25h", "out of range");
        refused("5d", "unknown unit");
        refused("s", "not a duration");
        refused("1.2.3s", "not a duration");
        refused(".5s", "not a duration");
        refused("5.s", "not a duration");
        refused("1e3", "unknown unit");
        refused("+5s", "not a duration");
        refused("٣s", "not a duration");
    }

    #[test]
    fn a_duration_is_shown_in_its_largest_whole_unit() {
        for (ms, text) in
            [(0, "0s"), (1, "1ms"), (1_500, "1500ms"), (90_000, "90s"), (3_600_000, "1h")]
        {
            assert_eq!(show_duration(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn sizes_are_read_in_every_unit_and_shown_in_the_largest_whole_one() {
        for (text, bytes, shown) in [
            ("0", 0, "0"),
            ("1023", 1_023, "1023"),
            ("1024", 1_024, "1k"),
            ("1536k", 1_536 << 10, "1536k"),
            ("10M", 10 << 20, "10m"),
            ("3g", 3 << 30, "3g"),
            ("2048t", 2_048 << 40, "2048t"),
        ] {
            assert_eq!(parse_size(text, &(0..=u64::MAX)), Ok(bytes), "{text}");
            assert_eq!(show_size(bytes), shown);
        }
    }

    #[test]
    fn a_bad_size_is_refused_as_what_it_is() {
        for (text, sentence) in [
            ("", "missing"),
            ("-1k", "negative"),
            ("nan", "finite"),
            ("k", "not a size"),
            ("1.5m", "not a size"),
            ("1kb", "not a size"),
            ("1 k", "not a size"),
            ("11k", "0 to 10k"),
            ("99999999999999999999", "0 to 10k"),
            ("99999999999999999t", "0 to 10k"),
        ] {
            let error = parse_size(text, &(0..=10_240)).expect_err(text).to_string();
            assert!(error.contains(sentence), "{text}: {error}");
        }
    }

    #[test]
    fn counts_are_whole_and_within_their_range() {
        assert_eq!(parse_count("7", &(1..=10)), Ok(7));
        for (text, sentence) in [
            ("", "missing"),
            ("-1", "negative"),
            ("nan", "finite"),
            ("1.0", "whole number"),
            ("ten", "whole number"),
            ("0", "1 to 10"),
            ("11", "1 to 10"),
            ("99999999999999999999", "1 to 10"),
        ] {
            let error = parse_count(text, &(1..=10)).expect_err(text).to_string();
            assert!(error.contains(sentence), "{text}: {error}");
        }
    }
}
