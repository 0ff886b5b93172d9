//! Clients that are parked: each waits for its turn, in the order in which they were accepted.
//!
//! It knows neither tunnels nor backends, nor what a turn is for: whoever frees something wakes the
//! first one, and nobody else. That one looks whether there is enough for it; if so it leaves, which
//! wakes the next one, and so on.
//!
//! Where not all wait for the same, they stand in lanes: the first of each is woken, and none is in the
//! way of those in other lanes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::histogram::{Histogram, PARKED_TIMES};

/// The parked clients of a tunnel.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// By their lanes and the numbers of their connections, which rise with each that is accepted.
    parked: Mutex<BTreeMap<(Lane, u64), Waiting>>,
    /// How long those were parked who are no more.
    pub(crate) times: Histogram,
}

/// A line of clients who wait for the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Lane(pub(crate) usize);

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
    /// Parks a client in a lane, unless `max` are parked already in all of them.
    pub(crate) fn park(&self, lane: Lane, connection: u64, max: u64) -> bool {
        let mut parked = self.lock();
        let has_room = (parked.len() as u64) < max;
        if has_room {
            let waiting = Waiting { turn: Arc::default(), since: Instant::now() };
            parked.insert((lane, connection), waiting);
        }
        has_room
    }

    /// The place of a client that was [parked](Self::park).
    pub(crate) fn place(&self, connection: u64) -> Option<Parked<'_>> {
        let parked = self.lock();
        let turn = Arc::clone(&parked.get(&key(&parked, connection)?)?.turn);
        Some(Parked { queue: self, connection, turn })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.lock().len() as u64
    }

    /// Whether that connection is one of them.
    pub(crate) fn has(&self, connection: u64) -> bool {
        key(&self.lock(), connection).is_some()
    }

    /// Whether somebody is parked in a lane who has come before that connection.
    pub(crate) fn has_before(&self, lane: Lane, connection: u64) -> bool {
        self.lock().range((lane, 0)..(lane, connection)).next().is_some()
    }

    /// Has a client wait in this lane, if it is parked.
    pub(crate) fn change_lane(&self, connection: u64, lane: Lane) {
        let mut parked = self.lock();
        let Some(before) = key(&parked, connection).filter(|(before, _)| *before != lane) else {
            return;
        };
        if let Some(waiting) = parked.remove(&before) {
            parked.insert((lane, connection), waiting);
            drop(parked);
            // It may have been the first one where it was, and told of something.
            self.wake();
        }
    }

    /// Has the first one of each lane look whether it can go on.
    ///
    /// Whoever frees something calls this behind it, and whoever is parked looks for itself once it
    /// is in the queue: in between is the lock, so that one of both sees the other.
    pub(crate) fn wake(&self) {
        firsts(&self.lock()).for_each(|(_, first)| first.turn.notify_one());
    }

    /// Takes a client out, if it is parked.
    pub(crate) fn leave(&self, connection: u64) {
        let left = {
            let mut parked = self.lock();
            key(&parked, connection).and_then(|key| parked.remove(&key))
        };
        if let Some(Waiting { since, .. }) = left {
            self.times.observe(&PARKED_TIMES, since.elapsed());
            // It may have been the first one, and told of something that it has not taken.
            self.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Lane, u64), Waiting>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first one of each lane: most queues have one.
fn firsts(parked: &BTreeMap<(Lane, u64), Waiting>) -> impl Iterator<Item = (Lane, &Waiting)> {
    let mut from = Some(Lane::default());
    std::iter::from_fn(move || {
        let ((lane, _), waiting) = parked.range((from?, 0)..).next()?;
        from = lane.0.checked_add(1).map(Lane);
        Some((*lane, waiting))
    })
}

/// Where a client stands who is parked: there are few lanes.
fn key(parked: &BTreeMap<(Lane, u64), Waiting>, connection: u64) -> Option<(Lane, u64)> {
    let mut keys = firsts(parked).map(|(lane, _)| (lane, connection));
    keys.find(|key| parked.contains_key(key))
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
        let lane = Lane::default();
        assert!([2, 3, 1].into_iter().all(|it| queue.park(lane, it, 3)));
        assert!(!queue.park(lane, 4, 3), "it is full");
        let place = |connection| queue.place(connection).unwrap();
        let (first, second, third) = (place(1), place(2), place(3));
        assert_eq!([1, 2, 4].map(|it| queue.has_before(lane, it)), [false, true, true]);
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
        let observed = queue.times.observed(&PARKED_TIMES).unwrap();
        assert_eq!(observed.counts.iter().sum::<u64>(), 3);
    }

    #[test]
    fn a_turn_that_comes_before_it_is_waited_for_is_not_lost() {
        let queue = Queue::default();
        queue.park(Lane::default(), 1, 1);
        queue.wake();
        assert!(is_woken(&queue.place(1).unwrap()));
    }

    #[test]
    fn lanes_are_not_in_the_way_of_each_other_and_can_be_changed() {
        let queue = Queue::default();
        let (one, other) = (Lane(1), Lane(usize::MAX));
        assert!([1, 2].into_iter().all(|it| queue.park(one, it, 4)));
        assert!(queue.park(other, 3, 4) && queue.park(Lane::default(), 4, 4));
        assert!(!queue.park(other, 5, 4), "all of it is full");
        assert_eq!((queue.has_before(one, 5), queue.has_before(other, 3)), (true, false));
        let places = [1, 2, 3].map(|it| queue.place(it).unwrap());

        queue.wake();
        assert_eq!(places.each_ref().map(is_woken), [true, false, true]);
        // The one that stood behind it looks for itself, and those behind the place that it takes wait.
        queue.change_lane(1, other);
        assert_eq!(places.each_ref().map(is_woken), [true, true, false]);
        assert!(queue.has_before(other, 3) && !queue.has_before(one, 2));
        // Who stays where it is wakes nobody, nor does who is not parked.
        queue.change_lane(1, other);
        queue.change_lane(9, one);
        assert_eq!(places.each_ref().map(is_woken), [false; 3]);
        drop(places);
        assert_eq!((queue.len(), queue.has(4)), (1, true));
    }
}
