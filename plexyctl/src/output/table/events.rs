//! What has happened, one event a row.

use plexy_shared::event::Event;

use super::super::colour::Tint;
use super::super::listing::{Cell, Column, Listing, keys as keys_of};
use super::super::safe::safe;
use super::super::screen::Screen;

type Field = Column<Event>;

const COLUMNS: &[Field] = &[
    Field::number("seq", "SEQ", |it| Cell::number(it.seq)),
    Field::text("time", "TIME", |it| Cell::text(&it.time)).rank(6),
    Field::text("severity", "SEVERITY", |it| {
        let severity = it.severity.as_str();
        Cell::text(severity).tinted(Tint::of_word(severity))
    })
    .rank(7),
    Field::text("kind", "KIND", |it| Cell::text(it.kind.as_str())).wide(),
    Field::text("tunnel", "TUNNEL", |it| Cell::maybe(it.tunnel.as_deref())).wide(),
    Field::address("backend", "BACKEND", |it| Cell::maybe(it.backend.as_deref())).wide(),
    Field::text("actor", "ACTOR", |it| Cell::maybe(it.actor.as_deref())).wide(),
    Field::number("revision", "REVISION", |it| {
        it.revision.map_or_else(Cell::nothing, Cell::number)
    })
    .wide(),
    Field::text("event", "EVENT", |it| Cell::text(&it.to_string())).rank(9),
];

pub(in super::super) fn events(events: &[Event]) -> Listing {
    Listing::new(COLUMNS, events, |it| it.seq.to_string())
}

pub(super) fn keys() -> Vec<&'static str> {
    keys_of(COLUMNS)
}

/// One where there may be no end of them, so that nothing can be put in line.
pub(in super::super) fn line(event: &Event, screen: Screen) -> String {
    let Event { seq, time, severity, .. } = event;
    let word = safe(severity.as_str());
    let word = match Tint::of_word(severity.as_str()) {
        Some(tint) => tint.paint(word, screen.has_colour),
        None => word,
    };
    format!("{seq} {} {word} {}\n", safe(time), safe(&event.to_string()))
}
