//! What would be too much: it is refused, and nobody else notices.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{FuturesOrdered, FuturesUnordered};
use jsonrpsee::core::client::Subscription;
use plexy_tests::daemon::{Daemon, WsClient};
use plexy_tests::dns::Dns;
use plexy_tests::eventually;
use plexyd::NameServers;
use serde_json::{Value, json};
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
    assert_eq!(answer.json()["error"]["data"]["code"], "batch-too-large");
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
async fn who_only_stays_makes_room_before_who_has_asked() {
    let daemon = Daemon::start().await;
    let client = WsClient::connect(&daemon.rpc_unix()).await;
    let mut counts: Subscription<Value> = client.subscribe("100ms", false).await.unwrap();
    counts.next().await.unwrap().unwrap();
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(daemon.rpc().connect().await);
    }
    assert_eq!(client.call("ping", json!({})).await.unwrap(), "pong");
    for _ in 0..3 {
        counts.next().await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_too_long_ends_its_websocket_with_a_word() {
    let daemon = Daemon::start().await;
    let mut stream = daemon.rpc().connect().await;
    let head = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    // A text frame of 20 MB under a mask of zeros (RFC 6455, section 5.2).
    let mut frame = vec![0x81, 0xff];
    frame.extend(20_000_000_u64.to_be_bytes());
    frame.extend([0; 4]);
    frame.resize(frame.len() + 20_000_000, b'x');
    let (mut read, mut write) = tokio::io::split(stream);
    let sent = async { write.write_all(&frame).await };
    let mut got = Vec::new();
    let (sent, ended) = tokio::join!(sent, read.read_to_end(&mut got));
    assert!(sent.is_ok() && ended.is_ok(), "{sent:?}, {ended:?}");
    // A close frame with its code: 1009, a message that is too big.
    assert!(got.ends_with(&[0x88, 2, 0x03, 0xf1]), "{:?}", got.get(got.len() - 8..));
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
async fn a_call_that_waits_holds_up_its_own_connection_only() {
    let dns = Dns::start().await;
    let servers = NameServers::One(dns.addr());
    let daemon = Daemon::start_with(|config| config.name_servers = servers).await;
    dns.set("slow.test", [IpAddr::V4(Ipv4Addr::LOCALHOST)], 60);
    dns.silent(true);
    let client = WsClient::connect(&daemon.rpc()).await;
    let calls = [
        client.call("openTunnel", json!({"spec": "slow.test:0=4000"})),
        client.call("numberOfTunnels", json!({})),
    ];
    let mut calls: FuturesOrdered<_> = calls.into_iter().collect();
    let others = async {
        eventually!(dns.asked("slow.test") > 0);
        assert_eq!(daemon.rpc().call("numberOfTunnels", json!({})).await.unwrap()["tunnels"], 0);
        dns.silent(false);
    };
    let (opened, ()) = tokio::join!(calls.next(), others);
    assert_eq!(opened.unwrap().unwrap()["result"], "opened");
    assert_eq!(calls.next().await.unwrap().unwrap()["tunnels"], 1);
}

/// A daemon with so many tunnels that a list of them has some 200 KB.
async fn with_many_tunnels() -> Daemon {
    plexy_tests::descriptors::raise_limit();
    let daemon = Daemon::start().await;
    let specs: Vec<_> = (0..900).map(|n| format!("0=4000[name=t{n}]")).collect();
    daemon.rpc_unix().call("openTunnels", json!({ "specs": specs })).await.unwrap();
    daemon
}

fn lists(count: usize) -> String {
    let call = |id| json!({"jsonrpc": "2.0", "id": id, "method": "listTunnels"});
    Value::from_iter((0..count).map(call)).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_a_thousand_lists_hold_nobody_up_and_have_an_end() {
    let daemon = with_many_tunnels().await;
    let (door, batch) = (daemon.rpc_unix(), lists(1000));
    let mut batches: FuturesUnordered<_> = (0..2).map(|_| door.post(&batch)).collect();
    let mut pongs = 0;
    let answers = loop {
        tokio::select! {
            answered = batches.next() => break answered.unwrap().json(),
            pong = async { daemon.rpc().call("ping", json!({})).await } => {
                assert_eq!(pong.unwrap(), "pong");
                pongs += 1;
            }
        }
    };
    assert!(pongs > 0, "somebody else was answered in between");
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 1000);
    assert_eq!(answers[0]["result"]["tunnels"], 900);
    assert_eq!(answers[999]["error"]["data"]["code"], "answer-too-large");
    assert_eq!(answers[999]["id"], 999);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_a_long_answer_slowly_gets_all_of_it_whoever_comes() {
    let daemon = with_many_tunnels().await;
    let body = lists(30);
    let mut reader = daemon.rpc().connect().await;
    let head =
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close";
    let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    reader.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0];
    reader.read_exact(&mut answer).await.unwrap();
    let mut newcomers = Vec::new();
    for _ in 0..200 {
        newcomers.push(daemon.rpc().connect().await);
    }
    assert_eq!(daemon.rpc().call("ping", json!({})).await.unwrap(), "pong");
    reader.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8(answer).unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    let answers: Value = serde_json::from_str(body).unwrap();
    assert_eq!(answers[29]["result"]["tunnels"], 900);
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
