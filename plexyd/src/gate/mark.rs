//! Whether a limit that is met is news: it is the first time, or nobody has met it for a while.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::BEGUN;

/// For so long nobody has met a limit that is told of again.
const QUIET: Duration = Duration::from_secs(10);

/// When a limit was met last.
#[derive(Debug, Default)]
pub(super) struct Mark {
    /// In milliseconds, and one more; 0 for never.
    met: AtomicU64,
}

impl Mark {
    /// It is met: whether that is news.
    pub(super) fn meet(&self) -> bool {
        self.meet_at(BEGUN.elapsed())
    }

    fn meet_at(&self, now: Duration) -> bool {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX - 1);
        let now = millis(now) + 1;
        let before = self.met.swap(now, Ordering::Relaxed);
        before == 0 || now.saturating_sub(before) >= millis(QUIET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_met_again_and_again_is_news_once() {
        let mark = Mark::default();
        let met = [0, 5, 14, 23, 33, 34].map(|it| mark.meet_at(Duration::from_secs(it)));
        assert_eq!(met, [true, false, false, false, true, false]);
    }
}
