//! Since when somebody wants what they want of a tunnel or a backend, and until when it drains.
//!
//! What they want stands in the route, which clients see; this is for who asks.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use once_cell::race::OnceBox;
use tokio_util::sync::CancellationToken;

/// What somebody has done last. It takes no room before, since to most nobody ever does anything.
#[derive(Debug, Default)]
pub(crate) struct Admin {
    record: OnceBox<Mutex<Record>>,
}

#[derive(Debug, Default)]
struct Record {
    noted: Option<Noted>,
    /// Cancelled by the next thing that is done.
    over: CancellationToken,
}

/// What somebody has done.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    pub(crate) since: Instant,
    pub(crate) by: String,
    /// When connections that still drain are reset.
    pub(crate) deadline: Option<Instant>,
}

impl Admin {
    /// Somebody does something: what is cancelled when something else is done.
    pub(crate) fn note(&self, noted: Noted) -> CancellationToken {
        let mut record = lock(self.record.get_or_init(Box::default));
        record.noted = Some(noted);
        std::mem::take(&mut record.over).cancel();
        record.over.clone()
    }

    /// What was done last, if anything was.
    pub(crate) fn noted(&self) -> Option<Noted> {
        lock(self.record.get()?).noted.clone()
    }
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(by: &str) -> Noted {
        Noted { since: Instant::now(), by: by.to_owned(), deadline: None }
    }

    #[test]
    fn what_is_done_ends_what_was_done_before() {
        let admin = Admin::default();
        assert!(admin.noted().is_none());
        let first = admin.note(noted("one"));
        assert!(!first.is_cancelled());
        let second = admin.note(noted("two"));
        assert!(first.is_cancelled() && !second.is_cancelled());
        assert_eq!(admin.noted().unwrap().by, "two");
    }
}
