//! The columns of tunnels.

use plexy_shared::overview::{Health, TunnelColumn, TunnelRow};

use super::super::state::State;
use super::super::theme::Role;
use super::glyph::Glyph;
use super::number::{brief, bytes_in_row, lasting, latency, per_second, rate_in_row, round};
use super::sparkline;
use super::table::{Cell, Field, Grid};

type Tunnels = Field<TunnelRow>;

/// Bytes in both directions go together where each for itself has no room.
const RATES: u8 = 9;

/// Columns of how many backends are up, of how many.
const UP: usize = 5;

/// Columns of a sparkline.
const TREND: u16 = 18;

/// A certificate that ends in less time is to be told: the two weeks of `certificate-expiring`.
pub(crate) const CERTIFICATE_SECONDS: i64 = 14 * 86_400;

const FIELDS: &[Tunnels] = &[
    Tunnels::text("NAME", [13, 15, 32], |it, state| {
        Cell::maybe(it.status.name.as_deref(), &state.looks)
    })
    .sorted(TunnelColumn::Name),
    Tunnels::address("LISTEN", [20, 24, 48], |it, state| {
        Cell::text(&it.status.listen, &state.looks)
    })
    .sorted(TunnelColumn::Listen),
    Tunnels::text("STATE", [10, 10, 12], state_of).sorted(TunnelColumn::Health).goes(6),
    Tunnels::number("UP", [5, 5], up).sorted(TunnelColumn::Up),
    Tunnels::number("CONN", [5, 6], |it, _| Cell::of(brief(it.status.traffic.connections)))
        .sorted(TunnelColumn::Conns),
    Tunnels::number("LIMIT", [5, 6], limit).sorted(TunnelColumn::Limit).goes(4),
    Tunnels::number("WAIT", [5, 5], |it, _| some(it.parked, Role::Warning)).goes(5).more(),
    Tunnels::number("NEW/s", [6, 6], new).sorted(TunnelColumn::New).goes(8),
    Tunnels::number("IN/s", [7, 7], |it, state| {
        Cell::of(rate_in_row(it.rates.rate_in, state.looks.units))
    })
    .sorted(TunnelColumn::In)
    .goes(RATES),
    Tunnels::number("OUT/s", [7, 7], |it, state| {
        Cell::of(rate_in_row(it.rates.rate_out, state.looks.units))
    })
    .sorted(TunnelColumn::Out)
    .goes(RATES),
    Tunnels::number("RATE", [7, 7], |it, state| {
        let both = it.rates.rate_in.saturating_add(it.rates.rate_out);
        Cell::of(rate_in_row(both, state.looks.units))
    })
    .sorted(TunnelColumn::Out)
    .instead_of(RATES),
    Tunnels::number("IN", [6, 6], |it, state| {
        Cell::of(bytes_in_row(it.status.traffic.bytes_in, state.looks.units))
    })
    .goes(3)
    .more(),
    Tunnels::number("OUT", [6, 6], |it, state| {
        Cell::of(bytes_in_row(it.status.traffic.bytes_out, state.looks.units))
    })
    .goes(3)
    .more(),
    Tunnels::number("TOTAL", [5, 6], |it, _| Cell::of(brief(it.status.traffic.connections_total)))
        .goes(4)
        .more(),
    Tunnels::number("ERR/s", [5, 6], |it, _| seldom(it.rates.failed_per_1000s))
        .sorted(TunnelColumn::Errors)
        .goes(7),
    Tunnels::number("REJ/s", [5, 6], |it, _| seldom(it.rates.rejected_per_1000s)).goes(5).more(),
    Tunnels::number("p50 CONN", [8, 8], |it, state| {
        time(it.connect.count, it.connect.p50_us, state)
    })
    .goes(1)
    .more(),
    Tunnels::number("p99 CONN", [8, 9], |it, state| {
        time(it.connect.count, it.connect.p99_us, state)
    })
    .sorted(TunnelColumn::P99)
    .goes(5),
    Tunnels::number("p50 AGE", [7, 7], |it, state| {
        time(it.lifetime.count, it.lifetime.p50_us, state)
    })
    .goes(2)
    .more(),
    Tunnels::number("CERT", [5, 5], certificate).goes(6).more(),
    // What stands right and what stands left have two blanks in between.
    Tunnels::text("", [0, 0, 0], |_, _| Cell::of("")).goes(3),
    Tunnels::text("STRATEGY", [13, 13, 13], |it, state| Cell::text(&it.strategy, &state.looks))
        .sorted(TunnelColumn::Strategy)
        .goes(3),
    Tunnels::text("TLS", [9, 9, 9], tls).sorted(TunnelColumn::Tls).goes(2),
    Tunnels::text("TREND in+out", [TREND, TREND, TREND], trend).goes(1),
];

/// What they look like.
pub(super) fn grid(state: &State) -> Grid<TunnelRow> {
    let order = Some(state.level().tunnels.order);
    Grid { fields: FIELDS, glyph: |it| Some(Glyph::of_health(&it.health)), order, note: None }
}

/// How it is, and since when or how long yet.
fn state_of(row: &TunnelRow, state: &State) -> Cell {
    let since = || row.health_seconds.map(lasting).unwrap_or_default();
    let text = match row.health.known() {
        Some(Health::Ok) => "open".to_owned(),
        Some(Health::Down) => format!("down {}", since()),
        Some(Health::Degraded) => "degraded".to_owned(),
        Some(Health::Draining) => {
            let left = row.deadline_ms.map(|ms| lasting(ms.div_ceil(1_000)));
            format!("drain {}", left.unwrap_or_else(since))
        }
        Some(Health::Disabled) => "disabled".to_owned(),
        None => state.looks.safe(row.health.as_str()),
    };
    Cell::of(text.trim_end()).role(Glyph::of_health(&row.health).role())
}

fn up(row: &TunnelRow, _: &State) -> Cell {
    let [up, all] = [row.status.backends_up, row.status.backends];
    let role = match up {
        _ if up >= all => Role::Text,
        0 => Role::Bad,
        _ => Role::Warning,
    };
    let text = match format!("{up}/{all}") {
        text if text.len() <= UP => text,
        // All of them only where all are.
        _ => format!("{}%", up.saturating_mul(100) / all.max(1)),
    };
    Cell::of(text).role(role)
}

fn limit(row: &TunnelRow, state: &State) -> Cell {
    let Some(limit) = row.max_conns else { return Cell::nothing(&state.looks) };
    let is_met = row.status.traffic.connections >= limit.into();
    Cell::of(round(limit.into())).role(if is_met { Role::Warning } else { Role::Text })
}

/// New connections per second; none come where it drains.
fn new(row: &TunnelRow, _: &State) -> Cell {
    match row.health.known() {
        Some(Health::Draining) => Cell::of("drain").role(Role::Drain),
        _ => Cell::of(per_second(row.rates.new_per_1000s)),
    }
}

/// What should not be.
pub(super) fn seldom(per_1000s: u64) -> Cell {
    Cell::of(per_second(per_1000s)).role(if per_1000s > 0 { Role::Warning } else { Role::Text })
}

/// So many of what means something where there are any.
pub(super) fn some(count: u64, role: Role) -> Cell {
    Cell::of(brief(count)).role(if count > 0 { role } else { Role::Text })
}

/// A quantile of so many durations.
pub(super) fn time(count: u64, micros: u64, state: &State) -> Cell {
    if count > 0 { Cell::of(latency(micros)) } else { Cell::nothing(&state.looks) }
}

/// How long its certificates are good.
fn certificate(row: &TunnelRow, state: &State) -> Cell {
    let Some(seconds) = row.certificate_seconds else { return Cell::nothing(&state.looks) };
    let role = match seconds {
        ..=0 => Role::Bad,
        1..CERTIFICATE_SECONDS => Role::Warning,
        _ => Role::Text,
    };
    let text = u64::try_from(seconds).map_or_else(|_| "ended".to_owned(), lasting);
    Cell::of(text).role(role)
}

/// Where TLS is spoken: what is done of that of clients, or with backends alone.
fn tls(row: &TunnelRow, state: &State) -> Cell {
    match (&row.tls, row.backend_tls) {
        (Some(_), true) => Cell::of("both"),
        (Some(tls), false) => Cell::text(tls, &state.looks),
        (None, true) => Cell::of("backend"),
        (None, false) => Cell::nothing(&state.looks),
    }
}

fn trend(row: &TunnelRow, state: &State) -> Cell {
    let width = usize::from(TREND);
    let numbers = state.trends.of_tunnel(row.id).into_iter().flat_map(|trend| trend.last(width));
    Cell::of(sparkline::line(numbers, width, state.looks.is_ascii)).role(Role::Accent)
}
