//! The backend that a client's address belongs to, in every daemon with the same set: see
//! [`super::maglev`]. It has the same one each time, whatever its port.
//!
//! Where that backend cannot be used, or has more than its part, the client goes on to the next in
//! an order of its own, which is the same everywhere too, and is back with the first one later:
//! consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam, SODA 2018).

use std::net::IpAddr;
use std::sync::OnceLock;

use crate::backend::Member;
use crate::socket::ClientAddr;

use super::candidates::Candidates;
use super::maglev::{Claimant, Table};

/// What a backend may have, in percent of the mean for its weight. Less moves more clients, more
/// loads a backend more: the strictest that HAProxy calls reasonable (`hash-balance-factor`, 125 to
/// 200).
const BOUND_PERCENT: u64 = 125;

/// So many connections it may have in any case: where there are few, a client with two shall not be
/// torn apart, nor one who comes back before its last connection is counted off.
const ALWAYS_ADMITTED: u64 = 8;

/// The tables, which are made by the first choice, since most tunnels are idle: it takes half a
/// millisecond once.
#[derive(Debug, Default)]
pub(super) struct SourceHash {
    /// That of the backends, and that of the backups.
    tables: OnceLock<Box<[Table; 2]>>,
}

impl SourceHash {
    pub(super) fn pick(&self, candidates: &Candidates<'_>, client: &ClientAddr) -> Option<usize> {
        let tables = self.tables(candidates.backends);
        with_key(client, |key| tables.iter().find_map(|table| pick(candidates, table, key)))
    }

    /// The places as a client meets them, the one that it belongs to first, usable or not; backups come
    /// last. So light a backend that nothing belongs to it is left out.
    pub(super) fn order(&self, backends: &[Member], client: &ClientAddr) -> Vec<usize> {
        let mut order = Vec::new();
        let mut is_new = vec![true; backends.len()];
        for table in self.tables(backends) {
            let before = order.len();
            with_key(client, |key| {
                for place in table.walk(key) {
                    if order.len() == before + table.places().len() {
                        break;
                    }
                    if is_new.get_mut(place).is_some_and(std::mem::take) {
                        order.push(place);
                    }
                }
            });
        }
        order
    }

    /// How many connections each may have before its clients go on to the next one.
    pub(super) fn bounds(&self, candidates: &Candidates<'_>) -> Vec<(usize, u64)> {
        let tables = self.tables(candidates.backends);
        let bounds = tables.iter().find_map(|table| {
            let bound = bound(candidates, table)?;
            let all =
                table.places().iter().filter_map(|place| Some((*place, candidates.at(*place)?)));
            Some(all.map(|(place, backend)| (place, bound.most(backend))).collect())
        });
        bounds.unwrap_or_default()
    }

    fn tables(&self, backends: &[Member]) -> &[Table; 2] {
        let make = || Box::new([false, true].map(|is_backup| table(backends, is_backup)));
        self.tables.get_or_init(make)
    }
}

/// Does something with what is hashed of a client.
fn with_key<T>(client: &ClientAddr, then: impl FnOnce(&[u8]) -> T) -> T {
    match client {
        ClientAddr::Ip(addr) => match addr.ip().to_canonical() {
            IpAddr::V4(ip) => then(&ip.octets()),
            IpAddr::V6(ip) => then(&ip.octets()),
        },
        // They have no address, so they are all alike.
        ClientAddr::Unix => then(&[]),
    }
}

/// All backends of a kind, usable or not. A weight decides how much belongs to a backend, but is no
/// part of its name, so that a change of it moves no more than it has to.
fn table(backends: &[Member], is_backup: bool) -> Table {
    let all = backends.iter().enumerate();
    let of_kind = all.filter(|(_, backend)| backend.options.backup == is_backup);
    let claimant = |(place, backend): (usize, &Member)| Claimant {
        name: backend.addr.to_string(),
        weight: backend.options.weight,
        place,
    };
    Table::new(of_kind.map(claimant).collect())
}

fn pick(candidates: &Candidates<'_>, table: &Table, key: &[u8]) -> Option<usize> {
    let bound = bound(candidates, table)?;
    let first = |may: &dyn Fn(&Member) -> bool| {
        table.walk(key).find(|place| candidates.at(*place).is_some_and(may))
    };
    // So light a backend that nothing belongs to it is met by nobody, and may be the only one left.
    let any = || table.places().iter().copied().find(|place| candidates.at(*place).is_some());
    // Others choose too: all may have come to their bound meanwhile.
    first(&|backend| bound.admits(backend)).or_else(|| first(&|_| true)).or_else(any)
}

fn bound(candidates: &Candidates<'_>, table: &Table) -> Option<Bound> {
    Bound::of(table.places().iter().filter_map(|place| candidates.at(*place)))
}

/// How many connections backends may have. Workers that choose at the same moment may each exceed
/// it by one.
struct Bound {
    /// With the one that is coming.
    connections: u64,
    weights: u64,
}

impl Bound {
    /// That of some backends, if there are any.
    fn of<'a>(backends: impl Iterator<Item = &'a Member>) -> Option<Self> {
        let nothing = Self { connections: 1, weights: 0 };
        let all = backends.fold(nothing, |all, backend| Self {
            connections: all.connections + backend.totals.live(),
            weights: all.weights + u64::from(backend.options.weight),
        });
        (all.weights > 0).then_some(all)
    }

    /// Whether a backend may have one more.
    fn admits(&self, backend: &Member) -> bool {
        backend.totals.live() < self.most(backend)
    }

    /// How many it may have.
    fn most(&self, backend: &Member) -> u64 {
        let mean_by_weights = self.connections * u64::from(backend.options.weight);
        (mean_by_weights * BOUND_PERCENT).div_ceil(self.weights * 100).max(ALWAYS_ADMITTED)
    }
}
