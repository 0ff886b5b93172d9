//! Keys of whoever types a command.

use crossterm::event::{KeyCode, KeyEvent};
use plexy_shared::command::Request;
use tui_input::Input;

use super::super::super::message::Effect;
use super::super::super::order::Order;
use super::super::super::state::dialog::offer::{self, Offer};
use super::super::super::state::{Choice, CommandLine, Dialog, State, Subject, Text};
use super::super::asked;
use super::types;
use crate::args::{self, help_of};
use crate::commands::Command;
use crate::consequence::Known;
use crate::failure::Failure;
use crate::tier::{Tier, is_change};

/// A key.
pub(super) fn press(state: &mut State, mut line: CommandLine, key: KeyEvent) -> Vec<Effect> {
    // What was sent is what somebody will be asked about.
    if line.sent.is_none() {
        let is_empty = line.input.value().is_empty();
        match key.code {
            KeyCode::Enter if line.offer.is_some() => take(state, &mut line),
            KeyCode::Enter => return submit(state, line.input.value()),
            // As in vi: whoever takes the colon back leaves.
            KeyCode::Backspace if is_empty => return Vec::new(),
            KeyCode::Tab => complete(state, &mut line, 1),
            KeyCode::BackTab => complete(state, &mut line, -1),
            KeyCode::Up | KeyCode::Down => {
                let is_back = key.code == KeyCode::Up;
                match &mut line.offer {
                    Some(offer) => offer.select_by(if is_back { -1 } else { 1 }),
                    None => recall(state, &mut line, is_back),
                }
            }
            _ => {
                if types(&mut line.input, key) {
                    line.edited(&state.snapshot());
                }
            }
        }
    }
    state.dialog = Some(Dialog::Line(Box::new(line)));
    Vec::new()
}

/// Writes what is selected of what is offered.
fn take(state: &State, line: &mut CommandLine) {
    if let Some(candidate) = line.offer.take().and_then(|offer| offer.selected().cloned()) {
        line.input = offer::take(&line.input, &candidate, 0);
        line.edited(&state.snapshot());
    }
}

/// Offers what could stand there, or writes it where there is no choice; again, selects the next.
fn complete(state: &State, line: &mut CommandLine, step: isize) {
    if let Some(offer) = &mut line.offer {
        offer.select_by(step);
        return;
    }
    let snapshot = state.snapshot();
    let found = Offer::of(line.input.value(), offer::position(&line.input), &snapshot);
    if let Some(certain) = found.certain() {
        line.input = offer::take(&line.input, &certain, 0);
        line.edited(&snapshot);
        if found.candidates.len() == 1 {
            return;
        }
        line.offer = Some(Offer::of(line.input.value(), offer::position(&line.input), &snapshot));
    } else if !found.candidates.is_empty() {
        line.offer = Some(found);
    }
}

/// A line that was typed before, or the one after it.
fn recall(state: &State, line: &mut CommandLine, is_back: bool) {
    let lines = &state.acting.lines;
    let at = match (line.recalled, is_back) {
        (None, true) => lines.len().checked_sub(1),
        (Some(at), true) => Some(at.saturating_sub(1)),
        (Some(at), false) => Some(at + 1).filter(|at| *at < lines.len()),
        (None, false) => return,
    };
    line.recalled = at;
    let text = at.and_then(|at| lines.get(at)).cloned().unwrap_or_default();
    line.input = Input::new(text);
    line.edited(&state.snapshot());
}

/// Has a line done, or shows why not.
pub(super) fn submit(state: &mut State, text: &str) -> Vec<Effect> {
    let text = text.trim();
    if text.is_empty() {
        return Vec::new();
    }
    state.acting.remember(text);
    done(state, text).unwrap_or_else(|failure| {
        let mut line = CommandLine { failure: Some(failure), ..CommandLine::new(text) };
        line.mistake =
            line.failure.as_ref().and_then(|it| it.place.as_ref()).map(|it| it.span.clone());
        state.dialog = Some(Dialog::Line(Box::new(line)));
        Vec::new()
    })
}

fn done(state: &mut State, text: &str) -> Result<Vec<Effect>, Failure> {
    let verb = text.split_whitespace().next().unwrap_or_default();
    if verb == "q" {
        return Ok(vec![Effect::Quit]);
    }
    if let Some(own) = args::own_command(verb) {
        let failure = Failure::usage(format!("`{own}` is no command of plexyd"));
        return Err(
            failure.with_hint(format!("`plexyctl {own}` does it, or `!`, where the shell is"))
        );
    }
    match Request::parse(text).map_err(|error| Failure::in_line(error, text))? {
        None => Ok(Vec::new()),
        Some(Request::Exit) => Ok(vec![Effect::Quit]),
        Some(Request::Help(topic)) => {
            state.dialog = Some(Dialog::Text(Text::new("help", help_of(topic))));
            Ok(Vec::new())
        }
        Some(Request::Events { follow: true, .. }) => {
            let failure = Failure::usage("events that follow would never end here");
            Err(failure.with_hint("the view `Events` shows them as they come"))
        }
        Some(request) => asked_for(state, text, &request),
    }
}

/// What is free is done; what is not is tried out, so that it can be told what it does.
fn asked_for(state: &mut State, text: &str, request: &Request) -> Result<Vec<Effect>, Failure> {
    // Some words are for sessions of another kind.
    Command::read(text)?;
    let refusal = state.refusal().filter(|_| is_change(request));
    if let Some(why) = refusal {
        return Err(Failure::usage(why));
    }
    let protected = state.place.protected.as_deref();
    if Tier::of(request, &Known::default(), protected) == Tier::Free {
        return Ok(vec![Effect::Order(Box::new(asked::knowing(state, Order::new(text))))]);
    }
    if matches!(request, Request::Log(_)) {
        let confirm = asked::confirm(state, text.to_owned(), Choice::Nothing, Subject::Daemon);
        return Ok(asked::agree(state, confirm));
    }
    let trial = Order { is_trial: true, ..Order::new(text) };
    let line = CommandLine { sent: Some(trial.clone()), ..CommandLine::new(text) };
    state.dialog = Some(Dialog::Line(Box::new(line)));
    Ok(vec![Effect::Order(Box::new(trial))])
}
