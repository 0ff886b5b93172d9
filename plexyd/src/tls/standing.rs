//! How files stand of which something was made: whether what they say now is what is in use.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The standing of some files, which are good at first.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    bad: Mutex<Option<Bad>>,
}

/// Files that are no good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bad {
    /// When that was found.
    pub(crate) since: Instant,
    /// Which file it is, and what is wrong with it: a sentence.
    pub(crate) why: String,
    is_told: bool,
}

/// What is to be done about files that are no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cry {
    /// To tell it.
    Now,
    /// To look again then: somebody may be replacing them, one after the other.
    Later(Instant),
    /// Nothing: it was told in the same words.
    Known,
}

impl Standing {
    /// They are good: whether something else was told before.
    pub(crate) fn mend(&self) -> bool {
        self.lock().take().is_some_and(|bad| bad.is_told)
    }

    /// They are no good, which is told once it has lasted for so long.
    pub(crate) fn fail(&self, why: &str, patience: Duration, now: Instant) -> Cry {
        let mut lock = self.lock();
        let before = lock.take();
        let since = before.as_ref().map_or(now, |bad| bad.since);
        let is_known = before.as_ref().is_some_and(|bad| bad.is_told && bad.why == why);
        let due = since + patience;
        let cry = match (is_known, now >= due) {
            (true, _) => Cry::Known,
            (false, true) => Cry::Now,
            (false, false) => Cry::Later(due),
        };
        // What was told goes on to be told until there is something else to tell.
        *lock = match (cry, before) {
            (Cry::Later(_), Some(told)) if told.is_told => Some(told),
            _ => Some(Bad { since, why: why.to_owned(), is_told: !matches!(cry, Cry::Later(_)) }),
        };
        cry
    }

    /// What is wrong with them, once that was told.
    pub(crate) fn bad(&self) -> Option<Bad> {
        self.lock().clone().filter(|bad| bad.is_told)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Bad>> {
        self.bad.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    #[test]
    fn what_does_not_last_is_not_told_and_what_lasts_is_told_once() {
        let (standing, now) = (Standing::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(standing.fail("a", PATIENCE, now), Cry::Later(at(2)));
        assert_eq!(standing.bad(), None);
        // It is replaced piece by piece, and then it is good.
        assert_eq!(standing.fail("b", PATIENCE, at(1)), Cry::Later(at(2)));
        assert!(!standing.mend());
        assert_eq!(standing.fail("c", PATIENCE, at(3)), Cry::Later(at(5)));
        assert_eq!(standing.fail("c", PATIENCE, at(5)), Cry::Now);
        assert_eq!(standing.fail("c", PATIENCE, at(6)), Cry::Known);
        let bad = standing.bad().unwrap();
        assert_eq!((bad.since, bad.why.as_str()), (at(3), "c"));
        // Something else is wrong.
        assert_eq!(standing.fail("d", PATIENCE, at(7)), Cry::Now);
        assert!(standing.mend());
        assert_eq!(standing.bad(), None);
    }

    #[test]
    fn who_asks_is_told_at_once() {
        let (standing, now) = (Standing::default(), Instant::now());
        assert_eq!(standing.fail("a", Duration::ZERO, now), Cry::Now);
        assert_eq!(standing.fail("a", Duration::ZERO, now), Cry::Known);
        assert!(standing.bad().is_some());
    }
}
