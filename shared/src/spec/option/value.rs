//! What the values of many options have in common.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::units::ValueError;

/// How long a drain may be given.
pub const DEADLINE_RANGE: RangeInclusive<Duration> = Duration::ZERO..=THIRTY_DAYS;

pub(super) const ONE_MS: Duration = Duration::from_millis(1);
pub(super) const ONE_HOUR: Duration = Duration::from_secs(3_600);
pub(super) const THIRTY_DAYS: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What the value of a flag looks like: its name alone stands for `on`.
pub(super) const SWITCH: &str = "`on`, `off`";

/// Reads a value that may also be the word `none`, or another one for nothing.
pub(super) fn unless<T>(
    nothing: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, ValueError>,
) -> Result<Option<T>, ValueError> {
    if text.eq_ignore_ascii_case(nothing) { Ok(None) } else { parse(text).map(Some) }
}

/// Puts an entry on a list of something, or empties that.
pub(super) fn put<T>(
    text: &str,
    of: &mut T,
    clear: impl FnOnce(&mut T),
    add: impl FnOnce(&mut T, &str) -> Result<(), ValueError>,
) -> Result<(), ValueError> {
    if text.eq_ignore_ascii_case("none") {
        clear(of);
        return Ok(());
    }
    add(of, text)
}

/// The value of a flag.
pub(super) fn switch(is_on: bool) -> String {
    if is_on { "on" } else { "off" }.to_owned()
}

/// The entries of a list, as they are written.
pub(super) fn texts<T: fmt::Display>(entries: &[T]) -> Vec<String> {
    entries.iter().map(ToString::to_string).collect()
}

/// A list as one value.
pub(super) fn joined(entries: &[String]) -> Option<String> {
    (!entries.is_empty()).then(|| entries.join(","))
}
