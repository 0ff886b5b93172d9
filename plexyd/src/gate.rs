//! What a tunnel remembers for its limits. It does not exist before one is set, or somebody is
//! refused: most tunnels have neither.

mod mark;
mod pace;
mod sources;

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use plexy_shared::info::HelloFault;

use crate::queue::Queue;
use crate::refusal::{Limit, Refusals};
use crate::tally::Tally;
use mark::Mark;
use pace::Pace;
pub(crate) use sources::Sources;

/// What the times of limits count from.
static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The limits of one tunnel, as they are met.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// Clients that are parked. Backends have it too, to wake them.
    pub(crate) queue: Arc<Queue>,
    pub(crate) sources: Sources,
    pub(crate) pace: Pace,
    pub(crate) refusals: Arc<Refusals>,
    /// What was wrong with how clients began that were to be carried by the name they ask for.
    pub(crate) hello_faults: Tally<HelloFault>,
    /// One per limit.
    marks: [Mark; Limit::ALL.len()],
}

impl Gate {
    /// A limit is met: whether that is news.
    pub(crate) fn meets(&self, limit: Limit) -> bool {
        let mark = self.marks.iter().zip(Limit::ALL).find(|(_, it)| *it == limit);
        mark.is_some_and(|(mark, _)| mark.meet())
    }
}
