//! Whether a backend may be chosen, told without a lock: every client asks.
//! The rest does not exist before the first failure, since most backends never
//! fail.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use once_cell::race::OnceBox;
use tokio_util::sync::CancellationToken;

use super::ejection::{Change, Ejection, Rules};

/// Failures and ejections of one backend: one that is new may be chosen.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Whether there was a failure since the last success.
    has_failed: AtomicBool,
    is_ejected: AtomicBool,
    record: OnceBox<Mutex<Record>>,
}

/// What is known since the first failure.
#[derive(Debug)]
struct Record {
    ejection: Ejection,
    /// Cancelled when the ejection has ended, whoever ended it.
    over: CancellationToken,
}

/// An ejection, or the failures before one, for whoever reports it.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) is_ejected: bool,
    pub(crate) since: Instant,
    pub(crate) cause: Option<String>,
    /// When something is tried about it.
    pub(crate) next: Option<Instant>,
    /// Whether that is a probe.
    pub(crate) is_probed: bool,
}

impl Standing {
    pub(super) fn is_ejected(&self) -> bool {
        self.is_ejected.load(Ordering::Relaxed)
    }

    /// An attempt has succeeded.
    pub(super) fn succeeded(&self) -> Change {
        if !self.has_failed.load(Ordering::Relaxed) {
            return Change::None;
        }
        self.change(|ejection| ejection.succeeded(Instant::now()))
    }

    /// An attempt has failed, on a backend that is there since `born`. If that ejects it, it tells what
    /// is cancelled when the ejection is over.
    pub(super) fn failed(
        &self,
        born: Instant,
        cause: &str,
        rules: &Rules,
    ) -> Option<CancellationToken> {
        let record = self.record.get_or_init(|| {
            let ejection = Ejection::new(born);
            Box::new(Mutex::new(Record { ejection, over: CancellationToken::new() }))
        });
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_failed.store(true, Ordering::Relaxed);
        let change = record.ejection.failed(Instant::now(), cause, rules);
        if change == Change::Ejected {
            record.over = CancellationToken::new();
            self.is_ejected.store(true, Ordering::Relaxed);
        }
        (change == Change::Ejected).then(|| record.over.clone())
    }

    /// Ends the ejection if its time has passed.
    pub(super) fn expire(&self) -> Change {
        self.change(|ejection| ejection.expired(Instant::now()))
    }

    /// When the ejection ends without a probe, if there is one.
    pub(super) fn ejected_until(&self) -> Option<Instant> {
        self.record()?.ejection.until()
    }

    /// The next probe comes then.
    pub(super) fn expect_probe(&self, at: Option<Instant>) {
        if let Some(mut record) = self.record() {
            record.ejection.expect_probe(at);
        }
    }

    pub(super) fn report(&self) -> Option<Report> {
        let record = self.record()?;
        Some(Report {
            is_ejected: record.ejection.is_ejected(),
            since: record.ejection.since(),
            cause: record.ejection.cause().map(str::to_owned),
            next: record.ejection.next(),
            is_probed: record.ejection.is_probed(),
        })
    }

    fn record(&self) -> Option<MutexGuard<'_, Record>> {
        let record = self.record.get()?;
        Some(record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what may end an ejection, and says so to who waits for that.
    fn change(&self, change: impl FnOnce(&mut Ejection) -> Change) -> Change {
        let Some(mut record) = self.record() else { return Change::None };
        let change = change(&mut record.ejection);
        self.has_failed.store(record.ejection.has_failed(), Ordering::Relaxed);
        if change == Change::Restored {
            self.is_ejected.store(false, Ordering::Relaxed);
            record.over.cancel();
        }
        change
    }
}
