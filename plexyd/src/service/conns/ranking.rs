//! Which connections come first. Only those that are shown are sorted.

use std::cmp::Ordering;
use std::net::SocketAddr;

use plexy_shared::filter::Key;

use crate::introduction::ClientCertificate;
use crate::service::cut::{Cut, Part};
use crate::socket::ClientAddr;
use crate::table::{Entry, Rates, Sight};

/// A connection as it was seen, and what it is sorted by.
#[derive(Debug)]
pub(super) struct Ranked {
    rank: Rank,
    pub(super) id: u64,
    pub(super) worker: usize,
    pub(super) place: usize,
    pub(super) bytes: (u64, u64),
    pub(super) idle_ms: u64,
    pub(super) rates: Rates,
}

/// All of one list are of the same kind.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Number(u64),
    /// Those of Unix sockets, which have none, come before the others.
    Client(Option<SocketAddr>),
    /// Those without a backend, a name or a certificate come before the others.
    Text(Option<String>),
}

impl Ranked {
    pub(super) fn new(worker: usize, sight: &Sight<'_>, key: Key) -> Self {
        let Sight { id, place, bytes, idle_ms, rates, .. } = *sight;
        Self { rank: Rank::of(sight, key), id, worker, place, bytes, idle_ms, rates }
    }

    fn compare(&self, other: &Self, is_descending: bool) -> Ordering {
        let by_rank = self.rank.cmp(&other.rank);
        let by_rank = if is_descending { by_rank.reverse() } else { by_rank };
        by_rank.then(self.id.cmp(&other.id))
    }
}

impl Rank {
    fn of(sight: &Sight<'_>, key: Key) -> Self {
        let entry = sight.entry;
        match key {
            Key::Id => Self::Number(sight.id),
            // Ids are given as clients come: the youngest has the last one.
            Key::Age => Self::Number(u64::MAX - sight.id),
            Key::Idle => Self::Number(sight.idle_ms),
            Key::Bytes => Self::Number(sight.bytes.0 + sight.bytes.1),
            Key::BytesIn => Self::Number(sight.bytes.0),
            Key::BytesOut => Self::Number(sight.bytes.1),
            Key::Rate => Self::Number(sight.rates.sum()),
            Key::Phase => Self::Number(entry.phase() as u64),
            Key::Tunnel => Self::Number(entry.tunnel.id.0),
            Key::Client => Self::Client(match entry.client {
                ClientAddr::Ip(addr) => Some(addr),
                ClientAddr::Unix => None,
            }),
            Key::Sni => Self::Text(entry.introduction().and_then(|it| Some(it.name()?.to_owned()))),
            Key::Tls => {
                let version = entry.handshake.done().map(|it| it.version().0);
                Self::Number(version.map_or(0, |version| version as u64 + 1))
            }
            Key::Subject => Self::Text(certified(entry, |it| it.subject.to_string())),
            Key::Fingerprint => Self::Text(certified(entry, |it| it.fingerprint.to_string())),
            Key::Backend => Self::Text(entry.backend.get().map(|backend| backend.addr.to_string())),
        }
    }
}

/// A text of the certificate of a client, if it has shown one.
fn certified(entry: &Entry, text: impl Fn(&ClientCertificate) -> String) -> Option<String> {
    entry.introduction()?.certificate().map(text)
}

/// A part of them in their order, or the part around the connection of that id.
pub(super) fn cut(
    all: Vec<Ranked>,
    part: Part,
    is_descending: bool,
    around: Option<u64>,
) -> Cut<Ranked> {
    part.of(all, |one, other| one.compare(other, is_descending), |it| Some(it.id) == around)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(rank: u64, id: u64) -> Ranked {
        let (bytes, idle_ms, rates) = ((0, 0), 0, Rates::default());
        Ranked { rank: Rank::Number(rank), id, worker: 0, place: 0, bytes, idle_ms, rates }
    }

    fn ids(limit: usize, is_descending: bool) -> Vec<u64> {
        let all = [(5, 1), (7, 2), (5, 3), (9, 4), (7, 5)].map(|(rank, id)| ranked(rank, id));
        let part = Part { skip: 0, limit };
        cut(all.into(), part, is_descending, None).rows.iter().map(|it| it.id).collect()
    }

    #[test]
    fn equals_stand_by_their_ids_in_either_direction() {
        assert_eq!(ids(9, false), [1, 3, 2, 5, 4]);
        assert_eq!(ids(9, true), [4, 2, 5, 1, 3]);
    }

    #[test]
    fn the_first_are_those_of_the_whole_order() {
        for limit in 0..=5 {
            assert_eq!(ids(limit, false), ids(9, false)[..limit]);
            assert_eq!(ids(limit, true), ids(9, true)[..limit]);
        }
    }
}
