//! The counts of all connections of a worker side by side, so that a look at thousands of them reads
//! few lines of the cache, and in order: what a connection has for itself is in no cache any more
//! after seconds of silence.

use std::array;
use std::ops::Deref;
use std::sync::Arc;

use crate::traffic::Flow;

/// Cells that are made at once: a page of 4 KiB.
const PART_CELLS: usize = 1 << u8::BITS;

/// Some of them. One thread writes them all, that of the worker, so that neighbours do not disturb
/// each other.
#[derive(Debug)]
struct Part([Flow; PART_CELLS]);

/// As many as the table has ever had places; like its places they are kept for those who come.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    parts: Vec<Arc<Part>>,
}

/// The counts of one connection. Once that has left the table they are another one's.
#[derive(Debug)]
pub(crate) struct Cell {
    part: Arc<Part>,
    place: u8,
}

impl Cells {
    /// The cell of a place for a connection that begins.
    pub(super) fn begin(&mut self, place: usize) -> Cell {
        let (number, place) = split(place);
        while self.parts.len() <= number {
            self.parts.push(Arc::new(Part(array::from_fn(|_| Flow::default()))));
        }
        let part = self.parts.get(number).expect("there are more parts than that number");
        let cell = Cell { part: Arc::clone(part), place };
        cell.reset();
        cell
    }

    /// Bytes in and out of the connection that has this place.
    pub(super) fn bytes(&self, place: usize) -> (u64, u64) {
        let (number, place) = split(place);
        self.parts.get(number).map_or((0, 0), |part| part.flow(place).bytes())
    }
}

/// The number of a part, and the place in it.
fn split(place: usize) -> (usize, u8) {
    let within = u8::try_from(place % PART_CELLS);
    (place / PART_CELLS, within.expect("a part has as many cells as a byte has values"))
}

impl Part {
    fn flow(&self, place: u8) -> &Flow {
        self.0.get(usize::from(place)).expect("a part has a cell for each value of a byte")
    }
}

impl Deref for Cell {
    type Target = Flow;

    fn deref(&self) -> &Flow {
        self.part.flow(self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Direction;

    #[test]
    fn each_place_has_a_cell_of_its_own_that_begins_at_zero() {
        let mut cells = Cells::default();
        let places = [0, 1, 255, 256, 700];
        let begun: Vec<_> = places.iter().map(|place| (*place, cells.begin(*place))).collect();
        for (place, cell) in &begun {
            cell.count(Direction::In, place + 1);
            cell.count(Direction::Out, 2);
        }
        for place in places {
            assert_eq!(cells.bytes(place), (place as u64 + 1, 2));
        }
        assert_eq!((cells.bytes(2), cells.bytes(10_000)), ((0, 0), (0, 0)));
        cells.begin(255);
        assert_eq!((cells.bytes(255), cells.bytes(256)), ((0, 0), (257, 2)));
    }

    #[test]
    fn a_connection_holds_two_words_for_its_cell() {
        assert_eq!(size_of::<Cell>(), 16);
        assert_eq!(size_of::<Part>(), 4096);
    }
}
