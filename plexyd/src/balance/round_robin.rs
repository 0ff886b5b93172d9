//! One backend after the other, the heavy ones interleaved smoothly: weights
//! 5, 1, 1 give `a a b a c a a` and not `a a a a a b c`. The algorithm is the
//! smooth weighted round-robin of nginx (commit 52327e0, 2012).

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::candidates::Candidates;

/// How far each backend is behind its share.
#[derive(Debug)]
pub(crate) struct RoundRobin {
    behind: Mutex<Box<[i64]>>,
}

impl RoundRobin {
    pub(super) fn new(backends: usize) -> Self {
        Self { behind: Mutex::new(vec![0; backends].into_boxed_slice()) }
    }

    pub(super) fn pick(&self, candidates: &Candidates<'_>) -> Option<usize> {
        advance(&mut self.lock(), candidates)
    }

    /// The one that would be picked next. Nothing moves on.
    pub(super) fn next(&self, candidates: &Candidates<'_>) -> Option<usize> {
        let mut behind = self.lock().clone();
        advance(&mut behind, candidates)
    }

    fn lock(&self) -> MutexGuard<'_, Box<[i64]>> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn advance(behind: &mut [i64], candidates: &Candidates<'_>) -> Option<usize> {
    let mut weights = 0;
    let mut most: Option<(usize, i64)> = None;
    for (place, backend) in candidates.iter() {
        let weight = i64::from(candidates.weight(backend));
        let behind = behind.get_mut(place)?;
        *behind += weight;
        weights += weight;
        if most.is_none_or(|(_, least)| *behind > least) {
            most = Some((place, *behind));
        }
    }
    let (place, _) = most?;
    *behind.get_mut(place)? -= weights;
    Some(place)
}
