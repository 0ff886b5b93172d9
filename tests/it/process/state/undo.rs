//! `undo` of what came from a file, or from before a restart; live connections go on.

use std::fs;

use plexy_tests::backend::Echo;
use plexy_tests::daemon::{HttpClient, LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::traffic::Flow;
use serde_json::{Value, json};

use super::{Home, kill, tunnels};

async fn call(process: &Process, method: &str, params: Value) -> Result<Value, Value> {
    HttpClient::Unix(process.rpc_socket()).call(method, params).await
}

/// What a change of many tunnels has done.
async fn changed(process: &Process, method: &str) -> [u64; 4] {
    let reply = call(process, method, json!({})).await.unwrap();
    ["opened", "changed", "closed", "unchanged"].map(|key| reply[key].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_is_undone_with_the_names_that_it_has_swapped_and_no_connection_notices() {
    let (home, echo) = (Home::new(), Echo::start());
    let ports = [(); 4].map(|()| Port::reserve());
    let spec =
        |port: usize, name: &str| format!("{}={}[name={name}]", ports[port].addr(), echo.addr());
    let config = home.config(&[&spec(0, "a"), &spec(1, "b"), &spec(2, "goes")]);
    let mut process = home.start(&[&config[0], &config[1]]).await;
    let before = tunnels(&process).await;
    let mut flows = Vec::new();
    for port in &ports[..3] {
        flows.push(Flow::start(port.addr(), 1).await.unwrap());
    }
    let file = [spec(0, "b"), spec(1, "a"), spec(3, "comes")];
    let file = file.each_ref().map(String::as_str);
    home.config(&file);
    assert_eq!(changed(&process, "reload").await, [1, 2, 1, 0]);
    let after = tunnels(&process).await;

    assert_eq!(changed(&process, "undo").await, [1, 2, 1, 0]);
    assert_eq!(tunnels(&process).await, before);
    assert_eq!(changed(&process, "reload").await, [0, 0, 0, 3], "the file says the same as before");
    assert_eq!(changed(&process, "undo").await, [1, 2, 1, 0]);
    assert_eq!(tunnels(&process).await, after);

    for flow in flows {
        let bytes = flow.bytes();
        eventually!(flow.bytes() > bytes + 10_000);
        assert!(flow.stop().await.fault.is_none());
    }
    assert_eq!(changed(&process, "undo").await, [1, 2, 1, 0]);
    process = home.restart(process, &file).await;
    let mut open = tunnels(&process).await;
    open.sort();
    let mut expected = before.clone();
    expected.sort();
    assert_eq!(open, expected, "what was undone at run time holds over a restart");
    assert_eq!(changed(&process, "undo").await, [1, 2, 1, 0]);
    kill(process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_the_change_has_left_it_is_left_alone() {
    let (home, port) = (Home::new(), Port::reserve());
    let with = |backends: &str| format!("{}={backends}[name=web]", port.addr());
    let config = home.config(&[&with("127.0.0.1:1")]);
    let process = home.start(&[&config[0], &config[1]]).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    assert!(line.ask("open 0=127.0.0.1:1[name=other]").await.starts_with("OK"));
    assert_eq!(line.ask("add web 127.0.0.1:2").await, "OK\n");

    let process = home.restart(process, &[&with("127.0.0.1:3")]).await;

    let before = tunnels(&process).await;
    for last in [1, 2] {
        let refused = call(&process, "undo", json!({ "last": last })).await.unwrap_err();
        assert_eq!(refused["data"]["code"], "revision-mismatch", "{refused}");
        let told = format!("the tunnel on `{}` is not as that change has left it", port.addr());
        assert!(refused["message"].as_str().unwrap().starts_with(&told), "{refused}");
    }
    assert_eq!(tunnels(&process).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_is_made_at_the_revision_that_is_expected() {
    let home = Home::new();
    let config = home.config(&["0=127.0.0.1:1[name=a]"]);
    let process = home.start(&[&config[0], &config[1]]).await;
    fs::write(&config[1], "tunnels = []").unwrap();
    for wrong in [0, 2] {
        let params = json!({ "expected_revision": wrong });
        let refused = call(&process, "reload", params).await.unwrap_err();
        assert_eq!(refused["data"]["code"], "revision-mismatch", "{refused}");
    }
    assert!(!process.says("config refused"), "the file is good: {}", process.log());
    let reply = call(&process, "reload", json!({ "expected_revision": 1 })).await.unwrap();
    assert_eq!((&reply["closed"], &reply["revision"]), (&json!(1), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_before_a_restart_is_undone_after_it() {
    let (home, port) = (Home::new(), Port::reserve());
    let mut process = home.start(&[]).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    let specs = [
        format!("{}=127.0.0.1:1", port.addr()),
        format!("{}=127.0.0.1:1,127.0.0.1:2", port.addr()),
    ];
    assert_eq!(line.ask(&format!("open {}", specs[0])).await, "OK\n");
    assert_eq!(line.ask(&format!("add {} 127.0.0.1:2", port.addr())).await, "OK\n");
    assert_eq!(line.ask(&format!("close {}", port.addr())).await, "OK\n");
    for expected in [&[specs[1].clone()][..], &[], &[specs[1].clone()]] {
        kill(process).await;
        process = home.start(&[]).await;
        call(&process, "undo", json!({})).await.unwrap();
        assert_eq!(tunnels(&process).await, expected);
    }
    call(&process, "undo", json!({ "last": 5 })).await.unwrap();
    assert_eq!(tunnels(&process).await, [specs[0].clone()]);
}
