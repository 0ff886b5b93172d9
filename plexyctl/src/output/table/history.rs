//! The changes, a row for each tunnel that one has changed.

use plexy_shared::history::{ChangeInfo, HistoryReply};

use super::super::listing::{Cell, Column, Listing, keys as keys_of};

/// What a change did to one tunnel.
struct Edited<'a> {
    change: &'a ChangeInfo,
    what: String,
}

type Field<'a> = Column<Edited<'a>>;

/// The columns; a constant cannot name the time for which a reply lives.
const fn columns<'a>() -> [Field<'a>; 6] {
    [
        Field::number("revision", "REVISION", |it| Cell::number(it.change.revision)),
        Field::text("time", "TIME", |it| Cell::text(&it.change.time)).rank(6),
        Field::text("by", "BY", |it| {
            let ChangeInfo { door, actor, .. } = it.change;
            let by = std::iter::once(door.as_str()).chain(actor.as_deref());
            Cell::text(&by.collect::<Vec<_>>().join(" "))
        })
        .rank(7),
        Field::text("door", "DOOR", |it| Cell::text(&it.change.door)).data(),
        Field::text("actor", "ACTOR", |it| Cell::maybe(it.change.actor.as_deref())).data(),
        Field::text("change", "CHANGE", |it| Cell::text(&it.what)).rank(9),
    ]
}

pub(in super::super) fn history(reply: &HistoryReply) -> Listing {
    let edited = reply.changes.iter().flat_map(|change| {
        let mut whats: Vec<_> = change.edits.iter().map(ToString::to_string).collect();
        if change.edits_more > 0 {
            whats.push(format!("{} more tunnels", change.edits_more));
        }
        whats.into_iter().map(move |what| Edited { change, what })
    });
    let edited: Vec<_> = edited.collect();
    Listing::new(&columns(), &edited, |it| it.change.revision.to_string())
}

pub(super) fn keys() -> Vec<&'static str> {
    keys_of(&columns())
}
