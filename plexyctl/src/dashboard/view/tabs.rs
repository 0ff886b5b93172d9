//! The line over the main table: what can be looked at, what is, and in which order.
//!
//! ```text
//! ─ [1] Tunnels  2 Backends  3 Connections  4 Events  5 Latency ── sort: health▼ ─
//! ```

use plexy_shared::overview::{BackendColumn, Column, Find, Order, TunnelColumn};
use plexy_shared::word::Words;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::message::Target;
use super::super::state::{Level, Pane, Row, Scope, State, Table};
use super::super::theme::Role;
use super::events;
use super::put::{columns, width_of};
use super::rule;

type Texts = Vec<(String, Style)>;

/// Draws it, over a table that has room for so many rows.
pub(super) fn draw(
    state: &State,
    area: Rect,
    height: usize,
    buffer: &mut Buffer,
    targets: &mut Vec<(Rect, Target)>,
) {
    let room = area.width.saturating_sub(6);
    let named = tabs(state, true);
    let order = match state.level().pane {
        Pane::Events => {
            let left = room.saturating_sub(width_of(&named) + 2);
            events::status(state, &state.level().scope, height, left)
        }
        _ => order_of(state),
    };
    let found = found_of(state, height);
    // With the names of all of them, or of the open one alone; what is looked for has to be seen.
    let needed = if is_finding(state.level()) { width_of(&found) } else { 0 };
    let has_room = width_of(&named) + needed + width_of(&order) + 2 <= room;
    let tabs = if has_room { named } else { tabs(state, false) };
    let right = match width_of(&tabs) + width_of(&found) + width_of(&order) + 4 <= room {
        true => [found, order].concat(),
        false => order,
    };
    rule::draw(&state.looks, area, &tabs, &right, buffer);
    let mut left = area.x.saturating_add(2);
    for (text, number) in tabs.iter().map(|(text, _)| text).zip(pane_numbers(tabs.len())) {
        let place = Rect { x: left, width: columns(text), height: 1, ..area };
        if let Some(number) = number {
            targets.push((place.intersection(area), Target::Pane(number)));
        }
        left = left.saturating_add(place.width);
    }
}

/// Which text is that of which pane: there is one between each two.
fn pane_numbers(texts: usize) -> impl Iterator<Item = Option<usize>> {
    (0..texts).map(|at| at.is_multiple_of(2).then_some(at / 2))
}

/// What can be looked at, with a text between each two.
fn tabs(state: &State, has_names: bool) -> Texts {
    let level = state.level();
    let is_numbered = level.scope == Scope::All;
    let mut texts = Texts::new();
    for (at, pane) in level.scope.panes().iter().enumerate() {
        if at > 0 {
            texts.push(("  ".to_owned(), Style::new()));
        }
        let is_open = *pane == level.pane;
        let (number, title) = (at + 1, pane.title());
        let text = match (is_open, is_numbered) {
            (true, true) => format!("[{number}] {title}"),
            (true, false) => format!("[{title}]"),
            (false, true) if has_names => format!("{number} {title}"),
            (false, false) if has_names => title.to_owned(),
            (false, _) => number.to_string(),
        };
        let role = if is_open { Role::Accent } else { Role::Text };
        texts.push((text, state.looks.style(role)));
    }
    texts
}

/// In which order rows are.
fn order_of(state: &State) -> Texts {
    let level = state.level();
    let (word, is_down, is_locked) = match level.pane {
        Pane::Tunnels => order(&level.tunnels, TunnelColumn::Health),
        Pane::Latency if level.scope == Scope::All => order(&level.tunnels, TunnelColumn::Health),
        Pane::Backends => order(&level.backends, BackendColumn::Health),
        Pane::Connections => {
            let Order { column, is_descending } = level.connections.order;
            (column.word(), is_descending, level.connections.is_locked)
        }
        Pane::Events | Pane::Options | Pane::Latency => return Texts::new(),
    };
    let mark = if is_down { state.looks.sign("▼", " v") } else { state.looks.sign("▲", " ^") };
    let what = if is_locked { "locked" } else { "sort" };
    vec![(format!("{what}: {word}{mark}"), Style::new())]
}

/// By which word, whether what counts most is at the top, and whether that stays so. The worst health
/// counts most.
fn order<R: Row>(table: &Table<R>, health: R::Column) -> (&'static str, bool, bool) {
    let Order { column, is_descending } = table.order;
    (column.word(), is_descending != (column == health), table.is_locked)
}

/// What is looked for, and how many there are; of more than are seen, where among them somebody is.
fn found_of(state: &State, height: usize) -> Texts {
    let level = state.level();
    let text = match level.pane {
        Pane::Tunnels => found(&level.tunnels, state, height),
        Pane::Latency if level.scope == Scope::All => found(&level.tunnels, state, height),
        Pane::Backends => found(&level.backends, state, height),
        Pane::Connections => found(&level.connections, state, height),
        Pane::Events | Pane::Options | Pane::Latency => None,
    };
    let find = is_finding(level);
    let role = if find { Role::Accent } else { Role::Text };
    text.map(|text| (text + "   ", state.looks.style(role))).into_iter().collect()
}

fn found<R: Row>(table: &Table<R>, state: &State, height: usize) -> Option<String> {
    let (matched, total) = (table.matched, table.total);
    match &table.find {
        find if !find.is_all() => {
            Some(format!("/{}  {matched} of {total}", state.looks.safe(&find.to_string())))
        }
        _ if table.rows().len() > height => Some(format!("{} of {matched}", table.place() + 1)),
        _ => None,
    }
}

/// Whether not all rows are shown.
pub(super) fn is_finding(level: &Level) -> bool {
    fn is_some<C: Column>(find: &Find<C>) -> bool {
        !find.is_all()
    }
    match level.pane {
        Pane::Tunnels | Pane::Latency => is_some(&level.tunnels.find),
        Pane::Backends => is_some(&level.backends.find),
        Pane::Connections => is_some(&level.connections.find),
        Pane::Events | Pane::Options => false,
    }
}
