//! One operation is the same through every door: arguments, line protocol, JSON-RPC over HTTP and
//! WebSocket on TCP and Unix sockets, plexyctl, and the service itself.

mod door;

use std::path::Path;
use std::time::Duration;

use plexy_shared::error::Refusal;
use plexy_shared::info::TunnelInfo;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use serde_json::{Value, json};

use self::door::{Door, Step};

/// What a door makes of it: the registry, or the code of its refusal.
#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    Tunnels(Vec<Value>),
    Refused(String),
}

/// What does not depend on when and through which door it was opened.
fn registry(tunnels: Vec<TunnelInfo>) -> Vec<Value> {
    let comparable = |info: TunnelInfo| {
        let mut value = serde_json::to_value(info).unwrap();
        for changing in ["origin", "age_seconds"] {
            value.as_object_mut().unwrap().remove(changing);
        }
        value["admin_info"].as_object_mut().unwrap().remove("seconds");
        for backend in value["backend_list"].as_array_mut().unwrap() {
            backend["admin"].as_object_mut().unwrap().remove("seconds");
            for changing in ["state_seconds", "state", "cause", "next_ms", "addresses"] {
                backend.as_object_mut().unwrap().remove(changing);
            }
        }
        value["backends_up"] = Value::Null;
        value
    };
    tunnels.into_iter().map(comparable).collect()
}

async fn all(daemon: &Daemon) -> Vec<Value> {
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
            daemon.end(Duration::ZERO).await;
            Outcome::Tunnels(outcome)
        }
    }
}

async fn through_the_service(specs: &[String]) -> Outcome {
    let daemon = Daemon::start().await;
    let mut refused = None;
    for spec in specs {
        if let Err(refusal) = daemon.try_open(spec).await {
            refused = Some(Outcome::Refused(refusal.code.as_str().to_owned()));
        }
    }
    let tunnels = all(&daemon).await;
    daemon.end(Duration::ZERO).await;
    refused.unwrap_or(Outcome::Tunnels(tunnels))
}

async fn through_a_door(door: Door, specs: &[String]) -> Outcome {
    let daemon = Daemon::start().await;
    let mut refused = None;
    for spec in specs {
        if let Err(error) = door.ask(&daemon, &Step::open(spec)).await {
            refused = Some(Outcome::Refused(error["code"].as_str().unwrap().to_owned()));
        }
    }
    let tunnels = all(&daemon).await;
    daemon.end(Duration::ZERO).await;
    refused.unwrap_or(Outcome::Tunnels(tunnels))
}

/// A test beside this one that starts a program has copies of our sockets for a moment.
async fn freed(specs: &[String]) {
    let listens = specs.iter().filter_map(|spec| spec.split('=').next()?.rsplit(':').next());
    for port in listens.filter_map(|port| port.parse::<u16>().ok()) {
        eventually!(std::net::TcpListener::bind(("127.0.0.1", port)).is_ok(), "{port}");
    }
}

/// Each door one after the other, so that all can have the same ports.
async fn same(specs: &[String]) -> Outcome {
    let service = through_the_service(specs).await;
    freed(specs).await;
    assert_eq!(through_arguments(specs).await, service, "{specs:?}");
    for door in Door::ALL {
        freed(specs).await;
        assert_eq!(through_a_door(door, specs).await, service, "{door:?}: {specs:?}");
    }
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_are_the_same_through_every_door() {
    let ports: Vec<Port> = (0..4).map(|_| Port::reserve()).collect();
    let port = |place: usize| ports[place].addr().port();
    let outcome = same(&[
        format!("{}=4000", port(0)),
        format!("localhost:{}=b.invalid:1+weight=3+sni=a.b,10.0.0.1:2+backup[name=db]", port(1)),
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
        let service = daemon.try_open(&spec).await.unwrap_err();
        for door in Door::ALL {
            let refused = door.ask(&daemon, &Step::open(&spec)).await.unwrap_err();
            assert_eq!(refused["code"], service.code.as_str(), "{door:?}");
            let words = refused["message"].as_str().unwrap();
            assert!(words.starts_with(&service.message), "{door:?}: {words}");
        }
        let line = daemon.line().await.ask(&format!("open {spec}")).await;
        assert_eq!(line, format!("ERROR: {service}\n"));

        let tunnels = vec![spec.parse().unwrap()];
        let config = plexyd::Config { tunnels, ..plexyd::Config::default() };
        let start = plexyd::Daemon::start(config).await.unwrap_err().to_string();
        assert!(start.ends_with(&format!(": {service}")), "{start}");
    }
}

/// What came of a step: its word or code, the keys of its answer, and the registry after it.
type Came = (String, Vec<String>, Vec<Value>);

async fn walk(door: Door, steps: &[Step]) -> Vec<Came> {
    let daemon = Daemon::start().await;
    let mut walked = Vec::new();
    for step in steps {
        let (word, keys) = match door.ask(&daemon, step).await {
            Ok(answer) => {
                let keys = answer.as_object().map(|answer| answer.keys().cloned().collect());
                (answer["result"].as_str().unwrap_or("ok").to_owned(), keys.unwrap_or_default())
            }
            Err(error) => (error["code"].as_str().unwrap().to_owned(), Vec::new()),
        };
        walked.push((word, keys, all(&daemon).await));
    }
    daemon.end(Duration::ZERO).await;
    walked
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_and_every_look_has_the_same_outcome_through_every_door() {
    let port = Port::reserve();
    let spec = format!("{}=4000[name=one]", port.addr());
    let of = |line: &str, method, params| Step { line: line.to_owned(), method, params };
    let backend = |verb: &str, method, backend: &str| {
        let params = json!({ "tunnel": "one", "backend": backend });
        of(&format!("{verb} one {backend}"), method, params)
    };
    let add = |backend_spec| backend("add", "addBackend", backend_spec);
    let remove = |backend_spec| backend("remove", "removeBackend", backend_spec);
    let detail =
        |tunnel: &str| of(&format!("detail {tunnel}"), "tunnelInfo", json!({ "tunnel": tunnel }));
    let drain = |deadline: &str| {
        let params = json!({ "tunnel": "one", "drain": true, "deadline": deadline });
        of(&format!("close one drain deadline={deadline}"), "closeTunnel", params)
    };
    let close = of("close one", "closeTunnel", json!({ "tunnel": "one" }));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, tunnels: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("tunnels = [{tunnels}]\n")).unwrap();
        path
    };
    let loaded = Port::reserve();
    let good = file("good", &format!("\"{}=4000[name=loaded]\"", loaded.addr()));
    let conflicting = file("conflicting", "\"0=4000\", \"0=4001[name=LOADED]\"");
    let bad = file("bad", "\"0=4000[stratgy=x]\"");
    let load = |path: &Path| {
        let path = path.to_str().unwrap();
        of(&format!("load {path}"), "load", json!({ "file": path }))
    };
    let steps_and_words = [
        (Step::open(&spec), "opened"),
        (Step::open(&spec), "unchanged"),
        (Step::open(&spec.replace("4000", "4001")), "address-in-use"),
        (Step::open("0=4000[name=ONE]"), "name-in-use"),
        (add("4001"), "added"),
        (add("4001"), "unchanged"),
        (add("4001+weight=2"), "backend-exists"),
        (add("4002+wieght=2"), "unknown-option"),
        (remove("4000"), "removed"),
        (remove("4000"), "backend-not-found"),
        (remove("4001"), "last-backend"),
        (detail("one"), "ok"),
        (detail("nosuch"), "tunnel-not-found"),
        (detail("a..b:x"), "invalid-address"),
        (of("status full", "listTunnels", json!({})), "ok"),
        (of("status", "numberOfTunnels", json!({})), "ok"),
        (of("ping", "ping", json!({})), "ok"),
        (of("log", "logLevel", json!({})), "ok"),
        (of("log warn", "setLogLevel", json!({ "level": "warn" })), "ok"),
        (of("log Debug for 1m", "setLogLevel", json!({ "level": "Debug", "for": "1m" })), "ok"),
        (of("log trace", "setLogLevel", json!({ "level": "trace" })), "ok"),
        (of("log", "logLevel", json!({})), "ok"),
        (of("log debg", "setLogLevel", json!({ "level": "debg" })), "invalid-value"),
        (
            of("log info for 1y", "setLogLevel", json!({ "level": "info", "for": "1y" })),
            "invalid-value",
        ),
        (
            of("log info for 721h", "setLogLevel", json!({ "level": "info", "for": "721h" })),
            "out-of-range",
        ),
        (drain("1y"), "invalid-value"),
        (drain("1s"), "ok"),
        (close.clone(), "tunnel-not-found"),
        (Step::open(&spec), "opened"),
        (close.clone(), "ok"),
        (of("undo", "undo", json!({})), "ok"),
        (of("undo 2", "undo", json!({ "last": 2 })), "ok"),
        (of("undo 999", "undo", json!({ "last": 999 })), "nothing-to-undo"),
        (of("undo 0", "undo", json!({ "last": 0 })), "out-of-range"),
        (of("undo 1001", "undo", json!({ "last": 1_001 })), "out-of-range"),
        (of("history", "history", json!({})), "ok"),
        (of("history 1001", "history", json!({ "last": 1_001 })), "out-of-range"),
        (of("conns", "listConnections", json!({})), "ok"),
        (
            of(
                "conns one where idle>1s and bytes<1k sort -age limit 7",
                "listConnections",
                json!({
                    "tunnel": "one", "where": "idle>1s and bytes<1k", "sort": "-age", "limit": 7,
                }),
            ),
            "ok",
        ),
        (of("conns nosuch", "listConnections", json!({ "tunnel": "nosuch" })), "tunnel-not-found"),
        (
            of("conns where idel>1s", "listConnections", json!({ "where": "idel>1s" })),
            "unknown-option",
        ),
        (
            of("conns where phase>closing", "listConnections", json!({ "where": "phase>closing" })),
            "unexpected-argument",
        ),
        (of("conns sort size", "listConnections", json!({ "sort": "size" })), "invalid-value"),
        (of("conns limit 10001", "listConnections", json!({ "limit": 10_001 })), "out-of-range"),
        (of("kill where age>0s", "killConnections", json!({ "where": "age>0s" })), "ok"),
        (
            of(
                "kill one where age>1s",
                "killConnections",
                json!({ "tunnel": "one", "where": "age>1s" }),
            ),
            "ok",
        ),
        (of("kill 7 8", "killConnections", json!({ "ids": ["7", "8"] })), "connection-not-found"),
        (of("kill one", "killConnections", json!({ "ids": ["one"] })), "invalid-value"),
        (of("explain one", "explain", json!({ "tunnel": "one" })), "ok"),
        (
            of(
                "explain one from 10.1.2.3",
                "explain",
                json!({ "tunnel": "one", "from": "10.1.2.3" }),
            ),
            "ok",
        ),
        (
            of("explain one from 10.1.2", "explain", json!({ "tunnel": "one", "from": "10.1.2" })),
            "invalid-value",
        ),
        (
            of(
                "explain one sni A.example",
                "explain",
                json!({ "tunnel": "one", "sni": "A.example" }),
            ),
            "ok",
        ),
        (
            of("explain one sni *.b", "explain", json!({ "tunnel": "one", "sni": "*.b" })),
            "invalid-value",
        ),
        (of("explain nosuch", "explain", json!({ "tunnel": "nosuch" })), "tunnel-not-found"),
        (of("events", "listEvents", json!({})), "ok"),
        (of("events 2 after=3", "listEvents", json!({ "last": 2, "after": 3 })), "ok"),
        (of("events 1001", "listEvents", json!({ "last": 1_001 })), "out-of-range"),
        (load(&good), "ok"),
        (load(&good), "ok"),
        (load(&conflicting), "name-in-use"),
        (load(&bad), "bad-file"),
        (load(Path::new("/nonexistent")), "bad-file"),
        (of("undo", "undo", json!({})), "ok"),
        (of("export", "export", json!({})), "ok"),
        (of("save", "save", json!({})), "no-state"),
        (of("reload", "reload", json!({})), "no-config"),
        (close.clone(), "ok"),
    ];
    let (steps, words): (Vec<_>, Vec<_>) = steps_and_words.into_iter().unzip();
    let line = walk(Door::Line, &steps).await;
    for (place, (word, _, _)) in line.iter().enumerate() {
        assert_eq!(word, words[place], "{}", steps[place].line);
    }
    for door in Door::ALL {
        for (place, came) in walk(door, &steps).await.iter().enumerate() {
            let step = &steps[place];
            let (word, keys, tunnels) = came;
            let (_, keys_there, tunnels_there) = &line[place];
            assert_eq!(word, words[place], "{door:?}: {place} {step:?}");
            // plexyctl puts a bare word into an object, so that it has a schema.
            if !keys_there.is_empty() {
                assert_eq!(keys, keys_there, "{door:?}: {step:?}");
            }
            assert_eq!(tunnels, tunnels_there, "{door:?}: {step:?}");
        }
    }
}
