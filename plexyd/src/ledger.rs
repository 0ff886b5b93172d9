//! What tunnels and backends count, side by side in pages of their own. Who looks at ten thousand of
//! them each second reads few pages and those in order, and not one for each, of which by then neither
//! the caches nor those of addresses hold anything; who counts pays nothing for that.

use std::array;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::traffic::Totals;

/// Accounts that are made at once, one per bit of a word: a page of 4 KiB, and that word.
const PAGE_ACCOUNTS: usize = u64::BITS as usize;

/// That of the process: like its heap, it is nothing but memory.
static LEDGER: Ledger = Ledger::new();

/// The pages that are in use.
#[derive(Debug)]
struct Ledger {
    /// Those with room, the one that is filled next at the end.
    open: Mutex<Vec<Arc<Page>>>,
}

/// Some accounts; given back with the last of them.
#[derive(Debug)]
struct Page {
    lines: [Ruled; PAGE_ACCOUNTS],
    /// Which are taken, a bit for each. Changed under the lock of the ledger.
    taken: AtomicU64,
    ledger: &'static Ledger,
}

/// A line of the processor's cache for each, so that neighbours do not disturb each other.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Ruled(Totals);

/// The totals of one tunnel or backend; given back on drop.
#[derive(Debug)]
pub(crate) struct Account(Line);

/// Where an account stands, for who looks at it again and again and holds its owner, too: later it is
/// another one's.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    page: Arc<Page>,
    place: u8,
}

impl Ledger {
    const fn new() -> Self {
        Self { open: Mutex::new(Vec::new()) }
    }

    fn open_account(&'static self) -> Account {
        let mut open = self.lock();
        if open.is_empty() {
            open.push(Arc::new(Page::new(self)));
        }
        let page = open.last().expect("one is there by now");
        let place = page.take();
        let line = Line { page: Arc::clone(page), place };
        if page.is_full() {
            open.pop();
        }
        drop(open);
        line.reset();
        Account(line)
    }

    fn close_account(&self, Line { page, place }: &Line) {
        let mut open = self.lock();
        if page.is_full() {
            open.push(Arc::clone(page));
        }
        page.give_back(*place);
        if page.is_empty() {
            open.retain(|it| !Arc::ptr_eq(it, page));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Page>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    fn new(ledger: &'static Ledger) -> Self {
        let lines = array::from_fn(|_| Ruled::default());
        Self { lines, taken: AtomicU64::new(0), ledger }
    }

    /// Takes the first place that is free.
    fn take(&self) -> u8 {
        let place = self.taken().trailing_ones();
        self.taken.store(self.taken() | 1 << place, Ordering::Relaxed);
        u8::try_from(place).expect("a word has fewer bits than a byte has values")
    }

    fn give_back(&self, place: u8) {
        self.taken.store(self.taken() & !(1 << place), Ordering::Relaxed);
    }

    fn is_full(&self) -> bool {
        self.taken() == u64::MAX
    }

    fn is_empty(&self) -> bool {
        self.taken() == 0
    }

    fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Account {
    /// Where it stands.
    pub(crate) fn line(&self) -> &Line {
        &self.0
    }
}

impl Default for Account {
    /// One that has counted nothing.
    fn default() -> Self {
        LEDGER.open_account()
    }
}

impl Deref for Account {
    type Target = Totals;

    fn deref(&self) -> &Totals {
        &self.0
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.0.page.ledger.close_account(&self.0);
    }
}

impl Deref for Line {
    type Target = Totals;

    fn deref(&self) -> &Totals {
        let line = self.page.lines.get(usize::from(self.place));
        &line.expect("a place is a bit of a word").0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> &'static Ledger {
        Box::leak(Box::new(Ledger::new()))
    }

    #[test]
    fn each_account_counts_for_itself_and_begins_at_zero() {
        let ledger = ledger();
        for round in 0..2 {
            let accounts: Vec<_> = (0..150).map(|_| ledger.open_account()).collect();
            assert!(accounts.iter().all(|it| (it.total(), it.changes()) == (0, 0)), "{round}");
            for (account, times) in accounts.iter().zip(0..) {
                (0..times).for_each(|_| account.count());
                account.note_change();
            }
            let lines = accounts.iter().map(Account::line);
            assert_eq!(
                lines.map(|it| it.total()).collect::<Vec<_>>(),
                (0..150).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn places_are_taken_again_and_pages_are_given_back() {
        let ledger = ledger();
        let pages = |accounts: &[Account]| {
            let mut pages: Vec<_> = accounts.iter().map(|it| Arc::as_ptr(&it.0.page)).collect();
            pages.sort_unstable();
            pages.dedup();
            pages.len()
        };
        let mut accounts: Vec<_> = (0..192).map(|_| ledger.open_account()).collect();
        assert_eq!((pages(&accounts), ledger.lock().len()), (3, 0), "all are full");
        // Every other one, so that each page has room.
        let mut number = 0;
        accounts.retain(|_| {
            number += 1;
            number % 2 == 0
        });
        assert_eq!((pages(&accounts), ledger.lock().len()), (3, 3));
        accounts.extend((0..96).map(|_| ledger.open_account()));
        assert_eq!((pages(&accounts), ledger.lock().len()), (3, 0));
        let page = Arc::downgrade(&accounts[0].0.page);
        drop(accounts);
        assert_eq!((page.strong_count(), ledger.lock().len()), (0, 0));
    }

    /// What each tunnel and each backend has of it.
    #[test]
    fn an_account_is_a_line_of_the_cache_and_two_words_for_its_place() {
        assert_eq!((size_of::<Ruled>(), size_of::<Account>()), (64, 16));
        assert!(size_of::<Page>() <= 4096 + 64);
    }
}
