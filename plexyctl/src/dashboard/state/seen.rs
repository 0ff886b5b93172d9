//! When something was told: a change that somebody asks for by what they see is refused where the daemon
//! has come further meanwhile.

use plexy_shared::overview::Overview;

/// A revision of a daemon: that of another process is another one, whatever its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The daemon.
    pub(crate) instance: String,
    /// Its revision.
    pub(crate) revision: u64,
}

impl Seen {
    /// That of an overview.
    pub(crate) fn of(overview: &Overview) -> Self {
        Self { instance: overview.instance.clone(), revision: overview.revision }
    }
}
