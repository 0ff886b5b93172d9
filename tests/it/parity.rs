//! One operation is the same through every door: arguments, line protocol, JSON-RPC, service.

use plexy_shared::error::Refusal;
use plexy_shared::info::TunnelInfo;
use plexy_tests::daemon::{Daemon, HttpClient};
use plexy_tests::port::Port;
use serde_json::{Value, json};

/// What a door makes of it: the registry, or the code of its refusal.
#[derive(Debug, PartialEq)]
enum Outcome {
    Tunnels(Vec<Value>),
    Refused(String),
}

/// What does not depend on when and through which door it was opened.
fn registry(tunnels: Vec<TunnelInfo>) -> Outcome {
    let comparable = |info: TunnelInfo| {
        let mut value = serde_json::to_value(info).unwrap();
        for changing in ["origin", "age_seconds"] {
            value.as_object_mut().unwrap().remove(changing);
        }
        for backend in value["backend_list"].as_array_mut().unwrap() {
            for changing in ["state_seconds", "state", "cause", "next_ms", "addresses"] {
                backend.as_object_mut().unwrap().remove(changing);
            }
        }
        value["backends_up"] = Value::Null;
        value
    };
    Outcome::Tunnels(tunnels.into_iter().map(comparable).collect())
}

async fn all(daemon: &Daemon) -> Outcome {
    let mut tunnels = Vec::new();
    for status in daemon.statuses() {
        tunnels.push(daemon.detail(status.listen).await);
    }
    registry(tunnels)
}

async fn through_arguments(specs: &[String]) -> Outcome {
    let parsed: Result<Vec<_>, _> = specs.iter().map(|spec| spec.parse()).collect();
    match parsed {
        Err(error) => Outcome::Refused(Refusal::from(error).code.as_str().to_owned()),
        Ok(tunnels) => {
            let daemon = Daemon::start_with(|config| config.tunnels = tunnels).await;
            let outcome = all(&daemon).await;
            daemon.end(std::time::Duration::ZERO).await;
            outcome
        }
    }
}

async fn through_the_service(specs: &[String]) -> Outcome {
    let daemon = Daemon::start().await;
    let mut outcome = None;
    for spec in specs {
        if let Err(refusal) = daemon.try_open(spec).await {
            outcome = Some(Outcome::Refused(refusal.code.as_str().to_owned()));
        }
    }
    let outcome = if let Some(refused) = outcome { refused } else { all(&daemon).await };
    daemon.end(std::time::Duration::ZERO).await;
    outcome
}

async fn through_the_line_protocol(specs: &[String]) -> Outcome {
    let daemon = Daemon::start().await;
    let mut line = daemon.line().await;
    // Answers of `mode json` have no end mark, so the mode changes with each.
    let mut outcome = None;
    for spec in specs {
        line.send(format!("mode json\nopen {spec}\nmode script\n").as_bytes()).await;
        line.next_line().await.unwrap();
        let answer: Value = serde_json::from_str(&line.next_line().await.unwrap()).unwrap();
        if answer["ok"] == json!(false) {
            outcome = Some(Outcome::Refused(answer["error"]["code"].as_str().unwrap().to_owned()));
        }
        line.next_line().await.unwrap();
        line.next_line().await.unwrap();
    }
    let outcome = if let Some(refused) = outcome { refused } else { all(&daemon).await };
    daemon.end(std::time::Duration::ZERO).await;
    outcome
}

async fn through_rpc(specs: &[String], door: fn(&Daemon) -> HttpClient) -> Outcome {
    let daemon = Daemon::start().await;
    let rpc = door(&daemon);
    let mut outcome = None;
    for spec in specs {
        if let Err(error) = rpc.call("openTunnel", json!({ "spec": spec })).await {
            outcome = Some(Outcome::Refused(error["data"]["code"].as_str().unwrap().to_owned()));
        }
    }
    let outcome = if let Some(refused) = outcome { refused } else { all(&daemon).await };
    daemon.end(std::time::Duration::ZERO).await;
    outcome
}

/// Each door one after the other, so that all can have the same ports.
async fn same(specs: &[String]) -> Outcome {
    let service = through_the_service(specs).await;
    assert_eq!(through_the_line_protocol(specs).await, service, "{specs:?}");
    assert_eq!(through_arguments(specs).await, service, "{specs:?}");
    assert_eq!(through_rpc(specs, Daemon::rpc).await, service, "{specs:?}");
    assert_eq!(through_rpc(specs, Daemon::rpc_unix).await, service, "{specs:?}");
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_are_the_same_through_every_door() {
    let ports: Vec<Port> = (0..4).map(|_| Port::reserve()).collect();
    let port = |place: usize| ports[place].addr().port();
    let outcome = same(&[
        format!("{}=4000", port(0)),
        format!("localhost:{}=b.invalid:1+weight=3,10.0.0.1:2+backup[name=db]", port(1)),
        format!("127.0.0.1:{}=4000[strategy=min-open-connections,timeout=250ms,errors=2]", port(2)),
        format!("{}=\"unix:/tmp/a b\"[keepalive=off,idle-timeout=none,max-conns=9]", port(3)),
    ])
    .await;
    assert!(matches!(&outcome, Outcome::Tunnels(tunnels) if tunnels.len() == 4), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_grammar_have_the_same_code_through_every_door() {
    for (spec, code) in [
        ("3000", "invalid-syntax"),
        ("3000=4000[stratgy=x]", "unknown-option"),
        ("3000=4000[strategy=x]", "invalid-value"),
        ("3000=4000[retries=101]", "out-of-range"),
        ("3000=4000,4000", "repeated"),
        ("3000=*:1", "invalid-address"),
    ] {
        assert_eq!(same(&[spec.to_owned()]).await, Outcome::Refused(code.to_owned()), "{spec}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_service_have_the_same_words_through_every_door() {
    let port = Port::reserve();
    let addr = port.addr();
    for spec in [format!("{addr}={addr}"), "192.0.2.1:1=4000".to_owned()] {
        let daemon = Daemon::start().await;
        let service = daemon.try_open(&spec).await.unwrap_err().to_string();
        let line = daemon.line().await.ask(&format!("open {spec}")).await;
        assert_eq!(line, format!("ERROR: {service}\n"));
        let rpc = daemon.rpc().call("openTunnel", json!({ "spec": spec })).await.unwrap_err();
        assert!(service.starts_with(rpc["message"].as_str().unwrap()), "{rpc}: {service}");

        let tunnels = vec![spec.parse().unwrap()];
        let config = plexyd::Config { tunnels, ..plexyd::Config::default() };
        let start = plexyd::Daemon::start(config).await.unwrap_err().to_string();
        assert!(start.ends_with(&format!(": {service}")), "{start}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_and_every_look_has_the_same_outcome_over_the_line_and_over_rpc() {
    let daemon = Daemon::start().await;
    let mut line = daemon.line().await;
    line.send(b"mode json\n").await;
    line.next_line().await.unwrap();
    // A step of the line, the same over JSON-RPC, and the code of both.
    for (command, method, params, code) in [
        ("open 0=4000[name=NAME]", "openTunnel", json!({"spec": "0=4000[name=NAME]"}), "ok"),
        ("add NAME 4001", "addBackend", json!({"tunnel": "NAME", "backend": "4001"}), "ok"),
        ("add NAME 4001", "addBackend", json!({"tunnel": "NAME", "backend": "4001"}), "ok"),
        (
            "add NAME 4001+weight=2",
            "addBackend",
            json!({"tunnel": "NAME", "backend": "4001+weight=2"}),
            "backend-exists",
        ),
        ("remove NAME 4000", "removeBackend", json!({"tunnel": "NAME", "backend": "4000"}), "ok"),
        (
            "remove NAME 4000",
            "removeBackend",
            json!({"tunnel": "NAME", "backend": "4000"}),
            "backend-not-found",
        ),
        (
            "remove NAME 4001",
            "removeBackend",
            json!({"tunnel": "NAME", "backend": "4001"}),
            "last-backend",
        ),
        ("detail NAME", "tunnelInfo", json!({"tunnel": "NAME"}), "ok"),
        ("detail nosuch", "tunnelInfo", json!({"tunnel": "nosuch"}), "tunnel-not-found"),
        ("detail a..b:x", "tunnelInfo", json!({"tunnel": "a..b:x"}), "invalid-address"),
        (
            "close NAME drain deadline=1y",
            "closeTunnel",
            json!({"tunnel": "NAME", "drain": true, "deadline": "1y"}),
            "invalid-value",
        ),
        (
            "close NAME drain deadline=1s",
            "closeTunnel",
            json!({"tunnel": "NAME", "drain": true, "deadline": "1s"}),
            "ok",
        ),
        ("close NAME", "closeTunnel", json!({"tunnel": "NAME"}), "tunnel-not-found"),
        ("status full", "listTunnels", json!({}), "ok"),
        ("status", "numberOfTunnels", json!({}), "ok"),
        ("ping", "ping", json!({}), "ok"),
    ] {
        line.send(format!("{}\n", command.replace("NAME", "one")).as_bytes()).await;
        let said: Value = serde_json::from_str(&line.next_line().await.unwrap()).unwrap();
        let params: Value =
            serde_json::from_str(&params.to_string().replace("NAME", "two")).unwrap();
        let answer = daemon.rpc().call(method, params).await;
        let keys =
            |value: &Value| value.as_object().map(|it| it.keys().cloned().collect::<Vec<_>>());
        match answer {
            Ok(result) => {
                assert_eq!(code, "ok", "{method}: {result}");
                assert_eq!(keys(&said["result"]), keys(&result), "{command} and {method}");
                assert_eq!(said["result"]["result"], result["result"], "{command} and {method}");
            }
            Err(error) => {
                assert_eq!(error["data"]["code"], code, "{method}: {error}");
                assert_eq!(said["error"]["code"], code, "{command}: {said}");
            }
        }
    }
}
