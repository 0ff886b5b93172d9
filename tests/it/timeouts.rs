//! Silence ends a connection, and an attempt to connect has an end.

use std::io;
use std::time::{Duration, Instant};

use plexy_tests::backend::{
    Backend, BlackHole, Character, Echo, Greeter, Pace, Recorder, SlowReader,
};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::Ending;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{interval, sleep};

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_reset_on_both_sides() {
    let backend = Recorder::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[idle-timeout=150ms]", backend.addr())).await;
    let start = Instant::now();
    let mut client = Stream::connect(tunnel).await.unwrap();
    client.write_all(b"and then nothing").await.unwrap();

    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));

    assert!(start.elapsed() >= Duration::from_millis(150), "after {:?}", start.elapsed());
    assert_eq!(backend.ended(1).await[0].ending, Some(Ending::Reset));
    eventually!(daemon.ended(tunnel, "idle").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_lives_for_an_hour_by_default() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let short = daemon.open(&format!("{}[idle-timeout=100ms]", echo.addr())).await;
    let long = daemon.open(&echo.addr().to_string()).await;
    let mut silent = Stream::connect(long).await.unwrap();

    let mut cut = Stream::connect(short).await.unwrap();
    assert_eq!(Ending::of(&mut cut).await.unwrap().1, Ending::Reset);

    silent.write_all(b"still here").await.unwrap();
    let mut reply = [0; 10];
    silent.read_exact(&mut reply).await.unwrap();
    assert_eq!(&reply, b"still here");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_the_client_alone_keep_a_connection() {
    let backend = SlowReader::start(Pace::Unlimited);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[idle-timeout=600ms]", backend.addr())).await;
    let mut client = Stream::connect(tunnel).await.unwrap();

    // For longer than the time-out.
    let mut beat = interval(Duration::from_millis(25));
    for _ in 0..40 {
        beat.tick().await;
        client.write_all(b".").await.unwrap();
    }

    eventually!(backend.bytes_read() == 40);
    assert_eq!(daemon.ended(tunnel, "idle").await, 0);
    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_still_takes_what_was_written_before_is_not_silent() {
    const BYTES: usize = 2_000_000;
    let backend = SlowReader::start(Pace::PerSecond(BYTES));
    let daemon = Daemon::start().await;
    let options = "idle-timeout=200ms,half-close-timeout=200ms";
    let tunnel = daemon.open(&format!("{}[{options}]", backend.addr())).await;
    let mut client = Stream::connect(tunnel).await.unwrap();
    client.write_all(&vec![b'.'; BYTES]).await.unwrap();
    client.shutdown().await.unwrap();

    eventually!(backend.bytes_read() == BYTES as u64, "{} bytes", backend.bytes_read());

    assert_eq!(daemon.ended(tunnel, "idle").await, 0);
}

/// Says a word now and then, and goodbye.
struct Drip;

impl Character for Drip {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        for _ in 0..40 {
            stream.write_all(b".").await?;
            sleep(Duration::from_millis(25)).await;
        }
        stream.shutdown().await?;
        tokio::io::copy(stream, &mut tokio::io::sink()).await.map(drop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_the_backend_alone_keep_a_connection() {
    let backend = Backend::start(Drip);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[idle-timeout=600ms]", backend.addr())).await;

    let mut client = Stream::connect(tunnel).await.unwrap();

    assert_eq!(Ending::of(&mut client).await.unwrap(), (vec![b'.'; 40], Ending::Fin));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_ends_with_the_connect_timeout() {
    let hole = BlackHole::start();
    let daemon = Daemon::start().await;
    let spec = format!("{}[connect-timeout=150ms,retries=0]", hole.addr());
    let tunnel = daemon.open(&spec).await;
    let start = Instant::now();

    let mut client = Stream::connect(tunnel).await.unwrap();
    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));

    assert!(start.elapsed() >= Duration::from_millis(150), "after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(5), "after {:?}", start.elapsed());
    eventually!(daemon.ended(tunnel, "connect-failed").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_for_its_backend_is_not_idle() {
    let (hole, greeter) = (BlackHole::start(), Greeter::start("at last"));
    let daemon = Daemon::start().await;
    let options = "connect-timeout=600ms,idle-timeout=100ms";
    let tunnel = daemon.open(&format!("{},{}[{options}]", hole.addr(), greeter.addr())).await;

    let mut client = Stream::connect(tunnel).await.unwrap();
    let mut banner = [0; 7];
    client.read_exact(&mut banner).await.unwrap();

    assert_eq!(&banner, b"at last");
}

/// Whether one of the kernel's established TCP sockets with these ports, as far as they are given,
/// has a keepalive timer (`proc_net_tcp.txt` of the kernel: `tr`).
fn is_kept_alive(local: Option<u16>, remote: Option<u16>) -> bool {
    const ESTABLISHED: &str = "01";
    const KEEPALIVE: &str = "02";
    let sockets = std::fs::read_to_string("/proc/net/tcp").expect("procfs");
    sockets.lines().skip(1).any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let is_at = |addr: &str, port: Option<u16>| {
            port.is_none_or(|port| addr.ends_with(&format!(":{port:04X}")))
        };
        is_at(fields[1], local)
            && is_at(fields[2], remote)
            && fields[3] == ESTABLISHED
            && fields[5].starts_with(KEEPALIVE)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_stays_is_kept_alive_on_both_sides() {
    let (kept, left) = (Echo::start(), Echo::start());
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[keepalive=1s/1s/9]", kept.addr())).await;
    let without = daemon.open(&format!("{}[keepalive=off]", left.addr())).await;
    let mut silent =
        [Stream::connect(tunnel).await.unwrap(), Stream::connect(without).await.unwrap()];

    eventually!(is_kept_alive(None, Some(kept.addr().port())));
    assert!(is_kept_alive(Some(tunnel.port()), None));
    assert!(!is_kept_alive(None, Some(left.addr().port())));
    assert!(!is_kept_alive(Some(without.port()), None));
    // Looking after them has cost no byte.
    for stream in &mut silent {
        stream.write_all(b"still here").await.unwrap();
        let mut reply = [0; 10];
        stream.read_exact(&mut reply).await.unwrap();
        assert_eq!(&reply, b"still here");
    }
}
