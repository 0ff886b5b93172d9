//! Where spans wait for who exports them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use plexy_shared::info::Reason;
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{End, Span, Trace};
use crate::sample::Sample;
use crate::socket::ClientAddr;
use crate::tunnel::Tunnel;

/// What is asked of tracing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tracing {
    /// The connections that are traced.
    pub(crate) sample: Sample,
    /// Spans that wait, at most.
    pub(crate) queue_max: usize,
    /// Spans that are exported at once, at most, and without waiting for more.
    pub(crate) batch_max: usize,
}

/// Notes what is to be noted of connections, if anything is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traces {
    queue: Option<Arc<Queue>>,
}

#[derive(Debug)]
struct Queue {
    tracing: Tracing,
    spans: Sender<Span>,
    shared: Arc<Shared>,
}

/// The spans that wait, for who exports them.
#[derive(Debug)]
pub(crate) struct Spans {
    batch_max: usize,
    spans: Receiver<Span>,
    shared: Arc<Shared>,
}

/// What both ends of the queue know.
#[derive(Debug, Default)]
struct Shared {
    /// A batch waits. Nobody is woken up for less, which would cost a worker more than the rest.
    batch: Notify,
    exported: AtomicU64,
    refused: AtomicU64,
    dropped: AtomicU64,
}

/// What becomes of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The collector has taken it.
    Exported,
    /// It has refused it.
    Refused,
    /// There was no room for it, or no time.
    Dropped,
}

impl Traces {
    /// Begins to note, where that is wanted; and where spans come out then.
    pub(crate) fn start(tracing: Option<Tracing>) -> (Self, Option<Spans>) {
        let Some(tracing) = tracing else { return (Self::default(), None) };
        let (sender, spans) = channel(tracing.queue_max);
        let shared = Arc::new(Shared::default());
        let queue = Queue { tracing, spans: sender, shared: Arc::clone(&shared) };
        let spans = Spans { batch_max: tracing.batch_max, spans, shared };
        (Self { queue: Some(Arc::new(queue)) }, Some(spans))
    }

    /// What notes the way of a connection, if that is sampled.
    pub(crate) fn begin(
        &self,
        connection: u64,
        tunnel: &Arc<Tunnel>,
        client: ClientAddr,
        accepted: Instant,
    ) -> Option<Box<Trace>> {
        let queue = self.queue.as_deref()?;
        let is_sampled = queue.tracing.sample.takes(connection);
        let trace = || Box::new(Trace::new(connection, Arc::clone(tunnel), client, accepted));
        is_sampled.then(trace)
    }

    /// Notes a client that was not let in.
    pub(crate) fn refused(
        &self,
        tunnel: &Arc<Tunnel>,
        client: ClientAddr,
        connection: u64,
        reason: Reason,
    ) {
        let now = Instant::now();
        if let Some(trace) = self.begin(connection, tunnel, client, now) {
            self.end(
                trace,
                End {
                    reason,
                    backend: None,
                    introduction: None,
                    handshake: None,
                    bytes_in: 0,
                    bytes_out: 0,
                    at: (now, SystemTime::now()),
                },
            );
        }
    }

    /// Has this exported, unless too many wait before it. Never blocks.
    pub(crate) fn end(&self, trace: Box<Trace>, end: End) {
        let Some(queue) = &self.queue else { return };
        if queue.spans.try_send(Span { trace, end }).is_err() {
            queue.shared.count(Fate::Dropped, 1);
        }
        let waiting = queue.spans.max_capacity() - queue.spans.capacity();
        if waiting >= queue.tracing.batch_max {
            queue.shared.batch.notify_one();
        }
    }

    /// How many spans met each fate, if there are any.
    pub(crate) fn counts(&self) -> Option<[(Fate, u64); 3]> {
        let shared = &self.queue.as_ref()?.shared;
        let fates = [Fate::Exported, Fate::Refused, Fate::Dropped];
        Some(fates.map(|fate| (fate, shared.cell(fate).load(Ordering::Relaxed))))
    }
}

impl Spans {
    /// Waits until there is a batch, or the time is over.
    pub(crate) async fn wait(&self, time: Duration) {
        let enough = async {
            while !self.has_batch() {
                self.shared.batch.notified().await;
            }
        };
        // Either way there may be something to take.
        tokio::time::timeout(time, enough).await.ok();
    }

    /// Whether as many wait as are exported at once.
    pub(crate) fn has_batch(&self) -> bool {
        self.spans.len() >= self.batch_max
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Takes what waits, a batch at most.
    pub(crate) fn take(&mut self) -> Vec<Span> {
        let taken = std::iter::from_fn(|| self.spans.try_recv().ok());
        taken.take(self.batch_max).collect()
    }

    pub(crate) fn count(&self, fate: Fate, spans: usize) {
        self.shared.count(fate, spans);
    }

    /// How many were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn cell(&self, fate: Fate) -> &AtomicU64 {
        match fate {
            Fate::Exported => &self.exported,
            Fate::Refused => &self.refused,
            Fate::Dropped => &self.dropped,
        }
    }

    fn count(&self, fate: Fate, spans: usize) {
        self.cell(fate).fetch_add(spans as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    const FULL: Tracing = Tracing { sample: Sample::ALL, queue_max: 5, batch_max: 2 };

    fn tunnel() -> Arc<Tunnel> {
        Tunnel::of("3000=4000").0
    }

    #[tokio::test(start_paused = true)]
    async fn what_finds_no_room_is_dropped_and_counted() {
        let (traces, spans) = Traces::start(Some(FULL));
        let mut spans = spans.unwrap();
        let tunnel = tunnel();
        (1..=7).for_each(|id| traces.refused(&tunnel, ClientAddr::Unix, id, Reason::Limit));
        // There is a batch, so nothing is waited for.
        spans.wait(Duration::MAX).await;
        let mut taken =
            || spans.take().iter().map(|span| span.trace.connection).collect::<Vec<_>>();
        assert_eq!((taken(), taken(), taken(), taken()), (vec![1, 2], vec![3, 4], vec![5], vec![]));
        let counts = traces.counts().unwrap();
        assert_eq!(counts, [(Fate::Exported, 0), (Fate::Refused, 0), (Fate::Dropped, 2)]);
        drop(spans);
        traces.refused(&tunnel, ClientAddr::Unix, 8, Reason::Limit);
        assert_eq!(traces.counts().unwrap()[2], (Fate::Dropped, 3));
    }

    #[test]
    fn nothing_is_noted_where_nothing_is_asked() {
        let (traces, spans) = Traces::start(None);
        assert!(spans.is_none() && traces.counts().is_none());
        assert!(traces.begin(1, &tunnel(), ClientAddr::Unix, Instant::now()).is_none());
    }

    #[test]
    fn a_span_is_small() {
        assert!(size_of::<Span>() <= 80, "{}", size_of::<Span>());
        assert!(size_of::<Trace>() <= 240, "{}", size_of::<Trace>());
    }
}
