//! The columns of backends, of all tunnels or of one.

use plexy_shared::info::BackendState;
use plexy_shared::overview::{BackendColumn, BackendRow};
use plexy_shared::spec::AdminState;

use super::super::state::{Scope, State};
use super::super::theme::Role;
use super::glyph::Glyph;
use super::number::{brief, lasting, per_second, rate_in_row, round, tiny};
use super::table::{Cell, Field, Grid};
use super::tunnels::time;

type Backends = Field<BackendRow>;

/// Bytes in both directions go together where each for itself has no room.
const RATES: u8 = 8;

const FIELDS: &[Backends] = &[
    Backends::text("TUNNEL", [12, 15, 32], |it, state| Cell::text(&it.tunnel, &state.looks))
        .sorted(BackendColumn::Tunnel)
        .only(has_many),
    Backends::address("BACKEND", [22, 24, 48], |it, state| Cell::text(&it.info.addr, &state.looks))
        .sorted(BackendColumn::Backend),
    Backends::text("STATE", [8, 10, 10], state_of).sorted(BackendColumn::Health),
    Backends::number("FOR", [4, 5], |it, _| Cell::of(lasting(seconds(it))))
        .sorted(BackendColumn::For)
        .goes(6),
    Backends::number("CONN", [5, 6], |it, _| Cell::of(brief(it.info.traffic.connections)))
        .sorted(BackendColumn::Conns),
    Backends::number("LIMIT", [5, 5], |it, state| match it.info.max_conns {
        Some(limit) => Cell::of(round(limit.into())),
        None => Cell::nothing(&state.looks),
    })
    .goes(4)
    .more(),
    Backends::number("WT", [3, 4], |it, _| Cell::of(it.info.weight.to_string()))
        .sorted(BackendColumn::Weight)
        .goes(5),
    Backends::number("NEW/s", [5, 6], |it, _| Cell::of(per_second(it.rates.new_per_1000s)))
        .sorted(BackendColumn::New)
        .goes(3),
    Backends::number("IN/s", [6, 7], |it, state| {
        Cell::of(rate_in_row(it.rates.rate_in, state.looks.units))
    })
    .sorted(BackendColumn::In)
    .goes(RATES),
    Backends::number("OUT/s", [7, 7], |it, state| {
        Cell::of(rate_in_row(it.rates.rate_out, state.looks.units))
    })
    .sorted(BackendColumn::Out)
    .goes(RATES),
    Backends::number("RATE", [7, 7], |it, state| {
        let both = it.rates.rate_in.saturating_add(it.rates.rate_out);
        Cell::of(rate_in_row(both, state.looks.units))
    })
    .sorted(BackendColumn::Out)
    .instead_of(RATES),
    Backends::number("TOTAL", [5, 6], |it, _| Cell::of(brief(it.info.traffic.connections_total)))
        .goes(2)
        .more(),
    Backends::number("p50", [6, 7], |it, state| time(it.connect.count, it.connect.p50_us, state))
        .sorted(BackendColumn::P50)
        .goes(2),
    Backends::number("p99 CONN", [8, 9], |it, state| {
        time(it.connect.count, it.connect.p99_us, state)
    })
    .sorted(BackendColumn::P99)
    .goes(4),
    Backends::number("ERR", [4, 5], errors).sorted(BackendColumn::Errors).goes(7),
    Backends::text("BACKUP", [6, 6, 6], |it, state| match it.info.backup {
        true => Cell::of("yes"),
        false => Cell::nothing(&state.looks),
    })
    .goes(1)
    .more(),
    Backends::text("CHECK", [11, 12, 16], check).goes(3).more(),
    Backends::text("CAUSE", [16, 24, 60], |it, state| {
        Cell::maybe(it.info.cause.as_deref(), &state.looks)
    })
    .sorted(BackendColumn::Cause)
    .goes(1),
];

/// Whether they are of several tunnels.
fn has_many(state: &State) -> bool {
    state.level().scope == Scope::All && !state.has_details()
}

/// What they look like.
pub(super) fn grid(state: &State) -> Grid<BackendRow> {
    let order = Some(state.level().backends.order);
    Grid { fields: FIELDS, glyph: |it| Some(Glyph::of_health(&it.health)), order, note: None }
}

/// What somebody wants of it counts before its health: who has put it out of service knows.
fn state_of(row: &BackendRow, state: &State) -> Cell {
    let (admin, health) = (&row.info.admin.state, &row.info.state);
    let word = if *admin == AdminState::Ready { health.as_str() } else { admin.as_str() };
    let role = match Glyph::of_health(&row.health) {
        Glyph::Ok if *health == BackendState::Up => Role::Text,
        glyph => glyph.role(),
    };
    Cell::text(word, &state.looks).role(role)
}

/// Since when it is in the state that is shown.
fn seconds(row: &BackendRow) -> u64 {
    let admin = &row.info.admin;
    if admin.state == AdminState::Ready { row.info.state_seconds } else { admin.seconds }
}

fn errors(row: &BackendRow, _: &State) -> Cell {
    let role = if row.info.attempts_failed > 0 { Role::Warning } else { Role::Text };
    Cell::of(tiny(row.info.attempts_failed)).role(role)
}

/// What its checks say.
fn check(row: &BackendRow, state: &State) -> Cell {
    let check = row.info.check.as_ref().map(ToString::to_string);
    Cell::maybe(check.as_deref(), &state.looks)
}
