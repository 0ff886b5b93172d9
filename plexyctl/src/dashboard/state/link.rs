//! How the way to the daemon is.

use std::time::Duration;

use super::Moment;

/// How long it is told that the same daemon is back.
const TOLD: Duration = Duration::from_secs(10);

/// It.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// It is tried for the first time.
    Unknown,
    /// The daemon answers.
    Live {
        /// Since when.
        since: Moment,
    },
    /// It does not.
    Lost(Lost),
}

/// A way that is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Since when.
    pub(crate) since: Moment,
    /// Why.
    pub(crate) why: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// How often it was tried since.
    pub(crate) tries: u32,
    /// When it is tried again; never by itself, where that would not help.
    pub(crate) next: Option<Moment>,
}

/// What has changed while it was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Returned {
    /// When.
    pub(crate) at: Moment,
    /// The same, by the daemon's clock.
    pub(crate) time: String,
    /// For how long it was lost.
    pub(crate) lost_for: Moment,
    /// Where it is another daemon: number of the process and version, then and now.
    pub(crate) restarted: Option<[(u32, String); 2]>,
}

impl Returned {
    /// Whether it was told long enough: that it is another daemon is told until somebody hides it.
    pub(crate) fn is_over(&self, now: Moment) -> bool {
        self.restarted.is_none() && now.saturating_sub(self.at) >= TOLD
    }
}
