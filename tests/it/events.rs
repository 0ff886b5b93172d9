//! What happens is told: each thing once, and a bulk change as one.

use plexy_shared::command::LiveChoice;
use plexy_shared::event::{Event, EventKind, EventRange};
use plexy_shared::info::Change;
use plexy_shared::spec::{LiveAction, TunnelSpec};
use plexy_shared::units::show_duration;
use plexy_tests::backend::Echo;
use plexy_tests::daemon::Daemon;
use plexy_tests::dns::Dns;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::traffic::{Flow, round_trip};
use plexyd::{Actor, NameServers};

/// What is kept for the control sockets and the daemon's own.
const RESERVE: u64 = 280;

/// Those of a kind.
fn told(daemon: &Daemon, kind: EventKind) -> Vec<Event> {
    let mut events = daemon.service().events(EventRange::default()).events;
    events.retain(|event| event.kind == kind);
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_ejected_and_lives_again_is_told_once_each() {
    let daemon = Daemon::start().await;
    let port = Port::reserve();
    let (dying, other) = (Echo::at(port.addr()), Echo::start());
    let backends = format!("{},{}", dying.addr(), other.addr());
    let tunnel = daemon.open(&format!("{backends}[name=db,check-interval=50ms]")).await;
    dying.kill().await;
    for _ in 0..4 {
        round_trip(tunnel, 100).await.unwrap();
    }

    eventually!(told(&daemon, EventKind::BackendEjected).len() == 1);
    let ejected = told(&daemon, EventKind::BackendEjected).remove(0);
    assert_eq!(ejected.severity.as_str(), "warning");
    assert_eq!(ejected.tunnel.as_deref(), Some("db"));
    assert_eq!(ejected.backend, Some(dying.addr().to_string()));
    assert_eq!(ejected.detail.as_deref(), Some("connection refused"));

    let _again = Echo::at(port.addr());
    eventually!(told(&daemon, EventKind::BackendUp).len() == 1);
    assert_eq!(told(&daemon, EventKind::BackendUp)[0].backend, Some(dying.addr().to_string()));
    assert_eq!(told(&daemon, EventKind::BackendEjected).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_resolves_and_one_that_does_not_are_told() {
    let dns = Dns::start().await;
    let servers = NameServers::One(dns.addr());
    let daemon = Daemon::start_with(|config| config.name_servers = servers).await;
    daemon.open("nosuch.test:1[name=db]").await;
    eventually!(told(&daemon, EventKind::BackendUnresolved).len() == 1);
    let unresolved = told(&daemon, EventKind::BackendUnresolved).remove(0);
    assert_eq!(unresolved.backend.as_deref(), Some("nosuch.test:1"));
    assert!(unresolved.detail.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortage_of_descriptors_is_told_once_for_many_clients() {
    let echo = Echo::start();
    let limit = RESERVE + 1 + 2;
    let daemon = Daemon::start_with(|config| config.descriptors_max = Some(limit)).await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let flow = Flow::start(tunnel, 1).await.unwrap();
    for _ in 0..3 {
        crate::client::is_reset(tunnel).await;
    }
    let low = told(&daemon, EventKind::DescriptorsLow);
    assert_eq!(low.len(), 1);
    assert_eq!(low[0].severity.as_str(), "warning");
    assert!(low[0].detail.as_ref().unwrap().contains("raise the limit"), "{low:?}");
    assert!(flow.stop().await.fault.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_drain_is_told() {
    let (daemon, echo) = (Daemon::start().await, Echo::start());
    for (name, deadline, is_left) in [("ends", 60, true), ("cut", 0, false)] {
        let tunnel = daemon.open(&format!("{}[name={name}]", echo.addr())).await;
        let flow = Flow::start(tunnel, 1).await.unwrap();
        eventually!(daemon.connections() == 1);
        let deadline = std::time::Duration::from_secs(deadline);
        let at_most = show_duration(deadline);
        let deadline = Some(deadline);
        daemon.try_close(name, LiveChoice { action: LiveAction::Drain, deadline }).await.unwrap();
        let closed = told(&daemon, EventKind::TunnelClosed).pop().unwrap();
        assert_eq!(
            closed.detail.as_deref(),
            Some(format!("1 connection goes on, {at_most} at most").as_str())
        );
        if is_left {
            assert!(told(&daemon, EventKind::TunnelDrained).is_empty());
            assert!(flow.stop().await.fault.is_none());
        } else {
            assert!(flow.cut().await.fault.is_some());
        }
        let drained = || told(&daemon, EventKind::TunnelDrained).pop();
        eventually!(drained().is_some_and(|event| event.tunnel.as_deref() == Some(name)));
        let ended = "every connection has ended";
        let expected = if is_left { ended } else { "at the deadline: 1 connection reset" };
        assert_eq!(drained().unwrap().detail.as_deref(), Some(expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_many_tunnels_is_one_event_and_of_few_it_is_one_each() {
    let daemon = Daemon::start().await;
    for (count, opened, changed) in [(16, 16, 0), (17, 16, 1), (500, 16, 2)] {
        let specs: Vec<TunnelSpec> = (0..count).map(|_| "0=127.0.0.1:1".parse().unwrap()).collect();
        let reply = daemon.service().open_all(specs.clone(), &Actor::Args.into()).await.unwrap();
        assert!(reply.tunnels.iter().all(|it| it.result == Change::Opened));
        assert_eq!(told(&daemon, EventKind::TunnelOpened).len(), opened, "{count}");
        assert_eq!(told(&daemon, EventKind::TunnelsChanged).len(), changed, "{count}");
    }
    let together = told(&daemon, EventKind::TunnelsChanged).pop().unwrap();
    assert_eq!(together.detail.as_deref(), Some("opened 500, changed 0, closed 0"));
    assert_eq!((together.actor.as_deref(), together.revision), (Some("args"), Some(3)));
}
