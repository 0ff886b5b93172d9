//! Of two different backends, drawn at random by weight, the one with fewer connections for its
//! weight, those that are still connecting included. Nearly as even as a look at all of them, and
//! clients that come at once do not all run to the same one: the power of two choices
//! (Mitzenmacher, IEEE TPDS 2001).

use super::candidates::Candidates;

/// A backend that may be drawn.
struct Ticket {
    /// The two lowest numbers are drawn.
    number: f64,
    place: usize,
    connections: u64,
    weight: u64,
}

pub(super) fn pick(candidates: &Candidates<'_>) -> Option<usize> {
    let mut drawn: [Option<Ticket>; 2] = [None, None];
    for (place, backend) in candidates.iter() {
        let weight = candidates.weight(backend);
        // The lowest of these numbers belong to a draw by weight without putting back, in one pass
        // (Efraimidis and Spirakis, Information Processing Letters 2006).
        let number = -fastrand::f64().ln() / f64::from(weight);
        let is_lower = |than: &Option<Ticket>| than.as_ref().is_none_or(|it| number < it.number);
        let [first, second] = &mut drawn;
        if !is_lower(second) {
            continue;
        }
        let ticket =
            Ticket { number, place, connections: backend.totals.live(), weight: weight.into() };
        if is_lower(first) {
            *second = first.replace(ticket);
        } else {
            *second = Some(ticket);
        }
    }
    match drawn {
        // Where both are as busy, the first: so idle ones are shared by weight.
        [Some(first), Some(second)] => {
            let is_busier = first.connections * second.weight > second.connections * first.weight;
            Some(if is_busier { second.place } else { first.place })
        }
        [first, _] => first.map(|ticket| ticket.place),
    }
}
