//! The columns that rows can be sorted by, each with a letter.
//!
//! ```text
//! ┌─ Sort tunnels ─────────┐
//! │ ▸ a  health ▲          │
//! │   b  name              │
//! └─ letter or ⏎ sorts ────┘
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::state::{Pane, State};
use super::super::theme::{Role, SELECTED};
use super::super::update::columns_of;
use super::dialog::panel::Panel;
use super::put::row_of;
use super::scrolled;

/// Columns of the screen inside the box.
const WIDTH: u16 = 22;

/// Draws them, of which this one is selected.
pub(super) fn draw(state: &State, selected: usize, area: Rect, frame: &mut Frame<'_>) {
    let looks = &state.looks;
    let words = columns_of(state.level());
    let height = u16::try_from(words.len()).unwrap_or(u16::MAX);
    let title = format!("Sort {}", state.level().pane.title().to_lowercase());
    let foot = format!("letter or {} sorts", looks.key("⏎"));
    let panel = Panel { title: &title, foot: &foot, size: (WIDTH, height) };
    let inside = panel.draw(looks, area, frame);
    let buffer = frame.buffer_mut();
    let (present, is_descending) = present(state);
    let line = |(number, (letter, word)): (usize, (char, &&'static str))| {
        let is_present = *word == present;
        let way = match (is_present, is_descending) {
            (false, _) => "",
            (true, true) => looks.sign(" ▼", " v"),
            (true, false) => looks.sign(" ▲", " ^"),
        };
        let style = if is_present { looks.style(Role::Sorted) } else { Style::new() };
        let mark = if number == selected { looks.inward() } else { " " };
        vec![
            (format!("{mark} "), Style::new()),
            (format!("{letter}  "), looks.style(Role::Key)),
            (format!("{word}{way}"), style),
        ]
    };
    let lines: Vec<_> = ('a'..='z').zip(&words).enumerate().map(line).collect();
    // The selected one is among those that are seen.
    let from = (selected + 1).saturating_sub(inside.height.into());
    scrolled::draw(&lines, from, inside, buffer);
    let row = u16::try_from(selected - from.min(selected)).unwrap_or_default();
    let place = row_of(inside, row).intersection(buffer.area);
    buffer.set_style(place, Style::new().add_modifier(SELECTED));
}

/// The word of the column that rows are sorted by now, and whether the largest comes first.
fn present(state: &State) -> (&'static str, bool) {
    let level = state.level();
    match level.pane {
        Pane::Backends => {
            let order = level.backends.order;
            (order.column.as_str(), order.is_descending)
        }
        Pane::Connections => {
            let order = level.connections.order;
            (order.column.as_str(), order.is_descending)
        }
        _ => {
            let order = level.tunnels.order;
            (order.column.as_str(), order.is_descending)
        }
    }
}
