//! What live connections get, as the line says it.

use std::time::Duration;

use crate::command::words::Words;
use crate::command::{CommandError, LiveChoice};
use crate::spec::{DEADLINE_RANGE, LiveAction};
use crate::units::parse_duration;
use crate::word::Words as _;

/// What connections get, if the line goes on with that.
pub(super) fn live_choice(words: &mut Words<'_>) -> Result<Option<LiveChoice>, CommandError> {
    if words.is_empty() {
        return Ok(None);
    }
    let known: Vec<_> = LiveAction::ALL.iter().map(|action| (action.as_str(), *action)).collect();
    let action = words.one_of("what live connections get", &known)?;
    let deadline = if action == LiveAction::Drain { deadline(words)? } else { None };
    Ok(Some(LiveChoice { action, deadline }))
}

/// A deadline, if the line goes on with one.
pub(super) fn deadline(words: &mut Words<'_>) -> Result<Option<Duration>, CommandError> {
    let Some(word) = words.maybe_next() else { return Ok(None) };
    match word.split_once('=') {
        Some((key, value)) if key.eq_ignore_ascii_case("deadline") => {
            let deadline = parse_duration(value, &DEADLINE_RANGE);
            deadline.map(Some).map_err(|error| words.bad_value("deadline", error))
        }
        _ => Err(words.unexpected(word, &["deadline=DURATION"])),
    }
}
