//! A word to one connection that it shall end, and why, or pause.

use std::sync::atomic::{AtomicU8, Ordering, fence};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use plexy_shared::info::Reason;
use plexy_shared::word::Words;

/// What a connection is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// End, for this reason.
    End(Reason),
    /// Let go of everything, to go on later.
    Pause,
}

/// Codes that are no reason; a reason has its place in the list, and one more.
const GO_ON: u8 = 0;
const PAUSE: u8 = u8::MAX;

fn code_of(reason: Reason) -> u8 {
    let place = Reason::ALL.iter().position(|known| *known == reason).unwrap_or_default();
    u8::try_from(place + 1).unwrap_or(PAUSE - 1)
}

fn reason_of(code: u8) -> Option<Reason> {
    Reason::ALL.get(usize::from(code).checked_sub(1)?).copied()
}

/// Why connections that come to be are to end at once, if they are: a look costs an atomic load.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    code: AtomicU8,
}

impl Verdict {
    /// They are to end, or not any more.
    pub(crate) fn set(&self, reason: Option<Reason>) {
        // In one order with the entries of a table: whoever sets it and then looks for connections
        // has told each that does not see it.
        self.code.store(reason.map_or(GO_ON, code_of), Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Why they are to end.
    pub(crate) fn get(&self) -> Option<Reason> {
        fence(Ordering::SeqCst);
        reason_of(self.code.load(Ordering::SeqCst))
    }
}

/// An end is ordered once, by whoever is first; it is heard by the one task that carries the
/// connection. Cheaper than a cancellation token: nothing is shared with any other connection, and
/// asking costs an atomic load and a store.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    code: AtomicU8,
    waker: AtomicWaker,
}

impl Stop {
    /// Ends the connection, unless it was told so before; whether it was not.
    pub(crate) fn order(&self, reason: Reason) -> bool {
        let code = code_of(reason);
        let is_first = |now| (now == GO_ON || now == PAUSE).then_some(code);
        let ordered = self.code.fetch_update(Ordering::AcqRel, Ordering::Acquire, is_first);
        if ordered.is_ok() {
            self.waker.wake();
        }
        ordered.is_ok()
    }

    /// Whether it was told to end.
    pub(crate) fn is_ordered(&self) -> bool {
        !matches!(self.code.load(Ordering::Acquire), GO_ON | PAUSE)
    }

    /// Pauses it, once it relays; without effect where it is to end.
    pub(crate) fn pause(&self) {
        self.exchange(GO_ON, PAUSE);
        self.waker.wake();
    }

    /// Lets it go on that has paused.
    pub(crate) fn resume(&self) {
        self.exchange(PAUSE, GO_ON);
    }

    fn exchange(&self, from: u8, to: u8) {
        // Where it is something else it is to end, and that stands.
        self.code.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).ok();
    }

    /// Whether it shall do something else.
    pub(crate) fn poll_ordered(&self, cx: &mut Context<'_>) -> Poll<Order> {
        self.waker.register(cx.waker());
        match self.code.load(Ordering::Acquire) {
            GO_ON => Poll::Pending,
            PAUSE => Poll::Ready(Order::Pause),
            code => Poll::Ready(Order::End(reason_of(code).unwrap_or(Reason::Error))),
        }
    }

    /// Waits until it shall do something else.
    pub(crate) async fn ordered(&self) -> Order {
        std::future::poll_fn(|cx| self.poll_ordered(cx)).await
    }

    /// Waits until it shall end.
    pub(crate) async fn ended(&self) -> Reason {
        std::future::poll_fn(|cx| match self.poll_ordered(cx) {
            Poll::Ready(Order::End(reason)) => Poll::Ready(reason),
            Poll::Ready(Order::Pause) | Poll::Pending => Poll::Pending,
        })
        .await
    }
}
