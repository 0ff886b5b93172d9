//! A look at all connections of a table, a part of them at a time: who begins or ends a connection
//! waits for one part, and not for the whole.

use std::ops::Range;
use std::sync::Arc;

use super::pace::Rates;
use super::{Entry, Slots, Table};
use crate::tunnel::TunnelId;

/// Connections that are looked at under one lock.
const PART_PLACES: usize = 256;

/// One connection at one moment. All but its entry is near at hand; to follow that costs a look into
/// memory that is in no cache.
#[derive(Debug)]
pub(crate) struct Sight<'a> {
    pub(crate) entry: &'a Arc<Entry>,
    pub(crate) id: u64,
    /// Where it stands in the table, to be [found](Table::find) again.
    pub(crate) place: usize,
    /// Bytes in and out.
    pub(crate) bytes: (u64, u64),
    /// How long it was silent, as far as that is known: not longer than it was.
    pub(crate) idle_ms: u64,
    pub(crate) rates: Rates,
}

impl Table {
    /// Shows every connection that is there all the while, once.
    pub(crate) fn look(&self, mut each: impl FnMut(Sight<'_>)) {
        self.in_parts(|slots, part| {
            let now = self.clock.now_ms();
            for place in part {
                let bytes = slots.cells.bytes(place);
                let Some(slot) = slots.slab.get_mut(place) else { continue };
                slot.silence.saw(bytes.0 + bytes.1, now);
                each(Sight {
                    entry: &slot.entry,
                    id: slot.id,
                    place,
                    bytes,
                    idle_ms: slot.silence.lasts_ms(now),
                    rates: slot.pace.look(bytes, now),
                });
            }
        });
    }

    /// Shows the same, as they are, with their tunnels.
    pub(crate) fn visit(&self, mut each: impl FnMut(TunnelId, &Entry)) {
        self.in_parts(|slots, part| {
            for slot in part.filter_map(|place| slots.slab.get(place)) {
                each(slot.tunnel, &slot.entry);
            }
        });
    }

    /// Goes to all places, a part of them at a time.
    fn in_parts(&self, mut look: impl FnMut(&mut Slots, Range<usize>)) {
        let (mut from, mut end) = (0, PART_PLACES);
        while from < end {
            let mut slots = self.lock();
            end = slots.slab.capacity();
            let part = from..end.min(from + PART_PLACES);
            from = part.end;
            look(&mut slots, part);
        }
    }

    /// The connections of these ids that were seen at these places, those that are there still; the
    /// others are none.
    pub(crate) fn find(&self, seen: &[(usize, u64)]) -> Vec<Option<Arc<Entry>>> {
        let mut found = Vec::with_capacity(seen.len());
        for part in seen.chunks(PART_PLACES) {
            let slots = self.lock();
            found.extend(part.iter().map(|(place, id)| {
                let slot = slots.slab.get(*place).filter(|slot| slot.id == *id);
                slot.map(|slot| Arc::clone(&slot.entry))
            }));
        }
        found
    }
}
