//! The tunnels of one look. Their keys are the words by which plexyd finds and sorts them.

use plexy_shared::overview::TunnelRow;

use super::super::super::colour::Tint;
use super::super::super::listing::{Cell, Column, Listing, Raw, keys as keys_of};
use super::{bytes, quantile, state};

type Field = Column<TunnelRow>;

const COLUMNS: &[Field] = &[
    Field::text("name", "NAME", |it| Cell::maybe(it.status.name.as_deref())),
    Field::address("listen", "LISTEN", |it| Cell::text(&it.status.listen)).rank(6),
    Field::text("health", "STATE", |it| state(it.health.as_str())).rank(9),
    Field::number("for", "FOR", |it| it.health_seconds.map_or_else(Cell::nothing, Cell::seconds))
        .wide(),
    Field::number("up", "UP", up).rank(7),
    Field::number("backends", "BACKENDS", |it| Cell::number(it.status.backends as u64)).data(),
    Field::number("conns", "CONNS", |it| Cell::count(it.status.traffic.connections)).rank(8),
    Field::number("limit", "LIMIT", |it| {
        it.max_conns.map_or_else(Cell::nothing, |limit| Cell::count(limit.into()))
    })
    .wide(),
    Field::number("parked", "PARKED", |it| Cell::count(it.parked)).wide(),
    Field::number("new", "NEW/S", |it| Cell::per_second(it.rates.new_per_1000s)).rank(3),
    Field::number("in", "IN/S", |it| bytes(it.rates.rate_in)).rank(4),
    Field::number("out", "OUT/S", |it| bytes(it.rates.rate_out)).rank(4),
    Field::number("errors", "ERR/S", |it| Cell::per_second(it.rates.failed_per_1000s)).rank(2),
    Field::number("rejects", "REJ/S", |it| Cell::per_second(it.rates.rejected_per_1000s)).wide(),
    Field::number("p50", "P50", |it| quantile(&it.connect, it.connect.p50_us)).wide(),
    Field::number("p99", "P99", |it| quantile(&it.connect, it.connect.p99_us)).wide(),
    Field::text("strategy", "STRATEGY", |it| Cell::text(&it.strategy)).wide(),
    Field::text("tls", "TLS", |it| Cell::maybe(it.tls.as_deref())).wide(),
    Field::number("certificate", "CERT", certificate).wide(),
    Field::number("deadline", "DEADLINE", |it| {
        it.deadline_ms.map_or_else(Cell::nothing, Cell::until)
    })
    .wide(),
    Field::number("total", "TOTAL", |it| Cell::count(it.status.traffic.connections_total)).data(),
    Field::number("bytes_in", "IN", |it| Cell::count(it.status.traffic.bytes_in)).data(),
    Field::number("bytes_out", "OUT", |it| Cell::count(it.status.traffic.bytes_out)).data(),
    Field::number("failed", "FAILED", |it| Cell::count(it.attempts_failed)).data(),
    Field::number("rejected", "REJECTED", |it| Cell::count(it.rejected)).data(),
    Field::number("id", "ID", |it| Cell::number(it.id)).data(),
];

pub(super) fn tunnels(rows: &[TunnelRow]) -> Listing {
    let name = |it: &TunnelRow| it.status.name.as_ref().unwrap_or(&it.status.listen).clone();
    Listing::new(COLUMNS, rows, name)
}

pub(super) fn keys() -> Vec<&'static str> {
    keys_of(COLUMNS)
}

/// How many of its backends take connections.
fn up(tunnel: &TunnelRow) -> Cell {
    let (up, all) = (tunnel.status.backends_up, tunnel.status.backends);
    Cell::number(up as u64).shown_as(format!("{up}/{all}")).tinted(Some(Tint::of_part(up, all)))
}

/// How long its certificates are good, in seconds for programs.
#[expect(clippy::cast_precision_loss, reason = "no certificate is good for so long")]
fn certificate(tunnel: &TunnelRow) -> Cell {
    match tunnel.certificate_seconds {
        None => Cell::nothing(),
        Some(left) => {
            let cell = match u64::try_from(left) {
                Ok(left) => Cell::seconds(left),
                Err(_) => Cell::text("expired").tinted(Some(Tint::Bad)),
            };
            cell.with_raw(Raw::Number(left as f64))
        }
    }
}
