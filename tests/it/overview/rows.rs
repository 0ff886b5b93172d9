//! Which rows are shown, and in which order.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::Duration;

use plexy_shared::overview::{BackendColumn, BackendRow, Health, TunnelColumn, TunnelRow};
use plexy_shared::word::{Word, Words};
use plexy_tests::backend::{Backend, Echo, Refuser};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::traffic::{Flow, round_trip};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{backends, name, overview, tunnel, tunnels};
use crate::client::is_reset;

/// Tunnels that differ in every column, and what keeps them so.
struct Scene {
    daemon: Daemon,
    echo: Backend<Echo>,
    _refuser: Refuser,
    flow: Flow,
    comers: [JoinHandle<()>; 2],
}

impl Scene {
    async fn start() -> Self {
        let (daemon, echo, refuser) = (Daemon::start().await, Echo::start(), Refuser::start());
        let addr = echo.addr();
        let busy = daemon.open(&format!("{addr}[name=Busy,strategy=least-conn]")).await;
        daemon.open("nosuch.invalid:1[name=lost,max-conns=5]").await;
        let names = format!("{addr}+weight=3+sni=a.example,127.0.0.1:9+backup+sni=b.example");
        daemon.open(&format!("{names}[name=by-name,strategy=first,max-conns=7]")).await;
        let refused = format!("{}[name=refused,retries=0,max-fails=1000]", refuser.addr());
        let refused = daemon.open(&refused).await;
        daemon.open(&addr.to_string()).await;
        let flow = Flow::paced(busy, 1, Duration::from_millis(2)).await.unwrap();
        let come = tokio::spawn(async move {
            loop {
                round_trip(busy, 100).await.unwrap();
            }
        });
        let fail = tokio::spawn(async move {
            loop {
                is_reset(refused).await;
            }
        });
        Self { daemon, echo, _refuser: refuser, flow, comers: [come, fail] }
    }

    async fn end(self) {
        self.comers.iter().for_each(JoinHandle::abort);
        assert!(self.flow.stop().await.fault.is_none());
    }
}

/// What a row is sorted by.
fn tunnel_key(row: &TunnelRow, column: TunnelColumn) -> (u64, String) {
    let number = |number| (number, String::new());
    match column {
        TunnelColumn::Health => number(row.health.known().unwrap() as u64),
        TunnelColumn::Name => (0, name(row).to_owned()),
        // One address, and ports of five digits.
        TunnelColumn::Listen => (0, row.status.listen.clone()),
        TunnelColumn::Up => number(row.status.backends_up as u64),
        TunnelColumn::Conns => number(row.status.traffic.connections),
        TunnelColumn::Limit => number(row.max_conns.map_or(u64::MAX, u64::from)),
        TunnelColumn::New => number(row.rates.new_per_1000s),
        TunnelColumn::In => number(row.rates.rate_in),
        TunnelColumn::Out => number(row.rates.rate_out),
        TunnelColumn::Errors => number(row.rates.failed_per_1000s),
        TunnelColumn::P99 => number(row.connect.p99_us),
        TunnelColumn::Strategy => (0, row.strategy.clone()),
        TunnelColumn::Tls => (0, row.tls.clone().unwrap_or("none".to_owned())),
        TunnelColumn::Opened => number(row.id),
    }
}

fn backend_key(row: &BackendRow, column: BackendColumn) -> (u64, String) {
    let number = |number| (number, String::new());
    match column {
        BackendColumn::Health => number(row.health.known().unwrap() as u64),
        BackendColumn::Tunnel => (0, row.tunnel.clone()),
        BackendColumn::Backend => (0, row.info.addr.clone()),
        BackendColumn::For => number(row.info.state_seconds),
        BackendColumn::Conns => number(row.info.traffic.connections),
        BackendColumn::Weight => number(row.info.weight.into()),
        BackendColumn::New => number(row.rates.new_per_1000s),
        BackendColumn::In => number(row.rates.rate_in),
        BackendColumn::Out => number(row.rates.rate_out),
        BackendColumn::P50 => number(row.connect.p50_us),
        BackendColumn::P99 => number(row.connect.p99_us),
        BackendColumn::Errors => number(row.info.attempts_failed),
        BackendColumn::Cause => (0, row.info.cause.clone().unwrap_or_default()),
    }
}

/// The rows stand by their keys, whichever way; those that are equal by what they are called.
fn is_sorted<T>(
    rows: &[T],
    key: impl Fn(&T) -> (u64, String),
    tie: impl Fn(&T) -> (String, String),
    is_descending: bool,
) -> bool {
    rows.windows(2).all(|pair| {
        let by_key = key(&pair[0]).cmp(&key(&pair[1]));
        let by_key = if is_descending { by_key.reverse() } else { by_key };
        by_key.then_with(|| tie(&pair[0]).cmp(&tie(&pair[1]))) == Ordering::Less
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_are_sorted_by_every_column_in_both_directions() {
    let scene = Scene::start().await;
    // Rates are those of the time between two looks.
    eventually!({
        let rows = tunnels(&scene.daemon).await;
        rows.iter().any(|row| row.rates.rate_in > 0 && row.rates.new_per_1000s > 0)
            && rows.iter().any(|row| row.rates.failed_per_1000s > 0)
    });
    for column in TunnelColumn::ALL {
        for sort in [column.word().to_owned(), format!("-{}", column.word())] {
            let params = json!({ "tunnels": { "sort": sort } });
            let shown = overview(&scene.daemon, params).await.tunnels.unwrap();
            assert_eq!((shown.total, shown.matched, shown.rows.len()), (5, 5, 5), "{sort}");
            let key = |row: &TunnelRow| tunnel_key(row, *column);
            let tie = |row: &TunnelRow| (name(row).to_owned(), String::new());
            let keys: Vec<_> = shown.rows.iter().map(key).collect();
            assert!(is_sorted(&shown.rows, key, tie, sort.starts_with('-')), "{sort}: {keys:?}");
            assert!(keys.iter().collect::<BTreeSet<_>>().len() > 1, "{sort}: {keys:?}");
        }
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_are_sorted_by_every_column_in_both_directions() {
    let scene = Scene::start().await;
    eventually!(backends(&scene.daemon).await.iter().any(|row| row.rates.rate_in > 0));
    for column in BackendColumn::ALL {
        for sort in [column.word().to_owned(), format!("-{}", column.word())] {
            let params = json!({ "backends": { "sort": sort } });
            let shown = overview(&scene.daemon, params).await.backends.unwrap();
            assert_eq!((shown.total, shown.matched, shown.rows.len()), (6, 6, 6), "{sort}");
            let key = |row: &BackendRow| backend_key(row, *column);
            let tie = |row: &BackendRow| (row.tunnel.clone(), row.info.addr.clone());
            let keys: Vec<_> = shown.rows.iter().map(key).collect();
            // Seconds are too few to tell those apart that began a moment after each other.
            if *column != BackendColumn::For {
                let is_descending = sort.starts_with('-');
                assert!(is_sorted(&shown.rows, key, tie, is_descending), "{sort}: {keys:?}");
                assert!(keys.iter().collect::<BTreeSet<_>>().len() > 1, "{sort}: {keys:?}");
            }
        }
    }
    let of_one = json!({ "backends": { "tunnel": "BY-NAME", "sort": "-weight" } });
    let shown = overview(&scene.daemon, of_one).await.backends.unwrap();
    let addrs: Vec<_> = shown.rows.iter().map(|row| row.info.addr.clone()).collect();
    assert_eq!(
        (shown.total, addrs),
        (2, vec![scene.echo.addr().to_string(), "127.0.0.1:9".into()])
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_longest_in_its_state_comes_last_or_first() {
    let daemon = Daemon::start().await;
    daemon.open("127.0.0.1:7[name=b]").await;
    let older = overview(&daemon, json!({})).await.monotonic_ms;
    // Times are told apart by milliseconds.
    eventually!(overview(&daemon, json!({})).await.monotonic_ms > older);
    daemon.open("127.0.0.1:8[name=a]").await;
    let order = async |sort: &str| {
        let shown = overview(&daemon, json!({ "backends": { "sort": sort } })).await;
        shown.backends.unwrap().rows.into_iter().map(|row| row.tunnel).collect::<Vec<_>>()
    };
    assert_eq!(order("for").await, ["a", "b"]);
    assert_eq!(order("-for").await, ["b", "a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_found_by_what_stands_in_them() {
    let daemon = Daemon::start().await;
    daemon.open("nosuch.invalid:1[name=Web-1]").await;
    daemon.open("127.0.0.1:81,127.0.0.1:82[name=web-2,strategy=random]").await;
    let plain = daemon.open("127.0.0.1:83+sni=a.b[max-conns=9,strategy=first]").await.to_string();
    let found = async |find: &str| {
        let params = json!({ "tunnels": { "find": find, "sort": "opened" } });
        let shown = overview(&daemon, params).await.tunnels.unwrap();
        assert_eq!((shown.total, shown.matched), (3, shown.rows.len() as u64), "{find}");
        shown.rows.iter().map(|row| name(row).to_owned()).collect::<Vec<_>>()
    };
    let all = ["Web-1".to_owned(), "web-2".to_owned(), plain.clone()];
    for (find, expected) in [
        ("", &all[..]),
        ("web", &all[..2]),
        ("WEB-1", &all[..1]),
        ("!web", &all[2..]),
        ("~wb2", &all[1..2]),
        ("wb2", &[]),
        ("!~wb2", &[all[0].clone(), all[2].clone()]),
        ("name:web", &all[..2]),
        ("!name:web", &all[2..]),
        ("health:down", &all[..1]),
        ("down", &[]),
        ("strategy:random", &all[1..2]),
        ("random", &all[1..2]),
        ("tls:route", &all[2..]),
        ("up:2/2", &all[1..2]),
        ("limit:9", &all[2..]),
        ("conns:0", &all[..]),
        ("nosuch", &[]),
        (&plain, &all[2..]),
    ] {
        assert_eq!(found(find).await, expected, "{find}");
    }
    let found = async |find: &str| {
        let params = json!({ "backends": { "find": find, "sort": "backend" } });
        let shown = overview(&daemon, params).await.backends.unwrap();
        shown.rows.into_iter().map(|row| row.info.addr).collect::<Vec<_>>()
    };
    assert_eq!(found("web-2").await, ["127.0.0.1:81", "127.0.0.1:82"]);
    assert_eq!(found("backend::83").await, ["127.0.0.1:83"]);
    assert_eq!(found("!health:ok").await, ["nosuch.invalid:1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_found_sorted_and_cut() {
    let (one, two) = (Echo::start(), Echo::start());
    let daemon = Daemon::start().await;
    let busy = daemon.open(&format!("{}[name=busy]", one.addr())).await;
    let calm = daemon.open(&format!("{}[name=calm]", two.addr())).await;
    let mut flows = vec![Flow::paced(busy, 0, Duration::from_millis(1)).await.unwrap()];
    for seed in 1..4 {
        flows.push(Flow::paced(calm, seed, Duration::from_secs(100)).await.unwrap());
    }
    let shown = async |params: Value| {
        overview(&daemon, json!({ "connections": params })).await.connections.unwrap()
    };
    // Who has said something of late is as fast as that is, until it is a second ago.
    eventually!({
        let rows = shown(json!({ "sort": "-rate" })).await.rows;
        rows[0].rate_in > 0 && rows[1].rate_in == 0
    });
    let most = shown(json!({ "sort": "-rate", "limit": 1 })).await;
    assert_eq!((most.total, most.matched, most.rows[0].tunnel.as_str()), (4, 4, "busy"));
    let tunnels = async |params| {
        let rows = shown(params).await.rows;
        rows.into_iter().map(|row| row.tunnel).collect::<Vec<_>>()
    };
    assert_eq!(tunnels(json!({ "sort": "rate" })).await[3], "busy");
    // A filter says who is meant, and `find` who of them is found.
    let found = shown(json!({ "tunnel": "calm", "find": "!id:nosuch" })).await;
    assert_eq!((found.total, found.matched), (3, 3));
    let found = shown(json!({ "find": "CALM" })).await;
    assert_eq!((found.total, found.matched), (4, 3));
    let found = shown(json!({ "find": format!("!backend:{}", two.addr()) })).await;
    assert_eq!((found.matched, found.rows[0].tunnel.as_str()), (1, "busy"));
    let slow = shown(json!({ "where": "rate<1", "find": "phase:relaying" })).await;
    assert_eq!((slow.total, slow.matched), (3, 3));
    // The one that is asked for stands in the middle.
    let all = shown(json!({})).await.rows;
    let part = shown(json!({ "around": all[2].id, "limit": 2, "skip": 0 })).await;
    let ids: Vec<_> = part.rows.iter().map(|row| &row.id).collect();
    assert_eq!((part.skipped, ids), (1, vec![&all[1].id, &all[2].id]));
    drop(flows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_rows_is_where_somebody_asks_for_it() {
    let daemon = Daemon::start().await;
    for number in 0..20 {
        daemon.open(&format!("127.0.0.1:9[name=t{number:02}]")).await;
    }
    let part = async |params: Value| {
        let shown = overview(&daemon, json!({ "tunnels": params })).await.tunnels.unwrap();
        assert_eq!((shown.total, shown.matched), (20, 20));
        let names: Vec<_> = shown.rows.iter().map(|row| name(row).to_owned()).collect();
        (shown.skipped, names)
    };
    let names = |from: usize, to: usize| (from..to).map(|n| format!("t{n:02}")).collect::<Vec<_>>();
    assert_eq!(part(json!({ "limit": 3 })).await, (0, names(0, 3)));
    assert_eq!(part(json!({ "skip": 18, "limit": 3 })).await, (18, names(18, 20)));
    assert_eq!(part(json!({ "skip": 99, "limit": 3 })).await, (20, names(0, 0)));
    assert_eq!(part(json!({ "limit": 500 })).await, (0, names(0, 20)));
    let id = tunnel(&daemon, "t10").await.id;
    assert_eq!(part(json!({ "around": id, "limit": 5, "skip": 1 })).await, (8, names(8, 13)));
    let last = tunnel(&daemon, "t19").await.id;
    assert_eq!(part(json!({ "around": last, "limit": 5 })).await, (15, names(15, 20)));
    // Who is gone is in no part.
    daemon.close("t10").await;
    let params = json!({ "around": id, "limit": 5, "skip": 1 });
    let shown = overview(&daemon, json!({ "tunnels": params })).await.tunnels.unwrap();
    assert_eq!((shown.skipped, shown.total), (1, 19));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_asked_for_is_among_those_that_are_shown() {
    let daemon = Daemon::start().await;
    let all: Vec<_> = (10..40).map(|port| format!("127.0.0.1:{port}")).collect();
    daemon.open(&format!("{}[name=many]", all.join(","))).await;
    let id = tunnel(&daemon, "many").await.id;
    let around = json!({ "tunnel_id": id, "backend": "127.0.0.1:25" });
    let params = json!({ "backends": { "around": around, "limit": 4 } });
    let shown = overview(&daemon, params).await.backends.unwrap();
    assert_eq!((shown.total, shown.skipped), (30, 13));
    let addrs: Vec<_> = shown.rows.iter().map(|row| row.info.addr.as_str()).collect();
    assert_eq!(addrs, &all[13..17]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_asks_for_is_not_told_and_sums_are_always() {
    let daemon = Daemon::start().await;
    daemon.open("127.0.0.1:9,nosuch.invalid:1[name=web]").await;
    let seen = overview(&daemon, json!({})).await;
    assert_eq!((&seen.tunnels, &seen.backends), (&None, &None));
    assert_eq!((&seen.connections, &seen.tunnel), (&None, &None));
    assert_eq!((seen.sums.tunnels.total(), seen.sums.tunnels.degraded), (1, 1));
    assert_eq!((seen.sums.backends, seen.sums.backends_up), (2, 1));
    assert_eq!(seen.process.pid, std::process::id());
    assert!(seen.process.resident_bytes > 0 && seen.process.descriptors > 0);
    let seen = overview(&daemon, json!({ "tunnel": "web" })).await.tunnel.unwrap();
    assert_eq!((name(&seen.row), seen.info.backend_list.len()), ("web", 2));
    assert_eq!(seen.row.health, Word::from(Health::Degraded));
    assert_eq!(seen.info.spec, daemon.detail("web").await.spec);
    assert_eq!(overview(&daemon, json!({ "tunnel": "wbe" })).await.tunnel, None);
}
