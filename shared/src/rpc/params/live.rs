//! What live connections get, as parameters: the word, and the deadline of a drain.

use std::time::Duration;

use super::bad_value;
use crate::command::LiveChoice;
use crate::error::{Code, Refusal};
use crate::spec::{DEADLINE_RANGE, LiveAction};
use crate::units::{parse_duration, show_duration};
use crate::word::{Words, parse_word};

/// The two words of it.
pub(super) fn written_live(live: Option<LiveChoice>) -> (Option<String>, Option<String>) {
    let deadline = live.and_then(|live| live.deadline).map(show_duration);
    (live.map(|live| live.action.to_string()), deadline)
}

/// What live connections get, if that is said; a deadline goes with a drain only.
pub(super) fn read_live(
    live: Option<&str>,
    deadline: Option<&str>,
) -> Result<Option<LiveChoice>, Refusal> {
    let action = live.map(|text| parse_word(text, LiveAction::ALL)).transpose();
    let action = action.map_err(|error| bad_value("live", &error))?;
    match (action, read_deadline(deadline)?) {
        (Some(action), deadline) if action == LiveAction::Drain || deadline.is_none() => {
            Ok(Some(LiveChoice { action, deadline }))
        }
        (None, None) => Ok(None),
        (_, Some(_)) | (Some(_), None) => {
            let message = "`deadline` without a drain: it says when drained connections are reset";
            Err(Refusal::new(Code::UnexpectedArgument, message).of_parameter("deadline"))
        }
    }
}

/// When drained connections are reset, if that is said.
pub(super) fn read_deadline(deadline: Option<&str>) -> Result<Option<Duration>, Refusal> {
    let deadline = deadline.map(|text| parse_duration(text, &DEADLINE_RANGE)).transpose();
    deadline.map_err(|error| bad_value("deadline", &error))
}
