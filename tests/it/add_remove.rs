//! The set of backends changes under traffic, and no connection notices.

use std::net::SocketAddr;
use std::time::Duration;

use plexy_shared::error::{Code, Refusal};
use plexy_shared::info::BackendState;
use plexy_tests::backend::{Backend, Character, Echo, Refuser};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::traffic::{Flow, round_trip};
use plexyd::ServiceError;

fn addr<C: Character>(backend: &Backend<C>) -> String {
    backend.addr().to_string()
}

#[track_caller]
fn is_refused(result: Result<(), ServiceError>, code: Code) {
    let refusal = Refusal::from(result.expect_err("it is refused"));
    assert_eq!(refusal.code, code, "{refusal}");
}

async fn backends(daemon: &Daemon, tunnel: SocketAddr) -> Vec<String> {
    daemon.detail(tunnel).await.backend_list.into_iter().map(|backend| backend.addr).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_is_cut_while_the_set_changes() {
    let echoes = [Echo::start(), Echo::start(), Echo::start()];
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&addr(&echoes[0])).await;
    let mut flows = Vec::new();
    for round in 0..12_usize {
        let (old, new) = (&echoes[round % 3], &echoes[(round + 1) % 3]);
        flows.push(Flow::paced(tunnel, round as u64, Duration::from_millis(2)).await.unwrap());
        daemon.add(tunnel, &addr(new)).await.unwrap();
        round_trip(tunnel, 1_000).await.unwrap();
        daemon.remove(tunnel, &addr(old)).await.unwrap();
        round_trip(tunnel, 1_000).await.unwrap();
    }

    assert_eq!(backends(&daemon, tunnel).await, [addr(&echoes[0])]);
    eventually!(daemon.status(tunnel).await.traffic.connections == 12);
    for flow in flows {
        let before = flow.bytes();
        eventually!(flow.bytes() > before);
        let report = flow.stop().await;
        assert!(report.fault.is_none(), "{:?}", report.fault);
    }
    eventually!(daemon.connections() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_backend_keeps_its_connections_and_gets_no_new_ones() {
    let (removed, left) = (Echo::start(), Echo::start());
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&addr(&removed)).await;
    let flow = Flow::start(tunnel, 1).await.unwrap();
    daemon.add(tunnel, &addr(&left)).await.unwrap();

    daemon.remove(tunnel, &addr(&removed)).await.unwrap();

    for _ in 0..6 {
        round_trip(tunnel, 1_000).await.unwrap();
    }
    assert_eq!((removed.accepted(), left.accepted()), (1, 6));
    let before = flow.bytes();
    eventually!(flow.bytes() > before + 100_000);
    assert!(flow.stop().await.fault.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_backend_gets_its_share_at_once() {
    let (first, second) = (Echo::start(), Echo::start());
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&addr(&first)).await;
    round_trip(tunnel, 100).await.unwrap();

    daemon.add(tunnel, &format!("{}+weight=3", addr(&second))).await.unwrap();

    for _ in 0..8 {
        round_trip(tunnel, 100).await.unwrap();
    }
    assert_eq!((first.accepted(), second.accepted()), (1 + 2, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let (first, second) = (Echo::start(), Echo::start());
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&addr(&first)).await;

    is_refused(daemon.remove(tunnel, &addr(&first)).await, Code::LastBackend);
    is_refused(daemon.remove(tunnel, &addr(&second)).await, Code::BackendNotFound);
    let heavy = format!("{}+weight=2", addr(&first));
    is_refused(daemon.add(tunnel, &heavy).await, Code::BackendExists);
    is_refused(daemon.add(tunnel, &tunnel.to_string()).await, Code::OwnBackend);
    is_refused(daemon.add("nobody", &addr(&second)).await, Code::TunnelNotFound);
    let revision = daemon.detail(tunnel).await.revision;
    daemon.add(tunnel, &addr(&first)).await.unwrap();

    assert_eq!(daemon.detail(tunnel).await.revision, revision, "the same again is no change");
    assert_eq!(backends(&daemon, tunnel).await, [addr(&first)]);
    round_trip(tunnel, 1_000).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_leaves_the_state_and_the_counts_of_the_others() {
    let (refuser, echo, added) = (Refuser::start(), Echo::start(), Echo::start());
    let daemon = Daemon::start().await;
    let options = "check-interval=off,fail-timeout=5m";
    let tunnel = daemon.open(&format!("{},{}[{options}]", refuser.addr(), echo.addr())).await;
    for _ in 0..3 {
        round_trip(tunnel, 1_000).await.unwrap();
    }
    eventually!(daemon.connections() == 0);

    daemon.add(tunnel, &addr(&added)).await.unwrap();
    assert_eq!(daemon.backend(tunnel, refuser.addr()).await.state, BackendState::Ejected);
    let traffic = daemon.backend(tunnel, echo.addr()).await.traffic;
    assert_eq!((traffic.bytes_in, traffic.connections_total), (3_000, 3));

    daemon.remove(tunnel, &refuser.addr().to_string()).await.unwrap();
    daemon.add(tunnel, &refuser.addr().to_string()).await.unwrap();
    let again = daemon.backend(tunnel, refuser.addr()).await;
    assert_eq!(
        (again.state, again.attempts_failed),
        (BackendState::Up.into(), 0),
        "a new beginning"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_come_while_the_set_changes_are_carried() {
    let (stays, comes_and_goes) = (Echo::start(), Echo::start());
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&addr(&stays)).await;
    let clients = tokio::spawn(async move {
        for _ in 0..100 {
            round_trip(tunnel, 500).await.unwrap();
        }
    });

    while !clients.is_finished() {
        daemon.add(tunnel, &addr(&comes_and_goes)).await.unwrap();
        daemon.remove(tunnel, &addr(&comes_and_goes)).await.unwrap();
        tokio::task::yield_now().await;
    }

    clients.await.unwrap();
    eventually!(daemon.connections() == 0);
    let traffic = daemon.status(tunnel).await.traffic;
    assert_eq!((traffic.bytes_in, traffic.connections_total), (50_000, 100));
}
