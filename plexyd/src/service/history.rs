//! `history`: the changes that were made.

use plexy_shared::history::{ChangeInfo, EDITS_TOLD_MAX, HistoryReply};

use super::Service;
use crate::state::Change;

impl Service {
    /// The newest changes, the newest first.
    #[must_use]
    pub fn history(&self, count: usize) -> HistoryReply {
        let revision = self.revision();
        HistoryReply {
            revision,
            changes: self.state.changes(count).into_iter().map(told).collect(),
        }
    }
}

fn told(change: Change) -> ChangeInfo {
    let mut edits = change.edits();
    let edits_more = edits.len().saturating_sub(EDITS_TOLD_MAX);
    edits.truncate(EDITS_TOLD_MAX);
    let Change { revision, time, door, actor, .. } = change;
    ChangeInfo { revision, time, door, actor, edits, edits_more }
}
