//! The backend with the fewest connections for its weight, those that are
//! still connecting included; among equals, each is as likely.

use super::Candidates;

pub(super) fn pick(candidates: &Candidates<'_>) -> Option<usize> {
    let mut least: Option<(usize, u64, u64)> = None;
    let mut equals = 0;
    for (place, backend) in candidates.iter() {
        // One more than there are, so that weights count among idle backends.
        let load = backend.totals.live() + 1;
        let weight = u64::from(backend.options.weight);
        let order = match least {
            None => std::cmp::Ordering::Less,
            // load / weight against the least so far, without division.
            Some((_, least, its_weight)) => (load * its_weight).cmp(&(least * weight)),
        };
        equals = match order {
            std::cmp::Ordering::Less => 1,
            std::cmp::Ordering::Equal => equals + 1,
            std::cmp::Ordering::Greater => continue,
        };
        // The n-th equal replaces the choice with a chance of 1/n.
        if fastrand::u32(0..equals) == 0 {
            least = Some((place, load, weight));
        }
    }
    least.map(|(place, ..)| place)
}
