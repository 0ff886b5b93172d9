//! Keys of whoever is in a dialog.

use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::super::action::{Action, action_of};
use super::super::message::Effect;
use super::super::state::{Dialog, Pane, State};
use super::movement;

/// Opens the dialog of an action.
pub(super) fn open(state: &mut State, action: Action) {
    let level = state.level();
    state.dialog = match action {
        Action::Find => {
            let text = match level.pane {
                Pane::Tunnels | Pane::Latency => level.tunnels.find.to_string(),
                Pane::Backends => level.backends.find.to_string(),
                Pane::Connections => level.connections.find.to_string(),
                Pane::Events | Pane::Options => return,
            };
            Some(Dialog::Find(Input::new(text)))
        }
        Action::Sort => Some(Dialog::Sort(0)),
        Action::Help => Some(Dialog::Help(0)),
        _ => return,
    };
}

/// A key in a dialog.
pub(super) fn press(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    if action_of(key, state) == Some(Action::Suspend) {
        return vec![Effect::Suspend];
    }
    let is_quit = key.code == KeyCode::Char('c')
        && key.modifiers.contains(crossterm::event::KeyModifiers::CONTROL);
    if key.code == KeyCode::Esc || is_quit {
        if matches!(state.dialog, Some(Dialog::Find(_))) {
            movement::look_for(state.level_mut(), "");
        }
        state.dialog = None;
        return Vec::new();
    }
    match state.dialog.take() {
        Some(Dialog::Find(input)) => find(state, input, key),
        Some(Dialog::Sort(at)) => sort(state, at, key),
        Some(Dialog::Help(at)) => {
            let page = state.drawn.text.map_or(1, |text| text.height);
            let action = action_of(key, state);
            if !matches!(action, Some(Action::Help | Action::Quit | Action::Back)) {
                let at = action.map_or(at, |action| movement::scrolled(at, page, action));
                state.dialog = Some(Dialog::Help(at));
            }
        }
        None => {}
    }
    Vec::new()
}

/// Shows what is found with each letter.
fn find(state: &mut State, mut input: Input, key: KeyEvent) {
    if key.code == KeyCode::Enter {
        return;
    }
    if input.handle_event(&Event::Key(key)).is_some() {
        movement::look_for(state.level_mut(), input.value());
    }
    state.dialog = Some(Dialog::Find(input));
}

/// Each column has a letter.
fn sort(state: &mut State, at: usize, key: KeyEvent) {
    let columns = movement::columns_of(state.level()).len();
    let chosen = match key.code {
        KeyCode::Up => return state.dialog = Some(Dialog::Sort(at.saturating_sub(1))),
        KeyCode::Down => return state.dialog = Some(Dialog::Sort((at + 1).min(columns - 1))),
        KeyCode::Enter => at,
        KeyCode::Char(letter) => match letter_number(letter).filter(|number| *number < columns) {
            Some(number) => number,
            None => return state.dialog = Some(Dialog::Sort(at)),
        },
        _ => return state.dialog = Some(Dialog::Sort(at)),
    };
    movement::sort_by(state.level_mut(), chosen);
}

/// The number of a letter, from 0.
fn letter_number(letter: char) -> Option<usize> {
    ('a'..='z').position(|it| it == letter.to_ascii_lowercase())
}

/// A text that was pasted.
pub(super) fn paste(state: &mut State, text: &str) -> Vec<Effect> {
    let mut pasted = None;
    if let Some(Dialog::Find(input)) = &mut state.dialog {
        for character in text.chars().filter(|it| !it.is_control()) {
            input.handle(tui_input::InputRequest::InsertChar(character));
        }
        pasted = Some(input.value().to_owned());
    }
    if let Some(text) = pasted {
        movement::look_for(state.level_mut(), &text);
    }
    Vec::new()
}
