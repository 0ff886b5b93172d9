//! `subscribeStats` over a WebSocket.

use jsonrpsee::core::client::Subscription;
use plexy_shared::info::Stats;
use plexy_tests::backend::Echo;
use plexy_tests::daemon::{Daemon, HttpClient, Io, Process, WsClient};
use plexy_tests::traffic::round_trip;
use plexy_tests::{eventually, memory};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::process::PLEXYD;

async fn subscribe(client: &WsClient, tunnels: bool) -> Subscription<Stats> {
    client.subscribe("100ms", tunnels).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_come_again_and_again_and_never_fall() {
    let daemon = Daemon::start().await;
    let echo = Echo::start();
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let mut trips = 0;
    for rpc in [daemon.rpc(), daemon.rpc_unix()] {
        let client = WsClient::connect(&rpc).await;
        let mut stats = subscribe(&client, true).await;
        let mut last: Option<Stats> = None;
        for _ in 0..5 {
            round_trip(tunnel, 1000).await.unwrap();
            trips += 1;
            let now = stats.next().await.unwrap().unwrap();
            if let Some(last) = last {
                assert_eq!(now.instance, last.instance);
                assert!(now.monotonic_ms > last.monotonic_ms);
                assert!(now.traffic.bytes_in >= last.traffic.bytes_in);
                assert!(now.traffic.connections_total >= last.traffic.connections_total);
            }
            assert_eq!(now.status.tunnel_list.as_ref().unwrap().len(), 1);
            last = Some(now);
        }
        // What comes next may have been counted, and waited here, before the last trip.
        eventually!(stats.next().await.unwrap().unwrap().traffic.bytes_out == trips * 1000);
        stats.unsubscribe().await.unwrap();
        let pong = client.call("ping", json!({})).await.unwrap();
        assert_eq!(pong, "pong", "the connection goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_tunnels_stay_in_the_sums_of_the_daemon() {
    let daemon = Daemon::start().await;
    let echo = Echo::start();
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    round_trip(tunnel, 5000).await.unwrap();
    eventually!(daemon.status(tunnel).await.traffic.connections == 0);
    daemon.close(tunnel).await;
    let client = WsClient::connect(&daemon.rpc()).await;
    let mut stats = subscribe(&client, false).await;
    let now = stats.next().await.unwrap().unwrap();
    assert_eq!((now.status.tunnels, now.status.tunnel_list), (0, None));
    assert_eq!((now.traffic.bytes_in, now.traffic.connections_total), (5000, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_interval_is_refused_as_such() {
    let daemon = Daemon::start().await;
    let client = WsClient::connect(&daemon.rpc()).await;
    for (interval, code) in
        [("1ms", "out-of-range"), ("nan", "invalid-value"), ("-1s", "out-of-range")]
    {
        let refused = client.subscribe::<Value>(interval, false).await.unwrap_err();
        assert_eq!(refused["data"]["code"], code, "{interval}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_once_are_all_answered() {
    let daemon = Daemon::start().await;
    let client = WsClient::connect(&daemon.rpc_unix()).await;
    let calls = (0..200).map(|_| client.call("ping", json!({})));
    for pong in futures_util::future::join_all(calls).await {
        assert_eq!(pong.unwrap(), "pong");
    }
}

/// A subscriber who takes nothing that is sent to it.
pub(super) async fn subscribe_and_never_read(
    door: &HttpClient,
    method: &str,
    params: Value,
) -> Box<dyn Io> {
    let mut stream = door.connect().await;
    let upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.unwrap();
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let text = call.to_string();
    // One text frame with a mask of zeros (RFC 6455, section 5.2).
    let length = u8::try_from(text.len()).unwrap();
    assert!(length < 126, "the length stands in one byte");
    let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat();
    stream.write_all(&frame).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_who_never_read_cost_nothing() {
    let process = Process::start(PLEXYD, &["--workers", "1"]).await;
    let rpc = HttpClient::Unix(process.rpc_socket());
    let specs: Vec<_> = (0..900).map(|n| format!("0=4000[name=t{n}]")).collect();
    rpc.call("openTunnels", json!({ "specs": specs })).await.unwrap();
    let list = rpc.call("listTunnels", json!({})).await.unwrap().to_string();
    let before = memory::anonymous(process.pid()).unwrap();
    let mut deaf = Vec::new();
    for _ in 0..10 {
        let everything = json!({ "interval": "100ms", "tunnels": true });
        deaf.push(subscribe_and_never_read(&rpc, "subscribeStats", everything).await);
    }
    let reader = WsClient::connect(&rpc).await;
    let mut stats = reader.subscribe::<Stats>("100ms", false).await.unwrap();
    // Three seconds of counts: each of the deaf would have 30 lists waiting.
    for _ in 0..30 {
        stats.next().await.unwrap().unwrap();
    }
    let grown = memory::anonymous(process.pid()).unwrap().saturating_sub(before);
    let waiting = deaf.len() * list.len();
    assert!(grown < 8 * waiting as u64, "{grown} bytes for lists of {} bytes", list.len());
    drop(deaf);
    assert_eq!(reader.call("ping", json!({})).await.unwrap(), "pong");
}
