//! The backends that may be chosen now.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use crate::backend::Member;

/// Whether the backend at a place in the set may be chosen.
pub(super) type Tier<'a> = dyn Fn(usize, &Member) -> bool + 'a;

/// Those of a set that a tier lets in, and how their weights count.
pub(super) struct Candidates<'a> {
    pub(super) backends: &'a [Member],
    pub(super) tier: &'a Tier<'a>,
    pub(super) slow_start: Option<Duration>,
    pub(super) now: Instant,
}

impl Candidates<'_> {
    /// Their places in the set and themselves.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Member)> {
        let all = self.backends.iter().enumerate();
        all.filter(|(place, backend)| self.holds(*place, backend))
    }

    /// The one at a place in the set, if it may be chosen.
    pub(super) fn at(&self, place: usize) -> Option<&Member> {
        let backend = self.backends.get(place)?;
        self.holds(place, backend).then_some(backend)
    }

    /// What a weight counts now, in thousandths.
    pub(super) fn weight(&self, backend: &Member) -> u32 {
        backend.weight(self.slow_start, self.now).thousandths()
    }

    /// The place of the one whose key is the least; among equals, each is as likely.
    pub(super) fn least<K>(
        &self,
        key: impl Fn(&Member) -> K,
        order: impl Fn(&K, &K) -> Ordering,
    ) -> Option<usize> {
        let mut chosen = None;
        self.each_least(key, order, |place, equals| {
            // The n-th equal replaces the choice with a chance of 1/n.
            if fastrand::u32(0..equals) == 0 {
                chosen = Some(place);
            }
        });
        chosen
    }

    /// The places of all whose key is the least.
    pub(super) fn all_least<K>(
        &self,
        key: impl Fn(&Member) -> K,
        order: impl Fn(&K, &K) -> Ordering,
    ) -> Vec<usize> {
        let mut all = Vec::new();
        self.each_least(key, order, |place, equals| {
            if equals == 1 {
                all.clear();
            }
            all.push(place);
        });
        all
    }

    /// Tells the place of each whose key is the least of those before it, and the how manieth it is
    /// with that key.
    fn each_least<K>(
        &self,
        key: impl Fn(&Member) -> K,
        order: impl Fn(&K, &K) -> Ordering,
        mut tell: impl FnMut(usize, u32),
    ) {
        let mut least: Option<K> = None;
        let mut equals = 0;
        for (place, backend) in self.iter() {
            let key = key(backend);
            equals = match least.as_ref().map_or(Ordering::Less, |least| order(&key, least)) {
                Ordering::Less => 1,
                Ordering::Equal => equals + 1,
                Ordering::Greater => continue,
            };
            least = Some(key);
            tell(place, equals);
        }
    }

    fn holds(&self, place: usize, backend: &Member) -> bool {
        backend.is_offered() && backend.has_room() && (self.tier)(place, backend)
    }
}
