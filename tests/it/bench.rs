//! The benchmark, as short as it goes: that it works, not what it shows.

use std::time::Duration;

use plexy_tests::tool::Tool;
use serde_json::Value;

use crate::process::{PLEXYCTL, PLEXYD, run, tool};

const BENCH: &str = env!("CARGO_BIN_EXE_plexy-bench-under-test");

async fn bench(arguments: &[&str]) -> String {
    run(BENCH, &[&["--plexyd", PLEXYD], arguments].concat()).await.success()
}

/// Measures these rows; returns what is shown, and the lines of the raw file, each of a row with
/// figures.
async fn measure(arguments: &[&str], rows: &[&str]) -> (String, Vec<Value>) {
    let home = tempfile::tempdir().unwrap();
    let raw = home.path().join("rows.jsonl");
    let arguments = [&["--smoke", "--out", raw.to_str().unwrap()], arguments, rows].concat();
    let shown = bench(&arguments).await;
    for row in rows {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(row));
        assert!(line.is_some(), "no {row} in {shown}");
    }
    let raw = std::fs::read_to_string(raw).unwrap();
    let records: Vec<Value> = raw.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for record in &records[1..] {
        assert!(record["figures"].as_object().is_some_and(|it| !it.is_empty()), "{record}");
        assert!(record["failure"].is_null(), "{record}");
    }
    (shown, records)
}

#[tokio::test]
async fn every_kind_of_row_is_measured_beside_haproxy_and_nginx() {
    let Some(_haproxy) = Tool::find("haproxy", "haproxy") else { return };
    let Some(_nginx) = Tool::find("nginx", "nginx libnginx-mod-stream") else { return };
    let rows = ["bulk-both-16", "rr-64B-64", "connect", "idle", "tunnels-1000", "beside-bulk"];

    let (_shown, records) = measure(&[], &[&rows[..], &["control"]].concat()).await;

    // The machine, three proxies in each row, and one whose control is asked.
    assert_eq!(records.len(), 1 + 3 * rows.len() + 1, "{records:?}");
}

#[tokio::test]
async fn every_kind_of_row_is_measured_over_tls_too() {
    let Some(_haproxy) = Tool::find("haproxy", "haproxy") else { return };
    let Some(_nginx) = Tool::find("nginx", "nginx libnginx-mod-stream") else { return };
    let rows = [
        "tls-handshake",
        "tls-resumed",
        "tls12-handshake",
        "tls-bulk-down-1",
        "tls-bulk-up-16",
        "tls-rr-64B-64",
        "tls-idle",
    ];

    let (shown, records) = measure(&[], &rows).await;

    assert_eq!(records.len(), 1 + 3 * rows.len(), "{records:?}");
    // Which library they have is told with the machine.
    assert_eq!(shown.matches(", OpenSSL ").count(), 2, "{shown}");
}

#[tokio::test]
async fn after_many_connections_a_daemon_holds_what_it_held_before() {
    let shown = bench(&["--only", "plexyd", "--million", "20000"]).await;
    assert!(shown.contains("after     20000: "), "{shown}");
}

#[tokio::test]
async fn instructions_of_the_data_path_can_be_counted() {
    let Some(_valgrind) = Tool::find("valgrind", "valgrind") else { return };

    // Valgrind runs a fiftieth as fast, or less.
    let arguments = ["--plexyd", PLEXYD, "--only", "plexyd", "--smoke", "--instructions"];
    let counted = tool(BENCH).run(arguments).within(Duration::from_secs(300)).output().await;
    let shown = counted.success();

    for unit in ["copy", "connect", "tls-exchange", "tls-handshake", "tls-resumed"] {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(unit));
        let counted = line.and_then(|line| line.split_whitespace().last()?.parse::<u64>().ok());
        assert!(counted.is_some_and(|counted| counted > 0), "no {unit} in {shown}");
    }
}

#[tokio::test]
async fn what_a_watcher_costs_can_be_measured() {
    let arguments = ["--plexyctl", PLEXYCTL, "--only", "plexyd", "--smoke", "--watch"];
    let shown = bench(&arguments).await;
    for way in ["nobody watches: ", "100 tunnels by health: ", "100 connections by -rate: "] {
        let line = shown.lines().find(|line| line.starts_with(way));
        assert!(line.is_some_and(|line| line.contains(" %")), "no {way}in {shown}");
    }
    for view in ["tunnels", "backends", "connections"] {
        let line = shown.lines().rfind(|line| line.starts_with(&format!("plexyctl top, {view}: ")));
        assert!(line.is_some_and(|line| line.contains("to the screen: ")), "no {view} in {shown}");
    }
}
