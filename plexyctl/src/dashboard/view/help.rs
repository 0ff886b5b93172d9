//! What the keys do where somebody is, made of the table that reads them.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::action::{Binding, bindings_here};
use super::super::message::TextDrawn;
use super::super::state::{Looks, State};
use super::super::theme::Role;
use super::dialog::panel::{Panel, wrapped};
use super::glyph::Glyph;
use super::put::columns;
use super::scrolled::{self, TextLine};

/// Columns of the keys.
const KEYS: u16 = 16;

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
pub(super) fn draw(state: &State, from: usize, area: Rect, frame: &mut Frame<'_>) -> TextDrawn {
    let width = WIDTH.min(area.width.saturating_sub(6));
    let lines = lines(state, width);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let height = height.min(area.height.saturating_sub(4));
    let place = scrolled::place(TextDrawn { lines: lines.len(), height: height.into() }, from);
    let foot = match place {
        Some(place) => format!("{place}   Esc closes"),
        None => "Esc closes".to_owned(),
    };
    let title = format!("Keys in {}", state.level().pane.title());
    let panel = Panel { title: &title, foot: &foot, size: (width, height) };
    let inside = panel.draw(&state.looks, area, frame);
    scrolled::draw(&lines, from, inside, frame.buffer_mut())
}

/// The text, in lines of so many columns.
fn lines(state: &State, width: u16) -> Vec<TextLine> {
    let looks = &state.looks;
    let mut lines = Vec::new();
    for binding in bindings_here(state) {
        of_binding(binding, width, looks, &mut lines);
    }
    lines.push(Vec::new());
    for (glyph, meaning) in SIGNS {
        let sign = format!("{:width$}", glyph.sign(looks.is_ascii), width = KEYS.into());
        lines.push(vec![(sign, looks.style(glyph.role())), plain(meaning)]);
    }
    lines
}

fn of_binding(binding: &Binding, width: u16, looks: &Looks, lines: &mut Vec<TextLine>) {
    let keys: Vec<_> = binding.keys.iter().map(|key| looks.key(key)).collect();
    let keys = keys.join(" ");
    let pad = blanks(KEYS.saturating_sub(columns(&keys)).max(1));
    let mut head = vec![(keys, looks.style(Role::Key)), plain(&pad)];
    let room = width.saturating_sub(KEYS);
    for line in wrapped(binding.help, room) {
        head.push(plain(&line));
        lines.push(head);
        head = vec![plain(&blanks(KEYS))];
    }
}

fn blanks(count: u16) -> String {
    " ".repeat(count.into())
}

fn plain(text: &str) -> (String, Style) {
    (text.to_owned(), Style::new())
}
