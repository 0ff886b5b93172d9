//! Keys of whoever is asked whether something is to be done.

use crossterm::event::{KeyCode, KeyEvent};

use super::super::super::action::action_of;
use super::super::super::message::Effect;
use super::super::super::state::{Check, Choice, Confirm, Dialog, Mood, State};
use super::super::movement::scrolled;
use super::super::{asked, note};
use super::{is_alone, types};

/// So many lines are scrolled over at once.
const PAGE: usize = 5;

/// A key. What is not an answer leaves the question where it is; Enter alone cancels.
pub(super) fn press(state: &mut State, mut confirm: Confirm, key: KeyEvent) -> Vec<Effect> {
    // What was answered is answered.
    if confirm.sent.is_some() {
        state.dialog = Some(Dialog::Confirm(Box::new(confirm)));
        return Vec::new();
    }
    let has_word = confirm.word().is_some();
    if !is_alone(key) {
        if has_word {
            types(&mut confirm.typed, key);
        } else if let Some(action) = action_of(key, state).filter(|action| action.is_page()) {
            confirm.scroll = scrolled(confirm.scroll, PAGE, action);
        }
        state.dialog = Some(Dialog::Confirm(Box::new(confirm)));
        return Vec::new();
    }
    let has_choice = confirm.choice != Choice::Nothing;
    match key.code {
        KeyCode::Enter if has_word && confirm.is_typed() => return answer(state, confirm),
        // Somebody is in the middle of it.
        KeyCode::Enter if has_word && !confirm.typed.value().is_empty() => {}
        KeyCode::Char('y' | 'Y') if !has_word => return answer(state, confirm),
        KeyCode::Enter => return cancel(state, confirm),
        KeyCode::Char('n' | 'N') if !has_word => return cancel(state, confirm),
        KeyCode::Up if has_choice => confirm.choose(true),
        KeyCode::Down if has_choice => confirm.choose(false),
        KeyCode::Char('+' | '=') if has_choice && !has_word => confirm.choose(true),
        KeyCode::Char('-') if has_choice && !has_word => confirm.choose(false),
        KeyCode::Up => confirm.scroll = confirm.scroll.saturating_sub(1),
        KeyCode::Down => confirm.scroll = confirm.scroll.saturating_add(1),
        KeyCode::PageUp => confirm.scroll = confirm.scroll.saturating_sub(PAGE),
        KeyCode::PageDown => confirm.scroll = confirm.scroll.saturating_add(PAGE),
        _ if has_word => {
            types(&mut confirm.typed, key);
        }
        _ => {}
    }
    state.dialog = Some(Dialog::Confirm(Box::new(confirm)));
    Vec::new()
}

/// Somebody does not want it.
fn cancel(state: &mut State, confirm: Confirm) -> Vec<Effect> {
    state.dialog = confirm.form.map(Dialog::Form);
    Vec::new()
}

/// Somebody wants it: it is done if it still is what they were told.
fn answer(state: &mut State, mut confirm: Confirm) -> Vec<Effect> {
    if !confirm.can_be_read(state.now) {
        state.dialog = Some(Dialog::Confirm(Box::new(confirm)));
        return Vec::new();
    }
    if let Some(why) = state.refusal() {
        note(state, Mood::Failed, why);
        state.dialog = Some(Dialog::Confirm(Box::new(confirm)));
        return Vec::new();
    }
    match confirm.check() {
        Check::Gone(why) => {
            note(state, Mood::Failed, format!("{why}: nothing was done"));
            return Vec::new();
        }
        Check::Other(changed) => {
            if let Err(why) = confirm.again(changed, state.now) {
                note(state, Mood::Failed, format!("{why}: nothing was done"));
                return Vec::new();
            }
            if confirm.is_tried() {
                return asked::try_again(state, confirm);
            }
            state.dialog = Some(Dialog::Confirm(Box::new(confirm)));
            return Vec::new();
        }
        Check::Same => {}
    }
    // Nobody tells of all that it is about: what the daemon says is what counts.
    match confirm.is_tried() {
        true => asked::try_again(state, confirm),
        false => asked::give(state, confirm),
    }
}
