//! Live connections, one a row.

use plexy_shared::connection::ConnectionInfo;
use plexy_shared::word::Word;

use super::super::listing::{Cell, Column, Listing, keys as keys_of};

type Field = Column<ConnectionInfo>;

/// What is only told to all where any connection has it.
const OF_TLS: &[&str] = &["tls", "subject"];

const COLUMNS: &[Field] = &[
    Field::text("id", "ID", |it| Cell::text(&it.id)),
    Field::text("tunnel", "TUNNEL", |it| Cell::text(&it.tunnel)).rank(5),
    Field::address("listen", "LISTEN", |it| Cell::text(&it.listen)).wide(),
    Field::address("client", "CLIENT", |it| Cell::text(&it.client)).rank(8),
    Field::address("backend", "BACKEND", |it| Cell::maybe(it.backend.as_deref())).rank(7),
    Field::text("sni", "SNI", |it| Cell::maybe(it.sni.as_deref())),
    Field::text("phase", "PHASE", |it| Cell::text(it.phase.as_str())).rank(4),
    Field::number("age", "AGE", |it| Cell::millis(it.age_ms)).rank(6),
    Field::number("idle", "IDLE", |it| Cell::millis(it.idle_ms)).rank(3),
    Field::number("in", "IN", |it| Cell::count(it.bytes_in)).rank(3),
    Field::number("out", "OUT", |it| Cell::count(it.bytes_out)).rank(3),
    Field::number("rate_in", "IN/S", |it| Cell::count(it.rate_in)).rank(2),
    Field::number("rate_out", "OUT/S", |it| Cell::count(it.rate_out)).rank(2),
    Field::text("tls", "TLS", |it| Cell::maybe(it.tls.as_ref().map(Word::as_str))),
    Field::text("subject", "SUBJECT", |it| Cell::maybe(it.subject.as_deref())),
    Field::text("resumed", "RESUMED", |it| match it.tls_resumed {
        None => Cell::nothing(),
        Some(is) => Cell::flag(is, if is { "yes" } else { "no" }),
    })
    .wide(),
    Field::text("fingerprint", "FINGERPRINT", |it| Cell::maybe(it.fingerprint.as_deref())).wide(),
];

pub(in super::super) fn conns(connections: &[ConnectionInfo]) -> Listing {
    Listing::new(COLUMNS, connections, |it| it.id.clone())
}

/// The same for a table: who is behind their TLS only where any has some.
pub(in super::super) fn briefly(connections: &[ConnectionInfo]) -> Listing {
    let listing = conns(connections);
    match connections.iter().any(|it| it.tls.is_some()) {
        true => listing,
        false => listing.without(OF_TLS),
    }
}

pub(super) fn keys() -> Vec<&'static str> {
    keys_of(COLUMNS)
}
