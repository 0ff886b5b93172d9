//! How long it takes to connect, and how long connections live: of each tunnel in a table, and of one in
//! full.

mod columns;

use plexy_shared::overview::{LatencyInfo, Quantiles, TunnelOverview};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::message::Target;
use super::super::state::{Looks, State};
use super::super::theme::Role;
use super::number::{brief, latency};
use super::put::row_of;
use super::scrolled::{self, TextLine};
use super::table::Shown;
use super::{bars, detail, rule};

/// Rows of the two histograms of a tunnel at least, with their titles.
const HISTOGRAM: u16 = 5;

/// Rows of the selected tunnel below the others, without and with all that there is to see of it.
const ONE_LEAST: u16 = 7;
const ONE_MOST: u16 = 32;

/// Rows of the figures of one tunnel, with an empty one.
const FIGURES: u16 = 6;

/// Draws a table of tunnels, and the selected one below it where there is room: how many rows the table
/// has.
pub(super) fn of_all(
    state: &State,
    area: Rect,
    buffer: &mut Buffer,
    targets: &mut Vec<(Rect, Target)>,
) -> usize {
    let level = state.level();
    // The heads and all rows, or half of the room; for a few tunnels the rest is not all needed.
    let rows = u16::try_from(level.tunnels.rows().len()).unwrap_or(u16::MAX).saturating_add(2);
    let height = match area.height - rows.min(area.height / 2) {
        0..ONE_LEAST => 0,
        room => room.min(ONE_MOST),
    };
    let table = Rect { height: area.height - height, ..area };
    let below = Rect { y: area.y + table.height, height, ..area };
    let grid = columns::of_tunnels(state);
    let rows = grid.draw(&level.tunnels, state, table, buffer, targets);
    if let Some(tunnel) = state.tunnel().filter(|_| height > 0) {
        let name = tunnel.info.status.name.as_ref().unwrap_or(&tunnel.info.status.listen);
        let title = detail::title(state, name, "latency");
        rule::draw(&state.looks, below, &title, &[], buffer);
        let inside = Rect { y: below.y + 1, height: height - 1, ..below };
        figures(&state.looks, tunnel, inside, buffer);
        let rest = inside.height.saturating_sub(FIGURES);
        histograms(
            state,
            tunnel,
            Rect { y: below.bottom() - rest, height: rest, ..inside },
            buffer,
        );
    }
    rows
}

/// Draws one tunnel: its figures, its histograms, and the figures of its backends as far as there is room.
pub(super) fn of_tunnel(state: &State, area: Rect, buffer: &mut Buffer) {
    let Some(tunnel) = state.tunnel() else { return };
    figures(&state.looks, tunnel, area, buffer);
    let rest = area.height.saturating_sub(FIGURES);
    let below = Rect { y: area.y + FIGURES.min(area.height), height: rest, ..area };
    let rows = state.told.as_ref().and_then(|told| told.overview.backends.as_ref());
    let rows = rows.map(|rows| rows.rows.as_slice()).unwrap_or_default();
    let rows = rows.iter().filter(|row| row.tunnel_id == tunnel.row.id);
    let wanted = u16::try_from(rows.clone().count()).unwrap_or(u16::MAX).saturating_add(2);
    let backends = wanted.min(rest.saturating_sub(2 * HISTOGRAM).max(rest / 3));
    let place = Rect { height: backends, ..below };
    let grid = columns::of_backends();
    grid.draw_rows(rows.map(Shown::only), state, place, buffer, &mut Vec::new());
    let rest = below.height - backends;
    histograms(state, tunnel, Rect { y: below.y + backends, height: rest, ..below }, buffer);
}

/// Both, one below the other; side by side where there is much room, and the first one alone where there
/// is little.
fn histograms(state: &State, tunnel: &TunnelOverview, area: Rect, buffer: &mut Buffer) {
    let both = match area.width {
        0..120 if area.height < HISTOGRAM + 2 => [area, Rect::ZERO],
        0..120 => {
            let height = area.height / 2;
            let low = area.height - height;
            [Rect { height, ..area }, Rect { y: area.y + height, height: low, ..area }]
        }
        _ => {
            let width = area.width / 2;
            let rest = area.width - width;
            [Rect { width, ..area }, Rect { x: area.x + width, width: rest, ..area }]
        }
    };
    let parts = [("Connect time", &tunnel.connect), ("Lifetime", &tunnel.lifetime)];
    for ((title, info), place) in parts.into_iter().zip(both) {
        if place.height > 1 {
            let title = vec![(title.to_owned(), Style::new())];
            bars::titled(&state.looks, title, info, place, buffer);
        }
    }
}

/// Quantiles in a table: of what is recent, and of all since the start.
fn figures(looks: &Looks, tunnel: &TunnelOverview, area: Rect, buffer: &mut Buffer) {
    let head = ["", "n", "p50", "p90", "p99", "max"];
    let head = head.iter().map(|title| format!("{title:>9}")).collect::<String>();
    let mut lines = vec![vec![(format!("{:20}{head}", ""), looks.style(Role::Head))]];
    for (title, info) in [("connect", &tunnel.connect), ("lifetime", &tunnel.lifetime)] {
        lines.extend(of_info(looks, title, info));
    }
    let below = Rect { height: FIGURES.min(area.height), ..row_of(area, 0) };
    scrolled::draw(&lines, 0, below.intersection(area), buffer);
}

fn of_info(looks: &Looks, title: &str, info: &LatencyInfo) -> [TextLine; 2] {
    let line = |when: String, quantiles: &Quantiles| {
        vec![
            (format!("  {:27}", format!("{title}, {when}")), Style::new()),
            (numbers(looks, quantiles), Style::new()),
        ]
    };
    [line(bars::recent(info), &info.recent), line("since start".to_owned(), &info.since_start)]
}

fn numbers(looks: &Looks, quantiles: &Quantiles) -> String {
    let Quantiles { count, p50_us, p90_us, p99_us, max_us, .. } = *quantiles;
    let times = [p50_us, p90_us, p99_us, max_us].map(|micros| match count {
        0 => looks.nothing().to_owned(),
        _ => latency(micros),
    });
    let times = times.iter().map(|time| format!("{time:>9}")).collect::<String>();
    format!("{:>9}{times}", brief(count))
}
