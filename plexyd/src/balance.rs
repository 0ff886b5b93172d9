//! Choosing a backend: one strategy per file, all of them weighted.

mod least_conn;
mod random;
mod round_robin;

use plexy_shared::spec::Strategy;

use crate::backend::Member;
use round_robin::RoundRobin;

/// A strategy and what it remembers between two choices.
#[derive(Debug)]
pub(crate) enum Balance {
    Random,
    RoundRobin(RoundRobin),
    LeastConn,
}

impl Balance {
    pub(crate) fn new(strategy: Strategy, backends: usize) -> Self {
        match strategy {
            Strategy::Random => Self::Random,
            Strategy::RoundRobin => Self::RoundRobin(RoundRobin::new(backends)),
            Strategy::LeastConn => Self::LeastConn,
        }
    }

    /// Chooses for a client who has tried the backends at the places `tried`.
    /// The first of these that holds any decides:
    ///
    /// 1. usable and untried, 2. the same among the backups,
    /// 3. where none is usable at all, any untried one (`on-all-down` is
    ///    `try-all`), 4. the same among the backups,
    /// 5. usable ones, tried before, 6. the same among the backups, 7. any.
    ///
    /// Nothing is chosen where no backend has an address and is ready.
    pub(crate) fn choose(&self, backends: &[Member], tried: &[usize]) -> Option<usize> {
        let any_usable = backends.iter().any(|backend| backend.is_usable());
        let tiers: [&Tier; 7] = [
            &|place, it| it.is_usable() && !tried.contains(&place) && !it.options.backup,
            &|place, it| it.is_usable() && !tried.contains(&place),
            &|place, it| !any_usable && !tried.contains(&place) && !it.options.backup,
            &|place, _| !any_usable && !tried.contains(&place),
            &|_, it| it.is_usable() && !it.options.backup,
            &|_, it| it.is_usable(),
            &|_, _| true,
        ];
        tiers.iter().find_map(|tier| self.pick(&Candidates { backends, tier }))
    }

    fn pick(&self, candidates: &Candidates<'_>) -> Option<usize> {
        match self {
            Self::Random => random::pick(candidates),
            Self::RoundRobin(round_robin) => round_robin.pick(candidates),
            Self::LeastConn => least_conn::pick(candidates),
        }
    }
}

/// Whether the backend at a place in the set may be chosen.
type Tier<'a> = dyn Fn(usize, &Member) -> bool + 'a;

/// The backends that may be chosen now.
struct Candidates<'a> {
    backends: &'a [Member],
    tier: &'a Tier<'a>,
}

impl Candidates<'_> {
    /// Their places in the set and themselves.
    fn iter(&self) -> impl Iterator<Item = (usize, &Member)> {
        let all = self.backends.iter().enumerate();
        all.filter(|(place, backend)| backend.is_offered() && (self.tier)(*place, backend))
    }
}

#[cfg(test)]
mod tests;
