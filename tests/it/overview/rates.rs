//! Rates are averages over the time that is told, and no change of tunnels or daemons makes up one.

use std::net::SocketAddr;
use std::time::Duration;

use plexy_shared::overview::{Overview, RatesInfo, TunnelRow};
use plexy_tests::backend::{Echo, Refuser};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::traffic::{Flow, round_trip};
use serde_json::json;

use super::{overview, tunnel};
use crate::client::is_reset;

const BYTES: u64 = 300_000;

async fn look(daemon: &Daemon) -> (Overview, TunnelRow) {
    let mut seen = overview(daemon, json!({ "tunnels": {} })).await;
    let row = seen.tunnels.as_mut().unwrap().rows.remove(0);
    (seen, row)
}

/// The look at which rates are found of all that has come since an earlier one, which began to count.
async fn next(daemon: &Daemon, before: &Overview) -> (Overview, TunnelRow) {
    let mut found = None;
    eventually!({
        let seen = look(daemon).await;
        let begun = seen.0.monotonic_ms - seen.0.over_ms;
        let is_next = seen.0.over_ms >= 1_000 && begun >= before.monotonic_ms;
        found = Some(seen);
        is_next
    });
    found.unwrap()
}

/// Goes through a tunnel, until all of it is counted.
async fn trips(daemon: &Daemon, listen: SocketAddr, count: usize) {
    for _ in 0..count {
        round_trip(listen, BYTES).await.unwrap();
    }
    eventually!(daemon.status(listen).await.traffic.connections == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_look_tells_none_and_the_next_ones_what_has_come_since() {
    let (echo, daemon) = (Echo::start(), Daemon::start().await);
    let listen = daemon.open(&echo.addr().to_string()).await;
    trips(&daemon, listen, 1).await;
    let (first, row) = look(&daemon).await;
    assert_eq!((first.over_ms, row.rates), (0, RatesInfo::default()));
    trips(&daemon, listen, 3).await;
    // Over all of that time it is just these.
    let (seen, row) = next(&daemon, &first).await;
    let expected = 3 * BYTES * 1_000 / seen.over_ms;
    assert_eq!((row.rates.rate_in, row.rates.rate_out), (expected, expected));
    assert_eq!(row.rates.new_per_1000s, 3_000_000 / seen.over_ms);
    assert_eq!(seen.sums.rates, row.rates);
    // A look right behind it is told the same, as long as it comes within a second.
    trips(&daemon, listen, 1).await;
    let (again, row_again) = look(&daemon).await;
    let is_same = (again.over_ms, row_again.rates) == (seen.over_ms, row.rates);
    assert!(is_same || again.monotonic_ms >= seen.monotonic_ms + 1_000, "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_and_rejections_have_rates_and_closed_tunnels_leave_none() {
    let (refuser, daemon) = (Refuser::start(), Daemon::start().await);
    let failing = daemon.open(&format!("{}[retries=0,max-fails=1000]", refuser.addr())).await;
    let echo = Echo::start();
    let denying = daemon.open(&format!("{}[name=denying,deny=127.0.0.0/8]", echo.addr())).await;
    let before = look(&daemon).await.0;
    for _ in 0..4 {
        is_reset(failing).await;
    }
    for _ in 0..2 {
        is_reset(denying).await;
    }
    let (seen, row) = next(&daemon, &before).await;
    assert_eq!(row.rates.failed_per_1000s, 4_000_000 / seen.over_ms);
    assert_eq!((row.attempts_failed, row.rejected), (4, 0));
    let denied = tunnel(&daemon, "denying").await;
    assert_eq!((denied.rejected, denied.attempts_failed), (2, 0));
    assert_eq!(seen.sums.rates.failed_per_1000s, 4_000_000 / seen.over_ms);
    assert_eq!(seen.sums.rates.rejected_per_1000s, 2_000_000 / seen.over_ms);
    // What a tunnel has counted goes with it, and nothing else.
    daemon.close(failing).await;
    is_reset(denying).await;
    let seen = next(&daemon, &seen).await.0;
    assert_eq!(seen.sums.rates.failed_per_1000s, 0);
    assert_eq!(seen.sums.rates.rejected_per_1000s, 1_000_000 / seen.over_ms);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_that_is_opened_again_is_another_one_and_begins_at_zero() {
    let (echo, port, daemon) = (Echo::start(), Port::reserve(), Daemon::start().await);
    let spec = format!("{}={}[name=web]", port.addr(), echo.addr());
    let opened = daemon.try_open(&spec).await.unwrap();
    trips(&daemon, port.addr(), 1).await;
    let (before, old) = look(&daemon).await;
    trips(&daemon, port.addr(), 1).await;
    daemon.close("web").await;
    assert_eq!(daemon.try_open(&spec).await.unwrap(), opened);
    let (seen, new) = next(&daemon, &before).await;
    assert_ne!(new.id, old.id);
    assert_eq!((new.rates, new.status.traffic.connections_total), (RatesInfo::default(), 0));
    // All of it went through the daemon, whatever became of the tunnel.
    assert_eq!(seen.sums.rates.rate_in, BYTES * 1_000 / seen.over_ms);
    trips(&daemon, port.addr(), 2).await;
    let (seen, row) = next(&daemon, &seen).await;
    assert_eq!(row.rates.rate_in, 2 * BYTES * 1_000 / seen.over_ms);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_comes_back_is_another_one_too() {
    let (echo, daemon) = (Echo::start(), Daemon::start().await);
    let addr = echo.addr().to_string();
    let listen = daemon.open(&addr).await;
    trips(&daemon, listen, 1).await;
    let backend = async || {
        let seen = overview(&daemon, json!({ "backends": { "find": addr } })).await;
        (seen.over_ms, seen.monotonic_ms, seen.backends.unwrap().rows.remove(0))
    };
    backend().await;
    daemon.add(listen, "127.0.0.1:9+backup").await.unwrap();
    daemon.remove(listen, &addr).await.unwrap();
    daemon.add(listen, &addr).await.unwrap();
    let added = backend().await;
    assert_eq!(added.2.info.traffic.connections_total, 0);
    eventually!({
        let (over_ms, at, row) = backend().await;
        assert_eq!(row.rates, RatesInfo::default());
        over_ms >= 1_000 && at >= added.1 + 1_000
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_starts_anew_is_another_one_and_tells_no_rate_at_first() {
    let (echo, port) = (Echo::start(), Port::reserve());
    let spec = format!("{}={}", port.addr(), echo.addr());
    let mut instances = Vec::new();
    for _ in 0..2 {
        let daemon = Daemon::start().await;
        eventually!(daemon.try_open(&spec).await.is_ok());
        trips(&daemon, port.addr(), 1).await;
        let (seen, row) = look(&daemon).await;
        assert_eq!((seen.over_ms, row.rates), (0, RatesInfo::default()));
        instances.push(seen.instance);
        daemon.end(Duration::ZERO).await;
    }
    assert_ne!(instances[0], instances[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_connections_at_once_are_those_that_somebody_saw() {
    let (echo, daemon) = (Echo::start(), Daemon::start().await);
    let listen = daemon.open(&echo.addr().to_string()).await;
    let peak = async || look(&daemon).await.0.sums.connections_peak;
    assert_eq!(peak().await, 0);
    let flows = [Flow::start(listen, 1).await.unwrap(), Flow::start(listen, 2).await.unwrap()];
    eventually!(peak().await == 2);
    for flow in flows {
        assert!(flow.stop().await.fault.is_none());
    }
    eventually!(look(&daemon).await.0.sums.traffic.connections == 0);
    assert_eq!(peak().await, 2);
}
