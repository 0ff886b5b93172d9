//! A backend that fails again and again gets no clients until it works.

use std::net::SocketAddr;

use plexy_shared::info::{BackendInfo, BackendState};
use plexy_tests::backend::{BlackHole, Echo, Refuser};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::traffic::round_trip;

use crate::client::is_reset;

/// No probes, and no end by time within the test.
const FOR_EVER: &str = "check-interval=off,fail-timeout=5m";

async fn state(daemon: &Daemon, tunnel: SocketAddr, backend: SocketAddr) -> BackendState {
    daemon.backend(tunnel, backend).await.state.known().unwrap()
}

async fn failed(daemon: &Daemon, tunnel: SocketAddr, backend: SocketAddr) -> u64 {
    daemon.backend(tunnel, backend).await.attempts_failed
}

#[tokio::test(flavor = "multi_thread")]
async fn max_fails_in_a_row_eject_a_backend() {
    let (refuser, echo) = (Refuser::start(), Echo::start());
    let daemon = Daemon::start().await;
    let spec = format!("{},{}[max-fails=3,{FOR_EVER}]", refuser.addr(), echo.addr());
    let tunnel = daemon.open(&spec).await;
    while failed(&daemon, tunnel, refuser.addr()).await < 2 {
        round_trip(tunnel, 10).await.unwrap();
    }
    assert_eq!(state(&daemon, tunnel, refuser.addr()).await, BackendState::Up);
    while failed(&daemon, tunnel, refuser.addr()).await < 3 {
        round_trip(tunnel, 10).await.unwrap();
    }

    let BackendInfo { state, cause, next_ms, .. } = daemon.backend(tunnel, refuser.addr()).await;
    assert_eq!(
        (state, cause.as_deref()),
        (BackendState::Ejected.into(), Some("connection refused"))
    );
    assert!(next_ms.is_some_and(|next| next > 60_000), "{next_ms:?}");
    assert_eq!(daemon.status(tunnel).await.backends_up, 1);
    for _ in 0..10 {
        round_trip(tunnel, 10).await.unwrap();
    }
    assert_eq!(failed(&daemon, tunnel, refuser.addr()).await, 3, "clients still go there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_in_between_is_a_new_beginning() {
    let refuser = Refuser::start();
    let daemon = Daemon::start().await;
    let spec = format!("{}[max-fails=2,retries=0,{FOR_EVER}]", refuser.addr());
    let tunnel = daemon.open(&spec).await;
    for _ in 0..3 {
        is_reset(tunnel).await;
        let echo = Echo::at(refuser.addr());
        round_trip(tunnel, 10).await.unwrap();
        echo.kill().await;
    }
    assert_eq!(failed(&daemon, tunnel, refuser.addr()).await, 3);
    assert_eq!(state(&daemon, tunnel, refuser.addr()).await, BackendState::Up);

    is_reset(tunnel).await;
    is_reset(tunnel).await;

    assert_eq!(state(&daemon, tunnel, refuser.addr()).await, BackendState::Ejected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_backend_is_tried_though_it_is_ejected_and_a_success_ends_that() {
    let refuser = Refuser::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[retries=0,{FOR_EVER}]", refuser.addr())).await;
    is_reset(tunnel).await;
    assert_eq!(state(&daemon, tunnel, refuser.addr()).await, BackendState::Ejected);
    is_reset(tunnel).await;
    assert_eq!(failed(&daemon, tunnel, refuser.addr()).await, 2);

    let _echo = Echo::at(refuser.addr());
    round_trip(tunnel, 10).await.unwrap();

    let backend = daemon.backend(tunnel, refuser.addr()).await;
    assert_eq!((backend.state, backend.cause), (BackendState::Up.into(), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_are_ejected_each_is_tried() {
    let refusers = [Refuser::start(), Refuser::start(), Refuser::start()];
    let daemon = Daemon::start().await;
    let addrs: Vec<_> = refusers.iter().map(|refuser| refuser.addr().to_string()).collect();
    let tunnel = daemon.open(&format!("{}[retries=2,{FOR_EVER}]", addrs.join(","))).await;
    is_reset(tunnel).await;
    assert_eq!(daemon.status(tunnel).await.backends_up, 0);

    let _echo = Echo::at(refusers[2].addr());
    for _ in 0..3 {
        round_trip(tunnel, 10).await.unwrap();
    }

    assert_eq!(daemon.status(tunnel).await.backends_up, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_brings_a_backend_back_without_a_client() {
    let refuser = Refuser::start();
    let daemon = Daemon::start().await;
    let spec = format!("{}[retries=0,check-interval=50ms]", refuser.addr());
    let tunnel = daemon.open(&spec).await;
    is_reset(tunnel).await;
    let ejected = daemon.backend(tunnel, refuser.addr()).await;
    assert_eq!(ejected.state, BackendState::Ejected);
    assert!(ejected.next_ms.is_some_and(|next| next <= 60), "{ejected:?}");

    let echo = Echo::at(refuser.addr());

    eventually!(state(&daemon, tunnel, refuser.addr()).await == BackendState::Up);
    eventually!(echo.accepted() >= 1);
    let traffic = daemon.backend(tunnel, refuser.addr()).await.traffic;
    assert_eq!((traffic.connections, traffic.connections_total), (0, 0), "a probe is no client");
    round_trip(tunnel, 10).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_fails_leaves_it_ejected() {
    let (refuser, echo) = (Refuser::start(), Echo::start());
    let daemon = Daemon::start().await;
    let options = "check-interval=50ms,fail-timeout=1ms";
    let tunnel = daemon.open(&format!("{},{}[{options}]", refuser.addr(), echo.addr())).await;
    eventually!({
        round_trip(tunnel, 10).await.unwrap();
        state(&daemon, tunnel, refuser.addr()).await == BackendState::Ejected
    });

    for _ in 0..40 {
        round_trip(tunnel, 20_000).await.unwrap();
        assert_eq!(state(&daemon, tunnel, refuser.addr()).await, BackendState::Ejected);
    }

    assert_eq!(failed(&daemon, tunnel, refuser.addr()).await, 1, "probes are no attempts");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_probes_an_ejection_ends_by_time() {
    let refuser = Refuser::start();
    let daemon = Daemon::start().await;
    let options = "retries=0,check-interval=off,fail-timeout=300ms";
    let tunnel = daemon.open(&format!("{}[{options}]", refuser.addr())).await;
    is_reset(tunnel).await;
    assert_eq!(state(&daemon, tunnel, refuser.addr()).await, BackendState::Ejected);

    eventually!(state(&daemon, tunnel, refuser.addr()).await == BackendState::Up);
    is_reset(tunnel).await;
    assert_eq!(state(&daemon, tunnel, refuser.addr()).await, BackendState::Ejected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_black_hole_is_ejected_with_its_cause() {
    let hole = BlackHole::start();
    let daemon = Daemon::start().await;
    let options = format!("retries=0,connect-timeout=100ms,{FOR_EVER}");
    let tunnel = daemon.open(&format!("{}[{options}]", hole.addr())).await;

    is_reset(tunnel).await;

    let backend = daemon.backend(tunnel, hole.addr()).await;
    assert_eq!(backend.state, BackendState::Ejected);
    assert_eq!(backend.cause.as_deref(), Some("connect timeout after 100ms"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_removed_is_probed_no_more() {
    let (refuser, echo) = (Refuser::start(), Echo::start());
    let daemon = Daemon::start().await;
    let spec = format!("{},{}[check-interval=50ms]", refuser.addr(), echo.addr());
    let tunnel = daemon.open(&spec).await;
    eventually!({
        round_trip(tunnel, 10).await.unwrap();
        daemon.status(tunnel).await.backends_up == 1
    });

    daemon.remove(tunnel, &refuser.addr().to_string()).await.unwrap();
    let returned = Echo::at(refuser.addr());
    for _ in 0..40 {
        round_trip(tunnel, 20_000).await.unwrap();
    }

    assert_eq!(returned.accepted(), 0);
    assert_eq!(daemon.status(tunnel).await.backends_up, 1);
}
