//! Who is in at a door, and who has to leave when it is full: nobody can lock
//! an operator out by staying.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// All clients of one door.
#[derive(Debug)]
pub(crate) struct Guests {
    max: usize,
    present: Mutex<BTreeMap<u64, Arc<Guest>>>,
    left: Notify,
    /// Rises with every sign of life of any of them.
    clock: Arc<AtomicU64>,
}

/// One client, as the others see it.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Its number among all that ever came.
    pub(crate) id: u64,
    /// Cancelled when it has to make room.
    pub(crate) evicted: CancellationToken,
    /// Whether it may ask for things: a stranger makes room first.
    is_trusted: AtomicBool,
    /// Things that are under way for it.
    busy: AtomicUsize,
    /// The lowest one is idle longest.
    last_sign: AtomicU64,
    clock: Arc<AtomicU64>,
}

/// A guest's stay; it ends by drop.
#[derive(Debug)]
pub(crate) struct Stay {
    pub(crate) guest: Arc<Guest>,
    guests: Arc<Guests>,
}

/// Something is under way for a guest, until drop.
#[derive(Debug)]
pub(crate) struct Busy {
    guest: Arc<Guest>,
}

impl Guests {
    /// A door for so many at once.
    pub(crate) fn new(max: usize) -> Self {
        Self { max, present: Mutex::default(), left: Notify::new(), clock: Arc::default() }
    }

    fn present(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Guest>>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one in; where the door is full at the cost of a stranger, else of
    /// one for whom nothing is under way, and of those the one idle longest.
    pub(crate) fn enter(self: &Arc<Self>, is_trusted: bool) -> Stay {
        let id = self.clock.fetch_add(1, Ordering::Relaxed);
        let guest = Arc::new(Guest {
            id,
            evicted: CancellationToken::new(),
            is_trusted: AtomicBool::new(is_trusted),
            busy: AtomicUsize::new(0),
            last_sign: AtomicU64::new(id),
            clock: Arc::clone(&self.clock),
        });
        let mut present = self.present();
        if present.len() >= self.max {
            let first_to_leave = present.iter().min_by_key(|(_, guest)| guest.rank());
            // Out of the list at once: the next newcomer takes the next one.
            if let Some(guest) =
                first_to_leave.map(|(id, _)| *id).and_then(|id| present.remove(&id))
            {
                guest.evicted.cancel();
            }
        }
        present.insert(id, Arc::clone(&guest));
        Stay { guest, guests: Arc::clone(self) }
    }

    /// Has everybody leave.
    pub(crate) fn evict_all(&self) {
        for guest in self.present().values() {
            guest.evicted.cancel();
        }
    }

    /// Waits until nobody is in.
    pub(crate) async fn gone(&self) {
        loop {
            let left = self.left.notified();
            if self.present().is_empty() {
                return;
            }
            left.await;
        }
    }
}

impl Guest {
    fn rank(&self) -> (bool, bool, u64) {
        (
            self.is_trusted.load(Ordering::Relaxed),
            self.busy.load(Ordering::Relaxed) > 0,
            self.last_sign.load(Ordering::Relaxed),
        )
    }

    /// It has said something.
    pub(crate) fn touch(&self) {
        self.last_sign.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// It has shown that it may ask for things.
    pub(crate) fn trust(&self) {
        self.is_trusted.store(true, Ordering::Relaxed);
    }

    /// Something is under way for it.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy { guest: Arc::clone(self) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.guest.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.guests.present().remove(&self.guest.id);
        self.guests.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(stay: &Stay) -> bool {
        !stay.guest.evicted.is_cancelled()
    }

    #[test]
    fn a_stranger_leaves_first_then_whoever_is_idle_longest() {
        let guests = Arc::new(Guests::new(3));
        let (first, second, stranger) =
            (guests.enter(true), guests.enter(true), guests.enter(false));
        first.guest.touch();
        let fourth = guests.enter(true);
        assert_eq!([&first, &second, &stranger].map(is_in), [true, true, false]);
        let fifth = guests.enter(true);
        assert_eq!([&first, &second, &fourth, &fifth].map(is_in), [true, false, true, true]);
    }

    #[test]
    fn whoever_waits_for_something_stays() {
        let guests = Arc::new(Guests::new(2));
        let (busy, idle) = (guests.enter(true), guests.enter(true));
        let _under_way = busy.guest.busy();
        let _third = guests.enter(true);
        assert_eq!([&busy, &idle].map(is_in), [true, false]);
    }
}
