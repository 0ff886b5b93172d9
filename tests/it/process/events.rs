//! `plexyctl events`, and the events of a configuration file.

use std::fs;

use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::tool::{Conversation, Tool};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{PLEXYCTL, PLEXYD, plexyd, run, tool};

fn endpoint(process: &Process) -> String {
    format!("unix:{}", process.rpc_socket().display())
}

/// plexyctl that follows, once it has told the first event.
async fn following(process: &Process, options: &[&str]) -> Conversation {
    let endpoint = endpoint(process);
    let arguments = [&["--endpoint", endpoint.as_str()], options, &["events", "follow"]].concat();
    let mut follower = tool(PLEXYCTL).converse(arguments);
    follower.wait_for("daemon-ready").await;
    follower
}

async fn open(process: &Process, name: &str) {
    let mut line = LineClient::connect(process.control_addr()).await;
    assert!(line.ask(&format!("open 0=127.0.0.1:1[name={name}]")).await.starts_with("OK"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plexyctl_lists_events_and_follows_them() {
    let process = plexyd(&[]).await;
    let endpoint = endpoint(&process);
    open(&process, "one").await;
    let list = run(PLEXYCTL, &["--endpoint", &endpoint, "events"]).await.success();
    assert_eq!(list.lines().count(), 3, "the columns, and two events: {list}");
    let newest = ["--endpoint", &endpoint, "--no-headers", "events", "1"];
    let newest = run(PLEXYCTL, &newest).await.success();
    assert!(newest.starts_with("2 ") && newest.contains("tunnel-opened, tunnel one"), "{newest}");
    let json = run(PLEXYCTL, &["--endpoint", &endpoint, "-o", "json", "events", "after=1"]).await;
    let json: Value = serde_json::from_str(&json.success()).unwrap();
    assert_eq!((&json["schema"], &json["events"][0]["seq"]), (&"plexy.events/1".into(), &2.into()));

    let mut people = following(&process, &[]).await;
    let mut program = following(&process, &["-o", "json"]).await;
    for name in ["two", "three"] {
        open(&process, name).await;
        let told = people.wait_for(name).await;
        assert!(told.contains(&format!(" info tunnel-opened, tunnel {name}, ")), "{told}");
        let event: Value = serde_json::from_str(&program.wait_for(name).await).unwrap();
        assert_eq!(event["tunnel"], name, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn following_ends_quietly_when_its_reader_goes_away() {
    let Some(bash) = Tool::find("bash", "bash") else { return };
    let process = plexyd(&[]).await;
    let script = format!(
        "{PLEXYCTL} --endpoint {} events follow | head -n 1; echo ${{PIPESTATUS[0]}}",
        endpoint(&process)
    );
    let piped = tokio::spawn(bash.run(["-c", &script]).output());
    // It hears of that when there is something to tell.
    let mut number = 0;
    while !piped.is_finished() {
        open(&process, &format!("t{number}")).await;
        number += 1;
    }
    let output = piped.await.unwrap();
    assert_eq!((output.text().lines().last(), output.errors().as_str()), (Some("0"), ""));
    assert_eq!(output.text().lines().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn following_ends_with_6_when_the_daemon_does() {
    for signal in [Signal::KILL, Signal::TERM] {
        let mut process = plexyd(&[]).await;
        let follower = following(&process, &[]).await;
        process.signal(signal);
        process.ended().await;
        let output = follower.ended().await;
        assert_eq!(output.status.code(), Some(6), "{}", output.errors());
        assert!(output.errors().contains("connection"), "{}", output.errors());
        assert_eq!(output.text().contains("daemon-ending"), signal == Signal::TERM);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn following_ends_with_130_when_it_is_interrupted() {
    let process = plexyd(&[]).await;
    let follower = following(&process, &[]).await;
    let pid = follower.pid().and_then(|pid| Pid::from_raw(pid.try_into().unwrap()));
    kill_process(pid.unwrap(), Signal::INT).unwrap();
    assert_eq!(follower.ended().await.status.code(), Some(130));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_the_configuration_file_is_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plexy.toml");
    fs::write(&path, "tunnels = [\"0=127.0.0.1:1[name=a]\"]\n").unwrap();
    let arguments = ["--config", path.to_str().unwrap(), "--control-socket", "127.0.0.1:0"];
    let process = Process::start(PLEXYD, &arguments).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    assert!(line.ask("events").await.contains("tunnel-opened, tunnel a, "));

    fs::write(&path, "tunnels = [\"0=127.0.0.1:2[name=a]\", \"0=1[name=b]\"]\n").unwrap();
    process.signal(Signal::HUP);
    eventually!(line.ask("events 1").await.contains("config-reloaded"));
    let told = line.ask("events 3").await;
    assert!(told.contains(" tunnel-changed, tunnel a, "), "{told}");
    assert!(told.contains("config-reloaded, opened 1, changed 1, closed 0, unchanged 0"), "{told}");

    fs::write(&path, "tunnels = [\"0=127.0.0.1:2[nam=a]\"]\n").unwrap();
    assert!(line.ask("reload").await.starts_with("ERROR: "));
    let told = line.ask("events 1").await;
    assert!(told.contains(" warning config-refused, nothing has changed: "), "{told}");
    assert!(told.contains("unknown option `nam`"), "{told}");
}
