//! The examples of JSON-RPC 2.0, section 7, rule by rule, with our methods.

use plexy_tests::daemon::{Daemon, HttpClient};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What comes back for a body; nothing for an empty answer.
async fn ask(rpc: &HttpClient, body: &str) -> Option<Value> {
    let answer = rpc.post(body).await;
    (!answer.body.is_empty()).then(|| answer.json())
}

/// Number and id of an error, and nothing else that a refusal must not have.
#[track_caller]
fn check_error(answer: &Value, number: i64, id: Value) {
    assert_eq!(answer["jsonrpc"], "2.0", "{answer}");
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(number), &id), "{answer}");
    assert!(answer.get("result").is_none(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_given_by_name_in_any_order() {
    let daemon = Daemon::start().await;
    daemon.open("4000[name=web]").await;
    for params in [
        r#"{"tunnel":"web","backend":"4001"}"#,
        r#"{"backend":"4002","tunnel":"web","expected_revision":2}"#,
    ] {
        let call = format!(r#"{{"jsonrpc":"2.0","method":"addBackend","params":{params},"id":3}}"#);
        let answer = ask(&daemon.rpc(), &call).await.unwrap();
        assert_eq!((&answer["id"], &answer["result"]["result"]), (&json!(3), &json!("added")));
    }
    let by_place = r#"{"jsonrpc":"2.0","method":"addBackend","params":["web","4003"],"id":"x"}"#;
    check_error(&ask(&daemon.rpc(), by_place).await.unwrap(), -32602, json!("x"));
    assert_eq!(daemon.detail("web").await.backend_list.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_is_done_and_not_answered() {
    let daemon = Daemon::start().await;
    daemon.open("4000[name=web]").await;
    let close = r#"{"jsonrpc":"2.0","method":"closeTunnel","params":{"tunnel":"web"}}"#;
    let answer = daemon.rpc().post(close).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert!(daemon.statuses().is_empty());
    assert_eq!(ask(&daemon.rpc(), r#"{"jsonrpc":"2.0","method":"foobar"}"#).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_call_is_refused_by_number() {
    let daemon = Daemon::start().await;
    for (body, number, id) in [
        (r#"{"jsonrpc":"2.0","method":"foobar","id":"1"}"#, -32601, json!("1")),
        (r#"{"jsonrpc":"2.0","method":"foobar,"params":"bar","baz]"#, -32700, Value::Null),
        (r#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#, -32600, Value::Null),
        (
            r#"[{"jsonrpc":"2.0","method":"sum","id":"1"},{"jsonrpc":"2.0","method""#,
            -32700,
            Value::Null,
        ),
        ("[]", -32600, Value::Null),
        ("", -32700, Value::Null),
        ("nonsense", -32700, Value::Null),
        (r#"{"method":"ping","id":1}"#, -32600, json!(1)),
        (r#"{"jsonrpc":"1.0","method":"ping","id":1}"#, -32600, json!(1)),
    ] {
        for rpc in [daemon.rpc(), daemon.rpc_unix()] {
            let answer = ask(&rpc, body).await.unwrap_or_else(|| panic!("no answer to {body}"));
            check_error(&answer, number, id.clone());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_an_id_is_answered_and_a_wrong_id_does_nothing() {
    let daemon = Daemon::start().await;
    let open = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"openTunnel","params":{{"spec":"0=4000"}},"id":{id}}}"#
        )
    };
    let ids = ["-1", "1.5", "18446744073709551616", r#""a\"b""#, "null"];
    for (opened, id) in ids.into_iter().enumerate() {
        let answer = daemon.rpc().post(&open(id)).await.body;
        assert!(answer.contains(&format!(r#""id":{id},"#)), "{id}: {answer}");
        assert!(answer.contains(r#""result":"opened""#), "{id}: {answer}");
        assert_eq!(daemon.statuses().len(), opened + 1);
    }
    for id in ["true", "[1]", r#"{"a":1}"#] {
        check_error(&ask(&daemon.rpc(), &open(id)).await.unwrap(), -32600, Value::Null);
        let batch = format!("[{},{}]", open(id), open("7"));
        let answers = ask(&daemon.rpc_unix(), &batch).await.unwrap();
        check_error(&answers[0], -32600, Value::Null);
        assert_eq!(answers[1]["id"], 7);
    }
    assert_eq!(daemon.statuses().len(), ids.len() + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_needs_a_websocket_and_a_message_of_its_own() {
    let daemon = Daemon::start().await;
    for method in ["subscribeStats", "unsubscribeStats", "subscribeEvents", "unsubscribeEvents"] {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": method});
        let alone = ask(&daemon.rpc(), &call.to_string()).await.unwrap();
        let batch = ask(&daemon.rpc_unix(), &json!([call]).to_string()).await.unwrap();
        for answer in [&alone, &batch[0]] {
            assert_eq!(answer["error"]["data"]["code"], "needs-websocket", "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_said_all_is_answered_still() {
    let daemon = Daemon::start().await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";
    let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for door in [daemon.rpc(), daemon.rpc_unix()] {
        let mut stream = door.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("pong"), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_answered_one_by_one() {
    let daemon = Daemon::start().await;
    let invalid = ask(&daemon.rpc(), "[1,2,3]").await.unwrap();
    assert_eq!(invalid.as_array().unwrap().len(), 3);
    for answer in invalid.as_array().unwrap() {
        check_error(answer, -32600, Value::Null);
    }
    let mixed = json!([
        {"jsonrpc": "2.0", "method": "ping", "id": "1"},
        {"jsonrpc": "2.0", "method": "openTunnel", "params": {"spec": "0=4000[name=web]"}},
        {"jsonrpc": "2.0", "method": "numberOfTunnels", "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "tunnelInfo", "params": {"tunnel": "web"}, "id": "9"},
    ]);
    let answers = ask(&daemon.rpc(), &mixed.to_string()).await.unwrap();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 5, "the notification has no answer: {answers:?}");
    assert_eq!(answers[0]["result"], "pong");
    assert_eq!(answers[1]["result"]["tunnels"], 1);
    check_error(&answers[2], -32600, Value::Null);
    check_error(&answers[3], -32601, json!("5"));
    assert_eq!(answers[4]["result"]["name"], "web");

    let silent =
        json!([{"jsonrpc": "2.0", "method": "ping"}, {"jsonrpc": "2.0", "method": "ping"}]);
    assert_eq!(ask(&daemon.rpc(), &silent.to_string()).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_refuses_what_it_does_not_know_and_wrong_types() {
    let daemon = Daemon::start().await;
    for row in plexy_shared::rpc::METHODS {
        if row.name.to_lowercase().contains("subscribe") {
            continue;
        }
        let refused = daemon.rpc().call(row.name, json!({"nosuch": 1})).await.unwrap_err();
        assert_eq!(refused["code"], -32602, "{}: {refused}", row.name);
        assert_eq!(refused["data"]["code"], "invalid-params", "{}", row.name);
    }
    for params in [
        json!({"spec": 5}),
        json!({"spec": null}),
        json!({"spec": ["0=1"]}),
        json!({}),
        json!({"spec": "0=1", "expected_revision": -1}),
        json!({"spec": "0=1", "expected_revision": 1.5}),
        json!({"spec": "0=1", "expected_revision": "0"}),
        json!({"spec": "0=1", "expected_revision": 1e30}),
    ] {
        let refused = daemon.rpc().call("openTunnel", params.clone()).await.unwrap_err();
        assert_eq!(refused["data"]["code"], "invalid-params", "{params}");
    }
    for body in [
        r#"{"jsonrpc":"2.0","method":"openTunnel","params":{"spec":"0=1","expected_revision":NaN},"id":1}"#,
        r#"{"jsonrpc":"2.0","method":"openTunnel","params":{"spec":"0=1","expected_revision":Infinity},"id":1}"#,
    ] {
        let answer = ask(&daemon.rpc(), body).await.unwrap();
        assert_eq!(answer["error"]["code"], -32700, "{answer}");
    }
    for body in [
        r#"{"jsonrpc":"2.0","method":"openTunnel","params":{"spec":"0=1","expected_revision":18446744073709551616},"id":1}"#,
        r#"{"jsonrpc":"2.0","method":"openTunnel","params":{"spec":"0=1","spec":"0=2"},"id":1}"#,
    ] {
        check_error(&ask(&daemon.rpc(), body).await.unwrap(), -32602, json!(1));
    }
    for (params, code) in [
        (json!({"tunnel": "web", "drain": true, "deadline": "nan"}), "invalid-value"),
        (json!({"tunnel": "web", "drain": true, "deadline": "-1s"}), "out-of-range"),
        (json!({"tunnel": "web", "drain": true, "deadline": "9999999h"}), "out-of-range"),
        (json!({"tunnel": "web", "deadline": "1s"}), "unexpected-argument"),
        (json!({"tunnel": "a b", "drain": true}), "invalid-address"),
    ] {
        let refused = daemon.rpc().call("closeTunnel", params.clone()).await.unwrap_err();
        assert_eq!(refused["data"]["code"], code, "{params}: {refused}");
    }
    assert!(daemon.statuses().is_empty(), "nothing was done");
}

/// Values that no field takes, or only a field of this JSON type.
const NEVER_OR_ONLY: [(&str, &str); 13] = [
    ("NaN", "no type"),
    ("Infinity", "no type"),
    ("1e400", "no type"),
    ("-0.5", "no type"),
    ("{}", "object"),
    ("{\"spec\":\"0=1\"}", "no type"),
    ("\"\\ud800\"", "no type"),
    ("18446744073709551616", "no type"),
    ("-1", "no type"),
    ("[1]", "no type"),
    ("[]", "array"),
    ("true", "boolean"),
    ("7", "integer"),
];

/// The JSON types of a parameter, as the document of `rpc.discover` tells them.
fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        // A structure that stands elsewhere in the document, or nothing; serde reads one from an array too.
        Value::Null if schema["anyOf"][0]["$ref"].is_string() => vec!["object", "array"],
        other => panic!("a parameter has a type: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_parameter_of_any_method_takes_what_it_is_not() {
    let daemon = Daemon::start().await;
    let document = daemon.rpc().call("rpc.discover", json!({})).await.unwrap();
    let mut tried = 0;
    for method in document["methods"].as_array().unwrap() {
        let name = method["name"].as_str().unwrap();
        // Only a WebSocket can subscribe; `stats.rs` and `events.rs` try their parameters.
        if name.to_lowercase().contains("subscribe") {
            continue;
        }
        for param in method["params"].as_array().unwrap() {
            let types = types(&param["schema"]);
            for (value, only) in NEVER_OR_ONLY {
                if types.contains(&only) {
                    continue;
                }
                let params = format!("{{{}:{value}}}", param["name"]);
                let call =
                    format!(r#"{{"jsonrpc":"2.0","method":"{name}","params":{params},"id":1}}"#);
                let answer = ask(&daemon.rpc(), &call).await.unwrap();
                let number = answer["error"]["code"].as_i64();
                assert!([-32700, -32602].map(Some).contains(&number), "{call}: {answer}");
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
    assert!(daemon.statuses().is_empty(), "nothing was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_which_parameter_it_is_about() {
    let daemon = Daemon::start().await;
    let [good, bad] = ["0=4000", "0=4000[retries=x]"];
    for (method, params, parameter, index) in [
        ("openTunnel", json!({"spec": bad}), "spec", Value::Null),
        ("openTunnels", json!({"specs": [good, bad]}), "specs", json!(1)),
        ("addBackend", json!({"tunnel": "a b", "backend": "1"}), "tunnel", Value::Null),
        ("addBackend", json!({"tunnel": "a", "backend": "1+x"}), "backend", Value::Null),
        ("closeTunnel", json!({"tunnel": "a", "deadline": "1s"}), "deadline", Value::Null),
    ] {
        let refused = daemon.rpc().call(method, params).await.unwrap_err();
        assert_eq!(refused["data"]["parameter"], parameter, "{refused}");
        assert_eq!(refused["data"]["index"], index, "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_describes_every_method() {
    let daemon = Daemon::start().await;
    let document = daemon.rpc().call("rpc.discover", json!({})).await.unwrap();
    let methods = document["methods"].as_array().unwrap();
    let names: Vec<_> = methods.iter().map(|method| method["name"].as_str().unwrap()).collect();
    let table: Vec<_> = plexy_shared::rpc::METHODS.iter().map(|row| row.name).collect();
    assert_eq!(names, table);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "`{name}` is not described");
    }
    let open = methods.iter().find(|method| method["name"] == "openTunnel").unwrap();
    assert_eq!(open["params"][0]["name"], "spec");
    assert_eq!(open["params"][0]["required"], true);
    assert_eq!(open["params"][1]["required"], false);
    assert_eq!(open["paramStructure"], "by-name");
}
