//! Any backend, at random, as often as its weight says.

use super::Candidates;

pub(super) fn pick(candidates: &Candidates<'_>) -> Option<usize> {
    let weights: u32 = candidates.iter().map(|(_, backend)| backend.options.weight).sum();
    if weights == 0 {
        return None;
    }
    let mut ticket = fastrand::u32(0..weights);
    for (place, backend) in candidates.iter() {
        match ticket.checked_sub(backend.options.weight) {
            Some(rest) => ticket = rest,
            None => return Some(place),
        }
    }
    // A backend went down between the sum and the draw.
    candidates.iter().next().map(|(place, _)| place)
}
