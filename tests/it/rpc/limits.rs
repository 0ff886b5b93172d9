//! What would be too much: it is refused, and nobody else notices.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use plexy_tests::daemon::{Daemon, WsClient};
use plexy_tests::dns::Dns;
use plexy_tests::eventually;
use plexyd::NameServers;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_twenty_megabytes_is_refused() {
    let daemon = Daemon::start().await;
    let body = format!("\"{}\"", "x".repeat(20_000_000));
    for rpc in [daemon.rpc(), daemon.rpc_unix()] {
        let answer = rpc.post(&body).await;
        assert_eq!(answer.status, 413);
        assert_eq!(answer.json()["error"]["data"]["code"], "body-too-large");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_ten_thousand_is_refused_whole() {
    let daemon = Daemon::start().await;
    let one = json!({"jsonrpc": "2.0", "id": 1, "method": "openTunnel", "params": {"spec": "0=1"}});
    let answer = daemon.rpc().post(&json!(vec![one; 10_000]).to_string()).await;
    assert!(answer.json()["error"]["code"].is_number(), "{answer:?}");
    assert!(daemon.statuses().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_levels_of_nesting_are_refused() {
    let daemon = Daemon::start().await;
    let deep = |open: &str, close: &str| open.repeat(10_000) + &close.repeat(10_000);
    for nested in [deep("[", "]"), deep("{\"a\":", "1}").replace("1}", "}").replacen('}', "1}", 1)]
    {
        let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"openTunnel","params":{nested}}}"#);
        for body in [call, nested] {
            let answer = daemon.rpc().post(&body).await;
            // A batch of one is answered as a batch.
            let answered = answer.json();
            let answered = answered.get(0).unwrap_or(&answered);
            let code = answered["error"]["code"].as_i64();
            assert!([-32700, -32600, -32602].map(Some).contains(&code), "{answer:?}");
        }
    }
    assert_eq!(daemon.rpc().call("ping", json!({})).await.unwrap(), "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_connections_lock_nobody_out() {
    let daemon = Daemon::start().await;
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(daemon.rpc().connect().await);
    }
    assert_eq!(daemon.rpc().call("ping", json!({})).await.unwrap(), "pong");
    // The first of them had to make room.
    let mut first = idle.remove(0);
    let mut byte = [0];
    let ended = tokio::time::timeout(Duration::from_secs(10), first.read(&mut byte)).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_post_keeps_its_own_connection_only() {
    let daemon = Daemon::start().await;
    let mut slow = Vec::new();
    for _ in 0..150 {
        let mut stream = daemon.rpc().connect().await;
        let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    assert_eq!(daemon.rpc().call("ping", json!({})).await.unwrap(), "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_than_a_connection_may_have_under_way_are_refused() {
    let dns = Dns::start().await;
    let servers = NameServers::One(dns.addr());
    let daemon = Daemon::start_with(|config| config.name_servers = servers).await;
    dns.set("slow.test", [IpAddr::V4(Ipv4Addr::LOCALHOST)], 60);
    dns.silent(true);
    let client = WsClient::connect(&daemon.rpc()).await;
    let calls = (0..300).map(|_| client.call("openTunnel", json!({"spec": "slow.test:0=4000"})));
    let mut calls: FuturesUnordered<_> = calls.collect();
    for _ in 256..300 {
        let refused = calls.next().await.unwrap().unwrap_err();
        assert_eq!(refused["data"]["code"], "overloaded", "{refused}");
    }
    // Others do not notice, and those who wait are served.
    assert_eq!(daemon.rpc().call("ping", json!({})).await.unwrap(), "pong");
    dns.silent(false);
    while let Some(opened) = calls.next().await {
        assert_eq!(opened.unwrap()["result"], "opened");
    }
    assert_eq!(daemon.statuses().len(), 256);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_have_ended_leave_nothing_behind() {
    let daemon = Daemon::start().await;
    let before = plexy_tests::descriptors::of_self();
    for _ in 0..50 {
        daemon.rpc().call("ping", json!({})).await.unwrap();
        drop(daemon.rpc_unix().connect().await);
    }
    // Others run in this process too: their descriptors come and go.
    eventually!(plexy_tests::descriptors::of_self() < before + 500);
    daemon.end(Duration::ZERO).await;
}
