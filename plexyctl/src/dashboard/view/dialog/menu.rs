//! What can be done with something.
//!
//! ```text
//! ┌─ web ───────────────────────────────────┐
//! │ d  Drain: stop new, let 1108 finish     │
//! │ c  Close now: reset 1108 connections    │
//! └─ letter or ⏎ runs   Esc closes ─────────┘
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;

use super::super::super::message::{Drawn, Target};
use super::super::super::state::dialog::Item;
use super::super::super::state::{Looks, Menu, State};
use super::super::super::theme::{Role, SELECTED};
use super::super::put::{columns, put, row_of};
use super::panel::{MORE, Panel, shown};
use crate::output::safe;

/// Columns before what something does.
const KEYS: u16 = 3;

/// Draws it.
pub(super) fn draw(
    state: &State,
    menu: &Menu,
    area: Rect,
    frame: &mut Frame<'_>,
    drawn: &mut Drawn,
) {
    let looks = &state.looks;
    let foot = &shown("letter or Enter runs   Esc closes", looks);
    let texts: Vec<String> = menu.items.iter().map(|item| text(item, looks)).collect();
    let widest = texts.iter().map(|text| columns(text)).max().unwrap_or_default();
    let wide = widest.saturating_add(KEYS).clamp(columns(foot) + 2, 72);
    let high = u16::try_from(menu.items.len()).unwrap_or(u16::MAX);
    let title = menu.subject.title();
    let inner = Panel { title: &title, foot, size: (wide, high) }.draw(looks, area, frame);
    let rows = usize::from(inner.height);
    let first = (menu.at + 1).saturating_sub(rows);
    let seen = menu.items.iter().zip(&texts).enumerate().skip(first).take(rows);
    for (row, (at, (item, text))) in seen.enumerate() {
        let place = row_of(inner, u16::try_from(row).unwrap_or(u16::MAX));
        let buffer = frame.buffer_mut();
        put(buffer, place, (0, 0), item.key.unwrap_or_default(), looks.style(Role::Key));
        put(buffer, place, (KEYS, 0), text, looks.style(Role::Text));
        if at == menu.at {
            buffer.set_style(place, SELECTED);
        }
        drawn.targets.push((place, Target::Item(at)));
    }
}

/// What something does; that it asks for more is the end of it, whatever names stand before.
fn text(item: &Item, looks: &Looks) -> String {
    let text = safe(&item.text);
    match text.strip_suffix(MORE) {
        Some(does) => format!("{does}{}", shown(MORE, looks)),
        None => text,
    }
}
