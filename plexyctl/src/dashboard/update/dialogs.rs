//! Keys of whoever is in a dialog.

mod confirm;
mod form;
mod line;
mod menu;
mod text;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::super::action::{Action, action_of};
use super::super::message::{Effect, Target};
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
        Action::Sort if movement::columns_of(level).is_empty() => return,
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
    let is_quit = is_control(key, 'c');
    if key.code == KeyCode::Esc || is_quit {
        leave(state, is_quit);
        return Vec::new();
    }
    // Held with another key, it is no yes.
    if key.code == KeyCode::Enter && !is_alone(key) {
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
        Some(Dialog::Menu(menu)) => return menu::press(state, menu, key),
        Some(Dialog::Confirm(confirm)) => return confirm::press(state, *confirm, key),
        Some(Dialog::Form(form)) => return form::press(state, *form, key),
        Some(Dialog::Line(line)) => return line::press(state, *line, key),
        Some(Dialog::Text(text)) => return text::press(state, text, key),
        None => {}
    }
    Vec::new()
}

/// Somebody wants none of it; first, nothing of what is offered, where something is.
fn leave(state: &mut State, is_quit: bool) {
    match state.dialog.take() {
        Some(Dialog::Find(_)) => movement::look_for(state.level_mut(), ""),
        Some(Dialog::Line(mut line)) if line.offer.is_some() && !is_quit => {
            line.offer = None;
            state.dialog = Some(Dialog::Line(line));
        }
        Some(Dialog::Form(mut form)) if form.offer.is_some() && !is_quit => {
            form.offer = None;
            state.dialog = Some(Dialog::Form(form));
        }
        Some(Dialog::Confirm(confirm)) if !is_quit => {
            state.dialog = confirm.form.map(Dialog::Form);
        }
        _ => {}
    }
}

/// A click in a dialog.
pub(super) fn click(state: &mut State, target: Target) -> Vec<Effect> {
    match (target, state.dialog.take()) {
        (Target::Press(_), Some(Dialog::Confirm(confirm)))
            if !confirm.can_be_clicked(state.now) =>
        {
            state.dialog = Some(Dialog::Confirm(confirm));
            Vec::new()
        }
        (Target::Press(code), dialog) => {
            state.dialog = dialog;
            press(state, KeyEvent::new(code, KeyModifiers::NONE))
        }
        (Target::Item(number), Some(Dialog::Menu(menu))) => menu::run(state, menu, number),
        (Target::Item(number), Some(Dialog::Form(mut form))) => {
            if number < form.fields.len() {
                (form.at, form.offer) = (number, None);
            }
            state.dialog = Some(Dialog::Form(form));
            Vec::new()
        }
        (_, dialog) => {
            state.dialog = dialog;
            Vec::new()
        }
    }
}

/// The wheel was turned over a dialog: texts are scrolled.
pub(super) fn turn(state: &mut State, action: Action, lines: isize) {
    let code = if action == Action::Up { KeyCode::Up } else { KeyCode::Down };
    for _ in 0..lines {
        if matches!(state.dialog, Some(Dialog::Text(_) | Dialog::Help(_))) {
            press(state, KeyEvent::new(code, KeyModifiers::NONE));
        }
    }
}

/// Whether it is pressed alone, or as a capital: with Control or Alt a letter is another key.
fn is_alone(key: KeyEvent) -> bool {
    (key.modifiers - KeyModifiers::SHIFT).is_empty()
}

/// Whether it is that letter with the control key.
fn is_control(key: KeyEvent, letter: char) -> bool {
    key.code == KeyCode::Char(letter) && key.modifiers.contains(KeyModifiers::CONTROL)
}

/// A key that types: whether that has changed what is typed.
fn types(input: &mut Input, key: KeyEvent) -> bool {
    input.handle_event(&Event::Key(key)).is_some_and(|changed| changed.value)
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
        KeyCode::Down => {
            return state.dialog = Some(Dialog::Sort((at + 1).min(columns.saturating_sub(1))));
        }
        KeyCode::Enter => at,
        KeyCode::Char(letter) if is_alone(key) => {
            match letter_number(letter).filter(|number| *number < columns) {
                Some(number) => number,
                None => return state.dialog = Some(Dialog::Sort(at)),
            }
        }
        _ => return state.dialog = Some(Dialog::Sort(at)),
    };
    movement::sort_by(state.level_mut(), chosen);
}

/// The number of a letter, from 0.
fn letter_number(letter: char) -> Option<usize> {
    ('a'..='z').position(|it| it == letter.to_ascii_lowercase())
}

/// A text that was pasted: in one line, and nothing of it is a key.
pub(super) fn paste(state: &mut State, text: &str) -> Vec<Effect> {
    let text: String = text.chars().map(|it| if it.is_whitespace() { ' ' } else { it }).collect();
    let text = text.trim();
    match state.dialog.take() {
        Some(Dialog::Find(mut input)) => {
            insert(&mut input, text);
            movement::look_for(state.level_mut(), input.value());
            state.dialog = Some(Dialog::Find(input));
        }
        Some(Dialog::Line(mut line)) => {
            if line.sent.is_none() {
                insert(&mut line.input, text);
                line.edited(&state.snapshot());
            }
            state.dialog = Some(Dialog::Line(line));
        }
        Some(Dialog::Form(mut form)) => {
            if form.sent.is_none()
                && let Some(field) = form.field_mut()
            {
                insert(&mut field.input, text);
                form.edited();
            }
            state.dialog = Some(Dialog::Form(form));
        }
        // What has to be typed is typed, so that it is read.
        other => state.dialog = other,
    }
    Vec::new()
}

fn insert(input: &mut Input, text: &str) {
    for character in text.chars().filter(|it| !it.is_control()) {
        input.handle(tui_input::InputRequest::InsertChar(character));
    }
}

#[cfg(test)]
mod tests;
