//! A line across the screen that has a title, and what there is to say of what stands below:
//!
//! ```text
//! ─ Events ─────────────────────────────────────────────────────────────── 2 new ─
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::state::Looks;
use super::super::theme::Role;
use super::put::{put, put_all, width_of};

/// Draws one in the first row of an area. What stands right is left out where both have no room.
pub(crate) fn draw(
    looks: &Looks,
    area: Rect,
    left: &[(String, Style)],
    right: &[(String, Style)],
    buffer: &mut Buffer,
) {
    let dim = looks.style(Role::Dim);
    put(buffer, area, (0, 0), &looks.rule().repeat(area.width.into()), dim);
    let end = 3 + width_of(left);
    if !left.is_empty() {
        titled(area, 1, left, buffer);
    }
    let begin = area.width.saturating_sub(width_of(right) + 3);
    if !right.is_empty() && begin > end {
        titled(area, begin, right, buffer);
    }
}

/// Texts with a blank at each end.
fn titled(area: Rect, column: u16, texts: &[(String, Style)], buffer: &mut Buffer) {
    // The line goes below the texts.
    let place = Rect { x: area.x.saturating_add(column), width: width_of(texts) + 2, ..area };
    buffer.set_style(place.intersection(area).intersection(buffer.area), Style::reset());
    let begin = put(buffer, area, (column, 0), " ", Style::new());
    let end = put_all(buffer, area, (begin, 0), texts);
    put(buffer, area, (end, 0), " ", Style::new());
}
