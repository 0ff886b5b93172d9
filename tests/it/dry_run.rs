//! What is only tried out: told as it would be, refused as it would be, and nothing of it is done.

use std::net::SocketAddr;

use plexy_tests::backend::Echo;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::traffic::Flow;
use serde_json::{Value, json};

async fn call(daemon: &Daemon, method: &str, params: Value) -> Result<Value, Value> {
    daemon.rpc().call(method, params).await
}

/// All that a change could leave behind.
async fn everything(daemon: &Daemon) -> Vec<Value> {
    let mut all = Vec::new();
    for (method, params) in
        [("export", json!({})), ("history", json!({ "last": 1000 })), ("listEvents", json!({}))]
    {
        all.push(call(daemon, method, params).await.unwrap());
    }
    for status in daemon.statuses() {
        let detail = daemon.detail(status.listen).await;
        all.push(json!([detail.admin_info.state, detail.status.traffic.connections]));
    }
    all
}

fn tried_out(params: &Value) -> Value {
    let mut params = params.clone();
    params["dry_run"] = json!(true);
    params
}

/// Tries a change out, then makes it: the two answers are one, but for what only the first has.
async fn check(daemon: &Daemon, method: &str, params: Value, differences: &[&str]) -> Value {
    let before = everything(daemon).await;
    let mut tried = call(daemon, method, tried_out(&params)).await.unwrap();
    assert_eq!(tried["dry_run"], true, "{method}: {tried}");
    let told = tried.as_object_mut().unwrap().remove("differences").unwrap_or(json!([]));
    let results: Vec<_> =
        told.as_array().unwrap().iter().map(|it| it["result"].as_str().unwrap()).collect();
    assert_eq!(results, differences, "{method}: {told}");
    assert_eq!(everything(daemon).await, before, "{method} has left something behind");

    let done = call(daemon, method, params).await.unwrap();
    for key in ["dry_run", "revision"] {
        tried.as_object_mut().unwrap().remove(key);
    }
    let mut same = done.clone();
    same.as_object_mut().unwrap().remove("revision");
    for tunnel in [&mut tried, &mut same] {
        for tunnel in tunnel["tunnels"].as_array_mut().into_iter().flatten() {
            tunnel.as_object_mut().unwrap().remove("revision");
        }
    }
    assert_eq!(tried, same, "{method} does what it has told");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_a_tunnel_is_what_is_done() {
    let daemon = Daemon::start().await;
    let (echo, port) = (Echo::start(), Port::reserve());
    let (echo, addr) = (echo.addr().to_string(), port.addr().to_string());
    let web = |params: Value| {
        let mut params = params;
        params["tunnel"] = json!("web");
        params
    };
    let spec = format!("{addr}={echo}[name=web]");

    let told = check(&daemon, "openTunnel", json!({ "spec": spec }), &["created"]).await;
    assert_eq!(told[0]["after"], spec);
    check(&daemon, "openTunnel", json!({ "spec": spec }), &[]).await;
    check(&daemon, "addBackend", web(json!({ "backend": "127.0.0.1:1+backup" })), &["changed"])
        .await;
    let told =
        check(&daemon, "setTunnel", web(json!({ "settings": ["retries=5"] })), &["changed"]).await;
    let retries = json!([{ "key": "retries", "before": "3", "after": "5" }]);
    assert_eq!(told[0]["options"], retries);
    check(&daemon, "setTunnel", web(json!({ "settings": ["retries=5"] })), &[]).await;
    let params = web(json!({ "backend": "127.0.0.1:1", "settings": ["weight=3"] }));
    check(&daemon, "setBackend", params, &["changed"]).await;
    check(&daemon, "disable", web(json!({ "backend": "127.0.0.1:1" })), &["changed"]).await;
    check(&daemon, "enable", web(json!({ "backend": "127.0.0.1:1" })), &["changed"]).await;
    check(&daemon, "drain", web(json!({})), &["changed"]).await;
    check(&daemon, "enable", web(json!({})), &["changed"]).await;
    check(&daemon, "removeBackend", web(json!({ "backend": "127.0.0.1:1" })), &["changed"]).await;
    let specs = json!([format!("{addr}={echo}[name=web,retries=5]"), "0=4000[admin=drain,name=b]"]);
    let refused = call(&daemon, "openTunnels", tried_out(&json!({ "specs": ["x"] }))).await;
    assert_eq!(refused.unwrap_err()["data"]["code"], "invalid-address");
    let tried = call(&daemon, "openTunnels", tried_out(&json!({ "specs": specs }))).await.unwrap();
    assert_eq!(
        (&tried["tunnels"][0]["result"], &tried["tunnels"][1]["result"]),
        (&json!("unchanged"), &json!("opened"))
    );
    assert_eq!(tried["tunnels"][1]["listen"], "127.0.0.1:0", "which port it gets is not known yet");
    check(&daemon, "undo", json!({}), &["changed"]).await;
    check(&daemon, "closeTunnel", web(json!({})), &["removed"]).await;
    check(&daemon, "undo", json!({ "last": 1 }), &["created"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_connections_would_get_is_told_and_they_go_on() {
    let daemon = Daemon::start().await;
    let (echo, other) = (Echo::start(), Echo::start());
    let rest = format!("{},{}+backup[name=web]", echo.addr(), other.addr());
    let tunnel = daemon.open(&rest).await;
    let flows = [Flow::start(tunnel, 1).await.unwrap(), Flow::start(tunnel, 2).await.unwrap()];
    eventually!(daemon.connections() == 2);
    let echo = echo.addr().to_string();
    for (method, params, key) in [
        ("closeTunnel", json!({}), "ended"),
        ("closeTunnel", json!({ "live": "keep" }), "kept"),
        ("closeTunnel", json!({ "live": "drain", "deadline": "1h" }), "draining"),
        ("removeBackend", json!({ "backend": echo, "live": "kill" }), "ended"),
        ("removeBackend", json!({ "backend": echo }), "kept"),
        ("switchBackends", json!({ "backends": ["127.0.0.1:1"], "live": "kill" }), "ended"),
        ("disable", json!({ "backend": echo }), "kept"),
        ("drain", json!({ "deadline": "1h" }), "draining"),
    ] {
        let mut params = tried_out(&params);
        params["tunnel"] = json!("web");
        let tried = call(&daemon, method, params.clone()).await.unwrap();
        assert_eq!(tried[key], 2, "{method} {params}: {tried}");
        assert_eq!(tried["differences"][0][key], 2, "{method} {params}: {tried}");
    }
    let killed =
        call(&daemon, "killConnections", tried_out(&json!({ "where": "age>=0s" }))).await.unwrap();
    assert_eq!((&killed["killed"], &killed["dry_run"]), (&json!(2), &json!(true)));
    let ids = tried_out(&json!({ "ids": killed["ids"] }));
    assert_eq!(call(&daemon, "killConnections", ids).await.unwrap(), killed);
    let nobody = tried_out(&json!({ "ids": ["1"] }));
    let nobody = call(&daemon, "killConnections", nobody).await.unwrap_err();
    assert_eq!(nobody["data"]["code"], "connection-not-found");
    for flow in flows {
        assert!(flow.is_running() && flow.stop().await.fault.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_is_refused_in_the_same_words() {
    let daemon = Daemon::start().await;
    let open = daemon.open("4000[name=web]").await;
    let taken = Port::reserve();
    let _other = std::net::TcpListener::bind(taken.addr()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let _unix = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let spec = |spec: String| ("openTunnel", json!({ "spec": spec }));
    let web = |method, key: &str, value: &str| (method, json!({ "tunnel": "web", key: value }));
    for (method, params) in [
        spec(format!("{open}=4001")),
        spec(format!("*:{}=4001", open.port())),
        spec("0=4000[name=WEB]".to_owned()),
        spec(format!("{}=4000", taken.addr())),
        spec(format!("unix:{}=4000", path.display())),
        spec(format!("unix:{}=4000", folder.path().join("no/socket").display())),
        spec("192.0.2.1:2999=4000".to_owned()),
        spec("2999=2999".to_owned()),
        spec("2999=4000[tls-cert=/nosuch.pem]".to_owned()),
        spec("2999=4000[backend-tls,backend-ca=/nosuch.pem]".to_owned()),
        web("addBackend", "backend", &open.to_string()),
        web("removeBackend", "backend", "4000"),
        web("removeBackend", "backend", "4001"),
        ("setTunnel", json!({ "tunnel": "web", "settings": ["tls-key=/nosuch.pem"] })),
        ("closeTunnel", json!({ "tunnel": "nosuch" })),
        ("undo", json!({ "last": 2 })),
        ("reload", json!({})),
        ("load", json!({ "file": "/nosuch.toml" })),
    ] {
        let tried = call(&daemon, method, tried_out(&params)).await.unwrap_err();
        let refused = call(&daemon, method, params.clone()).await.unwrap_err();
        assert_eq!(tried, refused, "{method} {params}");
    }
    let late = json!({ "tunnel": "web", "expected_revision": 7 });
    let refused = call(&daemon, "closeTunnel", tried_out(&late)).await.unwrap_err();
    assert_eq!(refused["data"]["code"], "revision-mismatch");
    let looks = call(&daemon, "listTunnels", tried_out(&json!({}))).await.unwrap_err();
    assert_eq!(looks["data"]["code"], "invalid-params");
    assert_eq!(daemon.statuses().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_connect_to_what_is_only_tried_out() {
    let daemon = Daemon::start().await;
    let port = Port::reserve();
    let addr: SocketAddr = port.addr();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    for listen in [addr.to_string(), format!("unix:{}", path.display())] {
        let params = tried_out(&json!({ "spec": format!("{listen}=4000") }));
        call(&daemon, "openTunnel", params).await.unwrap();
    }
    assert!(std::net::TcpStream::connect(addr).is_err());
    assert!(!path.exists());
}
