//! A slow reader slows its own sender, and nobody else; what is held for it is bounded.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plexy_tests::backend::{Backend, Character, Echo, Pace, SlowReader};
use plexy_tests::daemon::{Daemon, Process};
use plexy_tests::eventually;
use plexy_tests::memory;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Pattern, round_trip, send, verify_to_end};
use socket2::{SockRef, Socket};
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const MIB: u64 = 1024 * 1024;

/// What is sent to somebody who does not read.
const BODY: u64 = 32 * MIB;

/// What the buffers of the kernel take on the way (its defaults: up to 6 MiB to receive and 4 MiB
/// to send, for each socket), with room for the 64 KiB of Plexy.
const HELD_MAX: u64 = 22 * MIB;

/// Takes nothing until it is told to; then it checks everything.
struct Gate {
    open: watch::Sender<bool>,
    checked: Mutex<Option<u64>>,
}

impl Character for Gate {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        self.open.subscribe().wait_for(|open| *open).await.map_err(io::Error::other)?;
        let checked = verify_to_end(stream, 9).await.map_err(io::Error::other)?;
        *self.checked.lock().unwrap() = Some(checked);
        Ok(())
    }

    fn prepare(&self, socket: &Socket) -> io::Result<()> {
        socket.set_recv_buffer_size(16 * 1024)
    }
}

/// Sends [`BODY`] bytes in the background and counts what was taken.
fn pour(mut writer: WriteHalf<Stream>) -> (Arc<AtomicU64>, JoinHandle<io::Result<()>>) {
    let poured = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&poured);
    let task = tokio::spawn(async move {
        let (mut pattern, mut piece) = (Pattern::new(9), vec![0; 64 * 1024]);
        while pattern.offset() < BODY {
            pattern.fill(&mut piece);
            writer.write_all(&piece).await?;
            count.store(pattern.offset(), Ordering::SeqCst);
        }
        writer.shutdown().await
    });
    (poured, task)
}

/// Waits until a number has not changed for a while, and gives it.
async fn standstill(number: impl Fn() -> u64) -> u64 {
    let (mut last, mut since) = (number(), Instant::now());
    while last == 0 || since.elapsed() < Duration::from_millis(300) {
        sleep(Duration::from_millis(10)).await;
        if number() != last {
            (last, since) = (number(), Instant::now());
        }
    }
    last
}

/// A connection whose client itself keeps little.
async fn connect(tunnel: std::net::SocketAddr) -> (ReadHalf<Stream>, WriteHalf<Stream>) {
    let stream = tokio::net::TcpStream::connect(tunnel).await.unwrap();
    SockRef::from(&stream).set_send_buffer_size(64 * 1024).unwrap();
    split(Stream::from(stream))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_does_not_read_stops_its_client_and_no_other() {
    let gate = Gate { open: watch::Sender::new(false), checked: Mutex::default() };
    let (gate, echo) = (Backend::start(gate), Echo::start());
    let daemon = Daemon::start().await;
    let slow = daemon.open(&gate.addr().to_string()).await;
    let quick = daemon.open(&echo.addr().to_string()).await;

    let (_reader, writer) = connect(slow).await;
    let (poured, pouring) = pour(writer);
    let held = standstill(|| poured.load(Ordering::SeqCst)).await;
    assert!(held < HELD_MAX, "{held} bytes were taken for a backend that reads nothing");
    round_trip(quick, 1_000_000).await.unwrap();
    assert_eq!(poured.load(Ordering::SeqCst), held);

    gate.character().open.send_replace(true);

    pouring.await.unwrap().unwrap();
    eventually!(*gate.character().checked.lock().unwrap() == Some(BODY));
    eventually!(daemon.connections() == 0);
    assert_eq!(daemon.status(slow).await.traffic.bytes_in, BODY);
}

/// Sends [`BODY`] bytes to whoever connects, and counts what was taken.
#[derive(Default)]
struct Spring {
    poured: Arc<AtomicU64>,
}

impl Character for Spring {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        let mut pattern = Pattern::new(9);
        let mut piece = vec![0; 64 * 1024];
        while pattern.offset() < BODY {
            pattern.fill(&mut piece);
            stream.write_all(&piece).await?;
            self.poured.store(pattern.offset(), Ordering::SeqCst);
        }
        stream.shutdown().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_stops_its_backend() {
    let spring = Backend::start(Spring::default());
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&spring.addr().to_string()).await;

    let mut client = Stream::connect(tunnel).await.unwrap();
    let held = standstill(|| spring.character().poured.load(Ordering::SeqCst)).await;
    assert!(held < HELD_MAX, "{held} bytes were taken for a client that reads nothing");

    assert_eq!(verify_to_end(&mut client, 9).await.unwrap(), BODY);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_direction_is_not_slowed() {
    let backend = Backend::start(OneWay);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    let (mut reader, writer) = connect(tunnel).await;
    let (poured, _pouring) = pour(writer);
    let stuck = standstill(|| poured.load(Ordering::SeqCst)).await;

    assert_eq!(verify_to_end(&mut reader, 4).await.unwrap(), 3 * MIB);
    assert_eq!(poured.load(Ordering::SeqCst), stuck);
}

/// Sends and never reads.
struct OneWay;

impl Character for OneWay {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        send(stream, 4, 3 * MIB).await.map_err(io::Error::other)?;
        stream.shutdown().await?;
        std::future::pending().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_slow_readers_cost_bounded_memory() {
    const CLIENTS: u64 = 8;
    let backend = SlowReader::start(Pace::Stopped);
    let spec = format!("0={}[name=slow]", backend.addr());
    let daemon = Process::start(
        env!("CARGO_BIN_EXE_plexyd-under-test"),
        &["--control-socket", "127.0.0.1:0", &spec],
    )
    .await;
    let mut line = plexy_tests::daemon::LineClient::connect(daemon.control_addr()).await;
    let status = line.ask("status full").await;
    let tunnel = status.lines().nth(1).unwrap().trim().split(' ').next().unwrap();
    let tunnel = tunnel.parse().unwrap();
    let before = memory::resident(daemon.pid()).unwrap();

    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (reader, writer) = connect(tunnel).await;
        clients.push((reader, pour(writer)));
    }
    standstill(|| clients.iter().map(|(_, (poured, _))| poured.load(Ordering::SeqCst)).sum()).await;

    let grown = memory::resident(daemon.pid()).unwrap().saturating_sub(before);
    assert!(grown < CLIENTS * 128 * 1024 + 8 * MIB, "{CLIENTS} slow readers cost {grown} bytes");
}
