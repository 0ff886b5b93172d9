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
//!   [`copy::BUFFER_BYTES`] per direction are held here, or what a pipe
//!   holds, in the kernel, where [`Pipes`] has one; where a stream cannot go
//!   through one and much goes, [`copy::WIDE_BUFFER_BYTES`].

mod copy;
mod lane;
mod pipe;
mod splice;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use plexy_shared::info::Reason;

use crate::stop::{Order, Stop};
use crate::traffic::{Direction, Flow};
pub(crate) use copy::WIDE_BUFFER_BYTES;
pub(crate) use lane::is_transient;
use lane::{Fault, Lane, Way};
pub(crate) use pipe::{PIPE_BYTES_MAX, Pipe, Pipes};

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
    /// Whether its bytes are those of its socket, so that they need not be seen.
    fn can_splice(&self) -> bool {
        false
    }
    /// Moves what is there, at most `bytes`, into a pipe that is empty; `WouldBlock` where nothing
    /// is. Only where it [can](Stream::can_splice).
    fn try_read_into(&self, _pipe: &Pipe, _bytes: usize) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Takes what it can of the `bytes` in a pipe; `WouldBlock` where it can take none.
    fn try_write_from(&self, _pipe: &Pipe, _bytes: usize) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Ready when [`Stream::try_read`] is worth another try.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Ready when [`Stream::try_write`] is worth another try.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Ready when nothing is left of what it has taken and keeps to itself.
    fn poll_flushed(&self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    /// Says that no more bytes will come; ready when that is said. Only where nothing is left.
    fn poll_end(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Whether dropping it says so, too, once all that the peer has sent is read.
    fn ends_on_drop(&self) -> bool {
        false
    }
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

/// What came of a run of [`relay`].
#[derive(Debug)]
pub(crate) enum Outcome {
    Ended(Ended),
    /// It was told to pause. With what it [holds](Held), and both streams, it goes on as if nothing
    /// had happened; what pipes hold can be [taken out](Held::empty_pipes) before.
    Paused,
}

/// What a connection holds between two runs of [`relay`].
#[derive(Debug)]
pub(crate) struct Held {
    inward: Lane,
    outward: Lane,
    /// Who ended first.
    first: Option<Side>,
    /// Who has broken: the other one still gets what came before.
    broken: Option<Side>,
}

impl Held {
    /// What a connection holds that begins.
    pub(crate) fn nothing() -> Self {
        // Clients often come with what they want.
        Self { inward: Lane::eager(), outward: Lane::default(), first: None, broken: None }
    }

    /// The backend gets these bytes first: the client has said them before there was one.
    pub(crate) fn begin_with(&mut self, said: Vec<u8>) {
        self.inward.begin_with(said);
    }

    /// Which side has ended first, cleanly, and its end was passed on, if one has.
    pub(crate) fn ended_first(&self) -> Option<Side> {
        self.first
    }

    /// Takes out of the kernel what pipes hold, so that it can be handed on: to another path, or to
    /// another process. Who only goes on has no need to, and what pipes hold is bounded, while this
    /// is not.
    ///
    /// # Errors
    ///
    /// Where a pipe does not give what it holds; the connection is to be reset then.
    #[cfg_attr(not(test), expect(dead_code, reason = "nobody hands connections on yet"))]
    pub(crate) fn empty_pipes(&mut self) -> io::Result<()> {
        self.inward.empty_pipe()?;
        self.outward.empty_pipe()
    }
}

/// Carries one connection to its end, or to where it is told to pause. `half_closed` is set once one
/// direction has ended or one side has broken, for whoever watches over time-outs.
pub(crate) async fn relay<C: Stream, B: Stream>(
    client: &C,
    backend: &B,
    flow: &Flow,
    half_closed: &AtomicBool,
    stop: &Stop,
    held: &mut Held,
) -> Outcome {
    let mut relay = Relay {
        client,
        backend,
        flow,
        half_closed,
        stop,
        held,
        client_broken: None,
        backend_broken: None,
    };
    let mut next = match relay.held.broken {
        Some(side) => Next::Deliver(side),
        None => std::future::poll_fn(|cx| relay.poll(cx)).await,
    };
    if let Next::Deliver(broken) = next {
        next = Box::pin(relay.deliver(broken)).await;
    }
    let ended = match next {
        Next::Ended(Ended::Finished(side)) => return Outcome::Ended(Ended::Finished(side)),
        Next::Ended(ended) => ended,
        Next::Deliver(side) => Ended::Broken(side),
        Next::Obey(Order::End(reason)) => Ended::Stopped(reason),
        Next::Obey(Order::Pause) => return Outcome::Paused,
    };
    client.reset_on_close();
    backend.reset_on_close();
    Outcome::Ended(ended)
}

/// What comes after the bytes have gone their way for a while.
#[derive(Debug)]
enum Next {
    Ended(Ended),
    /// This side has broken; the other one gets what came before.
    Deliver(Side),
    Obey(Order),
}

/// The two directions while both sides are whole.
struct Relay<'a, 'h, C, B> {
    client: &'a C,
    backend: &'a B,
    flow: &'a Flow,
    half_closed: &'a AtomicBool,
    stop: &'a Stop,
    held: &'h mut Held,
    /// Watches over a side that is not read from.
    client_broken: Option<BoxFuture<'a, ()>>,
    backend_broken: Option<BoxFuture<'a, ()>>,
}

impl<'a, C: Stream, B: Stream> Relay<'a, '_, C, B> {
    fn in_way(&self) -> Way<'a, C, B> {
        let Self { client: from, backend: to, flow, .. } = *self;
        Way { from, to, flow, direction: Direction::In }
    }

    fn out_way(&self) -> Way<'a, B, C> {
        let Self { client: to, backend: from, flow, .. } = *self;
        Way { from, to, flow, direction: Direction::Out }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if let Poll::Ready(order) = self.stop.poll_ordered(cx) {
            return Poll::Ready(Next::Obey(order));
        }
        let (in_way, out_way) = (self.in_way(), self.out_way());
        let inward = self.held.inward.poll(cx, in_way, self.held.outward.has_ended());
        if let Poll::Ready(Err(fault)) = inward {
            return self.broke(fault.side(Side::Client, Side::Backend));
        }
        if inward.is_ready() {
            self.ended(Side::Client);
        }
        let outward = self.held.outward.poll(cx, out_way, self.held.inward.has_ended());
        if let Poll::Ready(Err(fault)) = outward {
            return self.broke(fault.side(Side::Backend, Side::Client));
        }
        if outward.is_ready() {
            self.ended(Side::Backend);
        }
        if let Some(first) = self.held.first.filter(|_| inward.is_ready() && outward.is_ready()) {
            return Poll::Ready(Next::Ended(Ended::Finished(first)));
        }
        // Nobody reads from a side that has finished sending, or whose bytes
        // the other one does not take: its reset would not be noticed.
        if inward.is_ready() || self.held.inward.is_blocked() {
            self.client_broken.get_or_insert_with(|| self.client.broken());
        }
        if outward.is_ready() || self.held.outward.is_blocked() {
            self.backend_broken.get_or_insert_with(|| self.backend.broken());
        }
        self.poll_broken(cx)
    }

    /// Lets the other side get what came before the break, unless it is told something else.
    async fn deliver(&mut self, broken: Side) -> Next {
        self.half_closed.store(true, Ordering::Relaxed);
        let (in_way, out_way) = (self.in_way(), self.out_way());
        let deliver: BoxFuture<'_, ()> = match broken {
            Side::Client => Box::pin(deliver_rest(&mut self.held.inward, in_way)),
            Side::Backend => Box::pin(deliver_rest(&mut self.held.outward, out_way)),
        };
        tokio::select! {
            biased;
            order = self.stop.ordered() => Next::Obey(order),
            () = deliver => Next::Ended(Ended::Broken(broken)),
        }
    }

    fn ended(&mut self, side: Side) {
        self.held.first.get_or_insert(side);
        self.half_closed.store(true, Ordering::Relaxed);
    }

    fn broke(&mut self, side: Side) -> Poll<Next> {
        self.held.broken = Some(side);
        Poll::Ready(Next::Deliver(side))
    }

    fn poll_broken(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        let is_broken = |watch: &mut Option<BoxFuture<'_, ()>>, cx: &mut Context<'_>| {
            watch.as_mut().is_some_and(|watch| watch.as_mut().poll(cx).is_ready())
        };
        if is_broken(&mut self.client_broken, cx) {
            return self.broke(Side::Client);
        }
        if is_broken(&mut self.backend_broken, cx) {
            return self.broke(Side::Backend);
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
async fn deliver_rest<F: Stream, T: Stream>(lane: &mut Lane, way: Way<'_, F, T>) {
    let deliver = async {
        let rest = std::future::poll_fn(|cx| lane.poll_rest(cx, way));
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
        if std::future::poll_fn(|cx| lane::poll_discard(cx, way.to)).await.is_ok() {
            way.to.broken().await;
        }
    };
    tokio::select! {
        () = deliver => {}
        () = gone => {}
    }
}
