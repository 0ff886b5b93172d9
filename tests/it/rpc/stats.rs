//! `subscribeStats` over a WebSocket, with jsonrpsee's own client.

use jsonrpsee::async_client::{Client, ClientBuilder};
use jsonrpsee::client_transport::ws::WsTransportClientBuilder;
use jsonrpsee::core::client::{ClientT, Subscription, SubscriptionClientT};
use jsonrpsee::rpc_params;
use plexy_shared::info::Stats;
use plexy_shared::rpc::StatsParams;
use plexy_tests::backend::Echo;
use plexy_tests::daemon::{Daemon, HttpClient};
use plexy_tests::eventually;
use plexy_tests::traffic::round_trip;
use serde_json::{Value, value::RawValue};
use tokio::net::{TcpStream, UnixStream};

struct Named<'a, P>(&'a P);

impl<P: serde::Serialize> jsonrpsee::core::traits::ToRpcParams for Named<'_, P> {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        serde_json::value::to_raw_value(self.0).map(Some)
    }
}

async fn client(rpc: &HttpClient) -> Client {
    let url = "ws://localhost".parse().unwrap();
    let builder = WsTransportClientBuilder::default();
    match rpc {
        HttpClient::Tcp(addr) => {
            let stream = TcpStream::connect(addr).await.unwrap();
            let (sender, receiver) = builder.build_with_stream(url, stream).await.unwrap();
            ClientBuilder::default().build_with_tokio(sender, receiver)
        }
        HttpClient::Unix(path) => {
            let stream = UnixStream::connect(path).await.unwrap();
            let (sender, receiver) = builder.build_with_stream(url, stream).await.unwrap();
            ClientBuilder::default().build_with_tokio(sender, receiver)
        }
    }
}

async fn subscribe(client: &Client, tunnels: bool) -> Subscription<Stats> {
    let params = StatsParams { interval: Some("100ms".to_owned()), tunnels };
    client.subscribe("subscribeStats", Named(&params), "unsubscribeStats").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_come_again_and_again_and_never_fall() {
    let daemon = Daemon::start().await;
    let echo = Echo::start();
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    for rpc in [daemon.rpc(), daemon.rpc_unix()] {
        let client = client(&rpc).await;
        let mut stats = subscribe(&client, true).await;
        let mut last: Option<Stats> = None;
        for _ in 0..5 {
            round_trip(tunnel, 1000).await.unwrap();
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
        assert!(last.unwrap().traffic.bytes_out >= 4000);
        stats.unsubscribe().await.unwrap();
        let pong: String = client.request("ping", rpc_params![]).await.unwrap();
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
    let client = client(&daemon.rpc()).await;
    let mut stats = subscribe(&client, false).await;
    let now = stats.next().await.unwrap().unwrap();
    assert_eq!((now.status.tunnels, now.status.tunnel_list), (0, None));
    assert_eq!((now.traffic.bytes_in, now.traffic.connections_total), (5000, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_interval_is_refused_as_such() {
    let daemon = Daemon::start().await;
    let client = client(&daemon.rpc()).await;
    for (interval, code) in
        [("1ms", "out-of-range"), ("nan", "invalid-value"), ("-1s", "out-of-range")]
    {
        let params = StatsParams { interval: Some(interval.to_owned()), tunnels: false };
        let refused: Result<Subscription<Value>, _> =
            client.subscribe("subscribeStats", Named(&params), "unsubscribeStats").await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(code), "{interval}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_once_are_all_answered() {
    let daemon = Daemon::start().await;
    let client = client(&daemon.rpc_unix()).await;
    let calls = (0..200).map(|_| client.request::<String, _>("ping", rpc_params![]));
    for pong in futures_util::future::join_all(calls).await {
        assert_eq!(pong.unwrap(), "pong");
    }
}
