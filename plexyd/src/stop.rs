//! A word to one connection that it shall end, and why.

use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use plexy_shared::info::Reason;
use plexy_shared::word::Words;

/// Given once, by whoever is first; heard by the one task that carries the
/// connection. Cheaper than a cancellation token: nothing is shared with any
/// other connection, and asking costs an atomic load and a store.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    /// Zero for "go on", else one more than the reason's place in the list.
    reason: AtomicU8,
    waker: AtomicWaker,
}

impl Stop {
    /// Ends the connection, unless it was told so before.
    pub(crate) fn order(&self, reason: Reason) {
        let place = Reason::ALL.iter().position(|known| *known == reason).unwrap_or_default();
        let code = u8::try_from(place + 1).unwrap_or(u8::MAX);
        if self.reason.compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.waker.wake();
        }
    }

    /// Whether it shall end.
    pub(crate) fn poll_ordered(&self, cx: &mut Context<'_>) -> Poll<Reason> {
        self.waker.register(cx.waker());
        match self.reason.load(Ordering::Acquire) {
            0 => Poll::Pending,
            code => Poll::Ready(
                Reason::ALL.get(usize::from(code) - 1).copied().unwrap_or(Reason::Error),
            ),
        }
    }

    /// Waits until it shall end.
    pub(crate) async fn ordered(&self) -> Reason {
        std::future::poll_fn(|cx| self.poll_ordered(cx)).await
    }
}
