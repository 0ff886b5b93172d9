//! How changes of a tunnel that is open are read.

use std::str::FromStr;
use std::time::Duration;

use super::words::Words;
use super::{CommandError, LiveChoice, Request};
use crate::spec::{
    BackendAddr, BackendSpec, DEADLINE_RANGE, LiveAction, OPTIONS, SpecError, read_backend_list,
};
use crate::units::parse_duration;
use crate::word::Words as _;

/// What stands for a backend, where one is missing.
const BACKEND: &str = "a backend like `10.0.0.1:5432`";

pub(super) fn close(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let tunnel = words.tunnel()?;
    let live = live_choice(words)?.unwrap_or(LiveAction::Kill.into());
    Ok(Request::Close { tunnel, live })
}

pub(super) fn remove(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let (tunnel, backend) = (words.tunnel()?, words.one::<BackendSpec>(BACKEND)?);
    Ok(Request::Remove { tunnel, backend, live: live_choice(words)? })
}

pub(super) fn switch(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let tunnel = words.tunnel()?;
    words.one_of("to", &[("to", ())])?;
    let backends = words.one::<BackendList>("backends like `10.0.0.1:5432,10.0.0.2:5432`")?.0;
    Ok(Request::Switch { tunnel, backends, live: live_choice(words)? })
}

pub(super) fn set(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let tunnel = words.tunnel()?;
    let what = "key=value, or a backend and key=value";
    if words.peek().is_none_or(is_setting) {
        return Ok(Request::Set { tunnel, settings: words.rest_as(what)? });
    }
    let backend = words.one(BACKEND)?;
    Ok(Request::SetBackend { tunnel, backend, settings: words.rest_as("key=value")? })
}

/// Whether a word sets an option, and is no backend.
pub(super) fn is_setting(word: &str) -> bool {
    let is_flag = |word: &str| OPTIONS.iter().any(|row| row.is_flag() && row.is_called(word));
    word.contains('=') || is_flag(word)
}

pub(super) fn drain(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let tunnel = words.tunnel()?;
    let is_backend = words.peek().is_some_and(|word| !word.contains('='));
    let backend = if is_backend { Some(words.one::<BackendAddr>(BACKEND)?) } else { None };
    Ok(Request::Drain { tunnel, backend, deadline: deadline(words)? })
}

pub(super) fn enable(words: &mut Words<'_>) -> Result<Request, CommandError> {
    let tunnel = words.tunnel()?;
    let backend = if words.is_empty() { None } else { Some(words.one(BACKEND)?) };
    Ok(Request::Enable { tunnel, backend })
}

pub(super) fn disable(words: &mut Words<'_>) -> Result<Request, CommandError> {
    Ok(Request::Disable { tunnel: words.tunnel()?, backend: words.one(BACKEND)? })
}

/// What connections get, if the line goes on with that.
fn live_choice(words: &mut Words<'_>) -> Result<Option<LiveChoice>, CommandError> {
    if words.is_empty() {
        return Ok(None);
    }
    let known: Vec<_> = LiveAction::ALL.iter().map(|action| (action.as_str(), *action)).collect();
    let action = words.one_of("what live connections get", &known)?;
    let deadline = if action == LiveAction::Drain { deadline(words)? } else { None };
    Ok(Some(LiveChoice { action, deadline }))
}

/// A deadline, if the line goes on with one.
fn deadline(words: &mut Words<'_>) -> Result<Option<Duration>, CommandError> {
    let Some(word) = words.maybe_next() else { return Ok(None) };
    match word.split_once('=') {
        Some((key, value)) if key.eq_ignore_ascii_case("deadline") => {
            let deadline = parse_duration(value, &DEADLINE_RANGE);
            deadline.map(Some).map_err(|error| words.bad_value("deadline", error))
        }
        _ => Err(words.unexpected(word, &["deadline=DURATION"])),
    }
}

/// Backends in one word.
struct BackendList(Vec<BackendSpec>);

impl FromStr for BackendList {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        read_backend_list(text).map(Self)
    }
}
