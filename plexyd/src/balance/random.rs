//! Any backend, at random, as often as its weight says.

use super::candidates::Candidates;

pub(super) fn pick(candidates: &Candidates<'_>) -> Option<usize> {
    let weights: u32 = candidates.iter().map(|(_, backend)| candidates.weight(backend)).sum();
    if weights == 0 {
        return None;
    }
    let mut ticket = fastrand::u32(0..weights);
    for (place, backend) in candidates.iter() {
        match ticket.checked_sub(candidates.weight(backend)) {
            Some(rest) => ticket = rest,
            None => return Some(place),
        }
    }
    // A backend went down between the sum and the draw.
    candidates.iter().next().map(|(place, _)| place)
}

/// How likely each is to be picked.
pub(super) fn chances(candidates: &Candidates<'_>) -> Vec<(usize, f64)> {
    let weights = || candidates.iter().map(|(place, it)| (place, f64::from(candidates.weight(it))));
    let all: f64 = weights().map(|(_, weight)| weight).sum();
    weights().map(|(place, weight)| (place, weight / all)).collect()
}
