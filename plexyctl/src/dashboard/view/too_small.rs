//! One line where there is no room for more.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::put::{columns, put};

/// Says what is wrong and how to leave, as long as that has room.
pub(super) fn draw(area: Rect, buffer: &mut Buffer) {
    let Rect { width, height, .. } = area;
    let said = [
        format!("terminal {width}x{height} is too small; plexyctl top needs 60x10 (q quits)"),
        format!("{width}x{height} is too small; 60x10 is needed (q quits)"),
        "needs 60x10 (q quits)".to_owned(),
        "needs 60x10".to_owned(),
        "60x10".to_owned(),
    ];
    let fits = said.iter().find(|text| columns(text) <= width);
    let text = fits.map_or("!", String::as_str);
    let left = width.saturating_sub(columns(text)) / 2;
    put(buffer, area, (left, height / 2), text, Style::new());
}
