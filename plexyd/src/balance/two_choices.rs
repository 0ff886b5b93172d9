//! Of two different backends, drawn at random by weight, the one with fewer connections for its
//! weight, those that are still connecting included. Nearly as even as a look at all of them, and
//! clients that come at once do not all run to the same one: the power of two choices
//! (Mitzenmacher, IEEE TPDS 2001).

use crate::backend::Member;

use super::candidates::Candidates;

/// A backend that may be drawn.
struct Ticket {
    /// The two lowest numbers are drawn.
    number: f64,
    place: usize,
    load: Load,
}

/// How busy a backend is.
#[derive(Debug, Clone, Copy)]
struct Load {
    connections: u64,
    weight: u64,
}

impl Load {
    fn new(backend: &Member, weight: u32) -> Self {
        Self { connections: backend.totals.live(), weight: weight.into() }
    }

    /// Whether the other one is chosen, if this one was drawn first. Where both are as busy, it is the
    /// first: so idle ones are shared by weight.
    fn is_above(self, other: Self) -> bool {
        self.connections * other.weight > other.connections * self.weight
    }
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
        let ticket = Ticket { number, place, load: Load::new(backend, weight) };
        if is_lower(first) {
            *second = first.replace(ticket);
        } else {
            *second = Some(ticket);
        }
    }
    match drawn {
        [Some(first), Some(second)] => {
            Some(if first.load.is_above(second.load) { second.place } else { first.place })
        }
        [first, _] => first.map(|ticket| ticket.place),
    }
}

/// How likely each is to be picked: the sum over all pairs that may be drawn.
pub(super) fn chances(candidates: &Candidates<'_>) -> Vec<(usize, f64)> {
    let load = |(place, backend): (usize, &Member)| {
        (place, Load::new(backend, candidates.weight(backend)))
    };
    let loads: Vec<_> = candidates.iter().map(load).collect();
    let all: u64 = loads.iter().map(|(_, load)| load.weight).sum();
    let part = |weight: u64, of: u64| weight as f64 / of as f64;
    let pair = |(place, load): &(usize, Load), (other, its_load): &(usize, Load)| {
        if place == other {
            return 0.0;
        }
        // Drawn first, and not given up; or drawn second, and preferred.
        let first = part(load.weight, all) * part(its_load.weight, all - load.weight);
        let second = part(its_load.weight, all) * part(load.weight, all - its_load.weight);
        let kept = if load.is_above(*its_load) { 0.0 } else { first };
        let preferred = if its_load.is_above(*load) { second } else { 0.0 };
        kept + preferred
    };
    let chance = |it: &(usize, Load)| match loads.len() {
        1 => (it.0, 1.0),
        _ => (it.0, loads.iter().map(|other| pair(it, other)).sum()),
    };
    loads.iter().map(chance).collect()
}
