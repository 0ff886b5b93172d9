//! A box with a title, in the middle of what is there, and no larger than that.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Clear;
use unicode_width::UnicodeWidthStr;

use super::super::super::state::Looks;
use super::super::super::theme::Role;
use super::super::put::{columns, put};

/// A text with what it means.
pub(super) type Piece = (String, Role);

/// Behind what asks for more.
pub(super) const MORE: &str = "...";

/// Columns around a text: the border and a blank on each side.
const AROUND: u16 = 4;

/// It.
#[derive(Debug)]
pub(in super::super) struct Panel<'a> {
    /// Over it.
    pub(in super::super) title: &'a str,
    /// Below it.
    pub(in super::super) foot: &'a str,
    /// Columns and rows of what is in it, if there is room.
    pub(in super::super) size: (u16, u16),
}

impl Panel<'_> {
    /// Draws it empty: the part that a text has.
    pub(in super::super) fn draw(&self, looks: &Looks, area: Rect, frame: &mut Frame<'_>) -> Rect {
        let (wide, high) = self.size;
        let width = wide.max(columns(self.title).saturating_add(2)).saturating_add(AROUND);
        let (width, height) = (width.min(area.width), high.saturating_add(2).min(area.height));
        let outer = Rect {
            x: area.x + (area.width - width) / 2,
            y: area.y + (area.height - height) / 2,
            width,
            height,
        };
        frame.render_widget(Clear, outer);
        let buffer = frame.buffer_mut();
        Border::of(looks).draw(outer, looks, buffer);
        let last = outer.height.saturating_sub(1);
        let style = looks.style(Role::Accent);
        title(buffer, outer, 0, self.title, style);
        title(buffer, outer, last, self.foot, looks.style(Role::Dim));
        let inside = |whole: u16, around: u16| whole.saturating_sub(around);
        Rect {
            x: outer.x + AROUND / 2,
            y: outer.y + 1,
            width: inside(outer.width, AROUND),
            height: inside(outer.height, 2),
        }
        .intersection(outer)
    }
}

fn title(buffer: &mut Buffer, outer: Rect, row: u16, text: &str, style: ratatui::style::Style) {
    let room = Rect { width: outer.width.saturating_sub(2), ..outer };
    if !text.is_empty() {
        put(buffer, room, (2, row), &format!(" {text} "), style);
    }
}

/// The lines around it.
struct Border {
    corners: [&'static str; 4],
    across: &'static str,
    down: &'static str,
}

impl Border {
    fn of(looks: &Looks) -> Self {
        match looks.is_ascii {
            true => Self { corners: ["+"; 4], across: "-", down: "|" },
            false => Self { corners: ["┌", "┐", "└", "┘"], across: "─", down: "│" },
        }
    }

    fn draw(&self, outer: Rect, looks: &Looks, buffer: &mut Buffer) {
        let style = looks.style(Role::Dim);
        let (right, bottom) = (outer.width.saturating_sub(1), outer.height.saturating_sub(1));
        let line = self.across.repeat(right.into());
        for row in [0, bottom] {
            put(buffer, outer, (0, row), &line, style);
        }
        for row in 0..outer.height {
            for column in [0, right] {
                put(buffer, outer, (column, row), self.down, style);
            }
        }
        let places = [(0, 0), (right, 0), (0, bottom), (right, bottom)];
        for (place, corner) in places.into_iter().zip(self.corners) {
            put(buffer, outer, place, corner, style);
        }
    }
}

/// A text of ours with the characters that the terminal has. What holds a name, or anything else that
/// was not written here, is none: a tunnel may be called `Enterprise`.
pub(super) fn shown(text: &'static str, looks: &Looks) -> String {
    const SIGNS: [(&str, &str); 4] = [(MORE, "…"), ("->", "→"), ("Enter", "⏎"), ("Up/Down", "↑↓")];
    if looks.is_ascii {
        return text.to_owned();
    }
    SIGNS.iter().fold(text.to_owned(), |text, (plain, sign)| text.replace(plain, sign))
}

/// A text in lines of whole words; a word that has no room in a line is cut into several. Blanks at the
/// begin of a line stay, and stand before each that it becomes.
pub(in super::super) fn wrapped(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(1));
    text.lines().flat_map(|line| wrapped_line(line, width)).collect()
}

fn wrapped_line(line: &str, width: usize) -> Vec<String> {
    let blanks = line.len() - line.trim_start_matches(' ').len();
    let indent = " ".repeat(blanks.min(width / 2));
    let mut lines = Vec::new();
    let mut current = indent.clone();
    // Blanks between words, which are left out where a line ends with them.
    let mut gap = 0;
    for word in line.trim_start_matches(' ').split(' ') {
        if word.is_empty() {
            gap += 1;
            continue;
        }
        let has_words = current.len() > indent.len();
        if has_words && current.width() + gap + word.width() > width {
            lines.push(std::mem::replace(&mut current, indent.clone()));
        } else if has_words {
            current.push_str(&" ".repeat(gap));
        }
        for letter in word.chars() {
            if current.width() >= width && current.len() > indent.len() {
                lines.push(std::mem::replace(&mut current, indent.clone()));
            }
            current.push(letter);
        }
        gap = 1;
    }
    lines.push(current);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_of_whole_words() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a  b", 7), ["a  b"]);
        assert_eq!(wrapped("  a bcd", 5), ["  a", "  bcd"]);
        assert_eq!(wrapped("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrapped("a\n\nb", 3), ["a", "", "b"]);
        assert!(!wrapped("数据库", 1).is_empty());
    }
}
