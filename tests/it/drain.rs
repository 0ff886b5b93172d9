//! `drain`, `disable` and `enable`: no new clients, and what becomes of those that are there.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use plexy_shared::event::{Event, EventKind, EventRange};
use plexy_shared::info::{AdminInfo, BackendState};
use plexy_shared::spec::AdminState;
use plexy_tests::backend::{Backend, Echo};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Fault, Flow, round_trip};

const PACE: Duration = Duration::from_millis(1);

async fn ask(daemon: &Daemon, line: &str) -> String {
    daemon.line().await.ask(line).await
}

async fn flows(tunnel: SocketAddr, count: u64) -> Vec<Flow> {
    let mut flows = Vec::new();
    for seed in 0..count {
        flows.push(Flow::paced(tunnel, seed, PACE).await.unwrap());
    }
    flows
}

fn told(daemon: &Daemon, kind: EventKind) -> Vec<Event> {
    let mut events = daemon.service().events(EventRange::default()).events;
    events.retain(|event| event.kind == kind);
    events
}

async fn admin(daemon: &Daemon, tunnel: SocketAddr, backend: &Backend<Echo>) -> AdminInfo {
    daemon.backend(tunnel, backend.addr()).await.admin
}

/// A tunnel to two echoes.
async fn scene() -> (Daemon, SocketAddr, [Backend<Echo>; 2]) {
    let echoes = [Echo::start(), Echo::start()];
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{},{}", echoes[0].addr(), echoes[1].addr())).await;
    (daemon, tunnel, echoes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_backend_gets_no_new_clients_and_keeps_the_others() {
    let (daemon, tunnel, [one, two]) = scene().await;
    let mut flows = flows(tunnel, 8).await;
    eventually!(one.live() == 4 && two.live() == 4);

    let answer = ask(&daemon, &format!("drain {tunnel} {}", one.addr())).await;

    assert_eq!(answer, "OK: draining, 4 connections go on\n");
    for _ in 0..10 {
        round_trip(tunnel, 1_000).await.unwrap();
    }
    assert_eq!((one.accepted(), two.accepted()), (4, 14));
    let drained = admin(&daemon, tunnel, &one).await;
    assert_eq!((drained.state, drained.deadline_ms), (AdminState::Drain.into(), None));
    assert!(drained.by.unwrap().starts_with("line 127.0.0.1:"));
    let metrics = daemon.monitor().get("/metrics").await.body;
    let labels = format!("tunnel=\"{tunnel}\",backend=\"{}\"", one.addr());
    assert!(
        metrics.contains(&format!("plexy_backend_admin_state{{{labels},state=\"drain\"}} 1\n"))
    );
    assert!(metrics.contains(&format!("plexy_backend_up{{{labels}}} 1\n")), "{metrics}");
    // It is kept apart from its health.
    assert_eq!(daemon.backend(tunnel, one.addr()).await.state, BackendState::Up);
    let status = daemon.status(tunnel).await;
    assert_eq!((status.backends_up, status.backends), (1, 2));
    let started = told(&daemon, EventKind::BackendDraining);
    assert_eq!(started[0].detail.as_deref(), Some("4 connections go on"));
    assert!(told(&daemon, EventKind::BackendDrained).is_empty());

    for flow in flows.drain(..) {
        assert!(flow.stop().await.fault.is_none());
    }

    eventually!(told(&daemon, EventKind::BackendDrained).len() == 1);
    let end = told(&daemon, EventKind::BackendDrained).pop().unwrap();
    assert_eq!(end.detail.as_deref(), Some("every connection has ended"));
    assert_eq!(end.backend, Some(one.addr().to_string()));

    assert_eq!(ask(&daemon, &format!("enable {tunnel} {}", one.addr())).await, "OK: enabled\n");
    for _ in 0..4 {
        round_trip(tunnel, 1_000).await.unwrap();
    }
    assert_eq!(one.accepted(), 6);
    assert_eq!(told(&daemon, EventKind::BackendEnabled).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_progress_of_a_drain_is_told() {
    let (daemon, tunnel, [one, two]) = scene().await;
    ask(&daemon, &format!("disable {tunnel} {}", two.addr())).await;
    let mut flows = flows(tunnel, 8).await;
    eventually!(one.live() == 8);
    ask(&daemon, &format!("drain {tunnel} {}", one.addr())).await;

    for flow in flows.drain(..5) {
        assert!(flow.stop().await.fault.is_none());
    }

    eventually!(told(&daemon, EventKind::BackendDraining).len() > 1);
    let progress = told(&daemon, EventKind::BackendDraining).pop().unwrap().detail.unwrap();
    assert!(progress.ends_with(" of 8 connections left"), "{progress}");
    let drained = daemon.backend(tunnel, one.addr()).await;
    eventually!(daemon.backend(tunnel, one.addr()).await.traffic.connections == 3, "{drained:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_deadline_the_rest_is_reset_and_no_one_else() {
    let (daemon, tunnel, [one, two]) = scene().await;
    let flows = flows(tunnel, 4).await;
    eventually!(one.live() == 2 && two.live() == 2);
    let start = Instant::now();

    let drain = format!("drain {tunnel} {} deadline=300ms", one.addr());
    assert_eq!(ask(&daemon, &drain).await, "OK: draining, 2 connections go on\n");

    assert!(admin(&daemon, tunnel, &one).await.deadline_ms.is_some_and(|left| left <= 300));
    eventually!(one.live() == 0);
    assert!(start.elapsed() >= Duration::from_millis(300));
    eventually!(daemon.ended(tunnel, "drain-deadline").await == 2);
    let (mut cut, mut whole) = (0, 0);
    for flow in flows {
        match flow.stop().await.fault {
            Some(Fault::Reset { .. }) => cut += 1,
            fault => {
                assert!(fault.is_none(), "{fault:?}");
                whole += 1;
            }
        }
    }
    assert_eq!((cut, whole), (2, 2));
    eventually!(told(&daemon, EventKind::BackendDrained).len() == 1);
    let end = told(&daemon, EventKind::BackendDrained).pop().unwrap();
    assert_eq!(end.detail.as_deref(), Some("at the deadline: 2 connections reset"));
}

#[tokio::test(flavor = "multi_thread")]
async fn enable_cancels_the_deadline_and_another_drain_moves_it() {
    let (daemon, tunnel, [one, _two]) = scene().await;
    let flow = Flow::start(tunnel, 1).await.unwrap();
    eventually!(one.live() == 1);
    let backend = one.addr();
    ask(&daemon, &format!("drain {tunnel} {backend} deadline=200ms")).await;
    assert_eq!(ask(&daemon, &format!("enable {tunnel} {backend}")).await, "OK: enabled\n");
    assert!(admin(&daemon, tunnel, &one).await.deadline_ms.is_none());
    ask(&daemon, &format!("drain {tunnel} {backend} deadline=1h")).await;
    // It drains already: this is about the deadline alone, and no change of the tunnel.
    let revision = daemon.detail(tunnel).await.revision;
    let moved = ask(&daemon, &format!("drain {tunnel} {backend} deadline=400ms")).await;
    assert_eq!(moved, "OK: draining, 1 connection goes on\n");
    assert_eq!(daemon.detail(tunnel).await.revision, revision);
    let start = Instant::now();
    // Twice the first deadline later it is there: that one was cancelled.
    eventually!(one.live() == 0);
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
    assert!(flow.cut().await.fault.is_some());
    eventually!(daemon.ended(tunnel, "drain-deadline").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_tunnel_listens_no_more_and_keeps_its_place() {
    let (echo, port) = (Echo::start(), Port::reserve());
    let daemon = Daemon::start().await;
    let tunnel = port.addr();
    assert_eq!(ask(&daemon, &format!("open {tunnel}={}[name=way]", echo.addr())).await, "OK\n");
    daemon.open("127.0.0.1:1[name=other]").await;
    let flow = Flow::start(tunnel, 1).await.unwrap();

    assert_eq!(ask(&daemon, "drain way").await, "OK: draining, 1 connection goes on\n");

    assert!(Stream::connect(tunnel).await.is_err());
    let taken = ask(&daemon, &format!("open {tunnel}=127.0.0.1:1")).await;
    assert!(taken.starts_with("ERROR: ") && taken.contains("way"), "{taken}");
    let names: Vec<_> = daemon.statuses().into_iter().map(|status| status.name).collect();
    assert_eq!(names, [Some("way".to_owned()), Some("other".to_owned())]);
    let status = ask(&daemon, "status full").await;
    assert!(status.contains(", name way, admin drain"), "{status}");
    let metrics = daemon.monitor().get("/metrics").await.body;
    assert!(metrics.contains("plexy_tunnels{state=\"draining\"} 1\n"), "{metrics}");
    let before = flow.bytes();
    eventually!(flow.bytes() > before + 10_000);

    // Another program has the port meanwhile.
    let mut other = None;
    eventually!({
        other = TcpListener::bind(tunnel).ok();
        other.is_some()
    });
    let refused = ask(&daemon, "enable way").await;
    assert!(refused.starts_with("ERROR: another program listens on `"), "{refused}");
    assert_eq!(daemon.detail("way").await.admin_info.state, AdminState::Drain);
    drop(other);
    eventually!(ask(&daemon, "enable way").await == "OK: enabled\n");
    round_trip(tunnel, 1_000).await.unwrap();
    assert!(flow.stop().await.fault.is_none());
    let kinds = [EventKind::TunnelDraining, EventKind::TunnelEnabled];
    assert_eq!(kinds.map(|kind| told(&daemon, kind).len()), [1, 1]);
    assert_eq!(ask(&daemon, "enable way").await, "OK: unchanged\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_to_be_accepted_is_let_in_before_a_tunnel_drains() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[name=way]", echo.addr())).await;
    for _ in 0..20 {
        let connected = Stream::connect(tunnel).await.unwrap();
        let drained = ask(&daemon, "drain way").await;
        assert!(drained.starts_with("OK: draining, "), "{drained}");
        eventually!(echo.live() == 1);
        drop(connected);
        eventually!(echo.live() == 0);
        assert_eq!(ask(&daemon, "undo").await, "OK: opened 0, changed 1, closed 0, unchanged 0\n");
    }
    assert_eq!(echo.accepted(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_backend_in_service_clients_are_reset_at_once() {
    let (daemon, tunnel, [one, two]) = scene().await;
    for backend in [&one, &two] {
        ask(&daemon, &format!("disable {tunnel} {}", backend.addr())).await;
    }
    assert!(round_trip(tunnel, 1).await.is_err());
    eventually!(daemon.ended(tunnel, "connect-failed").await == 1);
    assert_eq!(one.accepted() + two.accepted(), 0);
    let refused = ask(&daemon, &format!("disable {tunnel} 127.0.0.1:1")).await;
    assert!(refused.starts_with("ERROR: "), "{refused}");
    for backend in [&one, &two] {
        ask(&daemon, &format!("enable {tunnel} {}", backend.addr())).await;
    }
    round_trip(tunnel, 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_of_service_is_not_probed_either() {
    let (echo, port) = (Echo::start(), Port::reserve());
    let daemon = Daemon::start().await;
    let options = "check-interval=50ms,retries=3";
    let tunnel = daemon.open(&format!("{},{}[{options}]", port.addr(), echo.addr())).await;
    for _ in 0..2 {
        round_trip(tunnel, 100).await.unwrap();
    }
    assert_eq!(daemon.backend(tunnel, port.addr()).await.state, BackendState::Ejected);
    ask(&daemon, &format!("disable {tunnel} {}", port.addr())).await;

    let back = Echo::at(port.addr());

    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(back.accepted(), 0);
    ask(&daemon, &format!("enable {tunnel} {}", port.addr())).await;
    eventually!(daemon.backend(tunnel, port.addr()).await.state == BackendState::Up);
    eventually!(back.accepted() > 0);
}
