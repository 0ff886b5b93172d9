//! A box in front of all else.
//!
//! ```text
//! ┌─ Sort tunnels ──────┐
//! │ ▸ a  health ▲       │
//! └─ letter or ⏎ sorts ─┘
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use super::super::state::Looks;
use super::super::theme::Role;
use super::put::{put, row_of};
use crate::output::{Side, cut};

/// Draws an empty one in the middle of an area, with room inside for so many columns and rows if there is
/// any: what is inside.
pub(super) fn draw(
    looks: &Looks,
    area: Rect,
    (width, height): (u16, u16),
    [title, hint]: [&str; 2],
    buffer: &mut Buffer,
) -> Rect {
    let outer = middle(area, width.saturating_add(4), height.saturating_add(2));
    Clear.render(outer.intersection(buffer.area), buffer);
    let [top_left, top_right, low_left, low_right] = match looks.is_ascii {
        true => ["+"; 4],
        false => ["┌", "┐", "└", "┘"],
    };
    let side = looks.sign("│", "|");
    let last = outer.height.saturating_sub(1);
    for row in 1..last {
        put(buffer, outer, (0, row), side, Style::new());
        put(buffer, outer, (outer.width.saturating_sub(1), row), side, Style::new());
    }
    edge(looks, row_of(outer, 0), [top_left, title, top_right], buffer);
    edge(looks, row_of(outer, last), [low_left, hint, low_right], buffer);
    Rect {
        x: outer.x.saturating_add(2),
        y: outer.y.saturating_add(1),
        width: outer.width.saturating_sub(4),
        height: outer.height.saturating_sub(2),
    }
}

/// An upper or lower edge, with a text in it.
fn edge(looks: &Looks, place: Rect, [left, text, right]: [&str; 3], buffer: &mut Buffer) {
    let inside = usize::from(place.width).saturating_sub(2);
    put(buffer, place, (0, 0), left, Style::new());
    put(buffer, place, (1, 0), &looks.rule().repeat(inside), Style::new());
    put(buffer, place, (place.width.saturating_sub(1), 0), right, Style::new());
    if !text.is_empty() && inside > 4 {
        let text = cut(text, inside - 4, Side::Left, looks.ellipsis());
        put(buffer, place, (2, 0), &format!(" {text} "), looks.style(Role::Accent));
    }
}

/// So many columns and rows in the middle, or as many as there are.
fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}
