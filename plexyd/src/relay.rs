//! Moves the bytes of one connection, both ways, until it ends.
//!
//! `relay` knows nothing of tunnels, balancing, TLS configuration or metrics
//! exposition: it gets two streams, a [`Flow`] to count in and a [`Stop`] to
//! listen to, and says how it [`Ended`].
//!
//! What it guarantees:
//! - the end of one direction is passed on, and the other direction lives;
//! - a clean end is passed on only after every byte before it;
//! - when one side breaks, the other one first gets every byte that came
//!   before, and only then the reset;
//! - what a slow reader does not take stays with its sender: at most
//!   [`copy::BUFFER_BYTES`] per direction are held here.

mod copy;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use plexy_shared::info::Reason;

use crate::stop::Stop;
use crate::traffic::{Direction, Flow};
use copy::{Copier, Fault, Way};

/// Shortest and longest pause between two looks at a send queue.
const DRAIN_POLL_MIN: Duration = Duration::from_millis(1);
const DRAIN_POLL_MAX: Duration = Duration::from_millis(100);

/// A future that a stream makes for rare cases.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One side of a connection.
pub(crate) trait Stream: Sync {
    /// Reads what is there; `WouldBlock` where nothing is.
    fn try_read(&self, buffer: &mut [u8], readiness: Readiness) -> io::Result<usize>;
    /// Writes what can be taken; `WouldBlock` where nothing can.
    fn try_write(&self, bytes: &[u8], readiness: Readiness) -> io::Result<usize>;
    /// Ready when [`Stream::try_read`] is worth another try.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Ready when [`Stream::try_write`] is worth another try.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Says that no more bytes will come.
    fn end(&self) -> io::Result<()>;
    /// Ready when the peer has broken the connection, also while nobody reads.
    fn broken(&self) -> BoxFuture<'_, ()>;
    /// Bytes written that the peer has not taken yet.
    fn unsent_bytes(&self) -> io::Result<usize>;
    /// Makes the coming close a reset.
    fn reset_on_close(&self);
}

/// What is known of whether a stream can be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// The system tells: nothing is tried before it did.
    Told,
    /// The stream is so new that the system may have had no occasion to: it is tried.
    Unknown,
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Backend,
}

/// How a connection ended. Both streams are ready to be dropped then: whether
/// that is a clean end or a reset has been arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Both sides finished, this one first.
    Finished(Side),
    /// This side broke.
    Broken(Side),
    /// It was told to.
    Stopped(Reason),
}

impl Ended {
    pub(crate) fn reason(self) -> Reason {
        match self {
            Self::Finished(Side::Client) => Reason::ClientFin,
            Self::Finished(Side::Backend) => Reason::BackendFin,
            Self::Broken(Side::Client) => Reason::ClientReset,
            Self::Broken(Side::Backend) => Reason::BackendReset,
            Self::Stopped(reason) => reason,
        }
    }
}

/// Carries one connection to its end. `half_closed` is set once one direction
/// has ended or one side has broken, for whoever watches over time-outs.
pub(crate) async fn relay<C: Stream, B: Stream>(
    client: &C,
    backend: &B,
    flow: &Flow,
    half_closed: &AtomicBool,
    stop: &Stop,
) -> Ended {
    let mut relay = Relay {
        in_way: Way { from: client, to: backend, flow, direction: Direction::In },
        out_way: Way { from: backend, to: client, flow, direction: Direction::Out },
        half_closed,
        // Clients often come with what they want.
        inward: Copier::eager(),
        outward: Copier::default(),
        first: None,
        client_broken: None,
        backend_broken: None,
    };
    let broken = tokio::select! {
        biased;
        reason = stop.ordered() => return reset_both(client, backend, reason),
        end = std::future::poll_fn(|cx| relay.poll(cx)) => match end {
            Ended::Broken(side) => side,
            ended => return ended,
        },
    };
    half_closed.store(true, Ordering::Relaxed);
    let deliver: BoxFuture<'_, ()> = match broken {
        Side::Client => Box::pin(deliver_rest(&mut relay.inward, relay.in_way)),
        Side::Backend => Box::pin(deliver_rest(&mut relay.outward, relay.out_way)),
    };
    tokio::select! {
        biased;
        reason = stop.ordered() => return reset_both(client, backend, reason),
        () = deliver => {}
    }
    client.reset_on_close();
    backend.reset_on_close();
    Ended::Broken(broken)
}

fn reset_both<C: Stream, B: Stream>(client: &C, backend: &B, reason: Reason) -> Ended {
    client.reset_on_close();
    backend.reset_on_close();
    Ended::Stopped(reason)
}

/// The two directions while both sides are whole.
struct Relay<'a, C, B> {
    in_way: Way<'a, C, B>,
    out_way: Way<'a, B, C>,
    half_closed: &'a AtomicBool,
    inward: Copier,
    outward: Copier,
    first: Option<Side>,
    /// Watches over a side that is not read from.
    client_broken: Option<BoxFuture<'a, ()>>,
    backend_broken: Option<BoxFuture<'a, ()>>,
}

impl<'a, C: Stream, B: Stream> Relay<'a, C, B> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        let inward = self.inward.poll(cx, self.in_way);
        if let Poll::Ready(Err(fault)) = inward {
            return Poll::Ready(Ended::Broken(fault.side(Side::Client, Side::Backend)));
        }
        if inward.is_ready() {
            self.ended(Side::Client);
        }
        let outward = self.outward.poll(cx, self.out_way);
        if let Poll::Ready(Err(fault)) = outward {
            return Poll::Ready(Ended::Broken(fault.side(Side::Backend, Side::Client)));
        }
        if outward.is_ready() {
            self.ended(Side::Backend);
        }
        if let Some(first) = self.first.filter(|_| inward.is_ready() && outward.is_ready()) {
            return Poll::Ready(Ended::Finished(first));
        }
        // Nobody reads from a side that has finished sending, or whose bytes
        // the other one does not take: its reset would not be noticed.
        if inward.is_ready() || self.inward.is_blocked() {
            self.client_broken.get_or_insert_with(|| self.in_way.from.broken());
        }
        if outward.is_ready() || self.outward.is_blocked() {
            self.backend_broken.get_or_insert_with(|| self.out_way.from.broken());
        }
        self.poll_broken(cx)
    }

    fn ended(&mut self, side: Side) {
        self.first.get_or_insert(side);
        self.half_closed.store(true, Ordering::Relaxed);
    }

    fn poll_broken(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        for (side, broken) in
            [(Side::Client, &mut self.client_broken), (Side::Backend, &mut self.backend_broken)]
        {
            if broken.as_mut().is_some_and(|broken| broken.as_mut().poll(cx).is_ready()) {
                return Poll::Ready(Ended::Broken(side));
            }
        }
        Poll::Pending
    }
}

impl Fault {
    fn side(self, reading_from: Side, writing_to: Side) -> Side {
        match self {
            Self::Read => reading_from,
            Self::Write => writing_to,
        }
    }
}

/// The source broke. Whatever it sent before goes to the sink, whose end is a reset,
/// which must not overtake those bytes: a reset throws away what the peer has
/// not taken yet. What the sink sends has nobody to go to, but is taken: else it
/// might wait for that, and never take the rest. If the sink breaks too, there is
/// nothing left to wait for.
async fn deliver_rest<F: Stream, T: Stream>(copy: &mut Copier, way: Way<'_, F, T>) {
    let deliver = async {
        let rest = std::future::poll_fn(|cx| copy.poll_rest(cx, way));
        let mut is_left = rest.await.is_ok();
        let mut pause = DRAIN_POLL_MIN;
        while is_left {
            is_left = way.to.unsent_bytes().is_ok_and(|bytes| bytes > 0);
            if is_left {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(DRAIN_POLL_MAX);
            }
        }
    };
    let gone = async {
        if std::future::poll_fn(|cx| copy::poll_discard(cx, way.to)).await.is_ok() {
            way.to.broken().await;
        }
    };
    tokio::select! {
        () = deliver => {}
        () = gone => {}
    }
}
