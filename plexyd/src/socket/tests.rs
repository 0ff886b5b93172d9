//! The relay over sockets of the kernel: the fast path against the plain one, and pauses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;
use crate::descriptors::Descriptors;
use crate::relay::{Ended, Held, Outcome, PIPE_BYTES_MAX, Pipes, Side, relay};
use crate::stop::Stop;
use crate::traffic::Flow;

/// How many bytes pipes may hold: none is the plain path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PipeBytes(usize);

const PLAIN: PipeBytes = PipeBytes(0);
const FAST: PipeBytes = PipeBytes(PIPE_BYTES_MAX);
/// Two directions want one.
const ONE_SMALL: PipeBytes = PipeBytes(256 * 1024);

fn serve(pipes: PipeBytes) -> Arc<Pipes> {
    let pipes = Pipes::new(Arc::new(Descriptors::new(100_000, Arc::default())), pipes.0);
    pipes.serve_thread();
    pipes
}

/// A peer, and our end of the connection with it.
pub(crate) async fn connected() -> (TcpStream, Socket) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpSocket::new_v4().unwrap();
    let (peer, ours) =
        tokio::join!(peer.connect(listener.local_addr().unwrap()), listener.accept());
    let ours = ours.unwrap().0;
    tune(&ours).unwrap();
    keep_urgent(&ours).unwrap();
    (peer.unwrap(), Socket::new(ours.into_std().unwrap(), Kind::Tcp).unwrap())
}

/// A relay between two peers of the test.
struct Running {
    client: TcpStream,
    backend: TcpStream,
    flow: Arc<Flow>,
    stop: Arc<Stop>,
    pauses: Arc<std::sync::atomic::AtomicUsize>,
    task: tokio::task::JoinHandle<Ended>,
}

async fn run() -> Running {
    let ((client, of_client), (backend, of_backend)) = (connected().await, connected().await);
    let (flow, stop) = (Arc::new(Flow::default()), Arc::new(Stop::default()));
    let pauses = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let task = {
        let (flow, stop, pauses) = (Arc::clone(&flow), Arc::clone(&stop), Arc::clone(&pauses));
        tokio::spawn(async move {
            let half_closed = AtomicBool::new(false);
            let mut held = Held::nothing();
            loop {
                match relay(&of_client, &of_backend, &flow, &half_closed, &stop, &mut held).await {
                    Outcome::Ended(ended) => return ended,
                    Outcome::Paused => {
                        if pauses.fetch_add(1, Ordering::Relaxed) % 2 == 0 {
                            held.empty_pipes().unwrap();
                        }
                        // Whoever takes over does it a little later.
                        tokio::task::yield_now().await;
                        stop.resume();
                    }
                }
            }
        })
    };
    Running { client, backend, flow, stop, pauses, task }
}

pub(crate) fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    Rng::with_seed(seed).fill(&mut noise);
    noise
}

/// Sends in pieces of random size, sometimes a little later.
pub(crate) async fn send(
    stream: &mut (impl AsyncWriteExt + Unpin),
    bytes: &[u8],
    seed: u64,
) -> io::Result<()> {
    let mut random = Rng::with_seed(seed);
    let most = 1 << random.u32(4..20);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(random.usize(1..=rest.len().min(most)));
        stream.write_all(now).await?;
        rest = later;
        if random.u8(..) < 40 {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// Receives to the end, at a random pace: what came, and whether the end was clean.
pub(crate) async fn receive(
    stream: &mut (impl AsyncReadExt + Unpin),
    seed: u64,
) -> (Vec<u8>, bool) {
    let mut random = Rng::with_seed(seed);
    let mut buffer = vec![0; 1 << random.u32(6..20)];
    let mut bytes = Vec::new();
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => return (bytes, true),
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
            Err(_) => return (bytes, false),
        }
        if random.u8(..) < 40 {
            tokio::task::yield_now().await;
        }
    }
}

/// A relay whose bytes are looked at.
pub(crate) struct Carried<C, B> {
    pub(crate) client: C,
    pub(crate) backend: B,
    pub(crate) flow: Arc<Flow>,
    pub(crate) task: tokio::task::JoinHandle<Ended>,
}

impl<C, B> Carried<C, B>
where
    C: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    /// Both ways at once, each with an end of its own.
    pub(crate) async fn both_ways(self, seed: u64, sizes: [usize; 2], what: &str) {
        let Self { client, backend, flow, task } = self;
        let (asked, answered) = (noise(seed, sizes[0]), noise(!seed, sizes[1]));
        let (mut from_client, mut to_client) = split(client);
        let (mut from_backend, mut to_backend) = split(backend);
        let up = async {
            send(&mut to_client, &asked, seed).await.unwrap();
            to_client.shutdown().await.unwrap();
        };
        let down = async {
            send(&mut to_backend, &answered, seed + 1).await.unwrap();
            to_backend.shutdown().await.unwrap();
        };
        let (_, _, at_client, at_backend) = tokio::join!(
            up,
            down,
            receive(&mut from_client, seed + 2),
            receive(&mut from_backend, seed + 3)
        );
        assert!(at_backend == (asked, true), "seed {seed}, {what}: to the backend");
        assert!(at_client == (answered, true), "seed {seed}, {what}: to the client");
        assert!(matches!(task.await.unwrap(), Ended::Finished(_)), "seed {seed}, {what}");
        assert_eq!(flow.bytes(), (sizes[0] as u64, sizes[1] as u64), "seed {seed}, {what}");
    }
}

async fn both_ways(running: Running, seed: u64, sizes: [usize; 2]) {
    let Running { client, backend, flow, task, .. } = running;
    Carried { client, backend, flow, task }.both_ways(seed, sizes, "without TLS").await;
}

#[tokio::test]
async fn both_paths_give_the_same_bytes_and_ends() {
    for seed in 0..60 {
        for pipes in [PLAIN, FAST, ONE_SMALL] {
            serve(pipes);
            let mut random = Rng::with_seed(seed);
            let sizes = [0; 2].map(|_| {
                let most = 1 << random.u32(1..23);
                random.usize(0..most)
            });
            both_ways(run().await, seed, sizes).await;
        }
    }
}

#[tokio::test]
async fn much_goes_the_fast_path_and_little_does_not() {
    let pipes = serve(FAST);
    both_ways(run().await, 1, [30_000, 30_000]).await;
    assert_eq!(pipes.bytes(), 0);
    let (client, of_client) = connected().await;
    let (backend, of_backend) = connected().await;
    let flow = Flow::default();
    let (half_closed, stop) = (AtomicBool::new(false), Stop::default());
    let mut held = Held::nothing();
    let relaying = relay(&of_client, &of_backend, &flow, &half_closed, &stop, &mut held);
    let (sending, sink) = (client.into_std().unwrap(), backend.into_std().unwrap());
    let peers = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        for socket in [&sending, &sink] {
            socket.set_nonblocking(false).unwrap();
        }
        let taking = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            (&sink).read_to_end(&mut bytes).map(|read| (read, sink)).unwrap()
        });
        (&sending).write_all(&noise(2, 50_000_000)).unwrap();
        sending.shutdown(std::net::Shutdown::Write).unwrap();
        taking.join().unwrap().0
    });
    let (_, received) = tokio::join!(relaying, peers);
    assert_eq!(received.unwrap(), 50_000_000);
    // It is kept for whoever comes next.
    assert_eq!(pipes.bytes(), 1024 * 1024);
}

#[tokio::test]
async fn on_both_paths_a_reset_comes_after_the_bytes_before_it() {
    for seed in 0..60 {
        for pipes in [PLAIN, FAST] {
            serve(pipes);
            let Running { mut client, mut backend, task, .. } = run().await;
            let sent = noise(seed, Rng::with_seed(seed).usize(1..2_000_000));
            let sending = async {
                send(&mut client, &sent, seed).await.unwrap();
                // Our side has them all when the send queue is empty: what is in it when a
                // connection is reset is lost.
                taken(&client).await;
                reset_on_close(&client);
                drop(client);
            };
            let ((), (received, was_clean)) = tokio::join!(sending, receive(&mut backend, seed));
            assert!(received == sent && !was_clean, "seed {seed} {pipes:?}");
            assert_eq!(task.await.unwrap(), Ended::Broken(Side::Client), "seed {seed} {pipes:?}");
        }
    }
}

/// Waits until the peer's kernel has taken all.
pub(crate) async fn taken(stream: &TcpStream) {
    while sys::unsent_bytes(stream).unwrap() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn urgent_bytes_are_bytes_like_others() {
    for (pipes, is_bulk) in [(PLAIN, false), (PLAIN, true), (FAST, false), (FAST, true)] {
        serve(pipes);
        let Running { mut client, mut backend, task, .. } = run().await;
        let before = noise(1, if is_bulk { 20_000_000 } else { 1 });
        let sending = async {
            client.write_all(&before).await.unwrap();
            // All of it is there before the relay runs: no news come in between.
            taken(&client).await;
            let after = [noise(2, 20_000), vec![b'!'], noise(3, 20_000)];
            client.try_write(&after[0]).unwrap();
            rustix::net::send(&client, &after[1], SendFlags::OOB).unwrap();
            client.try_write(&after[2]).unwrap();
            after.concat()
        };
        let receiving = async {
            let mut bytes = vec![0; before.len() + 40_001];
            let received = backend.read_exact(&mut bytes);
            let received = tokio::time::timeout(Duration::from_secs(10), received).await;
            assert!(received.is_ok(), "{pipes:?} stands still");
            bytes
        };
        let (after, received) = tokio::join!(sending, receiving);
        assert!(received == [before.clone(), after].concat(), "{pipes:?}, bulk: {is_bulk}");

        // Also where the end is there already.
        taken(&client).await;
        client.try_write(b"after").unwrap();
        rustix::net::send(&client, b"!", SendFlags::OOB).unwrap();
        client.try_write(b"that").unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(receive(&mut backend, 1).await, (b"after!that".to_vec(), true), "{pipes:?}");
        drop(backend);
        assert_eq!(task.await.unwrap(), Ended::Finished(Side::Client));
    }
}

#[tokio::test]
async fn urgent_bytes_of_unix_sockets_are_bytes_too() {
    let (peer, ours) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let ours = Socket::new(ours, Kind::Unix).unwrap();
    for (bytes, flags) in
        [("abc", SendFlags::empty()), ("!", SendFlags::OOB), ("def", SendFlags::empty())]
    {
        rustix::net::send(&peer, bytes.as_bytes(), flags).unwrap();
    }
    let (mut read, mut buffer) = (Vec::new(), [0; 16]);
    while read.len() < 7 {
        match ours.try_read(&mut buffer, Readiness::Unknown) {
            Ok(bytes) => read.extend_from_slice(&buffer[..bytes]),
            Err(error) => panic!("{error} after {read:?}"),
        }
    }
    assert_eq!(read, b"abc!def");
}

/// As many pauses as the issue of this data path asked for.
const PAUSES: usize = 10_000;

#[tokio::test]
async fn ten_thousand_pauses_at_random_instants_cost_no_byte() {
    let mut pauses = 0;
    for seed in 0.. {
        serve(if seed % 4 == 0 { PLAIN } else { FAST });
        let running = run().await;
        let (stop, count) = (Arc::clone(&running.stop), Arc::clone(&running.pauses));
        let pausing = tokio::spawn(async move {
            let mut random = Rng::with_seed(seed);
            loop {
                for _ in 0..random.u32(0..6) {
                    tokio::task::yield_now().await;
                }
                stop.pause();
            }
        });
        both_ways(running, seed, [3_000_000, 2_000_000]).await;
        pausing.abort();
        pauses += count.load(Ordering::Relaxed);
        if pauses >= PAUSES {
            break;
        }
        assert!(seed < 2_000, "only {pauses} pauses");
    }
}
