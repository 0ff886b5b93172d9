//! The backends of a tunnel, one a row: what they are and carry, and what stands for and against them.

use plexy_shared::info::{AdminInfo, BackendInfo, CheckInfo};

use super::super::colour::Tint;
use super::super::layout::Layout;
use super::super::listing::{Cell, Column, Listing, NOTHING, Raw, keys as keys_of};
use super::super::safe::safe;
use super::super::units::{short, wait};

type Field = Column<BackendInfo>;

const BACKENDS: &[Field] = &[
    Field::address("backend", "BACKEND", |it| Cell::text(&it.addr)),
    Field::text("state", "STATE", |it| {
        let state = it.state.as_str();
        Cell::text(state).tinted(Tint::of_word(state))
    })
    .rank(9),
    Field::text("admin", "ADMIN", |it| administered(&it.admin)).rank(8),
    Field::number("for", "FOR", |it| Cell::seconds(it.state_seconds)).rank(6),
    Field::text("cause", "CAUSE", |it| Cell::maybe(it.cause.as_deref())).rank(5),
    Field::number("next", "NEXT", |it| it.next_ms.map_or_else(Cell::nothing, Cell::until)),
    Field::number("weight", "WEIGHT", weight),
    Field::text("backup", "BACKUP", |it| {
        Cell::flag(it.backup, if it.backup { "yes" } else { NOTHING })
    }),
    Field::number("connections", "CONN", connections).rank(7),
    Field::number("max_conns", "MAX", |it| {
        it.max_conns.map_or_else(Cell::nothing, |max| Cell::number(max.into()))
    })
    .wide(),
    Field::number("total", "TOTAL", |it| Cell::count(it.traffic.connections_total)),
    Field::number("in", "IN", |it| Cell::count(it.traffic.bytes_in)).rank(2),
    Field::number("out", "OUT", |it| Cell::count(it.traffic.bytes_out)).rank(2),
    Field::number("failed", "FAILED", |it| Cell::count(it.attempts_failed)).rank(3),
    Field::text("by", "ADMIN BY", |it| Cell::maybe(it.admin.by.as_deref())).wide(),
    Field::text("addresses", "ADDRESSES", |it| Cell::maybe(Some(&it.addresses.join(" ")))).wide(),
];

/// The names by which clients come to the backends, where these decide.
const NAMES: &[Field] = &[Field::text("sni", "SNI", |it| match it.sni.is_empty() {
    true => Cell::nothing().shown_as("all others"),
    false => Cell::text(&it.sni.join(" ")),
})];

/// What each part says of their health.
const HEALTH: &[Field] = &[
    Field::text("check", "CHECK", |it| match &it.check {
        None => Cell::nothing().shown_as("none"),
        Some(check) => {
            let state = check.state.as_str();
            Cell::text(&check.to_string())
                .with_raw(Raw::Text(safe(state)))
                .tinted(Tint::of_word(state))
        }
    })
    .rank(9),
    Field::number("check_for", "FOR", |it| of_check(it, |it| Cell::seconds(it.state_seconds))),
    Field::text("check_result", "RESULT", |it| {
        of_check(it, |check| match check.took_us {
            None => Cell::nothing(),
            Some(_) => Cell::text(check.failure.as_deref().unwrap_or("passed")),
        })
    })
    .rank(8),
    Field::number("check_took", "TOOK", |it| {
        of_check(it, |check| check.took_us.map_or_else(Cell::nothing, Cell::micros))
    }),
    Field::number("check_next", "NEXT", |it| of_check(it, |check| Cell::until(check.next_ms))),
    Field::text("ejected", "EJECTED", |it| match &it.ejection {
        None => Cell::nothing().shown_as("no"),
        Some(ejection) => Cell::seconds(ejection.seconds).tinted(Some(Tint::Bad)),
    })
    .rank(7),
    Field::text("ejected_cause", "CAUSE", |it| {
        Cell::maybe(it.ejection.as_ref().map(|ejection| ejection.cause.as_str()))
    })
    .rank(6),
    Field::number("probe", "PROBE", |it| {
        let probe = it.ejection.as_ref().and_then(|ejection| ejection.probe_ms);
        probe.map_or_else(Cell::nothing, Cell::until)
    }),
];

/// All that is known of them.
pub(super) fn all(backends: &[BackendInfo]) -> Listing {
    let of = |columns| Listing::new(columns, backends, |it| it.addr.clone());
    of(BACKENDS).beside(of(NAMES)).beside(of(HEALTH))
}

pub(super) fn keys() -> Vec<&'static str> {
    [BACKENDS, NAMES, HEALTH].into_iter().flat_map(keys_of).collect()
}

/// The same as tables, where there is something to say; all of them are in one order.
pub(super) fn tables(backends: &[BackendInfo], layout: &Layout<'_>) -> String {
    let all = all(backends).sorted(layout.view);
    let table = |keys: Vec<&str>| layout.table(all.only(&keys));
    let more = |columns| {
        let keys = std::iter::once("backend").chain(keys_of(columns)).collect();
        format!("\n{}", table(keys))
    };
    let mut text = table(keys_of(BACKENDS));
    if backends.iter().any(|backend| !backend.sni.is_empty()) {
        text.push_str(&more(NAMES));
    }
    if backends.iter().any(|backend| backend.check.is_some() || backend.ejection.is_some()) {
        text.push_str(&more(HEALTH));
    }
    text
}

fn of_check(backend: &BackendInfo, cell: fn(&CheckInfo) -> Cell) -> Cell {
    backend.check.as_ref().map_or_else(Cell::nothing, cell)
}

/// What somebody wants, and when what is left of it ends.
fn administered(admin: &AdminInfo) -> Cell {
    let state = admin.state.as_str();
    let cell = Cell::text(state).tinted(Tint::of_word(state));
    match admin.deadline_ms {
        None => cell,
        Some(left) => cell.shown_as(format!("{}, {} left", safe(state), wait(left))),
    }
}

/// All of it, behind what of it counts for now.
fn weight(backend: &BackendInfo) -> Cell {
    let now = backend.effective_weight.map(|weight| format!("{weight} of "));
    let shown = format!("{}{}", now.unwrap_or_default(), backend.weight);
    Cell::number(backend.weight.into()).shown_as(shown)
}

fn connections(backend: &BackendInfo) -> Cell {
    let cell = Cell::count(backend.traffic.connections);
    match backend.max_conns {
        None => cell,
        Some(max) => {
            let shown = format!("{}/{}", short(backend.traffic.connections), short(max.into()));
            cell.shown_as(shown)
        }
    }
}
