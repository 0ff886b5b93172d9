//! The relay over streams in memory, where every step can be arranged.

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use super::copy::BUFFER_BYTES;
use super::*;

/// What a script lets a stream give, one item a read.
#[derive(Debug, Clone)]
enum Give {
    Bytes(Vec<u8>),
    End,
    Broken,
}

/// A stream whose peer is the test.
#[derive(Debug, Default)]
struct Scripted {
    inner: Mutex<Inner>,
    unsent: AtomicUsize,
}

#[derive(Debug, Default)]
struct Inner {
    gives: VecDeque<Give>,
    taken: Vec<u8>,
    /// Bytes that it takes before it is full.
    room: usize,
    write_breaks: bool,
    /// It has taken something that it keeps to itself.
    keeps: bool,
    ended: bool,
    reset: bool,
    broken_later: bool,
    wakers: Vec<Waker>,
    /// How much each read would have taken.
    reads: Vec<usize>,
}

impl Scripted {
    fn giving(gives: impl IntoIterator<Item = Give>) -> Arc<Self> {
        let stream = Self::default();
        stream.with(|inner| {
            inner.gives = gives.into_iter().collect();
            inner.room = usize::MAX;
        });
        Arc::new(stream)
    }

    fn with<R>(&self, change: impl FnOnce(&mut Inner) -> R) -> R {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut inner);
        inner.wakers.drain(..).for_each(Waker::wake);
        result
    }

    fn poll(&self, cx: &mut Context<'_>, ready: impl FnOnce(&Inner) -> bool) -> Poll<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if ready(&inner) {
            return Poll::Ready(());
        }
        inner.wakers.push(cx.waker().clone());
        Poll::Pending
    }
}

impl Stream for Scripted {
    fn try_read(&self, buffer: &mut [u8], _readiness: Readiness) -> io::Result<usize> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.reads.push(buffer.len());
        match inner.gives.pop_front() {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Give::End) => Ok(0),
            Some(Give::Broken) => Err(io::ErrorKind::ConnectionReset.into()),
            Some(Give::Bytes(bytes)) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
        }
    }

    fn try_write(&self, bytes: &[u8], _readiness: Readiness) -> io::Result<usize> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!inner.ended, "written after the end");
        if inner.write_breaks {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(inner.room);
        if taken == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        inner.room -= taken;
        inner.taken.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |inner| !inner.gives.is_empty()).map(Ok)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |inner| inner.room > 0 || inner.write_breaks).map(Ok)
    }

    fn poll_flushed(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |inner| !inner.keeps).map(Ok)
    }

    fn poll_end(&self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|inner| inner.ended = true);
        Poll::Ready(Ok(()))
    }

    fn broken(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::poll_fn(|cx| self.poll(cx, |inner| inner.broken_later)))
    }

    fn unsent_bytes(&self) -> io::Result<usize> {
        Ok(self.unsent.load(Ordering::Relaxed))
    }

    fn reset_on_close(&self) {
        self.with(|inner| inner.reset = true);
    }
}

fn bytes(text: &str) -> Give {
    Give::Bytes(text.as_bytes().to_vec())
}

/// A relay that runs beside the test.
struct Running {
    client: Arc<Scripted>,
    backend: Arc<Scripted>,
    flow: Arc<Flow>,
    half_closed: Arc<AtomicBool>,
    stop: Arc<Stop>,
    task: tokio::task::JoinHandle<Ended>,
}

fn run(client: Arc<Scripted>, backend: Arc<Scripted>) -> Running {
    let flow = Arc::new(Flow::default());
    let half_closed = Arc::new(AtomicBool::new(false));
    let stop = Arc::new(Stop::default());
    let task = {
        let (client, backend) = (Arc::clone(&client), Arc::clone(&backend));
        let (flow, half_closed) = (Arc::clone(&flow), Arc::clone(&half_closed));
        let stop = Arc::clone(&stop);
        tokio::spawn(async move {
            let mut held = Held::nothing();
            match relay(&*client, &*backend, &flow, &half_closed, &stop, &mut held).await {
                Outcome::Ended(ended) => ended,
                Outcome::Paused => panic!("nobody told it to pause"),
            }
        })
    };
    Running { client, backend, flow, half_closed, stop, task }
}

impl Running {
    /// Lets the relay do all that it can do now.
    async fn settle(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    async fn ended(self) -> Ended {
        tokio::time::timeout(Duration::from_secs(5), self.task).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn the_end_of_one_direction_is_passed_on_and_the_other_lives() {
    let running = run(Scripted::giving([bytes("ask"), Give::End]), Scripted::giving([]));
    running.settle().await;
    let (client, backend) = (Arc::clone(&running.client), Arc::clone(&running.backend));
    assert!(backend.with(|it| it.ended && it.taken == b"ask"));
    assert!(client.with(|it| !it.ended));
    assert!(running.half_closed.load(Ordering::Relaxed));

    backend.with(|it| it.gives.extend([bytes("answer"), Give::End]));
    let flow = Arc::clone(&running.flow);
    assert_eq!(running.ended().await, Ended::Finished(Side::Client));
    assert!(client.with(|it| it.ended && it.taken == b"answer" && !it.reset));
    assert!(backend.with(|it| !it.reset));
    assert_eq!(flow.bytes(), (3, 6));
}

#[tokio::test]
async fn nothing_is_read_while_the_reader_is_full() {
    let client = Scripted::giving([bytes("12345"), bytes("67890"), Give::End]);
    let backend = Scripted::giving([]);
    backend.with(|it| it.room = 3);
    let running = run(Arc::clone(&client), Arc::clone(&backend));
    running.settle().await;
    assert_eq!(client.with(|it| it.reads.len()), 1);
    assert_eq!(running.flow.bytes(), (3, 0));
    assert!(backend.with(|it| !it.ended));

    backend.with(|it| it.room = usize::MAX);
    running.settle().await;
    assert!(backend.with(|it| it.ended && it.taken == b"1234567890"));
}

#[tokio::test]
async fn more_is_read_at_once_while_much_comes_and_is_taken() {
    const LARGE: usize = BUFFER_BYTES - 300;
    let large = || Give::Bytes(vec![7; LARGE]);
    let client = Scripted::giving([large(), large(), bytes("few"), large()]);
    let backend = Scripted::giving([]);
    // All of the first ones, and not all of the last.
    backend.with(|it| it.room = 3 * LARGE);
    let running = run(Arc::clone(&client), Arc::clone(&backend));
    running.settle().await;
    let wide = WIDE_BUFFER_BYTES;
    assert_eq!(client.with(|it| it.reads.clone()), [BUFFER_BYTES, wide, wide, BUFFER_BYTES]);

    client.with(|it| it.gives.extend([large(), Give::End]));
    backend.with(|it| it.room = usize::MAX);
    running.settle().await;
    assert_eq!(client.with(|it| it.reads[4..].to_vec()), [BUFFER_BYTES, wide]);
    assert_eq!(backend.with(|it| it.taken.len()), 4 * LARGE + 3);
}

#[tokio::test]
async fn nothing_is_read_and_no_end_passed_on_while_a_sink_keeps_something_to_itself() {
    let client = Scripted::giving([bytes("12345"), Give::End]);
    let backend = Scripted::giving([]);
    backend.with(|it| it.keeps = true);
    let running = run(Arc::clone(&client), Arc::clone(&backend));
    running.settle().await;
    assert_eq!(client.with(|it| it.reads.len()), 0);
    backend.with(|it| it.keeps = false);
    running.settle().await;
    assert!(backend.with(|it| it.ended && it.taken == b"12345"));
}

#[tokio::test]
async fn a_reset_is_noticed_of_a_source_that_nobody_reads_since_its_sink_keeps_something() {
    let client = Scripted::giving([]);
    let backend = Scripted::giving([]);
    backend.with(|it| it.keeps = true);
    let running = run(Arc::clone(&client), backend);
    running.settle().await;
    client.with(|it| it.broken_later = true);
    running.settle().await;
    assert!(running.half_closed.load(Ordering::Relaxed));
    running.stop.order(Reason::Idle);
    assert_eq!(running.ended().await, Ended::Stopped(Reason::Idle));
}

#[tokio::test]
async fn a_reset_comes_only_when_the_bytes_before_it_are_taken() {
    let client = Scripted::giving([bytes("last words"), Give::Broken]);
    let backend = Scripted::giving([]);
    backend.unsent.store(10, Ordering::Relaxed);
    let running = run(client, Arc::clone(&backend));
    running.settle().await;
    assert!(!running.task.is_finished());
    assert!(backend.with(|it| !it.reset && !it.ended && it.taken == b"last words"));

    backend.unsent.store(0, Ordering::Relaxed);
    assert_eq!(running.ended().await, Ended::Broken(Side::Client));
    assert!(backend.with(|it| it.reset && !it.ended));
}

#[tokio::test]
async fn a_side_that_cannot_be_written_to_is_still_read_to_its_end() {
    let client = Scripted::giving([]);
    client.with(|it| it.write_breaks = true);
    let backend = Scripted::giving([bytes("to a dead client")]);
    let running = run(Arc::clone(&client), Arc::clone(&backend));
    running.settle().await;
    // What the client sent before it died, and how that looks once its error was taken.
    client.with(|it| it.gives.extend([bytes("will"), Give::End]));
    assert_eq!(running.ended().await, Ended::Broken(Side::Client));
    assert!(backend.with(|it| it.reset && !it.ended && it.taken == b"will"));
}

#[tokio::test]
async fn a_side_that_breaks_after_its_end_is_noticed_without_traffic() {
    let client = Scripted::giving([Give::End]);
    let running = run(Arc::clone(&client), Scripted::giving([]));
    running.settle().await;
    assert!(!running.task.is_finished());
    client.with(|it| it.broken_later = true);
    let backend = Arc::clone(&running.backend);
    assert_eq!(running.ended().await, Ended::Broken(Side::Client));
    assert!(backend.with(|it| it.reset));
}

#[tokio::test]
async fn an_order_to_stop_resets_both_sides_at_once() {
    let running = run(Scripted::giving([bytes("x")]), Scripted::giving([]));
    running.backend.with(|it| it.room = 0);
    running.settle().await;
    let (client, backend) = (Arc::clone(&running.client), Arc::clone(&running.backend));
    running.stop.order(Reason::TunnelClosed);
    assert_eq!(running.ended().await, Ended::Stopped(Reason::TunnelClosed));
    assert!(client.with(|it| it.reset) && backend.with(|it| it.reset));
}

#[tokio::test]
async fn an_order_is_heard_while_the_last_bytes_wait() {
    let backend = Scripted::giving([]);
    backend.unsent.store(1, Ordering::Relaxed);
    let running = run(Scripted::giving([bytes("x"), Give::Broken]), Arc::clone(&backend));
    running.settle().await;
    running.stop.order(Reason::Idle);
    assert_eq!(running.ended().await, Ended::Stopped(Reason::Idle));
    assert!(backend.with(|it| it.reset));
}

#[tokio::test]
async fn any_cut_of_the_bytes_gives_the_same_bytes() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let sent: Vec<u8> = (0..random.usize(1..5_000)).map(|_| random.u8(..)).collect();
        let mut gives = Vec::new();
        let mut rest = sent.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(random.usize(1..=rest.len()));
            gives.push(Give::Bytes(now.to_vec()));
            rest = later;
        }
        gives.push(Give::End);
        let backend = Scripted::giving([Give::End]);
        backend.with(|it| it.room = random.usize(0..10));
        let running = run(Scripted::giving(gives), Arc::clone(&backend));
        while !running.task.is_finished() {
            backend.with(|it| it.room += random.usize(1..1_000));
            tokio::task::yield_now().await;
        }
        assert_eq!(running.flow.bytes(), (sent.len() as u64, 0), "seed {seed}");
        assert!(backend.with(|it| it.taken == sent && it.ended && !it.reset), "seed {seed}");
    }
}

#[tokio::test]
async fn a_side_that_breaks_too_ends_the_wait_for_it() {
    let backend = Scripted::giving([]);
    // As Linux counts it: a reset throws the queue away, and the count stays.
    backend.unsent.store(1, Ordering::Relaxed);
    let running = run(Scripted::giving([bytes("x"), Give::Broken]), Arc::clone(&backend));
    running.settle().await;
    assert!(!running.task.is_finished());
    backend.with(|it| it.gives.push_back(Give::Broken));
    assert_eq!(running.ended().await, Ended::Broken(Side::Client));
}

#[tokio::test]
async fn what_has_no_reader_any_more_is_taken_so_that_the_rest_can_be_delivered() {
    let client = Scripted::giving([bytes("rest"), Give::Broken]);
    let backend = Scripted::giving([]);
    backend.with(|it| it.room = 0);
    let running = run(client, Arc::clone(&backend));
    running.settle().await;
    running.client.with(|it| it.broken_later = true);
    running.settle().await;
    // It reads on only when what it sends is taken.
    backend.with(|it| it.gives.extend([bytes("to"), bytes("nobody")]));
    running.settle().await;
    assert!(backend.with(|it| it.gives.is_empty()));
    backend.with(|it| it.room = usize::MAX);
    let flow = Arc::clone(&running.flow);
    assert_eq!(running.ended().await, Ended::Broken(Side::Client));
    assert!(backend.with(|it| it.taken == b"rest" && it.reset));
    assert_eq!(flow.bytes(), (4, 0));
}

#[tokio::test]
async fn a_reset_is_noticed_while_the_other_side_takes_nothing() {
    let backend = Scripted::giving([]);
    backend.with(|it| it.room = 0);
    let running = run(Scripted::giving([bytes("x")]), backend);
    running.settle().await;
    assert!(!running.half_closed.load(Ordering::Relaxed));
    running.client.with(|it| it.broken_later = true);
    running.settle().await;
    // From now on the half-close time-out bounds it.
    assert!(running.half_closed.load(Ordering::Relaxed));
    running.stop.order(Reason::Idle);
    assert_eq!(running.ended().await, Ended::Stopped(Reason::Idle));
}
