//! What a choice would come to, for whoever asks without choosing: nothing that a strategy remembers
//! moves on. It goes by the same tiers, keys and orders as the choice itself.

use std::time::Instant;

use plexy_shared::explanation::Merits;

use crate::backend::Member;
use crate::socket::ClientAddr;

use super::candidates::Candidates;
use super::{Balance, Method, first, least_conn, least_time, random, two_choices};

/// Who may be chosen now, and who would be.
#[derive(Debug, PartialEq)]
pub(crate) struct Outlook {
    /// The places of those that are chosen among.
    pub(crate) eligible: Vec<usize>,
    pub(crate) odds: Odds,
    /// With so many connections those at these places are passed over, where the strategy has such bounds.
    pub(crate) bounds: Vec<(usize, u64)>,
}

/// Who would be chosen.
#[derive(Debug, PartialEq)]
pub(crate) enum Odds {
    /// The one at this place.
    Certain(usize),
    /// One of those at these places, each with its chance from 0 to 1.
    Chances(Vec<(usize, f64)>),
    /// That depends on the address of the client, which is not known.
    ByClient,
}

impl Balance {
    /// What the choice for a client who has tried none yet would come to; nothing where nobody would be
    /// chosen.
    pub(crate) fn outlook(
        &self,
        backends: &[Member],
        client: Option<&ClientAddr>,
        now: Instant,
    ) -> Option<Outlook> {
        self.first_tier(backends, &[], now, |candidates| {
            Some(Outlook {
                eligible: candidates.iter().map(|(place, _)| place).collect(),
                odds: self.odds(candidates, client)?,
                bounds: self.bounds(candidates),
            })
        })
    }

    fn odds(&self, candidates: &Candidates<'_>, client: Option<&ClientAddr>) -> Option<Odds> {
        match &self.method {
            Method::Random => settled(random::chances(candidates)),
            Method::RoundRobin(round_robin) => round_robin.next(candidates).map(Odds::Certain),
            Method::LeastConn => settled(even(&least_conn::equals(candidates))),
            Method::TwoChoices => settled(two_choices::chances(candidates)),
            Method::LeastTime => settled(even(&least_time::equals(candidates))),
            Method::SourceHash(source_hash) => match client {
                Some(client) => source_hash.pick(candidates, client).map(Odds::Certain),
                None => candidates.iter().next().map(|_| Odds::ByClient),
            },
            Method::First => first::pick(candidates).map(Odds::Certain),
        }
    }

    fn bounds(&self, candidates: &Candidates<'_>) -> Vec<(usize, u64)> {
        match &self.method {
            Method::SourceHash(source_hash) => source_hash.bounds(candidates),
            _ => Vec::new(),
        }
    }

    /// What the strategy goes by, of each backend, whether it may be chosen or not.
    pub(crate) fn merits(
        &self,
        backends: &[Member],
        client: Option<&ClientAddr>,
        now: Instant,
    ) -> Vec<Merits> {
        let order = match (&self.method, client) {
            (Method::First, _) => (0..backends.len()).collect(),
            (Method::SourceHash(source_hash), Some(client)) => source_hash.order(backends, client),
            _ => Vec::new(),
        };
        let merit = |(place, backend): (usize, &Member)| {
            let order = order.iter().position(|it| *it == place).map(|before| before + 1);
            Merits { order, ..self.merits_of(backend, now) }
        };
        backends.iter().enumerate().map(merit).collect()
    }

    fn merits_of(&self, backend: &Member, now: Instant) -> Merits {
        let (live, weight) = (backend.totals.live(), self.effective_weight(backend, now));
        let load = |connections: u64| Some(rounded(connections as f64 / f64::from(weight)));
        let (load, seconds) = match &self.method {
            Method::LeastConn => (load(live + 1), None),
            Method::LeastTime => (load(live + 1), backend.connect_seconds(now)),
            Method::TwoChoices => (load(live), None),
            Method::Random | Method::RoundRobin(_) | Method::SourceHash(_) | Method::First => {
                (None, None)
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it saturates, and no time is negative"
        )]
        let connect_us = seconds.map(|seconds| (seconds * 1e6).round() as u64);
        Merits { load, connect_us, ..Merits::default() }
    }
}

/// One alone is certain.
fn settled(chances: Vec<(usize, f64)>) -> Option<Odds> {
    match chances.as_slice() {
        [] => None,
        [(place, _)] => Some(Odds::Certain(*place)),
        _ => Some(Odds::Chances(chances)),
    }
}

/// Each is as likely.
fn even(places: &[usize]) -> Vec<(usize, f64)> {
    let chance = 1.0 / places.len() as f64;
    places.iter().map(|place| (*place, chance)).collect()
}

/// Three decimals, like a weight.
fn rounded(load: f64) -> f64 {
    (load * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests;
