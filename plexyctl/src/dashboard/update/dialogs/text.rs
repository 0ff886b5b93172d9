//! Keys of whoever reads a text.

use crossterm::event::{KeyCode, KeyEvent};

use super::super::super::action::{Action, action_of};
use super::super::super::message::Effect;
use super::super::super::state::{Dialog, State, Text};
use super::super::{asked, movement};

/// A key: it scrolls, copies, or leaves.
pub(super) fn press(state: &mut State, mut text: Text, key: KeyEvent) -> Vec<Effect> {
    match (action_of(key, state), key.code) {
        (Some(Action::Quit | Action::Back), _) | (_, KeyCode::Enter) => return Vec::new(),
        (Some(Action::Copy), _) => {
            let copied = text.text.trim_end().to_owned();
            let effects = asked::copy_text(state, copied, &text.title);
            state.dialog = Some(Dialog::Text(text));
            return effects;
        }
        (Some(action), _) => {
            let page = state.drawn.text.map_or(1, |drawn| drawn.height);
            text.scroll = movement::scrolled(text.scroll, page, action);
        }
        (None, _) => {}
    }
    state.dialog = Some(Dialog::Text(text));
    Vec::new()
}
