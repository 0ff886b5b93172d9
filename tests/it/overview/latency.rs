//! How long it takes to connect, and how long connections live, against durations that are known.

use std::time::Instant;

use plexy_shared::overview::Quantiles;
use plexy_tests::backend::Echo;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::round_trip;
use serde_json::json;

use super::{backends, overview, tunnel};
use crate::client::heard;

fn is_in_order(it: Quantiles) -> bool {
    it.count > 0 && it.p50_us <= it.p90_us && it.p90_us <= it.p99_us && it.p99_us <= it.max_us
}

#[tokio::test(flavor = "multi_thread")]
async fn lifetimes_are_those_that_clients_have_seen() {
    let (daemon, echo) = (Daemon::start().await, Echo::start());
    let listen = daemon.open(&format!("{}[name=web]", echo.addr())).await;
    let live = async || daemon.status(listen).await.traffic.connections;
    let mut known = Vec::new();
    for ms in [30, 300] {
        let begun = Instant::now();
        let client = Stream::connect(listen).await.unwrap();
        eventually!(live().await == 1);
        let connected = Instant::now();
        eventually!(connected.elapsed().as_millis() >= ms);
        let least = connected.elapsed().as_micros();
        drop(client);
        eventually!(live().await == 0);
        known.push((least, begun.elapsed().as_micros()));
    }
    // All of it is from the time before somebody looked.
    let lifetime = tunnel(&daemon, "web").await.lifetime;
    assert_eq!((lifetime.count, lifetime.over_ms), (2, 0));
    let (least, most) = known[1];
    let max = u128::from(lifetime.max_us);
    assert!(least <= max && max <= most, "{lifetime:?}: {known:?}");
    // The half of two is in the bucket that holds the shorter one.
    let (least, most) = known[0];
    let half = u128::from(lifetime.p50_us);
    assert!(least * 100 <= half * 138 && half * 100 <= most * 138, "{lifetime:?}: {known:?}");
    assert!(is_in_order(lifetime));
    assert_eq!(backends(&daemon).await[0].lifetime, lifetime);
    assert_eq!(overview(&daemon, json!({})).await.sums.lifetime, lifetime);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tunnel_has_seen_stays_in_the_sums_when_it_is_closed() {
    let (daemon, echo) = (Daemon::start().await, Echo::start());
    let listen = daemon.open(&format!("{}[name=web]", echo.addr())).await;
    for _ in 0..5 {
        round_trip(listen, 100).await.unwrap();
    }
    eventually!(daemon.status(listen).await.traffic.connections == 0);
    let connect = tunnel(&daemon, "web").await.connect;
    assert!(connect.count == 5 && is_in_order(connect), "{connect:?}");
    assert_eq!(backends(&daemon).await[0].connect, connect);
    daemon.close("web").await;
    let sums = overview(&daemon, json!({})).await.sums;
    assert_eq!((sums.connect.count, sums.lifetime.count), (5, 5));
    assert_eq!(sums.connect.max_us, connect.max_us);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_come_since_somebody_looked_is_told_apart_in_its_buckets() {
    let (daemon, echo) = (Daemon::start().await, Echo::start());
    let listen = daemon.open(&format!("{}[name=web]", echo.addr())).await;
    for _ in 0..5 {
        round_trip(listen, 100).await.unwrap();
    }
    eventually!(daemon.status("web").await.traffic.connections == 0);
    let look = async || overview(&daemon, json!({ "tunnel": "web" })).await.tunnel.unwrap();
    let first = look().await;
    assert_eq!((first.connect.since_start.count, first.connect.recent.count), (5, 0));
    assert_eq!((first.connect.recent_ms, first.connect.buckets.len()), (0, 0));
    assert_eq!(first.row.connect, first.connect.since_start);
    for _ in 0..3 {
        round_trip(listen, 100).await.unwrap();
    }
    // A look is shared by those who come right after it.
    let lifetime = async || look().await.lifetime;
    eventually!({
        let lifetime = lifetime().await;
        lifetime.since_start.count == 8 && lifetime.recent_ms > 0
    });
    let now = look().await;
    for latency in [&now.connect, &now.lifetime] {
        assert_eq!((latency.since_start.count, latency.recent.count), (8, 3));
        let buckets = &latency.buckets;
        assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 3);
        assert!(buckets[0].count > 0 && buckets[buckets.len() - 1].count > 0, "{buckets:?}");
        assert!(buckets.windows(2).all(|pair| pair[0].up_to_us < pair[1].up_to_us));
        assert!(latency.recent_ms > 0 && is_in_order(latency.recent), "{latency:?}");
    }
    // Of late is what rows and sums tell, and say so.
    assert_eq!((now.row.connect.count, now.row.connect.over_ms > 0), (3, true));
    assert_eq!(overview(&daemon, json!({})).await.sums.connect.count, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_reached_a_backend_has_no_connect_time() {
    let daemon = Daemon::start().await;
    let refuser = plexy_tests::backend::Refuser::start();
    let listen = daemon.open(&format!("{}[name=web]", refuser.addr())).await;
    heard(listen).await;
    let row = tunnel(&daemon, "web").await;
    assert_eq!((row.connect, row.status.traffic.connections_total), (Quantiles::default(), 1));
}
