//! The tunnels, one a row.

use plexy_shared::info::TunnelStatus;

use super::super::colour::Tint;
use super::super::listing::{Cell, Column, Listing, Raw, keys as keys_of};

type Field = Column<TunnelStatus>;

const COLUMNS: &[Field] = &[
    Field::text("name", "NAME", |it| Cell::maybe(it.name.as_deref())),
    Field::address("listen", "LISTEN", |it| Cell::text(&it.listen)).rank(6),
    Field::number("up", "UP", up).rank(7),
    Field::number("backends", "BACKENDS", |it| Cell::number(it.backends as u64)).wide(),
    Field::text("admin", "ADMIN", |it| {
        let admin = it.admin.as_ref().map_or("ready", |admin| admin.as_str());
        Cell::text(admin).tinted(Tint::of_word(admin))
    })
    .wide(),
    Field::number("connections", "CONN", |it| Cell::count(it.traffic.connections)).rank(8),
    Field::number("total", "TOTAL", |it| Cell::count(it.traffic.connections_total)),
    Field::number("in", "IN", |it| Cell::count(it.traffic.bytes_in)).rank(2),
    Field::number("out", "OUT", |it| Cell::count(it.traffic.bytes_out)).rank(2),
];

pub(in super::super) fn tunnels(tunnels: &[TunnelStatus]) -> Listing {
    Listing::new(COLUMNS, tunnels, |it| it.name.as_ref().unwrap_or(&it.listen).clone())
}

pub(super) fn keys() -> Vec<&'static str> {
    keys_of(COLUMNS)
}

/// How many of its backends are up, or, where it takes no clients, that.
fn up(tunnel: &TunnelStatus) -> Cell {
    let raw = Raw::Count(tunnel.backends_up as u64);
    match &tunnel.admin {
        Some(admin) => Cell::text(admin.as_str()).tinted(Tint::of_word(admin.as_str())),
        None => {
            let shown = format!("{}/{}", tunnel.backends_up, tunnel.backends);
            Cell::text(&shown).tinted(Some(Tint::of_part(tunnel.backends_up, tunnel.backends)))
        }
    }
    .with_raw(raw)
}
