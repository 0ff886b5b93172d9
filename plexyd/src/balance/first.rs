//! The first backend in the order of the specification: the others wait until it cannot be used.

use super::candidates::Candidates;

pub(super) fn pick(candidates: &Candidates<'_>) -> Option<usize> {
    candidates.iter().next().map(|(place, _)| place)
}
