//! Clients that are parked: each waits for its turn, in the order in which they were accepted.
//!
//! It knows neither tunnels nor backends, nor what a turn is for: whoever frees something wakes the
//! first one, and nobody else. That one looks whether there is enough for it; if so it leaves, which
//! wakes the next one, and so on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::histogram::{Histogram, PARKED_TIMES};

/// The parked clients of a tunnel.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// By the numbers of their connections, which rise with each that is accepted.
    parked: Mutex<BTreeMap<u64, Waiting>>,
    /// How long those were parked who are no more.
    pub(crate) times: Histogram,
}

/// One of them.
#[derive(Debug, Clone)]
struct Waiting {
    turn: Arc<Notify>,
    since: Instant,
}

/// A place in the queue, given up by drop.
#[derive(Debug)]
pub(crate) struct Parked<'a> {
    queue: &'a Queue,
    connection: u64,
    turn: Arc<Notify>,
}

impl Queue {
    /// Parks a client, unless `max` are parked already.
    pub(crate) fn park(&self, connection: u64, max: u64) -> bool {
        let mut parked = self.lock();
        let has_room = (parked.len() as u64) < max;
        if has_room {
            let waiting = Waiting { turn: Arc::default(), since: Instant::now() };
            parked.insert(connection, waiting);
        }
        has_room
    }

    /// The place of a client that was [parked](Self::park).
    pub(crate) fn place(&self, connection: u64) -> Option<Parked<'_>> {
        let turn = Arc::clone(&self.lock().get(&connection)?.turn);
        Some(Parked { queue: self, connection, turn })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.lock().len() as u64
    }

    /// Whether that connection is one of them.
    pub(crate) fn has(&self, connection: u64) -> bool {
        self.lock().contains_key(&connection)
    }

    /// Whether somebody is parked who has come before that connection.
    pub(crate) fn has_before(&self, connection: u64) -> bool {
        self.lock().first_key_value().is_some_and(|(first, _)| *first < connection)
    }

    /// Has the first one look whether it can go on.
    ///
    /// Whoever frees something calls this behind it, and whoever is parked looks for itself once it
    /// is in the queue: in between is the lock, so that one of both sees the other.
    pub(crate) fn wake(&self) {
        if let Some((_, first)) = self.lock().first_key_value() {
            first.turn.notify_one();
        }
    }

    /// Takes a client out, if it is parked.
    pub(crate) fn leave(&self, connection: u64) {
        let left = self.lock().remove(&connection);
        if let Some(Waiting { since, .. }) = left {
            self.times.observe(&PARKED_TIMES, since.elapsed());
            // It may have been the first one, and told of something that it has not taken.
            self.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Waiting>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parked<'_> {
    /// Waits for the next turn: it is the first one, and something was freed.
    pub(crate) async fn turn(&self) {
        self.turn.notified().await;
    }
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.queue.leave(self.connection);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Whether it has its turn.
    fn is_woken(parked: &Parked<'_>) -> bool {
        let turn = pin!(parked.turn());
        turn.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn the_first_of_those_who_are_parked_is_woken_and_nobody_else() {
        let queue = Queue::default();
        // Whoever tries once more came before those that were never let in.
        assert!(queue.park(2, 3) && queue.park(3, 3) && queue.park(1, 3));
        assert!(!queue.park(4, 3), "it is full");
        let place = |connection| queue.place(connection).unwrap();
        let (first, second, third) = (place(1), place(2), place(3));
        assert!(!queue.has_before(1) && queue.has_before(2) && queue.has_before(4));
        assert!(queue.has(3) && !queue.has(4));

        queue.wake();

        assert_eq!([&first, &second, &third].map(is_woken), [true, false, false]);
        // Who leaves lets the next one look, however often it was woken itself.
        drop(first);
        assert_eq!([&second, &third].map(is_woken), [true, false]);
        drop(third);
        assert_eq!(queue.len(), 1);
        drop(second);
        assert_eq!((queue.len(), queue.place(2).is_none()), (0, true));
        let observed = queue.times.observed().unwrap();
        assert_eq!(observed.counts.iter().sum::<u64>(), 3);
    }

    #[test]
    fn a_turn_that_comes_before_it_is_waited_for_is_not_lost() {
        let queue = Queue::default();
        queue.park(1, 1);
        queue.wake();
        assert!(is_woken(&queue.place(1).unwrap()));
    }
}
