//! Tunnels that listen on Unix sockets, and backends on them.

use std::fs;
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use plexy_shared::error::Code;
use plexy_shared::info::BackendState;
use plexy_tests::backend::{Backend, Echo, Exchanger, Recorder, Resetter};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, exchange, round_trip};
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use crate::client::is_reset;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_go_from_any_kind_of_socket_to_any_kind() {
    let folder = folder();
    let [unix_in, unix_out, other_in] = ["in", "out", "other"].map(|name| folder.path().join(name));
    let (over_unix, over_tcp) = (Exchanger::unix(&unix_out), Exchanger::start());
    let daemon = Daemon::start().await;
    let tcp_to_unix = daemon.open(&over_unix.target().to_string()).await;
    let unix_to_unix = format!("{}={}", unix(&unix_in), over_unix.target());
    assert_eq!(daemon.try_open(&unix_to_unix).await.unwrap(), unix(&unix_in));
    let unix_to_tcp = format!("{}={}", unix(&other_in), over_tcp.target());
    daemon.try_open(&unix_to_tcp).await.unwrap();

    exchange(tcp_to_unix, 1, 700_000, 900_000).await.unwrap();
    exchange(unix_in.as_path(), 2, 700_000, 900_000).await.unwrap();
    exchange(other_in.as_path(), 3, 700_000, 900_000).await.unwrap();

    eventually!(daemon.connections() == 0);
    for status in daemon.statuses() {
        let traffic = status.traffic;
        assert_eq!((traffic.bytes_in, traffic.bytes_out), (700_024, 900_000), "{status:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_whose_queue_is_full_is_tried_again_and_not_blamed() {
    let folder = folder();
    let path = folder.path().join("busy");
    // With room for one more than the backlog (unix(7)), which is taken.
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    socket.listen(0).unwrap();
    let _first = UnixStream::connect(&path).unwrap();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&unix(&path)).await;

    is_reset(tunnel).await;
    let backend = daemon.backend(tunnel, unix(&path)).await;
    assert_eq!((backend.state, backend.attempts_failed), (BackendState::Up.into(), 0));

    let accepting = std::thread::spawn(move || {
        let _first = socket.accept().unwrap();
        let (mut next, _) = socket.accept().unwrap();
        next.write_all(b"at last").unwrap();
    });
    let mut client = Stream::connect(tunnel).await.unwrap();
    assert_eq!(Ending::of(&mut client).await.unwrap(), (b"at last".to_vec(), Ending::Fin));
    accepting.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_close_is_passed_on() {
    let folder = folder();
    let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
    let backend = Backend::unix(&to, Recorder::new().replying("reply"));
    let daemon = Daemon::start().await;
    daemon.try_open(&format!("{}={}", unix(&from), unix(&to))).await.unwrap();

    let mut client = Stream::connect(from.as_path()).await.unwrap();
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();

    assert_eq!(Ending::of(&mut client).await.unwrap(), (b"reply".to_vec(), Ending::Fin));
    assert_eq!(backend.ended(1).await[0].bytes, b"question");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_tcp_learns_that_its_unix_backend_is_gone() {
    let folder = folder();
    let path = folder.path().join("out");
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[retries=0]", unix(&path))).await;

    is_reset(tunnel).await;

    let cause = daemon.backend(tunnel, unix(&path)).await.cause;
    assert_eq!(cause.as_deref(), Some("no such socket"));
    // Closed over bytes that it has not read, a Unix socket is reset.
    let _backend = Backend::unix(&path, Resetter::new().reading(1));
    let mut client = Stream::connect(tunnel).await.unwrap();
    client.write_all(b"one, and more that nobody reads").await.unwrap();
    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_file_goes_with_the_tunnel() {
    let (folder, echo) = (folder(), Echo::start());
    let path = folder.path().join("in");
    let daemon = Daemon::start().await;
    for _ in 0..20 {
        daemon.try_open(&format!("{}={}", unix(&path), echo.addr())).await.unwrap();
        round_trip(path.as_path(), 100).await.unwrap();
        daemon.close(unix(&path)).await;
        assert!(!path.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_file_of_somebody_else_stays() {
    let (folder, echo) = (folder(), Echo::start());
    let path = folder.path().join("in");
    let daemon = Daemon::start().await;
    daemon.try_open(&format!("{}={}", unix(&path), echo.addr())).await.unwrap();
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();

    daemon.close(unix(&path)).await;

    UnixStream::connect(&path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_socket_is_replaced() {
    let (folder, echo) = (folder(), Echo::start());
    let path = folder.path().join("in");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let daemon = Daemon::start().await;

    daemon.try_open(&format!("{}={}", unix(&path), echo.addr())).await.unwrap();

    round_trip(path.as_path(), 1_000).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_socket_is_left_alone() {
    let (folder, echo) = (folder(), Echo::start());
    let path = folder.path().join("in");
    let live = Echo::unix(&path);
    let daemon = Daemon::start().await;

    let spec = format!("{}={}", unix(&path), echo.addr());
    let refusal = daemon.try_open(&spec).await.unwrap_err();

    assert_eq!(refusal.code, Code::AddressInUse, "{refusal}");
    assert!(refusal.message.contains(&std::process::id().to_string()), "{refusal}");
    round_trip(path.as_path(), 1_000).await.unwrap();
    eventually!(live.accepted() >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_socket_is_left_alone() {
    let (folder, echo) = (folder(), Echo::start());
    let path = folder.path().join("notes");
    fs::write(&path, "important").unwrap();
    let daemon = Daemon::start().await;

    let spec = format!("{}={}", unix(&path), echo.addr());
    let refusal = daemon.try_open(&spec).await.unwrap_err();

    assert_eq!(refusal.code, Code::CannotListen, "{refusal}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "important");
}
