//! Text in its place. What has no room is cut, and nothing is written outside of an area, however small.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

/// Writes a text into an area, so many columns and rows from its corner: the column behind it.
pub(crate) fn put(
    buffer: &mut Buffer,
    area: Rect,
    (column, row): (u16, u16),
    text: &str,
    style: Style,
) -> u16 {
    let area = area.intersection(buffer.area);
    if column >= area.width || row >= area.height {
        return column;
    }
    let room = usize::from(area.width - column);
    let (end, _) = buffer.set_stringn(area.x + column, area.y + row, text, room, style);
    end - area.x
}

/// Writes texts one behind the other, each with its style: the column behind them.
pub(crate) fn put_all(
    buffer: &mut Buffer,
    area: Rect,
    (column, row): (u16, u16),
    texts: &[(String, Style)],
) -> u16 {
    let next =
        |column, (text, style): &(String, Style)| put(buffer, area, (column, row), text, *style);
    texts.iter().fold(column, next)
}

/// How many columns texts take.
pub(crate) fn width_of(texts: &[(String, Style)]) -> u16 {
    texts.iter().map(|(text, _)| columns(text)).fold(0, u16::saturating_add)
}

/// How many columns a text takes.
pub(crate) fn columns(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// The row of an area that is so far below its first one; an empty one where it has not so many.
pub(crate) fn row_of(area: Rect, row: u16) -> Rect {
    let inside = Rect { y: area.y.saturating_add(row), height: 1, ..area };
    inside.intersection(area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_outside() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 2));
        let area = Rect::new(2, 0, 3, 1);
        assert_eq!(put(&mut buffer, area, (1, 0), "abc", Style::new()), 3);
        for place in [(3, 0), (0, 1), (u16::MAX, u16::MAX)] {
            put(&mut buffer, area, place, "x", Style::new());
        }
        put(&mut buffer, Rect::new(5, 1, 9, 9), (0, 0), "yz", Style::new());
        put(&mut buffer, Rect::new(9, 9, 9, 9), (0, 0), "no", Style::new());
        assert_eq!(buffer, Buffer::with_lines(["   ab ", "     y"]));
        assert_eq!(row_of(area, 1).area(), 0);
    }
}
