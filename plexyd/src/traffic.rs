//! Counts of connections and bytes: the live cells of one connection
//! ([`Flow`]), and what ended connections have left behind ([`Totals`]).

use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of one connection. Written by the task that carries it and by
/// nobody else, so that a plain load and store count without contention.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the client to the backend.
    In,
    /// From the backend to the client.
    Out,
}

impl Flow {
    /// Counts bytes that were written. Only the connection's own task may.
    pub(crate) fn count(&self, direction: Direction, bytes: usize) {
        let cell = match direction {
            Direction::In => &self.bytes_in,
            Direction::Out => &self.bytes_out,
        };
        cell.store(cell.load(Ordering::Relaxed) + bytes as u64, Ordering::Relaxed);
    }

    /// Counts from zero, for the next connection.
    pub(crate) fn reset(&self) {
        self.bytes_in.store(0, Ordering::Relaxed);
        self.bytes_out.store(0, Ordering::Relaxed);
    }

    /// Bytes in and out until now.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.bytes_in.load(Ordering::Relaxed), self.bytes_out.load(Ordering::Relaxed))
    }
}

/// What a tunnel or a backend has counted.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    live: AtomicU64,
    total: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// How often something else has changed that is told of it.
    changes: AtomicU64,
}

impl Totals {
    /// Connections that live now.
    pub(crate) fn live(&self) -> u64 {
        self.live.load(Ordering::Relaxed)
    }

    /// Connections since the beginning.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Bytes in and out of the connections that have ended.
    pub(crate) fn bytes_ended(&self) -> (u64, u64) {
        (self.bytes_in.load(Ordering::Relaxed), self.bytes_out.load(Ordering::Relaxed))
    }

    /// Whether one more may live.
    pub(crate) fn has_room(&self, max: Option<u32>) -> bool {
        max.is_none_or(|max| self.live() < u64::from(max))
    }

    /// One more that may live, given back with [`Totals::leave`]; refused
    /// where `max` live already.
    pub(crate) fn enter(&self, max: Option<u32>) -> bool {
        let Some(max) = max else {
            self.live.fetch_add(1, Ordering::Relaxed);
            return true;
        };
        // One that is refused must not be seen by another one, which would be refused for it.
        let more = |live| (live < u64::from(max)).then_some(live + 1);
        self.live.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// One less that lives.
    pub(crate) fn leave(&self) {
        self.live.fetch_sub(1, Ordering::Relaxed);
    }

    /// One more that has come to be.
    pub(crate) fn count(&self) {
        self.total.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps what an ended connection has moved.
    pub(crate) fn keep(&self, flow: &Flow) {
        let (bytes_in, bytes_out) = flow.bytes();
        self.bytes_in.fetch_add(bytes_in, Ordering::Relaxed);
        self.bytes_out.fetch_add(bytes_out, Ordering::Relaxed);
    }

    /// Something else has changed of what is counted here, or of how it is. Told behind the change, so
    /// that who looks again and again looks at that then.
    pub(crate) fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// A number that stays as long as nothing else changes. Asked before all that, it is never newer
    /// than that is.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Counts from zero, for another one.
    pub(crate) fn reset(&self) {
        let Self { live, total, bytes_in, bytes_out, changes } = self;
        for cell in [live, total, bytes_in, bytes_out, changes] {
            cell.store(0, Ordering::Relaxed);
        }
    }
}
