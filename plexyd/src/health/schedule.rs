//! When which check comes: one queue for all of them, in which those of
//! backends that are removed leave nothing behind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::backend::Backend;
use crate::backend::checked::{Round, Ticket};
use crate::tunnel::Tunnel;

/// A check that is to come.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) tunnel: Arc<Tunnel>,
    pub(super) backend: Arc<Backend>,
    pub(super) round: Round,
}

/// All that are to come.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    queue: Mutex<Queue>,
    /// One has come that is due before all others.
    is_sooner: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    entries: BTreeMap<Ticket, Entry>,
    last_number: u64,
}

impl Schedule {
    /// It comes then.
    pub(super) fn enter(&self, due: Instant, entry: Entry) -> Ticket {
        let mut queue = self.queue();
        queue.last_number += 1;
        let ticket = Ticket { due, number: queue.last_number };
        queue.entries.insert(ticket, entry);
        let is_first = queue.entries.first_key_value().is_some_and(|(first, _)| *first == ticket);
        drop(queue);
        if is_first {
            self.is_sooner.notify_one();
        }
        ticket
    }

    /// It does not come.
    pub(super) fn leave(&self, ticket: Ticket) {
        self.queue().entries.remove(&ticket);
    }

    /// Waits for the one that is due next, and takes it.
    pub(super) async fn next(&self) -> Entry {
        loop {
            match self.take_due(Instant::now()) {
                Ok(entry) => return entry,
                Err(None) => self.is_sooner.notified().await,
                Err(Some(due)) => tokio::select! {
                    () = self.is_sooner.notified() => {}
                    () = tokio::time::sleep_until(due.into()) => {}
                },
            }
        }
    }

    /// The first one that is due, or else when one will be, if there is one.
    fn take_due(&self, now: Instant) -> Result<Entry, Option<Instant>> {
        let mut queue = self.queue();
        let first = queue.entries.first_entry().ok_or(None)?;
        if first.key().due > now { Err(Some(first.key().due)) } else { Ok(first.remove()) }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// An entry that is told from others by the port of its backend.
    fn entry(port: u16) -> Entry {
        let (tunnel, backend) = Tunnel::of(&format!("1={port}"));
        let mut begun = None;
        backend.checked.begin(|round| {
            begun = Some(round);
            Ticket { due: Instant::now(), number: 0 }
        });
        Entry { tunnel, backend, round: begun.unwrap() }
    }

    #[test]
    fn they_come_in_their_order_and_those_that_left_do_not() {
        let (schedule, now) = (Schedule::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        for (port, seconds) in [(3, 3), (1, 1), (2, 2), (4, 2)] {
            let ticket = schedule.enter(at(seconds), entry(port));
            if port == 4 {
                schedule.leave(ticket);
                schedule.leave(ticket);
            }
        }
        let mut taken = Vec::new();
        assert_eq!(schedule.take_due(now).err(), Some(Some(at(1))));
        while let Ok(entry) = schedule.take_due(at(2)) {
            taken.push(entry.backend.addr.to_string());
        }
        assert_eq!(taken, ["127.0.0.1:1", "127.0.0.1:2"]);
        assert_eq!(schedule.take_due(at(2)).err(), Some(Some(at(3))));
        assert!(schedule.take_due(at(3)).is_ok());
        assert_eq!(schedule.take_due(at(9)).err(), Some(None));
    }

    #[tokio::test]
    async fn who_waits_hears_of_one_that_comes_sooner() {
        let schedule = Schedule::default();
        schedule.enter(Instant::now() + Duration::from_secs(3_600), entry(1));
        let sooner = async { schedule.enter(Instant::now(), entry(2)) };
        let (next, _) = tokio::join!(biased; schedule.next(), sooner);
        assert_eq!(next.backend.addr.to_string(), "127.0.0.1:2");
    }
}
