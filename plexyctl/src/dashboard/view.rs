//! What is seen of the [`State`]. Nothing is changed here.

use ratatui::Frame;
use ratatui::text::Line;

use super::message::Drawn;
use super::state::{Room, State};

/// Draws it, and tells what was drawn where.
pub(crate) fn draw(state: &State, frame: &mut Frame<'_>) -> Drawn {
    let area = frame.area();
    if state.room() == Room::TooSmall {
        frame.render_widget(Line::from("too small"), area);
        return Drawn::default();
    }
    let mut lines = vec![Line::from(format!("{:?}", state.way))];
    let level = state.level();
    for (listed, is_selected) in level.tunnels.seen() {
        let mark = if is_selected { ">" } else { " " };
        let status = &listed.row.status;
        lines.push(Line::from(format!("{mark} {} {}", status.listen, status.traffic.connections)));
    }
    for (row, line) in lines.into_iter().take(area.height.into()).enumerate() {
        let mut place = area;
        place.y += u16::try_from(row).unwrap_or_default();
        place.height = 1;
        frame.render_widget(line, place);
    }
    Drawn { height: usize::from(area.height).saturating_sub(1), ..Drawn::default() }
}
