//! Thousands of tunnels: a part of them is shown, and all are counted.

use plexy_tests::daemon::{HttpClient, Process};
use serde_json::json;

use super::{name, seen};
use crate::process::PLEXYD;

const TUNNELS: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_thousands_is_shown_and_all_are_counted() {
    let process = Process::start(PLEXYD, &["0=nosuch.invalid:1[name=lost]"]).await;
    let rpc = HttpClient::Unix(process.rpc_socket());
    let specs: Vec<_> = (0..TUNNELS).map(|n| format!("0=127.0.0.1:9[name=t{n:04}]")).collect();
    rpc.call("openTunnels", json!({ "specs": specs })).await.unwrap();
    let part = json!({ "find": "name:t1", "sort": "-name", "skip": 900, "limit": 500 });
    let shown = seen(&rpc, json!({ "tunnels": part, "backends": { "limit": 1 } })).await;
    let tunnels = shown.tunnels.unwrap();
    assert_eq!((tunnels.total, tunnels.matched), (TUNNELS as u64 + 1, 1_000));
    let names: Vec<_> = tunnels.rows.iter().map(name).collect();
    let expected: Vec<_> = (1_000..1_100).rev().map(|n| format!("t{n}")).collect();
    assert_eq!(names, expected);
    let backends = shown.backends.unwrap();
    assert_eq!((backends.total, backends.rows.len()), (TUNNELS as u64 + 1, 1));
    assert_eq!(backends.rows[0].tunnel, "lost");
    assert_eq!((shown.sums.tunnels.down, shown.sums.tunnels.ok), (1, TUNNELS as u64));
}
