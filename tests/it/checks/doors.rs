//! Every door tells apart what stands against a backend.

use std::process::Command;

use plexy_shared::event::EventKind;
use plexy_shared::info::CheckState;
use plexy_tests::backend::{Answerer, Refuser, Reply};
use plexy_tests::daemon::{Daemon, HttpClient};
use plexy_tests::eventually;
use serde_json::json;

use super::{says, told};
use crate::client::is_reset;

#[tokio::test(flavor = "multi_thread")]
async fn detail_says_it_over_line_rpc_and_plexyctl() {
    let (manager, refuser) = (Answerer::start(Reply::status(503)), Refuser::start());
    let daemon = Daemon::start().await;
    let port = manager.addr().port();
    let options = format!("check=http,check-port={port},check-interval=1s,fall=1,name=db");
    let tunnel = daemon.open(&format!("{}[{options}]", refuser.addr())).await;
    eventually!(says(&daemon, tunnel, refuser.addr(), CheckState::Down).await);
    is_reset(tunnel).await;
    let ejected = told(&daemon, EventKind::BackendEjected).remove(0);
    assert_eq!(ejected.detail.as_deref(), Some("connection refused"));

    let detail = daemon.line().await.ask("detail db").await;
    let line = detail.lines().find(|line| line.starts_with("\tbackend ")).unwrap();
    let state = format!("\tbackend {} = down for ", refuser.addr());
    assert!(line.starts_with(&state), "{line}");
    for words in [
        "s (status 503), tried again in ",
        ", check down 1/1 for ",
        "s (status 503), took ",
        "ms, next in ",
        ", ejection for ",
        "s (connection refused), probe in ",
    ] {
        assert!(line.contains(words), "{words}: {line}");
    }

    let reply = daemon.rpc().call("backends", json!({"tunnel": "db"})).await.unwrap();
    let backend = &reply["backend_list"][0];
    let check = &backend["check"];
    assert_eq!((&backend["state"], &check["state"]), (&json!("down"), &json!("down")));
    assert_eq!((&check["streak"], &check["streak_of"]), (&json!(1), &json!(1)));
    assert_eq!(check["failure"], "status 503");
    assert!(check["took_us"].is_u64() && check["next_ms"].is_u64(), "{check}");
    assert_eq!(backend["ejection"]["cause"], "connection refused");
    assert!(backend["ejection"]["probe_ms"].is_u64(), "{backend}");

    let HttpClient::Unix(socket) = daemon.rpc_unix() else { unreachable!() };
    let endpoint = format!("unix:{}", socket.display());
    let output = tokio::task::spawn_blocking(move || {
        let plexyctl = env!("CARGO_BIN_EXE_plexyctl-under-test");
        Command::new(plexyctl).args(["--endpoint", &endpoint, "detail", "db"]).output().unwrap()
    });
    let table = String::from_utf8(output.await.unwrap().stdout).unwrap();
    let health = table.lines().skip_while(|line| !line.contains("EJECTED")).nth(1).unwrap();
    let words: Vec<_> = health.split_whitespace().collect();
    assert_eq!(&words[..3], [&refuser.addr().to_string(), "down", "1/1"], "{table}");
    assert!(health.contains("status 503") && health.contains("connection refused"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_go_together_is_refused_through_every_door() {
    let daemon = Daemon::start().await;
    let spec = "0=127.0.0.1:9[check-path=/up]";
    let sentence = "`check-path` needs `check=http` at column 15";
    let answer = daemon.line().await.ask(&format!("open {spec}")).await;
    assert_eq!(answer, "ERROR: `check-path` needs `check=http` at column 20\n");
    let error = daemon.rpc().call("openTunnel", json!({"spec": spec})).await.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("`check-path` needs `check=http`"));
    assert_eq!(error["data"]["code"], "invalid-value");
    assert_eq!(error["data"]["span"], json!([14, 24]));
    assert_eq!(daemon.try_open(spec).await.unwrap_err().to_string(), sentence);
    assert!(daemon.statuses().is_empty());
}
