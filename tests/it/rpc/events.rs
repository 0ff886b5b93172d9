//! `listEvents`, and `subscribeEvents` over a WebSocket.

use plexy_shared::event::EventsReply;
use plexy_tests::daemon::{Daemon, HttpClient, LineClient, Process, WsClient};
use plexy_tests::memory;
use serde_json::json;

use super::stats::subscribe_and_never_read;
use crate::process::PLEXYD;

fn numbers(reply: &EventsReply) -> Vec<u64> {
    reply.events.iter().map(|event| event.seq).collect()
}

async fn list(daemon: &Daemon, params: serde_json::Value) -> EventsReply {
    serde_json::from_value(daemon.rpc().call("listEvents", params).await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_tells_where_to_go_on() {
    let daemon = Daemon::start().await;
    daemon.open("127.0.0.1:1[name=db]").await;
    daemon.add("db", "127.0.0.1:2").await.unwrap();
    let hello = daemon.rpc().call("hello", json!({})).await.unwrap();
    for (params, expected) in [
        (json!({}), &[1, 2, 3][..]),
        (json!({ "last": 1 }), &[3]),
        (json!({ "after": 1 }), &[2, 3]),
        (json!({ "after": 1, "last": 1 }), &[3]),
        (json!({ "after": 3 }), &[]),
    ] {
        let reply = list(&daemon, params).await;
        assert_eq!(numbers(&reply), expected);
        assert_eq!((reply.newest, reply.missed), (3, 0));
        assert_eq!(hello["instance"], reply.instance);
    }
    for (params, code) in [
        (json!({ "last": 0 }), "out-of-range"),
        (json!({ "last": 1_001 }), "out-of-range"),
        (json!({ "after": -1 }), "invalid-params"),
        (json!({ "afer": 1 }), "invalid-params"),
    ] {
        let refused = daemon.rpc().call("listEvents", params.clone()).await.unwrap_err();
        assert_eq!(refused["data"]["code"], code, "{params}");
    }
    let refused = daemon.rpc().call("subscribeEvents", json!({})).await.unwrap_err();
    assert_eq!(refused["data"]["code"], "needs-websocket", "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_again_goes_on_where_it_was() {
    let daemon = Daemon::start().await;
    daemon.open("127.0.0.1:1[name=db]").await;
    let mut seen = Vec::new();
    for round in 0..5 {
        for rpc in [daemon.rpc(), daemon.rpc_unix()] {
            let client = WsClient::connect(&rpc).await;
            let after = seen.last().copied().unwrap_or(0);
            let mut events = client.follow(json!({ "after": after })).await.unwrap();
            // What has happened meanwhile comes at once, also where that is nothing.
            let first = events.next().await.unwrap().unwrap();
            seen.extend(numbers(&first));
            daemon.add("db", &format!("127.0.0.1:{}", 10 + seen.len())).await.unwrap();
            seen.extend(numbers(&events.next().await.unwrap().unwrap()));
            if round % 2 == 0 {
                events.unsubscribe().await.unwrap();
                assert_eq!(client.call("ping", json!({})).await.unwrap(), "pong");
            }
        }
        daemon.add("db", &format!("127.0.0.1:{}", 10 + seen.len())).await.unwrap();
    }
    let newest = list(&daemon, json!({ "after": seen.last() })).await;
    assert_eq!(numbers(&newest), [seen.len() as u64 + 1]);
    assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>(), "each of them once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_comes_too_late_is_told_what_it_has_missed() {
    let daemon = Daemon::start().await;
    daemon.open("127.0.0.1:1[name=db]").await;
    for _ in 0..520 {
        daemon.add("db", "127.0.0.1:2").await.unwrap();
        daemon.remove("db", "127.0.0.1:2").await.unwrap();
    }
    let client = WsClient::connect(&daemon.rpc()).await;
    let mut events = client.follow(json!({ "after": 2 })).await.unwrap();
    let first = events.next().await.unwrap().unwrap();
    assert_eq!((first.missed, first.newest), (40, 1_042));
    assert_eq!((numbers(&first).len(), numbers(&first)[0]), (1_000, 43));
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_to_events_who_never_read_cost_nothing() {
    const DEAF: usize = 40;
    const EVENTS: usize = 4_000;
    let arguments = ["--workers", "1", "--control-socket", "127.0.0.1:0", "--log-level", "info"];
    let process = Process::start(PLEXYD, &arguments).await;
    let rpc = HttpClient::Unix(process.rpc_socket());
    let mut line = LineClient::connect(process.control_addr()).await;
    line.ask(&format!("open 0=127.0.0.1:1[name={}]", "n".repeat(60))).await;
    let mut deaf = Vec::new();
    for _ in 0..DEAF {
        deaf.push(subscribe_and_never_read(&rpc, "subscribeEvents", json!({})).await);
    }
    let reader = WsClient::connect(&rpc).await;
    let mut events = reader.follow(json!({})).await.unwrap();
    let before = memory::anonymous(process.pid()).unwrap();
    let changes = format!("add {0} 127.0.0.1:2\nremove {0} 127.0.0.1:2\n", "n".repeat(60));
    let mut told = 0;
    for _ in 0..EVENTS / 100 {
        line.send(changes.repeat(50).as_bytes()).await;
        for _ in 0..2 * 100 {
            line.next_line().await.unwrap();
        }
        // One that reads is told of each.
        while told < list_newest(&rpc).await {
            let news = events.next().await.unwrap().unwrap();
            assert_eq!(news.missed, 0);
            told = news.newest;
        }
    }
    assert!(told >= EVENTS as u64);
    let grown = memory::anonymous(process.pid()).unwrap().saturating_sub(before);
    let one = rpc.call("listEvents", json!({ "last": 1 })).await.unwrap()["events"].to_string();
    let waiting = (DEAF * EVENTS * one.len()) as u64;
    assert!(grown < waiting / 3, "{grown} bytes for {waiting} of events");
    drop(deaf);
    assert_eq!(reader.call("ping", json!({})).await.unwrap(), "pong");
}

async fn list_newest(rpc: &HttpClient) -> u64 {
    rpc.call("listEvents", json!({ "last": 1 })).await.unwrap()["newest"].as_u64().unwrap()
}
