//! Keys of whoever fills in a form.

use crossterm::event::{KeyCode, KeyEvent};

use super::super::super::message::Effect;
use super::super::super::order::Order;
use super::super::super::state::dialog::offer::{self, Offer};
use super::super::super::state::{Choice, Dialog, Form, FormKind, Mood, State};
use super::super::{asked, note};
use super::types;
use crate::failure::Failure;
use crate::tier::Tier;

/// Fields of one page.
const PAGE: isize = 8;

/// A key.
pub(super) fn press(state: &mut State, mut form: Form, key: KeyEvent) -> Vec<Effect> {
    // What was sent is what is answered.
    if form.sent.is_none() {
        match (key.code, &mut form.offer) {
            (KeyCode::Enter, Some(_)) => take(&mut form),
            (KeyCode::Up | KeyCode::BackTab, Some(offer)) => offer.select_by(-1),
            (KeyCode::Down | KeyCode::Tab, Some(offer)) => offer.select_by(1),
            (KeyCode::Enter, None) => return submit(state, form),
            (KeyCode::Tab, None) => complete(state, &mut form),
            (KeyCode::Up | KeyCode::BackTab, None) => form.select_by(-1),
            (KeyCode::Down, None) => form.select_by(1),
            (KeyCode::PageUp, None) => form.at = form.at.saturating_sub(PAGE.unsigned_abs()),
            (KeyCode::PageDown, None) => {
                let last = form.fields.len().saturating_sub(1);
                form.at = (form.at + PAGE.unsigned_abs()).min(last);
            }
            _ => {
                if form.field_mut().is_some_and(|field| types(&mut field.input, key)) {
                    form.edited();
                }
            }
        }
    }
    state.dialog = Some(Dialog::Form(Box::new(form)));
    Vec::new()
}

/// The line up to the cursor, and where in it the field begins.
fn place(form: &Form) -> Option<(String, usize)> {
    let composed = form.composed();
    let begin = composed.parts.get(form.at)?.clone()?.start;
    let end = begin + offer::position(&form.field()?.input);
    Some((composed.line.get(..end)?.to_owned(), begin))
}

/// The same of a field that is no part of the line yet: as if it were the last of it.
fn begun(form: &Form) -> Option<(String, usize)> {
    let field = form.field()?;
    let line = form.composed().line;
    let line = match (&form.kind, field.key) {
        (FormKind::Open, "options") => "open 1=1[".to_owned(),
        (FormKind::Open, key) => format!("open 1=1[{key}="),
        (FormKind::Add(_), key) => format!("{line}+{key}="),
        (FormKind::Options(_) | FormKind::Attributes(..), key) => format!("{line} {key}="),
    };
    let begin = line.len();
    Some((line + field.input.value(), begin))
}

/// Writes what is selected of what is offered.
fn take(form: &mut Form) {
    let offer = form.offer.take();
    let selected = offer.as_ref().and_then(|offer| Some((offer.selected()?, offer.begin)));
    if let (Some((candidate, begin)), Some(field)) = (selected, form.field_mut()) {
        field.input = offer::take(&field.input, candidate, begin);
        form.edited();
    }
}

/// Offers what could stand in the field; where nothing could, goes on to the next one.
fn complete(state: &State, form: &mut Form) {
    let Some((line, begin)) = place(form).or_else(|| begun(form)) else { return };
    let found = Offer::of_part(&line, begin, &state.snapshot());
    match found.certain() {
        Some(certain) => {
            form.offer = Some(Offer { candidates: vec![certain], ..found });
            take(form);
        }
        None if found.candidates.is_empty() => form.select_by(1),
        None => form.offer = Some(found),
    }
}

/// Has it done, or shows what is wrong with it.
fn submit(state: &mut State, mut form: Form) -> Vec<Effect> {
    if let Some(why) = state.refusal() {
        note(state, Mood::Failed, why);
        state.dialog = Some(Dialog::Form(Box::new(form)));
        return Vec::new();
    }
    if !form.is_filled() {
        let nothing =
            if form.kind.is_change() { "nothing is otherwise" } else { "nothing is filled in" };
        form.failure = Some(Failure::usage(nothing));
        state.dialog = Some(Dialog::Form(Box::new(form)));
        return Vec::new();
    }
    form.edited();
    form.is_begun = false;
    if form.failure.is_some() {
        state.dialog = Some(Dialog::Form(Box::new(form)));
        return Vec::new();
    }
    let mut confirm =
        asked::confirm(state, form.composed().line, Choice::Nothing, form.kind.subject());
    if !form.kind.is_change() && confirm.tier != Tier::Free {
        confirm.form = Some(Box::new(form));
        return asked::agree(state, confirm);
    }
    let ordered = asked::unasked(state, &confirm);
    let effects = match ordered {
        Ok(order) => {
            let order = Order { is_trial: form.kind.is_change(), ..order };
            form.sent = Some(order.clone());
            vec![Effect::Order(Box::new(order))]
        }
        Err(why) => {
            form.failure = Some(Failure::usage(why));
            Vec::new()
        }
    };
    state.dialog = Some(Dialog::Form(Box::new(form)));
    effects
}
