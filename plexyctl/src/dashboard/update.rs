//! What each message changes, and what is to be done about it. No terminal, no socket and no clock is
//! touched here: the same state and the same message always come to the same.

mod asked;
mod data;
mod dialogs;
mod mouse;
mod movement;

use crossterm::event::{KeyEvent, KeyEventKind};

use super::action::{Action, action_of};
use super::message::{Drawn, Effect, Message};
use super::state::{Dialog, Moment, Mood, Pane, State, Toast, Way};
use crate::output::safe;

pub(crate) use movement::columns_of;

/// Takes a message that came at this moment.
pub(crate) fn update(state: &mut State, now: Moment, message: Message) -> Vec<Effect> {
    state.now = now;
    match message {
        Message::Key(key) if key.kind != KeyEventKind::Press => Vec::new(),
        Message::Key(key) => press(state, key),
        Message::Mouse(event) => mouse::moved(state, event),
        Message::Paste(text) => dialogs::paste(state, &text),
        Message::Resized(columns, rows) => {
            state.size = (columns, rows);
            Vec::new()
        }
        Message::News(news) => {
            data::told(state, *news);
            Vec::new()
        }
        Message::Done(done) => asked::done(state, *done),
        Message::NoShell(failure) => {
            let why = safe(&failure.message);
            note(state, Mood::Failed, format!("the shell cannot begin: {why}"));
            Vec::new()
        }
        Message::Tick => {
            data::passed(state);
            Vec::new()
        }
    }
}

/// Takes what was drawn: whether it would be drawn otherwise now.
pub(crate) fn drawn(state: &mut State, drawn: Drawn) -> bool {
    let (height, text) = (drawn.height, drawn.text.unwrap_or_default());
    state.drawn = drawn;
    // Whoever has gone beyond the end comes back with the next key.
    match &mut state.dialog {
        Some(Dialog::Help(at)) => *at = text.scroll_max().min(*at),
        Some(Dialog::Text(it)) => it.scroll = text.scroll_max().min(it.scroll),
        Some(Dialog::Confirm(it)) => it.scroll = text.scroll_max().min(it.scroll),
        Some(_) => {}
        None => {
            let level = state.level_mut();
            level.scroll = text.scroll_max().min(level.scroll);
        }
    }
    let level = state.level_mut();
    let others = [
        level.tunnels.set_height(height),
        level.backends.set_height(height),
        level.connections.set_height(height),
    ];
    others.contains(&true)
}

fn press(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    if state.dialog.is_some() {
        return dialogs::press(state, key);
    }
    match action_of(key, state) {
        Some(action) => act(state, action),
        None => Vec::new(),
    }
}

/// Does what a key, a menu or a click asks for.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::HalfPageUp
        | Action::HalfPageDown
        | Action::First
        | Action::Last => return movement::go(state, action),
        Action::Open => return movement::open(state),
        Action::Back => return movement::back(state),
        Action::Pane(number) => return movement::pane(state, number),
        Action::NextPane => return movement::pane_beside(state, 1),
        Action::PreviousPane => return movement::pane_beside(state, -1),
        Action::Find | Action::Sort | Action::Help => dialogs::open(state, action),
        Action::Reverse | Action::SortLeft | Action::SortRight | Action::Lock => {
            movement::sort(state, action);
        }
        Action::Pause => data::pause(state),
        Action::Slower => state.change_interval(true),
        Action::Faster => state.change_interval(false),
        Action::Wide if state.level().pane == Pane::Events => {
            state.events.has_warnings_only = !state.events.has_warnings_only;
        }
        Action::Wide => state.looks.is_wide = !state.looks.is_wide,
        Action::Zoom => state.is_zoomed = !state.is_zoomed,
        Action::Follow => state.events.set_frozen(!state.events.is_frozen()),
        Action::Theme => {
            state.looks.theme = state.looks.theme.next();
            let text = format!("colours: {}", state.looks.theme.as_str());
            note(state, Mood::Note, text);
        }
        Action::Units => state.looks.units = state.looks.units.next(),
        Action::Mouse => {
            state.looks.has_mouse = !state.looks.has_mouse;
            return vec![Effect::Mouse(state.looks.has_mouse)];
        }
        Action::Retry if matches!(state.way, Way::Live { .. }) && !state.is_silent() => {
            state.going_trends().forget_peaks();
        }
        Action::Retry => return vec![Effect::Retry],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Shell if state.place.is_read_only => {
            note(state, Mood::Note, "read-only: the shell could change something");
        }
        Action::Shell => return vec![Effect::Shell],
        Action::Quit => return vec![Effect::Quit],
        Action::Menu
        | Action::OpenTunnel
        | Action::AddBackend
        | Action::RemoveBackend
        | Action::Drain
        | Action::Enable
        | Action::Disable
        | Action::Close
        | Action::Kill
        | Action::Edit
        | Action::Copy
        | Action::Export
        | Action::Line => return asked::ask(state, action),
    }
    Vec::new()
}

/// Tells something for a moment.
pub(super) fn note(state: &mut State, mood: Mood, text: impl Into<String>) {
    state.toast = Some(Toast { mood, text: text.into(), since: state.now });
}
