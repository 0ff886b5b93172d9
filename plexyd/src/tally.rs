//! Counts, one per word of a closed list. They do not exist before the first
//! one, since most tunnels are idle.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::race::OnceBox;
use plexy_shared::word::Words;

/// One cell per word of `T`, in the order of the list.
#[derive(Debug)]
pub(crate) struct Tally<T> {
    cells: OnceBox<Box<[AtomicU64]>>,
    words: PhantomData<T>,
}

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self { cells: OnceBox::new(), words: PhantomData }
    }
}

impl<T: Words> Tally<T> {
    /// One more of this word.
    pub(crate) fn count(&self, word: T) {
        let none = || Box::new(T::ALL.iter().map(|_| AtomicU64::new(0)).collect());
        let cells = self.cells.get_or_init(none);
        if let Some((_, cell)) = T::ALL.iter().zip(cells).find(|(known, _)| **known == word) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Every word that there was, and how often.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (T, u64)> {
        let counts = T::ALL.iter().zip(self.cells.get().into_iter().flatten());
        let counts = counts.map(|(word, cell)| (*word, cell.load(Ordering::Relaxed)));
        counts.filter(|(_, count)| *count > 0)
    }

    /// How often there was one of these words.
    pub(crate) fn of(&self, words: &[T]) -> u64 {
        self.counts().filter(|(word, _)| words.contains(word)).map(|(_, count)| count).sum()
    }
}
