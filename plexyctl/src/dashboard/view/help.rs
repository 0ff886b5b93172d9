//! What the keys do where somebody is, made of the table that reads them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::action::{Binding, bindings_here};
use super::super::message::TextDrawn;
use super::super::state::{Looks, State};
use super::super::theme::Role;
use super::glyph::Glyph;
use super::overlay;
use super::put::columns;
use super::scrolled::{self, TextLine};

/// Columns of the keys.
const KEYS: usize = 16;

/// What signs mean, in the order of how bad they are.
const SIGNS: [(Glyph, &str); 6] = [
    (Glyph::Down, "down"),
    (Glyph::Degraded, "degraded, or a warning"),
    (Glyph::Draining, "drains"),
    (Glyph::Off, "out of service, or closed"),
    (Glyph::Ok, "as it should be"),
    (Glyph::Unknown, "nobody knows"),
];

/// Columns of a sentence at most, so that it is easily read.
const WIDTH: u16 = 72;

/// Draws it in front of an area, from this line on.
pub(super) fn draw(state: &State, from: usize, area: Rect, buffer: &mut Buffer) -> TextDrawn {
    let width = WIDTH.min(area.width.saturating_sub(6));
    let lines = lines(state, width.into());
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let height = height.min(area.height.saturating_sub(4));
    let place = scrolled::place(TextDrawn { lines: lines.len(), height: height.into() }, from);
    let hint = match place {
        Some(place) => format!("{place}   Esc closes"),
        None => "Esc closes".to_owned(),
    };
    let title = format!("Keys in {}", state.level().pane.title());
    let inside = overlay::draw(&state.looks, area, (width, height), [&title, &hint], buffer);
    scrolled::draw(&lines, from, inside, buffer)
}

/// The text, in lines of so many columns.
fn lines(state: &State, width: usize) -> Vec<TextLine> {
    let looks = &state.looks;
    let mut lines = Vec::new();
    for binding in bindings_here(state) {
        of_binding(binding, width, looks, &mut lines);
    }
    lines.push(Vec::new());
    for (glyph, meaning) in SIGNS {
        let sign = format!("{:KEYS$}", glyph.sign(looks.is_ascii));
        lines.push(vec![(sign, looks.style(glyph.role())), plain(meaning)]);
    }
    lines
}

fn of_binding(binding: &Binding, width: usize, looks: &Looks, lines: &mut Vec<TextLine>) {
    let keys: Vec<_> = binding.keys.iter().map(|key| looks.key(key)).collect();
    let keys = keys.join(" ");
    let pad = " ".repeat(KEYS.saturating_sub(columns(&keys).into()).max(1));
    let mut head = vec![(keys, looks.style(Role::Key)), plain(&pad)];
    let room = width.saturating_sub(KEYS);
    for line in wrapped(binding.help, room) {
        head.push(plain(&line));
        lines.push(head);
        head = vec![plain(&" ".repeat(KEYS))];
    }
}

fn plain(text: &str) -> (String, Style) {
    (text.to_owned(), Style::new())
}

/// A sentence in lines of so many columns, broken at blanks where there are some.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let is_full = usize::from(columns(&line)) + 1 + usize::from(columns(word)) > width;
        if is_full && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_broken_at_blanks() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("incomprehensible is long", 5), ["incomprehensible", "is", "long"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
