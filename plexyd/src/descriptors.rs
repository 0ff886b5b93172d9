//! The descriptors of the process, counted before they are taken.
//!
//! Every connection, listener and probe asks here first, so that the data
//! path runs into this count and not into `EMFILE`: a reserve always stays
//! for the control sockets, files and the resolver.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use plexy_shared::event::EventKind;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::events::{Events, Happening};
use crate::fold::Fold;

/// Descriptors that the data path never takes, besides those that are open
/// when it starts: 64 control sessions, 100 connections of JSON-RPC, 16 for
/// metrics, 64 sockets of the resolver, and room for files and for a client that
/// is accepted to be reset.
pub(crate) const RESERVE: u64 = 280;

/// How long a client waits in the kernel's queue for descriptors before it is
/// accepted out of the reserve and reset. Being told is better than waiting
/// for ever, and it is what ends a loop of tunnels through other proxies.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// The descriptors that the data path may still take.
#[derive(Debug)]
pub(crate) struct Descriptors {
    free: Arc<Semaphore>,
    total: usize,
    pauses: AtomicU64,
    waiting: AtomicUsize,
    shortages: Fold,
    events: Arc<Events>,
}

/// Somebody who waits for descriptors, until this is dropped.
#[derive(Debug)]
struct Waiting<'a>(&'a AtomicUsize);

/// Descriptors taken; given back on drop.
#[derive(Debug)]
pub(crate) struct Taken {
    permit: OwnedSemaphorePermit,
}

impl Descriptors {
    /// `limit` less the reserve.
    pub(crate) fn new(limit: u64, events: Arc<Events>) -> Self {
        let free = limit.saturating_sub(RESERVE).max(1);
        let free = usize::try_from(free).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(free)),
            total: free,
            pauses: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            shortages: Fold::default(),
            events,
        }
    }

    /// How often somebody had to wait for one.
    pub(crate) fn pauses(&self) -> u64 {
        self.pauses.load(Ordering::Relaxed)
    }

    /// How many wait for some now.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many there are in all.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// How many are left.
    pub(crate) fn left(&self) -> usize {
        self.free.available_permits()
    }

    /// Takes `count`, if there are so many.
    pub(crate) fn try_take(&self, count: u32) -> Option<Taken> {
        let permit = Arc::clone(&self.free).try_acquire_many_owned(count).ok()?;
        Some(Taken { permit })
    }

    /// Takes `count` for what is no more than useful: only while more than a quarter is left.
    pub(crate) fn try_take_spare(&self, count: u32) -> Option<Taken> {
        if self.free.available_permits() > self.total / 4 { self.try_take(count) } else { None }
    }

    /// Takes `count` when there are so many, first come first served; nothing
    /// if there are not within [`PATIENCE`].
    pub(crate) async fn take(&self, count: u32) -> Option<Taken> {
        self.pauses.fetch_add(1, Ordering::Relaxed);
        let _waiting = self.wait();
        let acquire = Arc::clone(&self.free).acquire_many_owned(count);
        let permit = tokio::time::timeout(PATIENCE, acquire).await.ok()?.ok()?;
        Some(Taken { permit })
    }

    fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.shortages.admits(|| "no file descriptors are left".to_owned()) {
            self.events.tell(Happening::new(EventKind::DescriptorsLow).detail(format!(
                "no file descriptors are left of the {} for connections: tunnels accept none until \
                 some are; raise the limit (`ulimit -n`, `LimitNOFILE=`)",
                self.total
            )));
        }
        Waiting(&self.waiting)
    }
}

impl Taken {
    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.permit.num_permits()).unwrap_or(u32::MAX)
    }

    /// Gives back all but one.
    pub(crate) fn shrink(&mut self) {
        let spare = self.permit.num_permits().saturating_sub(1);
        drop(self.permit.split(spare));
    }

    /// Takes the others along.
    pub(crate) fn merge(&mut self, other: Self) {
        self.permit.merge(other.permit);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Raises the process's limit as far as it may, and tells it.
pub(crate) fn raise_limit() -> io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let Some(most) = limit.maximum else { return Ok(limit.current.unwrap_or(u64::MAX)) };
    if limit.current != Some(most) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_taken_is_given_back_by_drop() {
        let descriptors = Descriptors::new(RESERVE + 3, Arc::default());
        let taken = descriptors.try_take(2);
        assert!(taken.is_some());
        assert!(descriptors.try_take(2).is_none());
        drop(taken);
        assert_eq!(descriptors.left(), 3);
        let mut taken = descriptors.try_take(3).unwrap();
        taken.shrink();
        assert_eq!(descriptors.left(), 2);
        taken.merge(descriptors.try_take(1).unwrap());
        assert_eq!(descriptors.left(), 1);
        drop(taken);
        assert_eq!(descriptors.left(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_descriptors_has_an_end() {
        let descriptors = Descriptors::new(RESERVE + 1, Arc::default());
        let (taken, waiting) =
            tokio::join!(biased; descriptors.take(2), async { descriptors.waiting() });
        assert!(taken.is_none());
        assert_eq!((waiting, descriptors.waiting()), (1, 0));
    }
}
