//! What can be chosen with a key before a question is answered.

use std::time::Duration;

use plexy_shared::spec::LiveAction;

/// What can be chosen before the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Nothing.
    Nothing,
    /// When connections are reset that have not ended; none where the tunnel says it.
    Deadline(Option<Duration>),
    /// What live connections get; none where the tunnel says it.
    Fate(Option<LiveAction>),
}

impl Choice {
    /// Chooses the next, or the one before; of deadlines, from the one that holds where none is chosen.
    pub(super) fn go(&mut self, is_more: bool, deadline: Option<Duration>) {
        match self {
            Self::Nothing => {}
            Self::Deadline(chosen) => {
                let now = chosen.or(deadline);
                let next = match (now, is_more) {
                    (None, _) => Some(Duration::from_secs(60)),
                    (Some(now), true) => DEADLINES.into_iter().find(|it| *it > now),
                    (Some(now), false) => DEADLINES.into_iter().rfind(|it| *it < now),
                };
                *chosen = next.or(now);
            }
            Self::Fate(chosen) => {
                let at = FATES.iter().position(|it| it == chosen).unwrap_or_default();
                let next = if is_more { at + 1 } else { at + FATES.len() - 1 };
                *chosen = FATES.get(next % FATES.len()).copied().flatten();
            }
        }
    }
}

/// What can be chosen of a deadline with a key.
const DEADLINES: [Duration; 8] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(3_600),
    Duration::from_secs(4 * 3_600),
    Duration::from_secs(24 * 3_600),
];

/// What can be chosen of what live connections get: first, what the tunnel says.
const FATES: [Option<LiveAction>; 4] =
    [None, Some(LiveAction::Keep), Some(LiveAction::Drain), Some(LiveAction::Kill)];
