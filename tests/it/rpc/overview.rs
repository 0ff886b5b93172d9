//! `subscribeOverview` over a WebSocket, and `overview` over both.

use std::time::Duration;

use plexy_shared::overview::Overview;
use plexy_tests::daemon::{Daemon, HttpClient, Io, Process, WsClient};
use plexy_tests::{eventually, memory};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::stats::subscribe_and_never_read;
use crate::process::PLEXYD;

/// How long what takes two seconds may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn overviews_come_again_and_again_with_the_rows_that_were_asked_for() {
    let daemon = Daemon::start().await;
    daemon.open("127.0.0.1:9[name=web]").await;
    for rpc in [daemon.rpc(), daemon.rpc_unix()] {
        let client = WsClient::connect(&rpc).await;
        let params = json!({ "interval": "100ms", "tunnels": { "find": "web" }, "tunnel": "web" });
        let mut overviews = client.watch(params).await.unwrap();
        let mut last: Option<Overview> = None;
        for _ in 0..5 {
            let now = overviews.next().await.unwrap().unwrap();
            if let Some(last) = last {
                assert_eq!(now.instance, last.instance);
                assert!(now.monotonic_ms >= last.monotonic_ms);
            }
            assert_eq!(now.tunnels.as_ref().unwrap().matched, 1);
            assert!(now.tunnel.is_some() && now.backends.is_none());
            last = Some(now);
        }
        overviews.unsubscribe().await.unwrap();
        let pong = client.call("ping", json!({})).await.unwrap();
        assert_eq!(pong, "pong", "the connection goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_that_goes_ends_no_subscription() {
    let daemon = Daemon::start().await;
    daemon.open("127.0.0.1:9[name=web]").await;
    let client = WsClient::connect(&daemon.rpc()).await;
    let of_web = json!({ "tunnel": "web" });
    let params = json!({
        "interval": "100ms", "tunnel": "web", "backends": of_web, "connections": of_web,
    });
    let mut overviews = client.watch(params).await.unwrap();
    let first = overviews.next().await.unwrap().unwrap();
    assert_eq!((first.tunnel.is_some(), first.backends.unwrap().total), (true, 1));
    daemon.close("web").await;
    eventually!({
        let now = overviews.next().await.unwrap().unwrap();
        now.tunnel.is_none() && now.backends.unwrap().total == 0
    });
    let again = overviews.next().await.unwrap().unwrap();
    assert_eq!((again.sums.tunnels.total(), again.connections.unwrap().total), (0, 0));
}

/// Each is told by the same task, which answers calls besides: none of them may wait for another one that
/// waits for its turn to look.
#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_of_one_socket_stand_in_the_way_of_no_look() {
    let daemon = Daemon::start().await;
    let client = WsClient::connect(&daemon.rpc()).await;
    let mut overviews = Vec::new();
    for _ in 0..8 {
        let params = json!({ "interval": "100ms", "tunnels": {}, "connections": {} });
        overviews.push(client.watch(params).await.unwrap());
    }
    let other = WsClient::connect(&daemon.rpc()).await;
    let looks = async |client: &WsClient| {
        loop {
            client.call("listConnections", json!({})).await.unwrap();
        }
    };
    let told = overviews.iter_mut().map(async |overviews| {
        for _ in 0..20 {
            overviews.next().await.unwrap().unwrap();
        }
    });
    tokio::select! {
        _ = futures_util::future::join_all(told) => {}
        () = looks(&client) => {}
        () = looks(&other) => {}
        () = tokio::time::sleep(PATIENCE) => panic!("nobody can look any more"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_look_needs_no_websocket_and_a_subscription_does() {
    let daemon = Daemon::start().await;
    let overview = daemon.rpc().call("overview", json!({})).await.unwrap();
    assert_eq!(overview["over_ms"], 0);
    let client = WsClient::connect(&daemon.rpc()).await;
    let over_websocket = client.call("overview", json!({ "tunnels": {} })).await.unwrap();
    assert_eq!(over_websocket["instance"], overview["instance"]);
    let refused = daemon.rpc().call("subscribeOverview", json!({})).await.unwrap_err();
    assert_eq!(refused["data"]["code"], "needs-websocket");
    for (params, parameter) in [
        (json!({ "interval": "1ms" }), "interval"),
        (json!({ "tunnels": { "limit": 0 } }), "tunnels.limit"),
    ] {
        let refused = client.watch(params).await.unwrap_err();
        assert_eq!(refused["data"]["parameter"], parameter, "{refused}");
    }
}

/// A frame of text (RFC 6455, 5.2).
const TEXT: u8 = 1;

/// The next message of a WebSocket, as its item; whether somebody is there is asked in between.
async fn item(stream: &mut Box<dyn Io>) -> Value {
    loop {
        let mut head = [0; 2];
        stream.read_exact(&mut head).await.unwrap();
        let length = match head[1] {
            126 => stream.read_u16().await.unwrap().into(),
            127 => stream.read_u64().await.unwrap(),
            length => length.into(),
        };
        let mut text = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut text).await.unwrap();
        if head[0] & 0x0f == TEXT {
            return serde_json::from_slice::<Value>(&text).unwrap()["params"]["result"].clone();
        }
    }
}

/// Reads over the answer of HTTP that begins a WebSocket, and that of the subscription.
async fn skip_answers(stream: &mut Box<dyn Io>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    item(stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_costs_nothing_and_is_told_the_newest() {
    let process = Process::start(PLEXYD, &["--workers", "1"]).await;
    let rpc = HttpClient::Unix(process.rpc_socket());
    let specs: Vec<_> = (0..900).map(|n| format!("0=4000[name=t{n}]")).collect();
    rpc.call("openTunnels", json!({ "specs": specs })).await.unwrap();
    let everything = json!({ "interval": "100ms", "tunnels": { "limit": 500 } });
    let bytes = rpc.call("overview", everything.clone()).await.unwrap().to_string().len();
    let before = memory::anonymous(process.pid()).unwrap();
    let mut deaf = Vec::new();
    for _ in 0..10 {
        let params = everything.clone();
        deaf.push(subscribe_and_never_read(&rpc, "subscribeOverview", params).await);
    }
    let reader = WsClient::connect(&rpc).await;
    let mut overviews = reader.watch(json!({ "interval": "100ms" })).await.unwrap();
    // Three seconds of them: each of the deaf would have 30 waiting.
    let mut newest = overviews.next().await.unwrap().unwrap();
    for _ in 0..30 {
        newest = overviews.next().await.unwrap().unwrap();
    }
    let grown = memory::anonymous(process.pid()).unwrap().saturating_sub(before);
    let waiting = deaf.len() * bytes;
    assert!(grown < 8 * waiting as u64, "{grown} bytes for overviews of {bytes} bytes");

    // One of them begins to read: what was on its way, and then the newest.
    let mut late = deaf.pop().unwrap();
    skip_answers(&mut late).await;
    let mut old = 0;
    while item(&mut late).await["monotonic_ms"].as_u64().unwrap() < newest.monotonic_ms {
        old += 1;
    }
    assert!(old <= 5, "{old} old ones had waited");
    drop(deaf);
    assert_eq!(reader.call("ping", json!({})).await.unwrap(), "pong");
}
