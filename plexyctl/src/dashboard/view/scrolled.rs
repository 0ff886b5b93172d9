//! A text of several lines, of which those are seen that have room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::message::TextDrawn;
use super::put::{put_all, row_of};

/// One line: texts one behind the other, each with its style.
pub(super) type TextLine = Vec<(String, Style)>;

/// Draws lines from this one on; whoever has scrolled beyond the end sees the last ones.
pub(super) fn draw(lines: &[TextLine], from: usize, area: Rect, buffer: &mut Buffer) -> TextDrawn {
    let drawn = TextDrawn { lines: lines.len(), height: area.height.into() };
    let seen = lines.iter().skip(from.min(drawn.scroll_max()));
    for (row, line) in (0..area.height).zip(seen) {
        put_all(buffer, row_of(area, row), (0, 0), line);
    }
    drawn
}

/// Where somebody is in a text that does not fit: `3/40`, the number of the first line that is seen.
pub(super) fn place(drawn: TextDrawn, from: usize) -> Option<String> {
    let end = drawn.scroll_max();
    (end > 0)
        .then(|| format!("{}-{}/{}", from.min(end) + 1, from.min(end) + drawn.height, drawn.lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<TextLine> {
        (1..=count).map(|number| vec![(number.to_string(), Style::new())]).collect()
    }

    #[test]
    fn nobody_scrolls_beyond_the_end() {
        let area = Rect::new(0, 0, 1, 2);
        for (from, first) in
            [(0, ["1", "2"]), (1, ["2", "3"]), (2, ["3", "4"]), (usize::MAX, ["3", "4"])]
        {
            let mut buffer = Buffer::empty(area);
            let drawn = draw(&lines(4), from, area, &mut buffer);
            assert_eq!(buffer, Buffer::with_lines(first));
            assert_eq!(drawn.scroll_max(), 2);
        }
    }

    #[test]
    fn what_fits_tells_no_place() {
        let drawn = TextDrawn { lines: 4, height: 2 };
        assert_eq!(place(drawn, 9).as_deref(), Some("3-4/4"));
        assert_eq!(place(TextDrawn { lines: 2, height: 2 }, 0), None);
    }
}
