//! What is told of what was done, for a moment, in the last line.

use std::time::Duration;

use super::Moment;

/// How long it is told.
const SHOWN: Duration = Duration::from_secs(6);

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It is done.
    Done,
    /// It is not, or there is something to say.
    Note,
    /// It was refused.
    Failed,
}

/// It.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toast {
    /// What it is about.
    pub(crate) mood: Mood,
    /// In a line.
    pub(crate) text: String,
    /// Since when it is told.
    pub(crate) since: Moment,
}

impl Toast {
    /// Whether it was told long enough.
    pub(crate) fn is_over(&self, now: Moment) -> bool {
        now.saturating_sub(self.since) >= SHOWN
    }
}
