//! Out of descriptors: clients are told, nothing else suffers, and it passes.

use plexy_shared::error::Code;
use plexy_tests::backend::Echo;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::traffic::{Flow, round_trip};

use crate::client::is_reset;

/// What is kept for the control sockets and the daemon's own.
const RESERVE: u64 = 280;

/// One for the listener of a tunnel, two for each connection.
async fn with_room_for(tunnels: u64, connections: u64) -> Daemon {
    let limit = RESERVE + tunnels + 2 * connections;
    Daemon::start_with(|config| config.descriptors_max = Some(limit)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_that_finds_no_descriptors_is_reset_and_nobody_is_blamed() {
    let echo = Echo::start();
    let daemon = with_room_for(1, 3).await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let mut flows = Vec::new();
    for seed in 0..3 {
        flows.push(Flow::start(tunnel, seed).await.unwrap());
    }

    let (mut line, mut told) = (daemon.line().await, false);
    let beyond = tokio::spawn(is_reset(tunnel));
    while !beyond.is_finished() {
        assert_eq!(line.ask("ping").await, "OK: pong\n");
        told |= line.ask("status").await.contains("1, 1 accepting no clients: no file descriptors");
    }
    assert!(told, "`status` says nothing");
    assert_eq!(line.ask("status").await, "OK: Tunnels: 1\n");

    beyond.await.unwrap();
    eventually!(daemon.rejected(tunnel).await == 1);
    assert_eq!(daemon.ended(tunnel, "connect-failed").await, 0);
    assert_eq!(daemon.backend(tunnel, echo.addr()).await.attempts_failed, 0);
    assert_eq!(daemon.status(tunnel).await.traffic.connections, 3);
    assert!(flows.iter().all(Flow::is_running));

    assert!(flows.remove(0).stop().await.fault.is_none());
    round_trip(tunnel, 10_000).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_for_descriptors_is_carried_when_some_are_free() {
    let echo = Echo::start();
    let daemon = with_room_for(1, 1).await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    for seed in 0..10 {
        let flow = Flow::start(tunnel, seed).await.unwrap();
        let waiting = tokio::spawn(round_trip(tunnel, 1_000));
        let before = flow.bytes();
        eventually!(flow.bytes() > before + 50_000);
        assert!(flow.stop().await.fault.is_none());
        waiting.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_share_few_descriptors_in_turn() {
    let echo = Echo::start();
    let daemon = with_room_for(2, 4).await;
    let tunnels =
        [daemon.open(&echo.addr().to_string()).await, daemon.open(&echo.addr().to_string()).await];
    let clients: Vec<_> =
        (0..60_usize).map(|n| tokio::spawn(round_trip(tunnels[n % 2], 2_000))).collect();

    let mut carried = 0;
    for client in clients {
        carried += usize::from(client.await.unwrap().is_ok());
    }

    eventually!(daemon.connections() == 0);
    assert!(carried >= 30, "only {carried} of 60 short connections were carried");
    round_trip(tunnels[0], 1_000).await.unwrap();
    round_trip(tunnels[1], 1_000).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_for_which_there_is_no_descriptor_is_refused() {
    let echo = Echo::start();
    let daemon = with_room_for(1, 1).await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let flow = Flow::start(tunnel, 1).await.unwrap();
    let spec = format!("0={}", echo.addr());

    let refusal = daemon.try_open(&spec).await.unwrap_err();
    assert_eq!(refusal.code, Code::OutOfDescriptors, "{refusal}");
    assert_eq!(daemon.statuses().len(), 1);

    assert!(flow.stop().await.fault.is_none());
    eventually!(daemon.try_open(&spec).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_tunnel_gives_its_descriptors_back() {
    let echo = Echo::start();
    let daemon = with_room_for(1, 1).await;
    for seed in 0..10 {
        let tunnel = daemon.open(&echo.addr().to_string()).await;
        let flow = Flow::start(tunnel, seed).await.unwrap();
        daemon.close(tunnel).await;
        flow.cut().await;
        eventually!(daemon.connections() == 0);
    }
}
