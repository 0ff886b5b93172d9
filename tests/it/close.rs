//! Closing a tunnel: the port is free with the answer, and connections end as they were told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plexy_shared::command::LiveChoice;
use plexy_shared::error::{Code, Refusal};
use plexy_shared::spec::LiveAction;
use plexy_tests::backend::{BlackHole, Echo, Recorder};
use plexy_tests::daemon::{Daemon, LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, Fault, Flow, round_trip};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::process::PLEXYD;

const DRAIN: LiveChoice = LiveChoice { action: LiveAction::Drain, deadline: None };

const PACE: Duration = Duration::from_millis(1);

async fn flows(tunnel: std::net::SocketAddr, count: u64) -> Vec<Flow> {
    let mut flows = Vec::new();
    for seed in 0..count {
        flows.push(Flow::paced(tunnel, seed, PACE).await.unwrap());
    }
    flows
}

#[tokio::test(flavor = "multi_thread")]
async fn close_resets_the_connections_of_its_tunnel_and_tells_how_many() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let other = daemon.open(&echo.addr().to_string()).await;
    let (to_be_cut, unaffected) = (flows(tunnel, 5).await, flows(other, 3).await);

    let reply = daemon.close(tunnel).await;

    assert_eq!((reply.live.ended, reply.live.draining, reply.listen), (5, 0, tunnel.to_string()));
    for flow in to_be_cut {
        let fault = flow.cut().await.fault;
        assert!(matches!(fault, Some(Fault::Reset { .. })), "{fault:?}");
    }
    eventually!(daemon.connections() == 3);
    for flow in unaffected {
        let before = flow.bytes();
        eventually!(flow.bytes() > before);
        assert!(flow.stop().await.fault.is_none());
    }
    assert!(Stream::connect(tunnel).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn close_is_a_reset_for_backends_too() {
    let backend = Recorder::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    let mut client = Stream::connect(tunnel).await.unwrap();
    client.write_all(b"before").await.unwrap();
    eventually!(backend.records().first().is_some_and(|record| record.bytes == b"before"));

    daemon.close(tunnel).await;

    assert_eq!(backend.ended(1).await[0].ending, Some(Ending::Reset));
    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));
}

#[tokio::test(flavor = "multi_thread")]
async fn close_ends_clients_that_wait_for_their_backend() {
    let hole = BlackHole::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[connect-timeout=1m]", hole.addr())).await;
    let mut client = Stream::connect(tunnel).await.unwrap();
    eventually!(daemon.connections() == 1);

    assert_eq!(daemon.close(tunnel).await.live.ended, 1);

    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));
    eventually!(daemon.connections() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_can_be_opened_again_with_the_answer_of_close() {
    let (echo, port) = (Echo::start(), Port::reserve());
    // A process of its own: one that other tests start has copies of the sockets of ours for a moment.
    let process = Process::start(PLEXYD, &["--control-socket", "127.0.0.1:0"]).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    let spec = format!("{}={}", port.addr(), echo.addr());
    let (other_port, open) = (Port::reserve(), "OK\n");
    let other = other_port.addr();
    assert_eq!(line.ask(&format!("open {other}={}", echo.addr())).await, open);
    let flow = Flow::paced(other, 1, PACE).await.unwrap();
    let (over, addr) = (Arc::new(AtomicBool::new(false)), port.addr());
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let over = Arc::clone(&over);
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    // Refused, reset, or carried for a while: all of it may be.
                    if let Ok(mut client) = Stream::connect(addr).await {
                        client.write_all(b"!").await.ok();
                        client.read_u8().await.ok();
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();

    for round in 0..200 {
        assert_eq!(line.ask(&format!("open {spec}")).await, "OK\n", "round {round}");
        Stream::connect(addr).await.unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(line.ask(&format!("close {addr}")).await, "OK\n", "round {round}");
    }

    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    eventually!(line.ask("conns").await.starts_with("OK: Connections: 1"));
    assert!(flow.stop().await.fault.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_connections_finish() {
    let (echo, port) = (Echo::start(), Port::reserve());
    let daemon = Daemon::start().await;
    let spec = format!("{}={}", port.addr(), echo.addr());
    daemon.try_open(&spec).await.unwrap();
    let flows = flows(port.addr(), 3).await;

    let reply = daemon.try_close(port.addr(), DRAIN).await.unwrap();

    assert_eq!((reply.live.ended, reply.live.draining), (0, 3));
    assert_eq!((daemon.statuses().len(), daemon.connections()), (0, 3));
    assert!(Stream::connect(port.addr()).await.is_err(), "new clients are refused");
    daemon.try_open(&spec).await.unwrap();
    round_trip(port.addr(), 1_000).await.unwrap();
    eventually!(daemon.status(port.addr()).await.traffic.connections == 0);
    assert_eq!(daemon.status(port.addr()).await.traffic.connections_total, 1);
    for flow in flows {
        let before = flow.bytes();
        eventually!(flow.bytes() > before);
        assert!(flow.stop().await.fault.is_none());
    }
    eventually!(daemon.connections() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_still_lets_in_who_waits_to_be_accepted() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    for _ in 0..5 {
        let tunnel = daemon.open(&echo.addr().to_string()).await;
        let mut clients = Vec::new();
        for _ in 0..40 {
            clients.push(Stream::connect(tunnel).await.unwrap());
        }

        daemon.try_close(tunnel, DRAIN).await.unwrap();

        for mut client in clients {
            client.write_all(b"hello").await.unwrap();
            let mut reply = [0; 5];
            client.read_exact(&mut reply).await.unwrap();
            assert_eq!(&reply, b"hello");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_deadline_of_a_drain_the_rest_is_reset() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let mut flows = flows(tunnel, 3).await;
    let start = Instant::now();

    let deadline = Some(Duration::from_millis(300));
    daemon.try_close(tunnel, LiveChoice { action: LiveAction::Drain, deadline }).await.unwrap();

    assert!(flows.remove(0).stop().await.fault.is_none());
    for flow in flows {
        let fault = flow.cut().await.fault;
        assert!(matches!(fault, Some(Fault::Reset { .. })), "{fault:?}");
        assert!(start.elapsed() >= Duration::from_millis(300), "after {:?}", start.elapsed());
    }
    eventually!(daemon.connections() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_that_is_closed_is_gone() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    daemon.close(tunnel).await;

    for mode in [LiveAction::Kill.into(), DRAIN] {
        let refusal = Refusal::from(daemon.try_close(tunnel, mode).await.unwrap_err());
        assert_eq!(refusal.code, Code::TunnelNotFound, "{refusal}");
    }
}
