//! A text that is too long for a line.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::super::super::message::TextDrawn;
use super::super::super::state::{State, Text};
use super::super::super::theme::Role;
use super::super::put::columns;
use super::super::scrolled::{self, TextLine};
use super::panel::{Panel, wrapped};
use crate::output::safe;

/// Draws as much as there is room for.
pub(super) fn draw(state: &State, text: &Text, area: Rect, frame: &mut Frame<'_>) -> TextDrawn {
    let looks = &state.looks;
    let waiting = if text.export.is_some() { "plexyd is asked for it" } else { "" };
    let lines = text.text.lines().chain((!waiting.is_empty()).then_some(waiting)).map(safe);
    let lines: Vec<String> = lines.collect();
    let widest = lines.iter().map(|line| columns(line)).max().unwrap_or_default();
    let room = area.width.saturating_sub(4);
    let lines: Vec<String> = lines.iter().flat_map(|line| in_room(line, room)).collect();
    let high = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let foot = "Esc closes   y copies";
    let wide = widest.max(columns(foot) + 2);
    let title = safe(&text.title);
    let inner = Panel { title: &title, foot, size: (wide, high) }.draw(looks, area, frame);
    let style = looks.style(Role::Text);
    let lines: Vec<TextLine> = lines.into_iter().map(|line| vec![(line, style)]).collect();
    scrolled::draw(&lines, text.scroll, inner, frame.buffer_mut())
}

/// A line as it is, or in several where it is too long.
fn in_room(line: &str, room: u16) -> Vec<String> {
    if columns(line) <= room { vec![line.to_owned()] } else { wrapped(line, room) }
}
