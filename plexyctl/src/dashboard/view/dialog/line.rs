//! The command line: in the last row, with what is wrong with it, or could stand there, above.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Clear;

use super::super::super::state::{CommandLine, State};
use super::super::super::theme::Role;
use super::super::put::{put, row_of};
use super::{offer, typed};
use crate::output::explained;

/// Draws it.
pub(super) fn draw(state: &State, line: &CommandLine, area: Rect, frame: &mut Frame<'_>) {
    let looks = &state.looks;
    let last = row_of(area, area.height.saturating_sub(1));
    frame.render_widget(Clear, last);
    let end = put(frame.buffer_mut(), last, (0, 0), ":", looks.style(Role::Accent));
    let room = Rect { x: last.x + end, width: last.width.saturating_sub(end), ..last };
    let is_sent = line.sent.is_some();
    typed::draw(&line.input, line.mistake.as_ref(), !is_sent, looks, room, frame);
    let above = |rows: u16| {
        let rows = rows.min(area.height.saturating_sub(1));
        Rect { y: last.y.saturating_sub(rows), height: rows, ..area }
    };
    if is_sent {
        let place = above(1);
        frame.render_widget(Clear, place);
        let text = "plexyd is asked what it would do";
        put(frame.buffer_mut(), place, (1, 0), text, looks.style(Role::Dim));
    } else if let Some(offered) = &line.offer {
        offer::draw(offered, looks, above(offer::rows(offered)), frame);
    } else if let Some(failure) = &line.failure {
        let text = explained(failure, looks.screen());
        let lines: Vec<&str> = text.lines().collect();
        let place = above(u16::try_from(lines.len()).unwrap_or(u16::MAX));
        frame.render_widget(Clear, place);
        for (row, line) in lines.iter().enumerate() {
            let role = if row == 0 { Role::Bad } else { Role::Text };
            let row = u16::try_from(row).unwrap_or(u16::MAX);
            put(frame.buffer_mut(), place, (1, row), line, looks.style(role));
        }
    }
}
