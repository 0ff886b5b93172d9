//! The backend with the fewest connections for its weight, those that are
//! still connecting included; among equals, each is as likely.

use std::cmp::Ordering;

use crate::backend::Member;

use super::candidates::Candidates;

pub(super) fn pick(candidates: &Candidates<'_>) -> Option<usize> {
    candidates.least(|backend| load(backend, candidates), by_weight)
}

/// Those among which chance decides.
pub(super) fn equals(candidates: &Candidates<'_>) -> Vec<usize> {
    candidates.all_least(|backend| load(backend, candidates), by_weight)
}

/// One more than there are, so that weights count among idle backends, and the weight.
fn load(backend: &Member, candidates: &Candidates<'_>) -> (u64, u64) {
    (backend.totals.live() + 1, u64::from(candidates.weight(backend)))
}

/// Load by weight against the least so far, without division.
fn by_weight((load, weight): &(u64, u64), (least, its_weight): &(u64, u64)) -> Ordering {
    (load * its_weight).cmp(&(least * weight))
}
