//! Where what stands.
//!
//! ```text
//! header    the daemon, and the sums of all of it or of a tunnel
//! banner    what has to be seen before all else, if there is something
//! tabs      what can be looked at
//! main      what is
//! beside    the selected tunnel, where there is much room
//! events    what has happened last
//! footer    keys
//! ```

use ratatui::layout::Rect;

use super::super::state::{Pane, Room, Scope, State};
use super::{banner, beside, boxes, detail};

/// It.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sections {
    pub(super) header: Rect,
    pub(super) banner: Rect,
    pub(super) tabs: Rect,
    pub(super) main: Rect,
    pub(super) beside: Rect,
    pub(super) events: Rect,
    pub(super) footer: Rect,
}

/// Lines below which the sums give way to rows.
const LOW: u16 = 14;

/// Lines of events that are seen in any case where there is room for some, with their title.
const EVENTS_LEAST: u16 = 3;

/// Rows of tunnels that events leave room for where what is selected is shown too, with their heads.
const ROWS_LEAST: u16 = 12;

impl Sections {
    /// In an area that is large enough for something.
    pub(super) fn of(state: &State, area: Rect) -> Self {
        let header = header_height(state, area.height);
        // The tabs and the footer have one row each.
        let below = area.height.saturating_sub(header + 2);
        let banner = banner::height(state).min(below);
        let inner = below - banner;
        let beside = beside::height(state, inner);
        let events = match state.is_zoomed {
            true => 0,
            false => events_height(state, inner - beside, area.height).min(inner - beside),
        };
        let mut top = area.y;
        let mut next = |height| {
            let section = Rect { y: top, height, ..area };
            top += height;
            section
        };
        Self {
            header: next(header),
            banner: next(banner),
            tabs: next(1),
            main: next(inner - beside - events),
            beside: next(beside),
            events: next(events),
            footer: next(1),
        }
    }
}

fn header_height(state: &State, height: u16) -> u16 {
    let sums = match (&state.level().scope, state.room()) {
        (Scope::All, Room::Wide) => boxes::HEIGHT,
        _ => detail::HEAD,
    };
    match height {
        _ if state.is_zoomed => 1,
        0..LOW => 2,
        _ => 1 + sums,
    }
}

/// A quarter of the screen, below a title; they give way where there are many rows. Who looks into a
/// tunnel sees those of it elsewhere.
fn events_height(state: &State, inner: u16, height: u16) -> u16 {
    let level = state.level();
    if level.scope != Scope::All {
        return 0;
    }
    let rows = match level.pane {
        Pane::Tunnels => level.tunnels.rows().len(),
        Pane::Backends => level.backends.rows().len(),
        Pane::Connections => level.connections.rows().len(),
        Pane::Latency | Pane::Options | Pane::Events => return 0,
    };
    // A row for the heads, too.
    let rows = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(1);
    let most = height / 4 + 1;
    match height {
        0..16 => 0,
        _ if state.has_details() => {
            inner.saturating_sub(rows.max(ROWS_LEAST)).max(most.min(inner / 2))
        }
        _ => inner.saturating_sub(rows).clamp(EVENTS_LEAST, most),
    }
}
