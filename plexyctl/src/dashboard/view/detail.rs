//! One tunnel: what it is and does, and below it what its open view shows.
//!
//! ```text
//!  Tunnels ▸ web   0.0.0.0:8080   ▲ degraded 4m12s   strategy least-conn
//!  Conns 1.1k of 5k  peak 1.9k  New 62.0/s  Rejected 0  Lived p50 8.0s p99 4m
//!  In  31.2 MB/s ▃▄▅▇▆▅▄▃▃▄▅▆▇▆▅▄            Out 98.4 MB/s ▂▃▅▆▇▇▆▅▄▄▃▄▅▆▅▄
//! ─ [Backends]  Connections  Latency  Options  Events ────────────── sort: addr▲ ─
//! ```

mod note;

use plexy_shared::overview::{TunnelOverview, TunnelRow};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::state::{Scope, State, Trend};
use super::super::theme::Role;
use super::glyph::Glyph;
use super::number::{brief, latency, per_second, precise, rate, round};
use super::put::{put, put_all, row_of};
use super::scrolled::TextLine;
use super::{bars, events, sparkline};
use crate::output::{Side, age, cut};
pub(super) use note::note;

/// Rows that the head takes.
pub(super) const HEAD: u16 = 3;

/// Rows of a histogram at most, with its title.
const HISTOGRAM: u16 = 12;

/// Columns of a sparkline at most: as many looks as are kept of a tunnel.
const TREND: u16 = 60;

/// Columns of the name of a tunnel in a title.
const LABEL: usize = 24;

/// Rows that stay for backends before a histogram has room.
const BACKENDS: u16 = 8;

/// Draws where somebody is, and what goes through it.
pub(super) fn head(state: &State, area: Rect, buffer: &mut Buffer) {
    let tunnel = state.tunnel();
    put_all(buffer, row_of(area, 0), (0, 0), &way_here(state, tunnel));
    let Some(tunnel) = tunnel else { return };
    put_all(buffer, row_of(area, 1), (0, 0), &counts(state, &tunnel.row));
    rates(state, &tunnel.row, row_of(area, 2), buffer);
}

/// ` Tunnels ▸ web   0.0.0.0:8080   ▲ degraded 4m12s   strategy least-conn`
fn way_here(state: &State, tunnel: Option<&TunnelOverview>) -> TextLine {
    let looks = &state.looks;
    let plain = |text: String| (text, Style::new());
    let scope = &state.level().scope;
    let Some(name) = scope.tunnel() else { return TextLine::new() };
    let mark = looks.inward();
    let mut texts = vec![
        plain(format!(" Tunnels {mark} ")),
        (looks.safe(&name.label), looks.style(Role::Accent)),
    ];
    if let Scope::Backend(_, backend) = scope {
        texts.push(plain(format!(" {mark} ")));
        texts.push((looks.safe(backend), looks.style(Role::Accent)));
    } else if name.listen != name.label {
        texts.push(plain(format!("   {}", looks.safe(&name.listen))));
    }
    match tunnel {
        Some(tunnel) => {
            let (glyph, word, since) = how(tunnel, scope);
            let sign = glyph.sign(looks.is_ascii);
            let since = since.map(|since| format!(" {}", age(since))).unwrap_or_default();
            let said = format!("   {sign} {}{since}", looks.safe(&word));
            texts.push((said, looks.style(glyph.role())));
            texts.push(plain(format!("   strategy {}", looks.safe(&tunnel.row.strategy))));
        }
        None => {
            let text = if state.is_gone() { "   is no more: Esc" } else { "   waiting for plexyd" };
            texts.push((text.to_owned(), looks.style(Role::Warning)));
        }
    }
    texts
}

/// How a tunnel is, or the backend of it that somebody looks into, and since when.
fn how(tunnel: &TunnelOverview, scope: &Scope) -> (Glyph, String, Option<u64>) {
    let row = &tunnel.row;
    let backends = &tunnel.info.backend_list;
    let found = scope.backend().and_then(|addr| backends.iter().find(|it| it.addr == addr));
    match (scope.backend(), found) {
        (None, _) => (Glyph::of_health(&row.health), row.health.to_string(), row.health_seconds),
        (Some(_), Some(backend)) => note::how(backend),
        (Some(_), None) => (Glyph::Off, "removed".to_owned(), None),
    }
}

/// ` Conns 1.1k of 5k  peak 1.9k  New 62.0/s  Rejected 0  Lived p50 8.0s p99 4m`
fn counts(state: &State, row: &TunnelRow) -> TextLine {
    let traffic = &row.status.traffic;
    let limit = row.max_conns.map(|limit| format!(" of {}", round(limit.into())));
    let trends = state.trends.all_of_tunnel(row.id);
    let peak = trends.map(|it| format!("  peak {}", brief(it.connections.peak())));
    let parked = match row.parked {
        0 => String::new(),
        parked => format!("  {} wait", brief(parked)),
    };
    let rejected = if row.rejected > 0 { Role::Warning } else { Role::Text };
    let plain = |text: String| (text, Style::new());
    let lived = match row.lifetime.count {
        0 => state.looks.nothing().to_owned(),
        _ => format!("p50 {} p99 {}", latency(row.lifetime.p50_us), latency(row.lifetime.p99_us)),
    };
    vec![
        plain(format!(
            " Conns {}{}{}",
            brief(traffic.connections),
            limit.unwrap_or_default(),
            peak.unwrap_or_default()
        )),
        (parked, state.looks.style(Role::Warning)),
        plain(format!("  New {}/s", per_second(row.rates.new_per_1000s))),
        (format!("  Rejected {}", precise(row.rejected)), state.looks.style(rejected)),
        plain(format!("  Lived {lived}")),
    ]
}

/// ` In  31.2 MB/s ▃▄▅▇▆▅▄▃▃▄▅▆▇▆▅▄            Out 98.4 MB/s ▂▃▅▆▇▇▆▅▄▄▃▄▅▆▅▄`
fn rates(state: &State, row: &TunnelRow, area: Rect, buffer: &mut Buffer) {
    let trends = state.trends.all_of_tunnel(row.id);
    let half = area.width / 2 + 2;
    for (begin, title, bytes, trend) in [
        (1, "In  ", row.rates.rate_in, trends.map(|it| &it.rate_in)),
        (half, "Out ", row.rates.rate_out, trends.map(|it| &it.rate_out)),
    ] {
        let at = put(buffer, area, (begin, 0), title, Style::new());
        let text = rate(bytes, state.looks.units);
        let at = put(buffer, area, (at, 0), &text, Style::new()).max(at + 9);
        let end = if begin == 1 { half } else { area.width };
        line(trend, state, area, (at + 1, end.saturating_sub(at + 3).min(TREND)), buffer);
    }
}

fn line(
    trend: Option<&Trend>,
    state: &State,
    area: Rect,
    (column, width): (u16, u16),
    buffer: &mut Buffer,
) {
    let Some(trend) = trend else { return };
    let line = sparkline::line(trend.last(width.into()), width.into(), state.looks.is_ascii);
    put(buffer, area, (column, 0), &line, state.looks.style(Role::Accent));
}

/// Where what stands of a tunnel whose backends are seen: they, a histogram, and what has happened last.
pub(super) fn parts(area: Rect) -> [Rect; 3] {
    let last = u16::from(area.height > BACKENDS);
    let histogram = match area.height.saturating_sub(BACKENDS + last) {
        0..4 => 0,
        room => room.min(HISTOGRAM).min(area.height / 3 + 1),
    };
    let main = area.height - last - histogram;
    [
        Rect { height: main, ..area },
        Rect { y: area.y + main, height: histogram, ..area },
        Rect { y: area.y + main + histogram, height: last, ..area },
    ]
}

/// Draws what stands below the backends of a tunnel.
pub(super) fn below_backends(state: &State, [_, histogram, last]: [Rect; 3], buffer: &mut Buffer) {
    if let Some(tunnel) = state.tunnel().filter(|_| !histogram.is_empty()) {
        let title = vec![("Connect time to backends".to_owned(), Style::new())];
        bars::titled(&state.looks, title, &tunnel.connect, histogram, buffer);
    }
    if state.events.count(&state.level().scope) > 0 {
        events::draw(state, &state.level().scope, last, buffer);
    }
}

/// What stands over something of a tunnel.
pub(super) fn title(state: &State, label: &str, what: &str) -> TextLine {
    let looks = &state.looks;
    let label = cut(&looks.safe(label), LABEL, Side::Address, looks.ellipsis());
    vec![(label, looks.style(Role::Accent)), (format!(" {} {what}", looks.inward()), Style::new())]
}
