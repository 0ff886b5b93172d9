//! The columns of connections, of all tunnels, of one, or of one backend.

use plexy_shared::connection::ConnectionInfo;
use plexy_shared::filter::Key;

use super::super::state::{Scope, State};
use super::super::theme::Role;
use super::glyph::Glyph;
use super::number::{age_in_row, bytes_in_row, lasting, rate_in_few, rate_in_row};
use super::table::{Cell, Field, Grid};

type Connections = Field<ConnectionInfo>;

/// Bytes in both directions go together where each for itself has no room.
const BYTES: u8 = 6;

const FIELDS: &[Connections] = &[
    Connections::address("ID", [7, 7, 20], |it, state| Cell::text(&it.id, &state.looks))
        .sorted(Key::Id),
    Connections::text("TUNNEL", [9, 13, 32], |it, state| Cell::text(&it.tunnel, &state.looks))
        .sorted(Key::Tunnel)
        .only(has_many),
    Connections::address("CLIENT", [20, 22, 48], |it, state| Cell::text(&it.client, &state.looks))
        .sorted(Key::Client),
    Connections::address("BACKEND", [15, 16, 48], |it, state| {
        Cell::maybe(it.backend.as_deref(), &state.looks)
    })
    .sorted(Key::Backend)
    .only(|state| state.level().scope.backend().is_none())
    .goes(8),
    Connections::text("PHASE", [11, 11, 11], phase).sorted(Key::Phase).goes(3),
    Connections::number("AGE", [5, 5], |it, _| Cell::of(age_in_row(it.age_ms / 1_000)))
        .sorted(Key::Age),
    Connections::number("IDLE", [4, 5], |it, _| Cell::of(lasting(it.idle_ms / 1_000)))
        .sorted(Key::Idle)
        .goes(7),
    Connections::number("IN", [6, 7], |it, state| {
        Cell::of(bytes_in_row(it.bytes_in, state.looks.units))
    })
    .sorted(Key::BytesIn)
    .goes(BYTES),
    Connections::number("OUT", [6, 7], |it, state| {
        Cell::of(bytes_in_row(it.bytes_out, state.looks.units))
    })
    .sorted(Key::BytesOut)
    .goes(BYTES),
    Connections::number("BYTES", [6, 6], |it, state| {
        let both = it.bytes_in.saturating_add(it.bytes_out);
        Cell::of(bytes_in_row(both, state.looks.units))
    })
    .sorted(Key::Bytes)
    .instead_of(BYTES),
    Connections::number("/s", [5, 6], |it, state| {
        let both = it.rate_in.saturating_add(it.rate_out);
        Cell::of(rate_in_few(both, state.looks.units))
    })
    .sorted(Key::Rate),
    Connections::number("IN/s", [6, 7], |it, state| {
        Cell::of(rate_in_row(it.rate_in, state.looks.units))
    })
    .goes(5)
    .more(),
    Connections::number("OUT/s", [6, 7], |it, state| {
        Cell::of(rate_in_row(it.rate_out, state.looks.units))
    })
    .goes(5)
    .more(),
    Connections::text("TLS", [4, 4, 4], |it, state| {
        Cell::maybe(it.tls.as_ref().map(|tls| tls.as_str()), &state.looks)
    })
    .sorted(Key::Tls)
    .goes(2),
    Connections::text("SNI", [16, 20, 40], |it, state| {
        Cell::maybe(it.sni.as_deref(), &state.looks)
    })
    .sorted(Key::Sni)
    .goes(1),
    Connections::text("SUBJECT", [16, 24, 60], |it, state| {
        Cell::maybe(it.subject.as_deref(), &state.looks)
    })
    .sorted(Key::Subject)
    .goes(4)
    .more(),
    Connections::text("FINGERPRINT", [11, 16, 64], |it, state| {
        Cell::maybe(it.fingerprint.as_deref(), &state.looks)
    })
    .sorted(Key::Fingerprint)
    .goes(1)
    .more(),
];

/// Whether they are of several tunnels.
fn has_many(state: &State) -> bool {
    state.level().scope == Scope::All && !state.has_details()
}

/// What they look like.
pub(super) fn grid(state: &State) -> Grid<ConnectionInfo> {
    let order = Some(state.level().connections.order);
    Grid { fields: FIELDS, glyph: |it| Glyph::of_phase(&it.phase), order, note: None }
}

fn phase(row: &ConnectionInfo, state: &State) -> Cell {
    let role = Glyph::of_phase(&row.phase).map_or(Role::Text, Glyph::role);
    Cell::text(row.phase.as_str(), &state.looks).role(role)
}
