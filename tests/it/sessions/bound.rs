//! At most 64 sessions at once, and none of them can disturb the others.

use std::net::SocketAddr;
use std::time::Duration;

use plexy_tests::backend::Echo;
use plexy_tests::daemon::{Daemon, LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::traffic::Flow;
use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

const SESSIONS_MAX: usize = 64;

/// A session that has taken no question for so long hangs in the answer to another.
const STUCK: Duration = Duration::from_secs(1);

const PARTING: &str = "ERROR: too many sessions, and this one was idle longest, session ended\n";

/// Sessions that have all been answered once, in this order.
async fn sessions(addr: SocketAddr, count: usize) -> Vec<LineClient> {
    let mut sessions = Vec::new();
    for _ in 0..count {
        sessions.push(LineClient::connect(addr).await);
    }
    sessions
}

#[tokio::test(flavor = "multi_thread")]
async fn one_session_more_ends_the_one_that_was_idle_longest() {
    let daemon = Daemon::start().await;
    let mut all = sessions(daemon.control_addr(), SESSIONS_MAX).await;
    // The first one speaks again, so the second one is idle longest now.
    assert_eq!(all[0].ask("ping").await, "OK: pong\n");

    let mut newest = daemon.line().await;

    assert_eq!(newest.ask("status").await, "OK: Tunnels: 0\n");
    let mut evicted = all.remove(1);
    assert_eq!(evicted.next_line().await.unwrap(), PARTING);
    assert_eq!(evicted.next_line().await.unwrap(), ".\n");
    assert_eq!(evicted.next_line().await, None);
    for session in &mut all {
        assert_eq!(session.ask("ping").await, "OK: pong\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_has_ended_makes_room() {
    let daemon = Daemon::start().await;
    let mut all = sessions(daemon.control_addr(), SESSIONS_MAX).await;
    for _ in 0..10 {
        assert_eq!(all.pop().unwrap().finish().await, "");
    }
    let mut more = sessions(daemon.control_addr(), 10).await;
    for session in all.iter_mut().chain(&mut more) {
        assert_eq!(session.ask("ping").await, "OK: pong\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_says_nothing_cannot_lock_an_operator_out() {
    let daemon = Daemon::start().await;
    let mut operator = daemon.line().await;
    let (mut crowd, mut answered) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        for _ in 0..SESSIONS_MAX / 2 {
            crowd.push(TcpStream::connect(daemon.control_addr()).await.unwrap());
        }
        // Who is answered was accepted, and all who came before.
        answered.push(daemon.line().await);
        assert_eq!(operator.ask("ping").await, "OK: pong\n");
    }
    let mut late = daemon.line().await;
    assert_eq!(late.ask("status").await, "OK: Tunnels: 0\n");
}

/// Asks for more than the kernel holds, and takes none of it.
async fn deaf(addr: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let questions = "help\n".repeat(1_000);
    // Until the session hangs in a write and therefore reads no more.
    while let Ok(sent) = timeout(STUCK, stream.write_all(questions.as_bytes())).await {
        sent.unwrap();
    }
    stream
}

async fn process(arguments: &[&str]) -> Process {
    let arguments = [&["--control-socket", "127.0.0.1:0"], arguments].concat();
    Process::start(env!("CARGO_BIN_EXE_plexyd-under-test"), &arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_disturbs_nobody() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let flow = Flow::start(tunnel, 1).await.unwrap();
    let _deaf = deaf(daemon.control_addr()).await;

    let mut line = daemon.line().await;

    assert_eq!(line.ask("status").await, "OK: Tunnels: 1\n");
    let opened = line.ask(&format!("open 0={}[name=more]", echo.addr())).await;
    assert!(opened.starts_with("OK: 127.0.0.1:"), "{opened}");
    let before = flow.bytes();
    eventually!(flow.bytes() > before + 100_000);
    assert!(flow.stop().await.fault.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_never_read_make_room_like_all_others() {
    let daemon = process(&[]).await;
    let before = plexy_tests::descriptors::of(daemon.pid()).unwrap();
    let addr = daemon.control_addr();
    let deaf = tokio::join!(deaf(addr), deaf(addr), deaf(addr), deaf(addr));

    let mut others = sessions(addr, SESSIONS_MAX).await;

    let open = || plexy_tests::descriptors::of(daemon.pid()).unwrap() - before;
    eventually!(open() == SESSIONS_MAX, "{} sessions are open", open());
    assert_eq!(others.pop().unwrap().ask("ping").await, "OK: pong\n");
    drop(deaf);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_does_not_hold_up_the_end() {
    let mut daemon = process(&[]).await;
    let _deaf = deaf(daemon.control_addr()).await;

    daemon.signal(Signal::TERM);

    eventually!(daemon.exit_status().is_some(), "{}", daemon.log());
    assert!(daemon.exit_status().unwrap().success());
}
