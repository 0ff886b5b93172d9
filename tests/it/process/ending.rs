//! Signals: TERM and INT drain, a second one is now, the others do not end it.

use plexy_tests::backend::Echo;
use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, Flow};
use rustix::process::Signal;

use super::{plexyd, tunnel_of};

/// A plexyd with a tunnel to an echo.
async fn scene() -> (Process, plexy_tests::backend::Backend<Echo>, std::net::SocketAddr) {
    let echo = Echo::start();
    let process = plexyd(&[&format!("0={}[name=db]", echo.addr())]).await;
    let tunnel = tunnel_of(&process).await;
    (process, echo, tunnel)
}

async fn drains(signal: Signal, name: &str) {
    let (mut process, _echo, tunnel) = scene().await;
    let mut line = LineClient::connect(process.control_addr()).await;
    assert!(line.ask("open 0=4000[name=gone]").await.starts_with("OK: "));
    assert_eq!(line.ask("close gone").await, "OK\n");
    let flow = Flow::start(tunnel, 1).await.unwrap();

    process.signal(signal);

    eventually!(process.says(&format!("{name}: ending")), "{}", process.log());
    eventually!(Stream::connect(tunnel).await.is_err());
    let moved = flow.bytes();
    eventually!(flow.bytes() > moved + 100_000, "the connection goes on");
    assert!(process.exit_status().is_none(), "{}", process.log());
    for opens in ["open 0=4000", "undo"] {
        assert_eq!(line.ask(opens).await, "ERROR: plexyd is shutting down\n", "{opens}");
    }

    assert!(flow.stop().await.fault.is_none());
    let status = process.ended().await;
    assert_eq!(status.code(), Some(0), "{}", process.log());
    assert_eq!(line.next_line().await.unwrap(), "ERROR: plexyd is shutting down, session ended\n");
    eventually!(process.says("plexyd ends"), "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn term_lets_connections_finish_and_takes_no_new_ones() {
    drains(Signal::TERM, "SIGTERM").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn int_lets_connections_finish_and_takes_no_new_ones() {
    drains(Signal::INT, "SIGINT").await;
}

async fn second_is_now(first: Signal, second: Signal) {
    let (mut process, _echo, tunnel) = scene().await;
    let mut client = Stream::connect(tunnel).await.unwrap();
    let flow = Flow::start(tunnel, 1).await.unwrap();
    process.signal(first);
    eventually!(process.says("draining"), "{}", process.log());

    process.signal(second);

    // Far sooner than the 30 s of a drain.
    eventually!(process.exit_status().is_some(), "{}", process.log());
    assert_eq!(process.exit_status().unwrap().code(), Some(0), "{}", process.log());
    assert_eq!(Ending::of(&mut client).await.unwrap().1, Ending::Reset);
    assert!(flow.cut().await.fault.is_some());
    eventually!(process.says("told to end a second time"), "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_term_resets_at_once() {
    second_is_now(Signal::TERM, Signal::TERM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_int_after_a_term_resets_at_once() {
    second_is_now(Signal::TERM, Signal::INT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_connections_it_ends_at_once() {
    let (mut process, _echo, _) = scene().await;
    process.signal(Signal::TERM);
    eventually!(process.exit_status().is_some(), "{}", process.log());
    assert_eq!(process.exit_status().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_that_mean_nothing_yet_are_logged_and_change_nothing() {
    let (mut process, _echo, tunnel) = scene().await;
    let flow = Flow::start(tunnel, 1).await.unwrap();
    for (signal, name) in
        [(Signal::HUP, "SIGHUP"), (Signal::USR1, "SIGUSR1"), (Signal::USR2, "SIGUSR2")]
    {
        process.signal(signal);
        eventually!(process.says(&format!("{name} ignored")), "{}", process.log());
    }
    assert!(process.exit_status().is_none());
    let moved = flow.bytes();
    eventually!(flow.bytes() > moved);
    assert!(flow.stop().await.fault.is_none());
    let mut line = LineClient::connect(process.control_addr()).await;
    assert_eq!(line.ask("status").await, "OK: Tunnels: 1\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_that_mean_nothing_yet_do_not_cut_a_drain_short() {
    let (mut process, _echo, tunnel) = scene().await;
    let flow = Flow::start(tunnel, 1).await.unwrap();
    process.signal(Signal::TERM);
    eventually!(process.says("draining"), "{}", process.log());
    process.signal(Signal::HUP);
    eventually!(process.says("SIGHUP ignored"), "{}", process.log());
    let moved = flow.bytes();
    eventually!(flow.bytes() > moved);
    assert!(flow.stop().await.fault.is_none());
    assert!(process.ended().await.success());
}
