//! The backend with the fewest connections for its weight, those that are
//! still connecting included; among equals, each is as likely.

use super::candidates::Candidates;

pub(super) fn pick(candidates: &Candidates<'_>) -> Option<usize> {
    // One more than there are, so that weights count among idle backends.
    candidates.least(
        |backend| (backend.totals.live() + 1, u64::from(candidates.weight(backend))),
        // Load by weight against the least so far, without division.
        |(load, weight), (least, its_weight)| (load * its_weight).cmp(&(least * weight)),
    )
}
