//! What is no parameter is refused, each with its code and by its name.

use plexy_tests::daemon::Daemon;
use serde_json::{Value, json};

async fn refused(daemon: &Daemon, params: Value) -> (String, Option<String>) {
    let shown = params.to_string();
    let error = daemon.rpc().call("overview", params).await.expect_err(&shown);
    let data = &error["data"];
    let text = |key: &str| data[key].as_str().map(str::to_owned);
    (text("code").unwrap_or_else(|| panic!("{error}")), text("parameter"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_parameter_is_refused_by_its_name() {
    let daemon = Daemon::start().await;
    for (params, code, parameter) in [
        (json!({ "interval": "1ms" }), "out-of-range", "interval"),
        (json!({ "interval": "soon" }), "invalid-value", "interval"),
        (json!({ "tunnels": { "limit": 0 } }), "out-of-range", "tunnels.limit"),
        (json!({ "tunnels": { "limit": 501 } }), "out-of-range", "tunnels.limit"),
        (json!({ "tunnels": { "sort": "nmae" } }), "invalid-value", "tunnels.sort"),
        (json!({ "backends": { "limit": 501 } }), "out-of-range", "backends.limit"),
        (json!({ "backends": { "sort": "--health" } }), "invalid-value", "backends.sort"),
        (json!({ "backends": { "tunnel": "a..b:x" } }), "invalid-address", "backends.tunnel"),
        (json!({ "connections": { "limit": 501 } }), "out-of-range", "connections.limit"),
        (json!({ "connections": { "sort": "p99" } }), "invalid-value", "connections.sort"),
        (json!({ "connections": { "where": "idel>1s" } }), "unknown-option", "connections.where"),
        (json!({ "connections": { "where": "rate>fast" } }), "invalid-value", "connections.where"),
        (json!({ "connections": { "around": "db" } }), "invalid-value", "connections.around"),
        (json!({ "connections": { "tunnel": "a..b:x" } }), "invalid-address", "connections.tunnel"),
        (json!({ "tunnel": "a..b:x" }), "invalid-address", "tunnel"),
    ] {
        let shown = params.to_string();
        let refused = refused(&daemon, params).await;
        assert_eq!(refused, (code.to_owned(), Some(parameter.to_owned())), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_parameter_at_all_or_of_another_kind_is_refused() {
    let daemon = Daemon::start().await;
    for params in [
        json!({ "tunels": {} }),
        json!({ "tunnels": { "where": "age>1s" } }),
        json!({ "tunnels": { "skip": -1 } }),
        json!({ "tunnels": { "around": "web" } }),
        json!({ "backends": { "around": 7 } }),
        json!({ "backends": { "around": { "tunnel_id": 1 } } }),
        json!({ "connections": { "find": 7 } }),
    ] {
        let shown = params.to_string();
        assert_eq!(refused(&daemon, params).await.0, "invalid-params", "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_tunnel_that_nobody_knows_are_refused() {
    let daemon = Daemon::start().await;
    daemon.open("127.0.0.1:9[name=web]").await;
    for kind in ["backends", "connections"] {
        let params = json!({ kind: { "tunnel": "wbe" } });
        let error = daemon.rpc().call("overview", params).await.unwrap_err();
        assert_eq!(error["data"]["code"], "tunnel-not-found", "{error}");
        assert_eq!(error["data"]["suggestion"], "web", "{error}");
    }
}
