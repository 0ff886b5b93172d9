//! Repeated messages, folded: the first is logged at once, those that follow
//! within [`WINDOW`] are counted, and the count is logged at its end. And what
//! is counted anyway is told as often.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use once_cell::race::OnceBox;
use tracing::warn;

/// How long messages of one kind are counted instead of logged.
const WINDOW: Duration = Duration::from_secs(10);

/// One kind of message about one thing.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    /// Made with the first message: most things give none.
    window: OnceBox<Arc<Window>>,
}

#[derive(Debug, Default)]
struct Window {
    /// Messages counted while it is open.
    folded: Mutex<Option<u64>>,
}

impl Fold {
    /// Whether this message is the first of a window and is to be logged. A
    /// window that folded something says so, with `what` it was, when it ends.
    ///
    /// Must be called on a runtime.
    pub(crate) fn admits(&self, what: impl FnOnce() -> String) -> bool {
        let window = self.window.get_or_init(Box::default);
        let mut folded = window.folded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = folded.as_mut() {
            *count += 1;
            return false;
        }
        *folded = Some(0);
        let (window, what) = (Arc::clone(window), what());
        tokio::spawn(async move {
            tokio::time::sleep(WINDOW).await;
            window.close(&what);
        });
        true
    }
}

impl Window {
    fn close(&self, what: &str) {
        let folded = self.folded.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(similar) = folded.filter(|count| *count > 0) {
            warn!(similar, seconds = WINDOW.as_secs(), "{what}: {similar} similar in 10s");
        }
    }
}

/// Tells by how much a count has grown, and what it is: again and again, where it has.
pub(crate) async fn tell_growth(count: impl Fn() -> u64, tell: impl Fn(u64, u64)) {
    let mut told = 0;
    loop {
        tokio::time::sleep(WINDOW).await;
        let total = count();
        if total > told {
            tell(total - told, total);
            told = total;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_the_first_of_a_window_is_admitted() {
        let fold = Fold::default();
        let admitted = |_| fold.admits(|| "x".to_owned());
        assert_eq!((0..5).map(admitted).collect::<Vec<_>>(), [true, false, false, false, false]);
        tokio::time::sleep(WINDOW + Duration::from_millis(1)).await;
        assert!(fold.admits(|| "x".to_owned()));
    }
}
