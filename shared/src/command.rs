//! The verbs: one table that feeds every door, its help and its completion.
//!
//! A new verb is one row in the file of its group in `command/verbs/`, which
//! [`VERBS`] names, one variant of [`Request`], and one method of the daemon's
//! service.

mod error;
mod help;
mod request;
mod slot;
mod verb;
mod verbs;
mod words;

use std::ops::RangeInclusive;
use std::time::Duration;

pub use error::CommandError;
pub use help::{ARGUMENTS, Argument, Group, Topic};
pub use request::{Detail, LiveChoice, LogChange, Mode, Request};
pub use slot::{Slot, word_spans};
pub use verb::Verb;
pub use verbs::VERBS;

use crate::event::EVENTS_MAX;

/// Longest line of the line protocol, in bytes, its end not counted.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// How many events can be asked for: no more are kept.
pub const EVENTS_RANGE: RangeInclusive<usize> = 1..=EVENTS_MAX;

/// How many changes `history` tells if nobody says.
pub const HISTORY_DEFAULT: usize = 20;

/// How long a level of the log may be given.
pub const LOG_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(30 * 24 * 3_600);

/// How long `debug` and `trace` hold if nobody says: they are much, and easily forgotten.
pub const LOG_DEFAULT: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests;
