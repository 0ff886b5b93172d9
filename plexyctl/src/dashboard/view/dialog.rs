//! What stands in front of the tables: each dialog in a box in the middle, the command line below.

mod buttons;
mod confirm;
mod form;
mod line;
mod menu;
mod offer;
pub(super) mod panel;
mod text;
mod typed;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::super::message::Drawn;
use super::super::state::{Dialog, State};

/// Draws the dialog that acts or tells, where there is one; places that mean something come on top of
/// what was drawn before.
pub(super) fn draw(state: &State, area: Rect, frame: &mut Frame<'_>, drawn: &mut Drawn) {
    match &state.dialog {
        Some(Dialog::Menu(menu)) => menu::draw(state, menu, area, frame, drawn),
        Some(Dialog::Confirm(confirm)) => {
            drawn.text = Some(confirm::draw(state, confirm, area, frame, drawn));
        }
        Some(Dialog::Form(form)) => form::draw(state, form, area, frame, drawn),
        Some(Dialog::Line(line)) => line::draw(state, line, area, frame),
        Some(Dialog::Text(text)) => drawn.text = Some(text::draw(state, text, area, frame)),
        Some(Dialog::Find(_) | Dialog::Sort(_) | Dialog::Help(_)) | None => {}
    }
}

#[cfg(test)]
mod tests;
