//! What is seen of the [`State`]. Nothing is changed here.

mod backends;
mod connections;
mod footer;
pub(crate) mod glyph;
mod header;
pub(crate) mod number;
pub(crate) mod put;
pub(crate) mod rule;
pub(crate) mod sparkline;
pub(crate) mod table;
mod tabs;
mod too_small;
mod tunnels;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::message::Drawn;
use super::state::{Pane, Room, Scope, State, Way};
use super::theme::Role;
use put::{columns, put, row_of};

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
    header::draw_daemon(state, row_of(sections.header, 0), buffer);
    let below = Rect { y: sections.header.y + 1, height: sections.header.height - 1, ..area };
    header::draw_sums(state, below, buffer);
    drawn.height = main(state, sections.main, buffer, &mut drawn);
    tabs::draw(state, sections.tabs, drawn.height, buffer, &mut drawn.targets);
    events(state, sections.events, buffer);
    if is_old(state) {
        for old in [below, sections.main] {
            buffer.set_style(old, state.looks.style(Role::Dim));
        }
    }
    footer::draw(state, sections.footer, buffer, &mut drawn.targets);
    drawn
}

/// Whether what is shown is no more what is.
fn is_old(state: &State) -> bool {
    matches!(state.way, Way::Lost(_)) || state.is_silent()
}

/// Where what stands.
#[derive(Debug, Clone, Copy)]
struct Sections {
    header: Rect,
    tabs: Rect,
    main: Rect,
    events: Rect,
    footer: Rect,
}

/// Lines below which the sums give way to rows.
const LOW: u16 = 14;

/// Lines of events that are seen in any case where there is room for some, with their title.
const EVENTS_LEAST: u16 = 3;

impl Sections {
    fn of(state: &State, area: Rect) -> Self {
        let header = match area.height {
            _ if state.is_zoomed => 1,
            0..LOW => 2,
            _ => 4,
        };
        let inner = area.height.saturating_sub(header + 2);
        let events = if state.is_zoomed { 0 } else { events_height(state, inner, area.height) };
        let mut top = area.y;
        let mut next = |height| {
            let section = Rect { y: top, height, ..area };
            top += height;
            section
        };
        Self {
            header: next(header),
            tabs: next(1),
            main: next(inner - events),
            events: next(events),
            footer: next(1),
        }
    }
}

/// A quarter of the screen, below a title; they give way where there are many rows.
fn events_height(state: &State, inner: u16, height: u16) -> u16 {
    let level = state.level();
    let rows = match level.pane {
        Pane::Tunnels => level.tunnels.rows().len(),
        Pane::Backends => level.backends.rows().len(),
        Pane::Connections => level.connections.rows().len(),
        Pane::Latency | Pane::Options | Pane::Events => return 0,
    };
    let rows = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(1);
    let most = height / 4 + 1;
    match height {
        0..16 => 0,
        _ => inner.saturating_sub(rows).clamp(EVENTS_LEAST, most),
    }
}

/// Draws the view that is open: how many rows it has room for.
fn main(state: &State, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) -> usize {
    let (level, targets) = (state.level(), &mut drawn.targets);
    let (height, is_empty) = match level.pane {
        Pane::Tunnels => (
            tunnels::grid(state).draw(&level.tunnels, state, area, buffer, targets),
            level.tunnels.rows().is_empty(),
        ),
        Pane::Backends => (
            backends::grid(state).draw(&level.backends, state, area, buffer, targets),
            level.backends.rows().is_empty(),
        ),
        Pane::Connections => (
            connections::grid(state).draw(&level.connections, state, area, buffer, targets),
            level.connections.rows().is_empty(),
        ),
        Pane::Events | Pane::Latency | Pane::Options => (area.height.into(), false),
    };
    if is_empty {
        nothing(state, area, buffer);
    }
    height
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
        () if state.told.is_none() => match &state.way {
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

/// What has happened last.
fn events(state: &State, area: Rect, buffer: &mut Buffer) {
    let unread = match state.events.unread {
        0 => Vec::new(),
        count => vec![(format!("{count} new"), Style::new())],
    };
    if !area.is_empty() {
        rule::draw(&state.looks, area, &[("Events".to_owned(), Style::new())], &unread, buffer);
    }
}

#[cfg(test)]
mod tests;
