//! A daemon that is not there, goes away, or says nothing.

use std::process::Command;

use plexy_tests::daemon::Process;
use plexy_tests::{descriptors, eventually};
use rustix::process::Signal;
use serde_json::Value;

use super::{PLEXYCTL, PLEXYD, Scene, signal, tool};

/// plexyd with its socket in a place that outlives it.
async fn at(socket: &str) -> Process {
    let mut command = Command::new(PLEXYD);
    command.args(["--rpc-socket", socket, "0=127.0.0.1:1[name=a]"]);
    let process = Process::spawn_command(command);
    process.ready().await;
    process
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_daemon_is_the_code_is_6() {
    for how in ["--once", "--batch"] {
        let top = ["--endpoint", "unix:/nowhere/rpc.sock", "top", how, "-o", "json"];
        let output = tool(PLEXYCTL).run(top).output().await;
        assert_eq!(output.status.code(), Some(6), "{how}");
        let error: Value = serde_json::from_str(&output.errors()).unwrap();
        assert_eq!(error["error"]["code"], "unreachable", "{how}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_says_nothing_is_waited_for_as_long_as_was_said() {
    let scene = Scene::start(&[]).await;
    scene.process.signal(Signal::STOP);
    let output = scene.run(&["top", "--once", "-d", "100ms", "--timeout", "300ms"]).output().await;
    scene.process.signal(Signal::CONT);
    assert_eq!(output.status.code(), Some(7), "{}", output.errors());
    assert_eq!(output.text(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_goes_on_with_the_daemon_that_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("unix:{}/rpc.sock", folder.path().display());
    let mut first = at(&socket).await;
    let top = ["--endpoint", &socket, "top", "--batch", "-d", "100ms", "-o", "ndjson"];
    let mut lines = tool(PLEXYCTL).converse(top);
    let instance = |line: &str| -> Value {
        let look: Value = serde_json::from_str(line).unwrap();
        // Also the first look at another daemon is one with rates.
        assert!(look["over_ms"].as_u64() > Some(0), "{look}");
        look["instance"].clone()
    };
    let before = instance(&lines.line().await.unwrap());
    first.signal(Signal::KILL);
    first.ended().await;
    let _second = at(&socket).await;
    loop {
        let now = instance(&lines.line().await.unwrap());
        if now != before {
            break;
        }
    }
    signal(&lines, Signal::INT);
    let ended = lines.ended().await;
    assert_eq!(ended.status.code(), Some(0));
    let told = ended.errors();
    assert!(told.starts_with("warning: connection lost; it is tried again\n"), "{told}");
    // Each reason once.
    let mut reasons: Vec<_> = told.lines().collect();
    let count = reasons.len();
    reasons.dedup();
    assert_eq!(reasons.len(), count, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_look_at_a_daemon_that_dies_ends_with_6() {
    let mut scene = Scene::start(&[]).await;
    let open = || descriptors::of(scene.process.pid()).unwrap();
    let before = open();
    let lines = scene.goes_on(&["--once", "-d", "1h"]);
    // It waits for a look with rates, which nobody has waited for before.
    eventually!(open() > before);
    scene.process.signal(Signal::KILL);
    scene.process.ended().await;
    assert_eq!(lines.ended().await.status.code(), Some(6));
}
