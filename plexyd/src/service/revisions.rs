//! Which revision the daemon is at: that of the newest change before which all are done.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// The revisions of changes that are done.
#[derive(Debug)]
pub(super) struct Revisions {
    /// All up to this one.
    reached: watch::Sender<u64>,
    /// Those done before one that came before them.
    ahead: Mutex<BTreeSet<u64>>,
}

impl Revisions {
    /// Those of a daemon that goes on from this one.
    pub(super) fn from(reached: u64) -> Self {
        Self { reached: watch::Sender::new(reached), ahead: Mutex::default() }
    }

    /// Who reads it and then the tunnels sees all that led to it.
    pub(super) fn reached(&self) -> u64 {
        *self.reached.borrow()
    }

    /// The change of this revision is done.
    pub(super) fn done(&self, revision: u64) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        ahead.insert(revision);
        self.reached.send_if_modified(|reached| {
            let before = *reached;
            while ahead.remove(&(*reached + 1)) {
                *reached += 1;
            }
            *reached != before
        });
    }

    /// Waits until all up to this one are done.
    pub(super) async fn reach(&self, revision: u64) {
        let mut reached = self.reached.subscribe();
        // The sender is here, so there is no error.
        reached.wait_for(|reached| *reached >= revision).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn one_that_is_done_early_waits_for_those_before_it() {
        let revisions = Revisions::from(7);
        let mut ten = Box::pin(revisions.reach(10));
        revisions.done(10);
        revisions.done(8);
        assert_eq!(revisions.reached(), 8);
        assert!(poll!(&mut ten).is_pending());
        revisions.done(9);
        assert_eq!(revisions.reached(), 10);
        assert!(poll!(&mut ten).is_ready());
        assert!(revisions.ahead.lock().unwrap().is_empty());
    }
}
