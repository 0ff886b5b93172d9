//! The line in which somebody types what rows they look for.
//!
//! ```text
//! /web_                            14 of 1108 match   ⏎ keep  Esc clear
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use tui_input::Input;

use super::super::state::{Pane, State};
use super::super::theme::Role;
use super::number::precise;
use super::put::{columns, put, put_all, width_of};
use super::scrolled::TextLine;

/// Columns of what is typed at least: what else there is to say goes first.
const TYPED: u16 = 20;

/// Draws it in the first row of an area: where the cursor stands.
pub(super) fn draw(state: &State, input: &Input, area: Rect, buffer: &mut Buffer) -> Position {
    let looks = &state.looks;
    let begin = put(buffer, area, (0, 0), "/", looks.style(Role::Key));
    let told = told(state);
    let is_told = width_of(&told) + begin + TYPED <= area.width;
    let room = area.width.saturating_sub(begin + if is_told { width_of(&told) } else { 0 });
    // The end of a long text is where somebody types.
    let scroll = input.visual_scroll(usize::from(room).saturating_sub(1));
    let shown = looks.safe(&input.value().chars().skip(scroll).collect::<String>());
    let place = Rect { width: begin.saturating_add(room).min(area.width), ..area };
    put(buffer, place, (begin, 0), &shown, Style::new());
    if is_told {
        put_all(buffer, area, (area.width - width_of(&told), 0), &told);
    }
    let typed = input.cursor().saturating_sub(scroll);
    let before: String = input.value().chars().skip(scroll).take(typed).collect();
    let column = columns(&looks.safe(&before)).min(room.saturating_sub(1));
    Position::new(area.x + begin + column, area.y)
}

/// How many rows match, and what ends it.
fn told(state: &State) -> TextLine {
    let looks = &state.looks;
    let level = state.level();
    let (matched, total) = match level.pane {
        Pane::Backends => (level.backends.matched, level.backends.total),
        Pane::Connections => (level.connections.matched, level.connections.total),
        _ => (level.tunnels.matched, level.tunnels.total),
    };
    let key = |key: &'static str| (looks.key(key).to_owned(), looks.style(Role::Key));
    let plain = |text: &str| (text.to_owned(), Style::new());
    let counts = format!("{} of {} match   ", precise(matched), precise(total));
    vec![plain(&counts), key("⏎"), plain(" keep  "), key("Esc"), plain(" clear ")]
}
