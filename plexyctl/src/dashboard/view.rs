//! What is seen of the [`State`]. Nothing is changed here.

mod backends;
mod banner;
mod bars;
mod beside;
mod boxes;
mod clock;
mod connections;
mod detail;
mod dialog;
mod events;
mod find;
mod footer;
pub(crate) mod glyph;
mod header;
mod help;
mod latency;
pub(crate) mod number;
mod options;
pub(crate) mod put;
pub(crate) mod rule;
mod scrolled;
mod sections;
mod sort;
pub(crate) mod sparkline;
pub(crate) mod table;
mod tabs;
mod too_small;
mod tunnels;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Clear;

use super::message::{Drawn, Target};
use super::state::{Dialog, Pane, Room, Scope, State, Way};
use super::theme::Role;
use put::{columns, put, row_of};
use sections::Sections;

/// Draws it, and tells what was drawn where.
pub(crate) fn draw(state: &State, frame: &mut Frame<'_>) -> Drawn {
    let area = frame.area();
    let mut drawn = Drawn::default();
    let buffer = frame.buffer_mut();
    if Room::of((area.width, area.height)) == Room::TooSmall {
        too_small::draw(area, buffer);
        return drawn;
    }
    let sections = Sections::of(state, area);
    header(state, sections.header, buffer);
    banner::draw(state, sections.banner, buffer);
    drawn.height = main(state, sections.main, buffer, &mut drawn);
    tabs::draw(state, sections.tabs, drawn.height, buffer, &mut drawn.targets);
    if !sections.beside.is_empty() {
        beside::draw(state, sections.beside, buffer);
    }
    if !sections.events.is_empty() {
        events::strip(state, sections.events, buffer);
    }
    if is_old(state) {
        let sums = Rect { y: sections.header.y + 1, height: sections.header.height - 1, ..area };
        for old in [sums, sections.main, sections.beside] {
            buffer.set_style(old, state.looks.style(Role::Dim));
        }
    }
    footer::draw(state, sections.footer, buffer, &mut drawn.targets);
    in_front(state, area, sections.footer, frame, &mut drawn);
    dialog::draw(state, area, frame, &mut drawn);
    drawn
}

/// Draws the first lines: the daemon, and the sums of all of it or what somebody looks into.
fn header(state: &State, area: Rect, buffer: &mut Buffer) {
    header::draw_daemon(state, row_of(area, 0), buffer);
    let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    match (&state.level().scope, state.room()) {
        (Scope::Tunnel(_) | Scope::Backend(..), _) => detail::head(state, below, buffer),
        (Scope::All, Room::Wide) => boxes::draw(state, below, buffer),
        (Scope::All, _) => header::draw_sums(state, below, buffer),
    }
}

/// Draws what helps to find something, in front of the rest.
fn in_front(state: &State, area: Rect, footer: Rect, frame: &mut Frame<'_>, drawn: &mut Drawn) {
    match &state.dialog {
        Some(Dialog::Find(input)) => {
            frame.render_widget(Clear, footer);
            let cursor = find::draw(state, input, footer, frame.buffer_mut());
            frame.set_cursor_position(cursor);
        }
        Some(Dialog::Sort(selected)) => sort::draw(state, *selected, area, frame),
        Some(Dialog::Help(from)) => drawn.text = Some(help::draw(state, *from, area, frame)),
        // Those that act draw themselves.
        _ => {}
    }
}

/// Whether what is shown is no more what is.
fn is_old(state: &State) -> bool {
    matches!(state.way, Way::Lost(_)) || state.is_silent()
}

/// Draws the view that is open: how many rows it has room for.
fn main(state: &State, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) -> usize {
    let (level, targets) = (state.level(), &mut drawn.targets);
    let (height, is_empty) = match level.pane {
        Pane::Tunnels => (
            tunnels::grid(state).draw(&level.tunnels, state, area, buffer, targets),
            level.tunnels.rows().is_empty(),
        ),
        Pane::Backends => {
            (main_backends(state, area, buffer, targets), level.backends.rows().is_empty())
        }
        Pane::Connections => (
            connections::grid(state).draw(&level.connections, state, area, buffer, targets),
            level.connections.rows().is_empty(),
        ),
        Pane::Events => {
            events::draw(state, &level.scope, area, buffer);
            (area.height.into(), false)
        }
        Pane::Latency if level.scope == Scope::All => {
            (latency::of_all(state, area, buffer, targets), level.tunnels.rows().is_empty())
        }
        Pane::Latency => {
            latency::of_tunnel(state, area, buffer);
            (area.height.into(), state.tunnel().is_none())
        }
        Pane::Options => {
            drawn.text = options::draw(state, area, buffer);
            (area.height.into(), drawn.text.is_none())
        }
    };
    if is_empty {
        nothing(state, area, buffer);
    }
    height
}

/// Draws backends; below those of one tunnel, what else there is to see of it.
fn main_backends(
    state: &State,
    area: Rect,
    buffer: &mut Buffer,
    targets: &mut Vec<(Rect, Target)>,
) -> usize {
    let level = state.level();
    let mut grid = backends::grid(state);
    let selected = level.backends.selected_row();
    grid.note = selected.and_then(|row| detail::note(row, &state.looks));
    if level.scope == Scope::All {
        return grid.draw(&level.backends, state, area, buffer, targets);
    }
    let parts = detail::parts(area);
    let [main, ..] = parts;
    detail::below_backends(state, parts, buffer);
    grid.draw(&level.backends, state, main, buffer, targets)
}

/// Why there are no rows.
fn nothing(state: &State, area: Rect, buffer: &mut Buffer) {
    let level = state.level();
    let what = match level.pane {
        Pane::Backends => "backend",
        Pane::Connections => "connection",
        _ => "tunnel",
    };
    let text = match () {
        () if state.is_gone() => "it is no more; Esc goes back".to_owned(),
        () if state.told.is_none() || state.is_waiting() => match &state.way {
            Way::Lost(lost) => state.looks.safe(&lost.why),
            Way::Unknown | Way::Live { .. } => "waiting for plexyd".to_owned(),
        },
        () if tabs::is_finding(level) => format!("no {what} matches; Esc shows all"),
        () if level.pane == Pane::Tunnels && level.scope == Scope::All && state.can_act() => {
            "no tunnel is open; o opens one".to_owned()
        }
        () => format!("no {what}"),
    };
    let left = area.width.saturating_sub(columns(&text)) / 2;
    put(buffer, area, (left, area.height / 2), &text, state.looks.style(Role::Dim));
}

#[cfg(test)]
mod screens;
#[cfg(test)]
mod tests;
