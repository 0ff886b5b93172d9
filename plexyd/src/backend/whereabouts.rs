//! Where a backend is that was given by name: what the resolver says of it. One that was given by
//! address has nothing of this, as most have.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use super::Target;
use crate::resolver::Addresses;

/// Addresses behind one name that are used at most.
const ADDRESSES_MAX: usize = 16;

/// All that is known of the addresses behind a name.
#[derive(Debug)]
pub(super) struct Whereabouts {
    /// Cancelled when it is known for the first time where it is, or that nobody knows.
    located: CancellationToken,
    known: ArcSwap<Known>,
    /// The target that worked last: attempts begin there.
    preferred: AtomicUsize,
}

/// What is known now.
#[derive(Debug)]
struct Known {
    targets: Vec<Target>,
    /// Why there are none.
    cause: Option<String>,
}

impl Default for Whereabouts {
    fn default() -> Self {
        let cause = Some("its name is being resolved".to_owned());
        Self {
            located: CancellationToken::new(),
            known: ArcSwap::from_pointee(Known { targets: Vec::new(), cause }),
            preferred: AtomicUsize::new(0),
        }
    }
}

impl Whereabouts {
    /// Whether the resolver has had its first answer, or none.
    pub(super) fn is_located(&self) -> bool {
        self.located.is_cancelled()
    }

    pub(super) fn mark_located(&self) {
        self.located.cancel();
    }

    /// Waits for the first answer of the resolver, or for its giving up.
    pub(super) async fn located(&self) {
        self.located.cancelled().await;
    }

    /// Whether there is anything to connect to.
    pub(super) fn is_known(&self) -> bool {
        !self.known.load().targets.is_empty()
    }

    /// Why there is not.
    pub(super) fn cause(&self) -> Option<String> {
        self.known.load().cause.clone()
    }

    /// The targets, the one that worked last first.
    pub(super) fn targets(&self) -> Vec<Target> {
        let mut targets = self.known.load().targets.clone();
        let first = self.preferred.load(Ordering::Relaxed);
        if first < targets.len() {
            targets.rotate_left(first);
        }
        targets
    }

    /// Remembers which target worked.
    pub(super) fn prefer(&self, target: &Target) {
        let known = self.known.load();
        if known.targets.len() > 1
            && let Some(place) = known.targets.iter().position(|known| known == target)
        {
            self.preferred.store(place, Ordering::Relaxed);
        }
    }

    /// Takes the addresses that the name has now; whether they are others. Where it had none,
    /// `at_first` is done before anybody can come.
    pub(super) fn move_to(&self, found: &Addresses, port: u16, at_first: impl FnOnce()) -> bool {
        let known = self.known.load();
        let ips = found.addresses.iter().map(|ip| Target::Tcp(SocketAddr::new(*ip, port)));
        // Where nobody could tell, what was known before still holds.
        let kept = known.targets.iter().filter(|target| target.is_of(found.unanswered));
        let mut targets: Vec<_> = ips.chain(kept.cloned()).collect();
        targets.truncate(ADDRESSES_MAX);
        // A set in another order is the same set: resolvers rotate.
        let is_same = known.targets.len() == targets.len()
            && targets.iter().all(|target| known.targets.contains(target));
        if !is_same {
            if known.targets.is_empty() {
                at_first();
            }
            self.known.store(Arc::new(Known { targets, cause: None }));
            self.preferred.store(0, Ordering::Relaxed);
        }
        !is_same
    }

    /// The name has no addresses any more; whether it had some, or had none for another cause.
    pub(super) fn lose(&self, cause: &str) -> bool {
        let known = self.known.load();
        let is_news = !known.targets.is_empty() || known.cause.as_deref() != Some(cause);
        if is_news {
            let cause = Some(cause.to_owned());
            self.known.store(Arc::new(Known { targets: Vec::new(), cause }));
        }
        is_news
    }
}
