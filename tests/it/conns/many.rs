//! Thousands of connections are looked at while others are busy, come and go.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use plexy_tests::backend::Echo;
use plexy_tests::daemon::{HttpClient, Process};
use plexy_tests::descriptors;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Flow, round_trip};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::client;
use crate::process::PLEXYD;

/// Connections that are there all the while; each takes two descriptors of this process and two of
/// the daemon's.
const CONNECTIONS: usize = 5_000;
const CLIENTS: usize = 25;

/// Descriptors for all the rest.
const OTHERS: u64 = 1_000;

async fn connect(tunnel: SocketAddr, count: usize) -> Vec<Stream> {
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(client(tunnel, b"hello").await);
    }
    clients
}

/// All ids of a tunnel, each of which has to be there once.
async fn ids(rpc: &HttpClient, tunnel: &str) -> BTreeSet<String> {
    let params = json!({ "tunnel": tunnel, "limit": 10_000 });
    let shown = rpc.call("listConnections", params).await.unwrap();
    let rows = shown["connections"].as_array().unwrap();
    let ids: BTreeSet<_> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), rows.len(), "an id was shown twice");
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_are_listed_again_and_again_while_bulk_goes_on() {
    let count = if descriptors::raise_limit() < 2 * CONNECTIONS as u64 + OTHERS {
        eprintln!("only 500 instead of {CONNECTIONS}: the limit of open files is too low");
        500
    } else {
        CONNECTIONS
    };
    let echo = Echo::start();
    let spec = |name: &str| format!("0={}[name={name}]", echo.addr());
    let (many, bulk) = (spec("many"), spec("bulk"));
    let process = Process::start(PLEXYD, &[&many, &bulk, "--workers", "2"]).await;
    let rpc = HttpClient::Unix(process.rpc_socket());
    let list = rpc.call("listTunnels", json!({})).await.unwrap();
    let listen = |place: usize| -> SocketAddr {
        list["tunnel_list"][place]["listen"].as_str().unwrap().parse().unwrap()
    };
    let (many, bulk) = (listen(0), listen(1));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(connect(many, count / CLIENTS));
    }
    let clients: Vec<_> = clients.join_all().await.into_iter().flatten().collect();
    let all = ids(&rpc, "many").await;
    assert_eq!(all.len(), count);

    let mut flows = Vec::new();
    for seed in 0..4 {
        flows.push(Flow::start(bulk, seed).await.unwrap());
    }
    let over = Arc::new(AtomicBool::new(false));
    let comers = tokio::spawn({
        let over = Arc::clone(&over);
        async move {
            while !over.load(Ordering::Relaxed) {
                round_trip(bulk, 1_000).await.unwrap();
            }
        }
    });
    for _ in 0..20 {
        assert_eq!(ids(&rpc, "many").await, all, "those that stay are shown, each time");
        let params = json!({ "sort": "-bytes", "limit": 4, "where": "bytes>1m" });
        let most: Value = rpc.call("listConnections", params).await.unwrap();
        assert!(most["matched"].as_u64().unwrap() <= 4, "{most}");
        for row in most["connections"].as_array().unwrap() {
            assert_eq!(row["tunnel"], "bulk");
        }
    }
    let part = json!({ "tunnel": "many", "sort": "-id", "skip": 7, "limit": 500 });
    let shown = rpc.call("overview", json!({ "connections": part })).await.unwrap();
    let rows = &shown["connections"];
    assert_eq!((&rows["total"], &rows["skipped"]), (&json!(count), &json!(7)));
    let newest: Vec<_> = all.iter().rev().skip(7).take(500).collect();
    let told: Vec<_> = rows["rows"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(told, newest);
    for flow in &flows {
        let before = flow.bytes();
        eventually!(flow.bytes() > before);
    }

    // Each is counted by now.
    let killed = rpc.call("killConnections", json!({ "tunnel": "many", "where": "bytes=10" }));
    let killed = killed.await.unwrap();
    assert_eq!(killed["killed"], count);
    assert_eq!(killed["ids"].as_array().unwrap().len(), count.min(1_000), "so many are told");
    eventually!(ids(&rpc, "many").await.is_empty());
    over.store(true, Ordering::Relaxed);
    comers.await.unwrap();
    for flow in flows {
        let report = flow.stop().await;
        assert!(report.fault.is_none(), "{:?}", report.fault);
    }
    drop(clients);
}
