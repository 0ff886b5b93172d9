//! What is done with the mouse.

use std::time::Duration;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::super::action::{Action, is_here};
use super::super::message::{Effect, Target};
use super::super::state::State;
use super::{act, dialogs, movement};

/// Lines of one turn of the wheel.
const WHEEL: isize = 3;

/// Two clicks within that time are one.
const DOUBLE: Duration = Duration::from_millis(400);

/// Something was done with it.
pub(super) fn moved(state: &mut State, event: MouseEvent) -> Vec<Effect> {
    match event.kind {
        MouseEventKind::ScrollUp => turn(state, Action::Up),
        MouseEventKind::ScrollDown => turn(state, Action::Down),
        MouseEventKind::Down(MouseButton::Left) => {
            click(state, Position::new(event.column, event.row))
        }
        _ => Vec::new(),
    }
}

fn turn(state: &mut State, action: Action) -> Vec<Effect> {
    if state.dialog.is_some() {
        dialogs::turn(state, action, WHEEL);
    } else {
        for _ in 0..WHEEL {
            movement::go(state, action);
        }
    }
    Vec::new()
}

fn click(state: &mut State, at: Position) -> Vec<Effect> {
    let hit = state.drawn.targets.iter().rev().find(|(area, _)| area.contains(at));
    let Some((_, target)) = hit.copied() else { return Vec::new() };
    if state.dialog.is_some() {
        return dialogs::click(state, target);
    }
    let is_double = state
        .clicked
        .is_some_and(|(last, when)| last == at && state.now.saturating_sub(when) < DOUBLE);
    state.clicked = Some((at, state.now));
    match target {
        Target::Row(row) => {
            // The second click means the row that the first one has selected.
            if movement::select_drawn(state, row) && is_double {
                return act(state, Action::Open);
            }
            Vec::new()
        }
        Target::Column(number) => {
            movement::sort_by(state.level_mut(), number);
            Vec::new()
        }
        // It may have been drawn elsewhere.
        Target::Action(action) if !is_here(action, state) => Vec::new(),
        Target::Action(action) => act(state, action),
        Target::Pane(number) => movement::pane(state, number),
        // They are of a dialog that is no more.
        Target::Press(_) | Target::Item(_) => Vec::new(),
    }
}
