//! How far it is with something that a command waits for.

use std::time::Duration;

/// Told again and again, the last time when it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// What is being done, as `draining web`.
    pub(crate) work: String,
    /// What it is waited for.
    pub(crate) goal: Goal,
    /// How many there were at most.
    pub(crate) all: u64,
    /// How many of them are left.
    pub(crate) left: u64,
    /// Since when.
    pub(crate) elapsed: Duration,
    /// Whether it is a tenth further than when that was said last.
    pub(crate) is_step: bool,
    /// Whether nobody waits any more.
    pub(crate) is_over: bool,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// That connections end.
    Ends,
    /// That backends are up.
    Up,
}

impl Waiting {
    /// How long it takes if it goes on as it has: none where nothing has happened yet.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        let done = self.all.saturating_sub(self.left);
        if done == 0 || self.left == 0 {
            return None;
        }
        let millis = u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX);
        Some(Duration::from_millis(millis.saturating_mul(self.left) / done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_was_done() {
        let waiting = |all, left| Waiting {
            work: String::new(),
            goal: Goal::Ends,
            all,
            left,
            elapsed: Duration::from_secs(10),
            is_step: false,
            is_over: false,
        };
        assert_eq!(waiting(100, 75).remaining(), Some(Duration::from_secs(30)));
        assert_eq!(waiting(100, 100).remaining(), None);
        assert_eq!(waiting(100, 0).remaining(), None);
    }
}
