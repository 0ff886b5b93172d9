//! The backends of one look. Their keys are the words by which plexyd finds and sorts them.

use plexy_shared::overview::BackendRow;

use super::super::super::listing::{Cell, Column, Listing, keys as keys_of};
use super::{bytes, quantile, state};

type Field = Column<BackendRow>;

const COLUMNS: &[Field] = &[
    Field::address("backend", "BACKEND", |it| Cell::text(&it.info.addr)),
    Field::text("tunnel", "TUNNEL", |it| Cell::text(&it.tunnel)).rank(7),
    Field::address("listen", "LISTEN", |it| Cell::text(&it.listen)).wide(),
    Field::text("health", "STATE", |it| state(it.health.as_str())).rank(9),
    Field::number("for", "FOR", |it| Cell::seconds(it.info.state_seconds)).rank(6),
    Field::number("conns", "CONNS", |it| Cell::count(it.info.traffic.connections)).rank(8),
    Field::number("weight", "WEIGHT", |it| Cell::number(it.info.weight.into())).wide(),
    Field::number("new", "NEW/S", |it| Cell::per_second(it.rates.new_per_1000s)).rank(3),
    Field::number("in", "IN/S", |it| bytes(it.rates.rate_in)).rank(4),
    Field::number("out", "OUT/S", |it| bytes(it.rates.rate_out)).rank(4),
    Field::number("p50", "P50", |it| quantile(&it.connect, it.connect.p50_us)).wide(),
    Field::number("p99", "P99", |it| quantile(&it.connect, it.connect.p99_us)).rank(2),
    Field::number("errors", "ERRORS", |it| Cell::count(it.info.attempts_failed)).rank(2),
    Field::text("cause", "CAUSE", |it| Cell::maybe(it.info.cause.as_deref())).rank(5),
    Field::number("next", "NEXT", |it| it.info.next_ms.map_or_else(Cell::nothing, Cell::until))
        .wide(),
    Field::number("total", "TOTAL", |it| Cell::count(it.info.traffic.connections_total)).data(),
    Field::number("bytes_in", "IN", |it| Cell::count(it.info.traffic.bytes_in)).data(),
    Field::number("bytes_out", "OUT", |it| Cell::count(it.info.traffic.bytes_out)).data(),
    Field::number("tunnel_id", "TUNNEL ID", |it| Cell::number(it.tunnel_id)).data(),
];

pub(super) fn backends(rows: &[BackendRow]) -> Listing {
    Listing::new(COLUMNS, rows, |it| it.info.addr.clone())
}

pub(super) fn keys() -> Vec<&'static str> {
    keys_of(COLUMNS)
}
