//! Keys of whoever chooses what is to be done.

use crossterm::event::{KeyCode, KeyEvent};

use super::super::super::action::action_of;
use super::super::super::message::Effect;
use super::super::super::state::{Dialog, Menu, Run, State};
use super::super::asked;
use super::super::movement::scrolled;
use super::{is_alone, line};

/// A key: that of something does it, Enter does what is selected.
pub(super) fn press(state: &mut State, mut menu: Menu, key: KeyEvent) -> Vec<Effect> {
    let last = menu.items.len().saturating_sub(1);
    if !is_alone(key) {
        let action = action_of(key, state).filter(|action| action.is_page());
        menu.at = action.map_or(menu.at, |it| scrolled(menu.at, last, it)).min(last);
        state.dialog = Some(Dialog::Menu(menu));
        return Vec::new();
    }
    let typed = match key.code {
        KeyCode::Char(letter) => menu
            .items
            .iter()
            .position(|item| item.key.is_some_and(|key| key.chars().eq(std::iter::once(letter)))),
        _ => None,
    };
    match (typed, key.code) {
        (Some(number), _) => return run(state, menu, number),
        (None, KeyCode::Enter) => {
            let at = menu.at;
            return run(state, menu, at);
        }
        (None, KeyCode::Char('q' | 'a')) => return Vec::new(),
        (None, KeyCode::Up | KeyCode::Char('k')) => menu.at = menu.at.saturating_sub(1),
        (None, KeyCode::Down | KeyCode::Char('j')) => menu.at = (menu.at + 1).min(last),
        (None, KeyCode::Home | KeyCode::PageUp) => menu.at = 0,
        (None, KeyCode::End | KeyCode::PageDown) => menu.at = last,
        _ => {}
    }
    state.dialog = Some(Dialog::Menu(menu));
    Vec::new()
}

/// Does what stands there.
pub(super) fn run(state: &mut State, menu: Menu, number: usize) -> Vec<Effect> {
    let Some(item) = menu.items.into_iter().nth(number) else { return Vec::new() };
    match item.run {
        Run::Action(action) => asked::ask_about(state, action, menu.subject),
        Run::Line(text) => asked::type_on(state, &text),
        Run::Whole(text) => line::submit(state, &text),
        Run::Copy(text) => asked::copy(state, text),
    }
}
