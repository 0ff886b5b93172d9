//! Choosing a backend: one strategy per file, all of them but one weighted.

mod candidates;
mod first;
mod least_conn;
mod least_time;
mod maglev;
mod outlook;
mod random;
mod round_robin;
mod source_hash;
mod two_choices;

use std::time::{Duration, Instant};

use plexy_shared::spec::{Strategy, TunnelOptions};
use plexy_shared::weight::Weight;

use crate::backend::Member;
use crate::socket::ClientAddr;
use candidates::{Candidates, Tier};
pub(crate) use outlook::{Odds, Outlook};
use round_robin::RoundRobin;
use source_hash::SourceHash;

/// How the backends of a route are chosen.
#[derive(Debug)]
pub(crate) struct Balance {
    method: Method,
    /// Over which time the weight of a backend grows that was not there before.
    slow_start: Option<Duration>,
}

/// A strategy and what it remembers between two choices.
#[derive(Debug)]
enum Method {
    Random,
    RoundRobin(RoundRobin),
    LeastConn,
    TwoChoices,
    LeastTime,
    SourceHash(SourceHash),
    First,
}

/// Who a backend is chosen for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) client: &'a ClientAddr,
    /// The places of those that were tried for this client.
    pub(crate) tried: &'a [usize],
    pub(crate) now: Instant,
}

impl Balance {
    pub(crate) fn new(options: &TunnelOptions, backends: usize) -> Self {
        let method = match options.strategy {
            Strategy::Random => Method::Random,
            Strategy::RoundRobin => Method::RoundRobin(RoundRobin::new(backends)),
            Strategy::LeastConn => Method::LeastConn,
            Strategy::TwoChoices => Method::TwoChoices,
            Strategy::LeastTime => Method::LeastTime,
            Strategy::SourceHash => Method::SourceHash(SourceHash::default()),
            Strategy::First => Method::First,
        };
        let slow_start = match method {
            // It has to be the same in every daemon, and they do not start together.
            Method::SourceHash(_) => None,
            // It gives everything or nothing.
            Method::First => None,
            _ => options.slow_start,
        };
        Self { method, slow_start }
    }

    /// Chooses for a client who has tried the backends at the places `tried`.
    /// The first of these that holds any decides:
    ///
    /// 1. usable and untried, 2. the same among the backups,
    /// 3. where none is usable at all, any untried one (`on-all-down` is
    ///    `try-all`), 4. the same among the backups,
    /// 5. usable ones, tried before, 6. the same among the backups, 7. where none is
    ///    usable, any.
    ///
    /// One that is at its `max-conns` is never chosen. Nothing is where no backend has an address and
    /// is ready, or all that might be are full.
    pub(crate) fn choose(&self, backends: &[Member], asking: &Asking<'_>) -> Option<usize> {
        let Asking { client, tried, now } = *asking;
        self.first_tier(backends, tried, now, |candidates| self.pick(candidates, client))
    }

    /// What the first of the tiers of [`Balance::choose`] comes to that anything comes of.
    fn first_tier<T>(
        &self,
        backends: &[Member],
        tried: &[usize],
        now: Instant,
        decide: impl Fn(&Candidates<'_>) -> Option<T>,
    ) -> Option<T> {
        let any_usable = backends.iter().any(|backend| backend.is_usable());
        let tiers: [&Tier; 7] = [
            &|place, it| it.is_usable() && !tried.contains(&place) && !it.options.backup,
            &|place, it| it.is_usable() && !tried.contains(&place),
            &|place, it| !any_usable && !tried.contains(&place) && !it.options.backup,
            &|place, _| !any_usable && !tried.contains(&place),
            &|_, it| it.is_usable() && !it.options.backup,
            &|_, it| it.is_usable(),
            &|_, _| !any_usable,
        ];
        let slow_start = self.slow_start;
        let mut candidates =
            tiers.iter().map(|tier| Candidates { backends, tier, slow_start, now });
        candidates.find_map(|candidates| decide(&candidates))
    }

    /// What the weight of a backend counts now.
    pub(crate) fn effective_weight(&self, backend: &Member, now: Instant) -> Weight {
        backend.weight(self.slow_start, now)
    }

    fn pick(&self, candidates: &Candidates<'_>, client: &ClientAddr) -> Option<usize> {
        match &self.method {
            Method::Random => random::pick(candidates),
            Method::RoundRobin(round_robin) => round_robin.pick(candidates),
            Method::LeastConn => least_conn::pick(candidates),
            Method::TwoChoices => two_choices::pick(candidates),
            Method::LeastTime => least_time::pick(candidates),
            Method::SourceHash(source_hash) => source_hash.pick(candidates, client),
            Method::First => first::pick(candidates),
        }
    }
}

#[cfg(test)]
mod tests;
