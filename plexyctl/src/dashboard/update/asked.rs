//! What somebody asks the daemon for, and what it answers.

use super::super::action::Action;
use super::super::message::Effect;
use super::super::order::Done;
use super::super::state::{Mood, State};
use super::note;

/// Asks for it, or for what has to be known before.
pub(super) fn ask(_state: &mut State, _action: Action) -> Vec<Effect> {
    Vec::new()
}

/// It is done, or not.
pub(super) fn done(state: &mut State, done: Done) -> Vec<Effect> {
    match done.outcome {
        Ok(reply) => note(state, Mood::Done, reply.text.lines().next().unwrap_or_default()),
        Err(failure) => note(state, Mood::Failed, failure.message),
    }
    Vec::new()
}
