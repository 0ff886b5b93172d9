//! The look that all who watch share: what was counted at the look before stays, so that rates can be
//! told, for as long as somebody watches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::look::Look;

/// How long what was counted is kept for who may look again.
const LEASE: Duration = Duration::from_secs(10);

/// How long a count may be told again: less than the shortest interval, so that nobody is told the
/// same twice for it.
const FRESH_MIN: Duration = Duration::from_millis(50);

/// A count that took long is told again for so many times as long: counting takes a tenth of one CPU
/// at most, whoever wants it how often.
const FRESH_FACTOR: u32 = 10;

/// What all who watch share.
#[derive(Debug, Default)]
pub(in crate::service) struct Sampler(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    kept: Option<Kept>,
    /// Whether a task waits to forget it.
    is_attended: bool,
}

/// The newest look.
#[derive(Debug)]
struct Kept {
    look: Arc<Look>,
    fresh_until: Instant,
    /// When it is forgotten if nobody looks again.
    until: Instant,
    /// Those who will look again, but later.
    patient: Vec<(Weak<()>, Instant)>,
}

/// Who watches, and how often. What is kept for them ends with this.
#[derive(Debug, Clone)]
pub(crate) struct Watcher {
    every: Duration,
    alive: Arc<()>,
}

impl Watcher {
    /// Somebody who looks again and again.
    pub(crate) fn every(every: Duration) -> Self {
        Self { every, alive: Arc::default() }
    }

    /// Somebody who may look again, or may not.
    pub(super) fn once() -> Self {
        Self::every(Duration::ZERO)
    }
}

impl Sampler {
    /// The newest look, where that is new enough, or one that is made now behind it. Others who want
    /// one wait meanwhile, since they want just that.
    pub(super) fn look(
        &self,
        revision: u64,
        watcher: &Watcher,
        make: impl FnOnce(Option<Look>) -> Look,
    ) -> Arc<Look> {
        let mut state = self.lock();
        let begun = Instant::now();
        let kept = state.kept.take();
        let mut patient = kept.as_ref().map_or_else(Vec::new, |kept| kept.patient.clone());
        patient.retain(|(alive, until)| *until > begun && alive.strong_count() > 0);
        let is_fresh = |kept: &Kept| begun < kept.fresh_until && kept.look.revision == revision;
        let (look, fresh_until) = match kept {
            Some(kept) if is_fresh(&kept) => (kept.look, kept.fresh_until),
            before => {
                // It is mostly nobody else's any more, and is changed in place then.
                let before = before.map(|kept| Arc::unwrap_or_clone(kept.look));
                let look = Arc::new(make(before));
                let now = Instant::now();
                let fresh = FRESH_MIN.max((now - begun) * FRESH_FACTOR);
                (look, now + fresh)
            }
        };
        let until = begun + LEASE;
        if watcher.every >= LEASE / 2 {
            patient.push((Arc::downgrade(&watcher.alive), until + watcher.every));
        }
        state.kept = Some(Kept { look: Arc::clone(&look), fresh_until, until, patient });
        look
    }

    /// Whether nobody waits yet to forget what is kept; from now on somebody does.
    pub(super) fn begin_attending(&self) -> bool {
        !std::mem::replace(&mut self.lock().is_attended, true)
    }

    /// Forgets what is kept if nobody wants it any more, or says when to ask again.
    pub(super) fn forget(&self, now: Instant) -> Option<Instant> {
        let mut state = self.lock();
        let is_wanted = |kept: &Kept| {
            let is_due =
                |(alive, until): &(Weak<()>, Instant)| *until > now && alive.strong_count() > 0;
            kept.until > now || kept.patient.iter().any(is_due)
        };
        let next = state.kept.as_ref().filter(|kept| is_wanted(kept)).map(|kept| kept.until);
        match next {
            Some(until) => Some(until.max(now + LEASE / 2)),
            None => {
                let forgotten = state.kept.take();
                state.is_attended = false;
                drop(state);
                drop(forgotten);
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::overview::look::Counted;

    const SECOND: Duration = Duration::from_secs(1);

    /// A look at nothing; whether there was one before.
    fn look(sampler: &Sampler, revision: u64, watcher: &Watcher) -> (Arc<Look>, Option<bool>) {
        let mut was_known = None;
        let look = sampler.look(revision, watcher, |before| {
            was_known = Some(before.is_some());
            Look::next(before, revision, |_| Counted::default())
        });
        (look, was_known)
    }

    #[test]
    fn who_looks_at_the_same_moment_sees_the_same_unless_something_was_changed() {
        let sampler = Sampler::default();
        let (first, was_known) = look(&sampler, 1, &Watcher::once());
        assert_eq!(was_known, Some(false));
        let (changed, was_known) = look(&sampler, 2, &Watcher::once());
        assert_eq!((changed.revision, was_known), (2, Some(true)));
        assert!(!Arc::ptr_eq(&first, &changed));
        // Fresh for longer than a busy machine takes for this.
        sampler.lock().kept.as_mut().unwrap().fresh_until += 60 * SECOND;
        assert!(Arc::ptr_eq(&look(&sampler, 2, &Watcher::once()).0, &changed));
    }

    #[test]
    fn what_nobody_looks_at_any_more_is_forgotten() {
        let sampler = Sampler::default();
        assert!(sampler.begin_attending());
        let begun = Instant::now();
        look(&sampler, 1, &Watcher::every(SECOND));
        assert!(!sampler.begin_attending(), "one task is enough");
        assert!(sampler.forget(begun + 9 * SECOND).is_some());
        assert_eq!(sampler.forget(Instant::now() + LEASE + SECOND), None);
        assert!(sampler.begin_attending(), "the task has ended");
        assert_eq!(look(&sampler, 1, &Watcher::once()).1, Some(false));
    }

    #[test]
    fn it_is_kept_for_who_looks_seldom_as_long_as_they_are_there() {
        let sampler = Sampler::default();
        let hourly = Watcher::every(3_600 * SECOND);
        let gone = Watcher::every(60 * SECOND);
        look(&sampler, 1, &hourly);
        look(&sampler, 1, &gone);
        let now = Instant::now();
        assert!(sampler.forget(now + 60 * SECOND).is_some());
        assert!(sampler.forget(now + 3_600 * SECOND).is_some());
        // Where it does not take what it is told, it does not look either.
        look(&sampler, 2, &gone);
        drop(hourly);
        assert!(sampler.forget(now + 60 * SECOND).is_some());
        drop(gone);
        assert_eq!(sampler.forget(now + 60 * SECOND), None);
    }
}
