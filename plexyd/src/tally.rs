//! Counts, one per word of a closed list.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use plexy_shared::word::Words;

/// One cell per word of `T`, in the order of the list; `N` is its length.
#[derive(Debug)]
pub(crate) struct Tally<T, const N: usize> {
    cells: [AtomicU64; N],
    words: PhantomData<T>,
}

impl<T, const N: usize> Default for Tally<T, N> {
    fn default() -> Self {
        Self { cells: std::array::from_fn(|_| AtomicU64::new(0)), words: PhantomData }
    }
}

impl<T: Words, const N: usize> Tally<T, N> {
    /// One more of this word.
    pub(crate) fn count(&self, word: T) {
        if let Some((_, cell)) = T::ALL.iter().zip(&self.cells).find(|(known, _)| **known == word) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Every word that there was, and how often.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (T, u64)> {
        let counts = T::ALL.iter().zip(&self.cells);
        let counts = counts.map(|(word, cell)| (*word, cell.load(Ordering::Relaxed)));
        counts.filter(|(_, count)| *count > 0)
    }

    /// How often there was one of these words.
    pub(crate) fn of(&self, words: &[T]) -> u64 {
        self.counts().filter(|(word, _)| words.contains(word)).map(|(_, count)| count).sum()
    }
}
