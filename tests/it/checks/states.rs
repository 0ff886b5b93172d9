//! Checks and ejections are two things: each is shown, none changes the other, and clients go where
//! neither stands against it.

use plexy_shared::event::EventKind;
use plexy_shared::info::{BackendState, CheckState};
use plexy_tests::backend::{Answerer, BlackHole, Echo, Greeter, Refuser, Reply};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::traffic::{Flow, round_trip};

use super::{SECOND, checked, count, pair, says, told};
use crate::client::{heard, is_reset};

#[tokio::test(flavor = "multi_thread")]
async fn clients_follow_the_role_that_a_manager_tells_on_another_port() {
    let (_port, managers) = pair();
    let one = Answerer::at(managers[0], Reply::status(200));
    let two = Answerer::at(managers[1], Reply::status(503));
    let (first, second) = (Greeter::start("one"), Greeter::at((SECOND, 0).into(), "two"));
    let daemon = Daemon::start().await;
    let options = format!(
        "check=http,check-port={},check-path=/primary,check-interval=50ms,on-all-down=refuse",
        managers[0].port()
    );
    let tunnel = daemon.open(&format!("{},{}[{options}]", first.addr(), second.addr())).await;
    for round in 0..3 {
        let (primary, replica, name) =
            if round % 2 == 0 { (&first, &second, b"one") } else { (&second, &first, b"two") };
        eventually!(says(&daemon, tunnel, replica.addr(), CheckState::Down).await);
        eventually!(says(&daemon, tunnel, primary.addr(), CheckState::Up).await);
        for _ in 0..10 {
            assert_eq!(heard(tunnel).await.0, name);
        }
        assert!(one.character().last_asked().starts_with("GET /primary HTTP/1.1\r\n"));
        // The roles change.
        let status = |is_primary| Reply::status(if is_primary { 200 } else { 503 });
        one.character().reply(status(round % 2 == 1));
        two.character().reply(status(round % 2 == 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_first_check_is_over_a_backend_takes_clients() {
    let (hole, echo) = (BlackHole::start(), Echo::start());
    let daemon = Daemon::start().await;
    let options = format!("check=tcp,check-port={},check-timeout=1h", hole.addr().port());
    let tunnel = daemon.open(&format!("{}[{options}]", echo.addr())).await;

    round_trip(tunnel, 1_000).await.unwrap();

    let backend = daemon.backend(tunnel, echo.addr()).await;
    let check = backend.check.unwrap();
    assert_eq!((check.state, check.streak), (CheckState::Pending.into(), 0));
    assert_eq!((check.failure, check.took_us), (None, None));
    assert_eq!(backend.state, BackendState::Up);
    assert_eq!(daemon.status(tunnel).await.backends_up, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_check_decides_and_after_it_only_several_in_a_row() {
    let backend = Answerer::start(Reply::status(503));
    let daemon = Daemon::start().await;
    let options = "check=http,check-interval=50ms,fall=100,rise=100,name=db";
    let tunnel = daemon.open(&format!("{}[{options}]", backend.addr())).await;
    let is_down = async || checked(&daemon, tunnel, backend.addr()).await.state == CheckState::Down;
    eventually!(is_down().await);
    let down = told(&daemon, EventKind::BackendDown);
    assert_eq!(down.len(), 1);
    assert_eq!(
        down[0].to_string(),
        format!("backend-down, tunnel db, backend {}, status 503", backend.addr())
    );
    assert_eq!(down[0].severity.as_str(), "warning");

    backend.character().reply(Reply::status(200));
    eventually!(checked(&daemon, tunnel, backend.addr()).await.streak == 5);

    let check = checked(&daemon, tunnel, backend.addr()).await;
    assert_eq!((check.state.as_str(), check.streak_of, check.failure), ("down", 100, None));
    assert!(told(&daemon, EventKind::BackendUp).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_down_is_spared_and_its_live_connections_go_on() {
    let (_port, managers) = pair();
    let manager = Answerer::at(managers[0], Reply::status(200));
    let _other = Answerer::at(managers[1], Reply::status(200));
    let (first, second) = (Echo::start(), Echo::at((SECOND, 0).into()));
    let daemon = Daemon::start().await;
    let port = managers[0].port();
    let options = format!("check=http,check-port={port},check-interval=50ms,strategy=least-conn");
    let tunnel = daemon.open(&format!("{},{}[{options}]", first.addr(), second.addr())).await;
    let flows = [Flow::start(tunnel, 1).await.unwrap(), Flow::start(tunnel, 2).await.unwrap()];
    eventually!(first.live() == 1 && second.live() == 1);

    manager.character().reply(Reply::End);
    eventually!(daemon.backend(tunnel, first.addr()).await.state == BackendState::Down);
    let before = first.accepted();
    for _ in 0..10 {
        round_trip(tunnel, 100).await.unwrap();
    }

    assert_eq!(first.accepted(), before, "clients still go there");
    assert_eq!(daemon.status(tunnel).await.backends_up, 1);
    assert!(flows.iter().all(Flow::is_running));
    manager.character().reply(Reply::status(200));
    eventually!(daemon.status(tunnel).await.backends_up == 2);
    let up = told(&daemon, EventKind::BackendUp);
    assert_eq!(up.len(), 1);
    assert_eq!(up[0].detail.as_deref(), Some("check passed"));
    for flow in flows {
        assert!(flow.stop().await.fault.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_all_are_down_clients_are_refused_or_each_backend_is_tried() {
    let (manager, echo) = (Answerer::start(Reply::status(503)), Echo::start());
    let daemon = Daemon::start().await;
    let port = manager.addr().port();
    let options = format!("check=http,check-port={port},check-interval=50ms");
    let refusing = daemon.open(&format!("{}[{options},on-all-down=refuse]", echo.addr())).await;
    let trying = daemon.open(&format!("{}[{options}]", echo.addr())).await;
    for tunnel in [refusing, trying] {
        eventually!(says(&daemon, tunnel, echo.addr(), CheckState::Down).await);
        assert_eq!(daemon.status(tunnel).await.backends_up, 0);
    }

    is_reset(refusing).await;
    assert_eq!(echo.accepted(), 0, "nobody was tried");
    eventually!(daemon.ended(refusing, "connect-failed").await == 1);
    assert_eq!(daemon.backend(refusing, echo.addr()).await.attempts_failed, 0);
    round_trip(trying, 1_000).await.unwrap();
    // A client's success says nothing of the role.
    assert_eq!(daemon.backend(trying, echo.addr()).await.state, BackendState::Down);

    manager.character().reply(Reply::status(200));
    eventually!(daemon.status(refusing).await.backends_up == 1);
    round_trip(refusing, 1_000).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn refusing_is_for_ejected_backends_too() {
    let refuser = Refuser::start();
    let daemon = Daemon::start().await;
    let options = "on-all-down=refuse,retries=5,check-interval=off,fail-timeout=5m";
    let tunnel = daemon.open(&format!("{}[{options}]", refuser.addr())).await;
    is_reset(tunnel).await;
    is_reset(tunnel).await;
    eventually!(daemon.ended(tunnel, "connect-failed").await == 2);
    assert_eq!(daemon.backend(tunnel, refuser.addr()).await.attempts_failed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ejection_and_a_check_that_fails_end_each_by_its_own() {
    let (manager, refuser) = (Answerer::start(Reply::status(200)), Refuser::start());
    let daemon = Daemon::start().await;
    let port = manager.addr().port();
    let options = format!("check=http,check-port={port},check-interval=50ms,retries=0");
    let tunnel = daemon.open(&format!("{}[{options}]", refuser.addr())).await;
    let backend = async || daemon.backend(tunnel, refuser.addr()).await;
    eventually!(says(&daemon, tunnel, refuser.addr(), CheckState::Up).await);

    is_reset(tunnel).await;
    let ejected = backend().await;
    assert_eq!(ejected.state, BackendState::Ejected);
    assert_eq!(ejected.check.unwrap().state, CheckState::Up);
    let ejection = ejected.ejection.unwrap();
    assert_eq!((ejection.cause.as_str(), ejection.ends_ms), ("connection refused", None));
    assert!(ejection.probe_ms.is_some());

    manager.character().reply(Reply::status(503));
    eventually!(backend().await.state == BackendState::Down);
    let both = backend().await;
    assert_eq!(both.cause.as_deref(), Some("status 503"));
    assert!(both.ejection.is_some(), "the ejection goes on");

    let _echo = Echo::at(refuser.addr());
    eventually!(backend().await.ejection.is_none());
    assert_eq!(backend().await.state, BackendState::Down, "a probe says nothing of the role");
    assert!(told(&daemon, EventKind::BackendUp).is_empty(), "it takes no clients yet");

    manager.character().reply(Reply::status(200));
    eventually!(backend().await.state == BackendState::Up);
    let kinds = |kind| told(&daemon, kind).len();
    let counts = [EventKind::BackendEjected, EventKind::BackendDown, EventKind::BackendUp];
    assert_eq!(counts.map(kinds), [1, 1, 1]);
    let scrape = daemon.monitor().get("/metrics").await.body;
    for (state, count) in [("ejected", 1), ("down", 1), ("up", 1)] {
        let series = scrape.lines().find(|line| {
            line.starts_with("plexy_backend_state_changes_total{")
                && line.contains(&format!("state=\"{state}\""))
        });
        assert!(series.is_some_and(|line| line.ends_with(&format!(" {count}"))), "{series:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_drops_silently_costs_one_client_one_timeout_and_then_nobody() {
    let (hole, greeters) = (BlackHole::start(), [Greeter::start("a"), Greeter::start("b")]);
    let daemon = Daemon::start().await;
    let backends = format!("{},{},{}", hole.addr(), greeters[0].addr(), greeters[1].addr());
    // Not checked before the client comes.
    let options = "check=tcp,check-interval=1h,check-timeout=1h,connect-timeout=200ms";
    let tunnel = daemon.open(&format!("{backends}[{options}]")).await;
    for _ in 0..12 {
        assert_eq!(heard(tunnel).await.0.len(), 1);
    }
    assert_eq!(daemon.backend(tunnel, hole.addr()).await.attempts_failed, 1);

    let options = "check=tcp,check-interval=50ms,check-timeout=200ms,connect-timeout=1h";
    let tunnel = daemon.open(&format!("{backends}[{options}]")).await;
    eventually!(says(&daemon, tunnel, hole.addr(), CheckState::Down).await);
    for _ in 0..12 {
        assert_eq!(heard(tunnel).await.0.len(), 1);
    }
    let backend = daemon.backend(tunnel, hole.addr()).await;
    assert_eq!((backend.attempts_failed, backend.traffic.connections), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortage_of_descriptors_is_held_against_nobody() {
    let echo = Echo::start();
    // One for the listener, and two for a connection.
    let daemon = Daemon::start_with(|config| config.descriptors_max = Some(280 + 3)).await;
    let options = "check=tcp,check-interval=50ms,fall=1";
    let tunnel = daemon.open(&format!("{}[{options}]", echo.addr())).await;
    eventually!(says(&daemon, tunnel, echo.addr(), CheckState::Up).await);

    let flow = Flow::start(tunnel, 1).await.unwrap();
    eventually!(count(&daemon, "local").await >= 3);

    let check = checked(&daemon, tunnel, echo.addr()).await;
    assert_eq!((check.state.as_str(), check.failure), ("up", None));
    assert!(told(&daemon, EventKind::BackendDown).is_empty());
    assert!(flow.stop().await.fault.is_none());
    let before = count(&daemon, "success").await;
    eventually!(count(&daemon, "success").await > before);
}
