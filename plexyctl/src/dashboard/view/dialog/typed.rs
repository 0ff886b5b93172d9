//! What somebody types, as much of it as there is room for around the cursor, with the part that is wrong
//! marked.

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use tui_input::Input;
use unicode_width::UnicodeWidthChar;

use super::super::super::state::Looks;
use super::super::super::theme::Role;
use super::super::put::put;

/// Draws it in the first row of an area, and the cursor where it has one.
pub(super) fn draw(
    input: &Input,
    mistake: Option<&Range<usize>>,
    has_cursor: bool,
    looks: &Looks,
    area: Rect,
    frame: &mut Frame<'_>,
) {
    if area.is_empty() {
        return;
    }
    let room = usize::from(area.width);
    let scroll = if has_cursor { input.visual_scroll(room.saturating_sub(1)) } else { 0 };
    let bad = looks.style(Role::Bad).add_modifier(Modifier::UNDERLINED);
    let (mut column, mut skipped) = (0, 0);
    for (at, letter) in input.value().char_indices() {
        let width = letter.width().unwrap_or_default();
        if skipped < scroll {
            skipped += width;
            continue;
        }
        let is_wrong = mistake.is_some_and(|span| span.contains(&at));
        let style = if is_wrong { bad } else { Style::new() };
        column = put(
            frame.buffer_mut(),
            area,
            (column, 0),
            &crate::output::safe(&letter.to_string()),
            style,
        );
    }
    if has_cursor {
        let cursor =
            u16::try_from(input.visual_cursor().saturating_sub(scroll)).unwrap_or(u16::MAX);
        let last = area.width.saturating_sub(1);
        frame.set_cursor_position((area.x + cursor.min(last), area.y));
    }
}
