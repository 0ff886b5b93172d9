//! The columns of quantiles, of tunnels and of the backends of one.

use plexy_shared::overview::{BackendRow, TunnelColumn, TunnelRow};

use super::super::super::state::State;
use super::super::glyph::Glyph;
use super::super::number::brief;
use super::super::table::{Cell, Field, Grid};
use super::super::tunnels::time;

type Tunnels = Field<TunnelRow>;
type Backends = Field<BackendRow>;

const TUNNELS: &[Tunnels] = &[
    Tunnels::text("NAME", [13, 20, 48], |it, state| {
        let name = it.status.name.as_ref().unwrap_or(&it.status.listen);
        Cell::text(name, &state.looks)
    })
    .sorted(TunnelColumn::Name),
    Tunnels::number("n", [5, 6], |it, _| Cell::of(brief(it.connect.count))).goes(1),
    Tunnels::number("p50 CONN", [8, 9], |it, state| {
        time(it.connect.count, it.connect.p50_us, state)
    }),
    Tunnels::number("p90", [6, 8], |it, state| time(it.connect.count, it.connect.p90_us, state))
        .goes(4),
    Tunnels::number("p99", [6, 8], |it, state| time(it.connect.count, it.connect.p99_us, state))
        .sorted(TunnelColumn::P99),
    Tunnels::number("max", [6, 8], |it, state| time(it.connect.count, it.connect.max_us, state))
        .goes(6),
    Tunnels::number("p50 LIVED", [9, 11], |it, state| {
        time(it.lifetime.count, it.lifetime.p50_us, state)
    }),
    Tunnels::number("p90", [6, 8], |it, state| time(it.lifetime.count, it.lifetime.p90_us, state))
        .goes(3),
    Tunnels::number("p99", [6, 8], |it, state| time(it.lifetime.count, it.lifetime.p99_us, state)),
    Tunnels::number("max", [6, 8], |it, state| time(it.lifetime.count, it.lifetime.max_us, state))
        .goes(5),
];

const BACKENDS: &[Backends] = &[
    Backends::address("BACKEND", [13, 20, 48], |it, state| Cell::text(&it.info.addr, &state.looks)),
    Backends::number("n", [5, 6], |it, _| Cell::of(brief(it.connect.count))).goes(1),
    Backends::number("p50 CONN", [8, 9], |it, state| {
        time(it.connect.count, it.connect.p50_us, state)
    }),
    Backends::number("p90", [6, 8], |it, state| time(it.connect.count, it.connect.p90_us, state))
        .goes(4),
    Backends::number("p99", [6, 8], |it, state| time(it.connect.count, it.connect.p99_us, state)),
    Backends::number("max", [6, 8], |it, state| time(it.connect.count, it.connect.max_us, state))
        .goes(6),
    Backends::number("p50 LIVED", [9, 11], |it, state| {
        time(it.lifetime.count, it.lifetime.p50_us, state)
    }),
    Backends::number("p90", [6, 8], |it, state| time(it.lifetime.count, it.lifetime.p90_us, state))
        .goes(3),
    Backends::number("p99", [6, 8], |it, state| time(it.lifetime.count, it.lifetime.p99_us, state)),
    Backends::number("max", [6, 8], |it, state| time(it.lifetime.count, it.lifetime.max_us, state))
        .goes(5),
];

/// Of all tunnels.
pub(super) fn of_tunnels(state: &State) -> Grid<TunnelRow> {
    let order = Some(state.level().tunnels.order);
    Grid { fields: TUNNELS, glyph: |it| Some(Glyph::of_health(&it.health)), order, note: None }
}

/// Of the backends of one.
pub(super) fn of_backends() -> Grid<BackendRow> {
    let glyph = |it: &BackendRow| Some(Glyph::of_health(&it.health));
    Grid { fields: BACKENDS, glyph, order: None, note: None }
}
