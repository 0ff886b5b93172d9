//! Changes over JSON-RPC: all or none, at a revision, and to their end.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::future::join_all;
use plexy_tests::backend::Echo;
use plexy_tests::daemon::{Daemon, HttpClient, WsClient};
use plexy_tests::dns::Dns;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::traffic::round_trip;
use plexyd::NameServers;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

async fn open_all(rpc: &HttpClient, specs: &[String]) -> Result<Value, Value> {
    rpc.call("openTunnels", json!({ "specs": specs })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tunnels_of_a_call_are_opened_at_one_revision() {
    let daemon = Daemon::start().await;
    let echo = Echo::start();
    let before = daemon.open("4000[name=before]").await;
    let port = Port::reserve();
    let specs = [
        format!("0={}", echo.addr()),
        format!("{}={}[name=web]", port.addr(), echo.addr()),
        format!("{before}=4000[name=before]"),
        format!("{}={}[name=web]", port.addr(), echo.addr()),
    ];
    let reply = open_all(&daemon.rpc(), &specs).await.unwrap();
    let results: Vec<_> = (0..4).map(|i| reply["tunnels"][i]["result"].clone()).collect();
    assert_eq!(results, ["opened", "opened", "unchanged", "unchanged"]);
    assert_eq!(reply["revision"], 2);
    assert_eq!(daemon.statuses().len(), 3);
    round_trip(port.addr(), 10_000).await.unwrap();
    let first: std::net::SocketAddr =
        reply["tunnels"][0]["listen"].as_str().unwrap().parse().unwrap();
    round_trip(first, 10_000).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_opened_leaves_all_closed() {
    let daemon = Daemon::start().await;
    let open = daemon.open("4000[name=web]").await;
    let (free, taken) = (Port::reserve(), Port::reserve());
    let _other = std::net::TcpListener::bind(taken.addr()).unwrap();
    let free = free.addr();
    for (second, code) in [
        ("3000=4000[stratgy=x]".to_owned(), "unknown-option"),
        (format!("{open}=4001"), "address-in-use"),
        ("0=4000[name=WEB]".to_owned(), "name-in-use"),
        ("0=4000[name=one]".to_owned(), "name-in-use"),
        (format!("localhost:{}=4001", free.port()), "address-in-use"),
        (format!("*:{}=4001", free.port()), "address-in-use"),
        (format!("{}=4000", taken.addr()), "address-in-use"),
        (format!("{0}={0}", "127.0.0.1:2999"), "own-backend"),
        ("192.0.2.1:2999=4000".to_owned(), "cannot-listen"),
        ("nosuch.invalid:2999=4000".to_owned(), "name-not-resolved"),
    ] {
        let specs = [format!("{free}=4000[name=one]"), second.clone()];
        let refused = open_all(&daemon.rpc(), &specs).await.unwrap_err();
        assert_eq!(refused["data"]["code"], code, "{second}: {refused}");
        assert_eq!(refused["data"]["index"], 1, "{second}: {refused}");
        // Nothing of the call is open, so nothing of it has to be closed first.
        let is_of_call = second.contains("name=one") || second.contains(&free.port().to_string());
        let message = refused["message"].as_str().unwrap();
        assert_eq!(message.contains("tunnel 1 of the same call"), is_of_call, "{refused}");
        assert_eq!(daemon.statuses().len(), 1, "{second}");
        drop(std::net::TcpListener::bind(free).expect("the first one's port is free again"));
    }
    let none = open_all(&daemon.rpc(), &[]).await.unwrap();
    assert_eq!(none, json!({"tunnels": [], "revision": 1}));
    let many = vec!["0=1".to_owned(); 10_001];
    let refused = open_all(&daemon.rpc(), &many).await.unwrap_err();
    assert_eq!(refused["data"]["code"], "too-many-tunnels");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_made_at_the_expected_revision_or_not_at_all() {
    let daemon = Daemon::start().await;
    let rpc = daemon.rpc();
    let listed = rpc.call("listTunnels", json!({})).await.unwrap();
    assert_eq!(listed, json!({"revision": 0, "tunnels": 0, "tunnel_list": []}));
    let open = |name: &str, at: u64| json!({"spec": format!("0=4000[name={name}]"), "expected_revision": at});
    let opened = rpc.call("openTunnel", open("a", 0)).await.unwrap();
    assert_eq!(opened["revision"], 1);
    for (method, params) in [
        ("openTunnel", open("b", 0)),
        ("openTunnels", json!({"specs": ["0=4000"], "expected_revision": 2})),
        ("closeTunnel", json!({"tunnel": "a", "expected_revision": 0})),
        ("addBackend", json!({"tunnel": "a", "backend": "4001", "expected_revision": 0})),
        ("removeBackend", json!({"tunnel": "nosuch", "backend": "1", "expected_revision": 0})),
    ] {
        let refused = rpc.call(method, params).await.unwrap_err();
        assert_eq!(refused["data"]["code"], "revision-mismatch", "{method}: {refused}");
    }
    let added = json!({"tunnel": "a", "backend": "4001", "expected_revision": 1});
    assert_eq!(rpc.call("addBackend", added.clone()).await.unwrap()["revision"], 2);
    let again = json!({"tunnel": "a", "backend": "4001", "expected_revision": 2});
    let again = rpc.call("addBackend", again).await.unwrap();
    assert_eq!((&again["result"], &again["revision"]), (&json!("unchanged"), &json!(2)));
    assert_eq!(rpc.call("tunnelInfo", json!({"tunnel": "a"})).await.unwrap()["revision"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_comes_to_its_end_although_its_caller_has_hung_up() {
    let dns = Dns::start().await;
    let servers = NameServers::One(dns.addr());
    let daemon = Daemon::start_with(|config| config.name_servers = servers).await;
    // The change waits for the name, and so cannot be over before its caller leaves.
    dns.silent(true);
    let call = |name: &str| {
        let spec = format!("{name}.test:0=4000[name={name}]");
        json!({"jsonrpc": "2.0", "id": 1, "method": "openTunnel", "params": {"spec": spec}})
    };
    let body = call("http").to_string();
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let mut http = daemon.rpc().connect().await;
    http.write_all(request.as_bytes()).await.unwrap();
    let mut batch = daemon.rpc_unix().connect().await;
    let body = json!([call("batch"), call("after")]).to_string();
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    batch.write_all(request.as_bytes()).await.unwrap();
    let websocket = WsClient::connect(&daemon.rpc_unix()).await;
    let asking = call("websocket")["params"].clone();
    let asked = tokio::spawn(async move { websocket.call("openTunnel", asking).await });
    for name in ["http", "batch", "websocket"] {
        eventually!(dns.asked(&format!("{name}.test")) > 0);
    }
    drop((http, batch));
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    assert!(daemon.statuses().is_empty());

    for name in ["http", "batch", "websocket", "after"] {
        dns.set(&format!("{name}.test"), [IpAddr::V4(Ipv4Addr::LOCALHOST)], 60);
    }
    dns.silent(false);

    eventually!(within Duration::from_secs(30), daemon.statuses().len() == 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_connection_are_made_in_the_order_in_which_they_were_sent() {
    let daemon = Daemon::start().await;
    daemon.open("4000[name=a]").await;
    let client = WsClient::connect(&daemon.rpc_unix()).await;
    let add = |n: u64| {
        let params =
            json!({"tunnel": "a", "backend": (5000 + n).to_string(), "expected_revision": n});
        client.call("addBackend", params)
    };
    for (before, added) in (1..).zip(join_all((1..=100).map(add)).await) {
        assert_eq!(added.unwrap()["revision"], before + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_tunnels_are_opened_by_one_call_while_traffic_flows() {
    let daemon = Daemon::start_with(|config| config.descriptors_max = Some(12_000)).await;
    plexy_tests::descriptors::raise_limit();
    let echo = Echo::start();
    let busy = daemon.open(&echo.addr().to_string()).await;
    let flow = plexy_tests::traffic::Flow::start(busy, 7).await.unwrap();
    let specs: Vec<_> = (0..10_000).map(|n| format!("0=4000[name=t{n}]")).collect();
    let reply = open_all(&daemon.rpc_unix(), &specs).await.unwrap();
    assert_eq!(reply["tunnels"].as_array().unwrap().len(), 10_000);
    let listed = daemon.rpc_unix().call("listTunnels", json!({})).await.unwrap();
    assert_eq!(listed["tunnels"], 10_001);
    let scraped = daemon.monitor().get("/metrics").await;
    assert!(scraped.body.contains("plexy_tunnel_connections{tunnel=\"t9999\"} 0"));
    assert!(scraped.body.len() < 16 * 1024 * 1024, "{} bytes", scraped.body.len());
    let close = |n: u32| json!({"jsonrpc": "2.0", "id": n, "method": "closeTunnel", "params": {"tunnel": format!("t{n}")}});
    for thousand in 0..10 {
        let batch: Vec<_> = (thousand * 1000..(thousand + 1) * 1000).map(close).collect();
        let answer = daemon.rpc_unix().post(&json!(batch).to_string()).await.json();
        assert!(answer.as_array().unwrap().iter().all(|one| one["result"]["ended"] == 0));
    }
    assert_eq!(daemon.statuses().len(), 1);
    let report = flow.stop().await;
    assert!(report.fault.is_none(), "{:?}", report.fault);
}
