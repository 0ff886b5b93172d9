//! The backend that is quickest to connect to, times the connections that it would have, for its
//! weight; among equals, each is as likely.
//!
//! One that was not measured yet is tried at once, but by one client alone: who comes while that one
//! connects goes to the others, as long as there are some.

use std::cmp::Ordering;

use crate::backend::Member;

use super::candidates::Candidates;

pub(super) fn pick(candidates: &Candidates<'_>) -> Option<usize> {
    candidates.least(|backend| cost(backend, candidates), by_turn)
}

/// Those among which chance decides.
pub(super) fn equals(candidates: &Candidates<'_>) -> Vec<usize> {
    candidates.all_least(|backend| cost(backend, candidates), by_turn)
}

/// What decides before any cost does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Untried,
    Measured,
    /// Nobody knows yet how it is, but somebody is about to.
    BeingTried,
}

fn by_turn((turn, cost): &(Turn, f64), (least, its_cost): &(Turn, f64)) -> Ordering {
    turn.cmp(least).then(cost.total_cmp(its_cost))
}

fn cost(backend: &Member, candidates: &Candidates<'_>) -> (Turn, f64) {
    let live = backend.totals.live();
    let load = (live + 1) as f64 / f64::from(candidates.weight(backend));
    match backend.connect_seconds(candidates.now) {
        Some(seconds) => (Turn::Measured, f64::from(seconds) * load),
        None if live == 0 => (Turn::Untried, load),
        None => (Turn::BeingTried, load),
    }
}
