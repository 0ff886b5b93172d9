//! Names are told, set and refused the same through every door.

use plexy_shared::command::Request;
use plexy_tests::backend::Greeter;
use plexy_tests::daemon::{Daemon, LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::tool::Tool;
use serde_json::{Value, json};

use super::{comes_to, greeters, hello, saying};

const PLEXYD: &str = env!("CARGO_BIN_EXE_plexyd-under-test");
const PLEXYCTL: &str = env!("CARGO_BIN_EXE_plexyctl-under-test");

/// The names of those that `conns` shows, all of which have one.
async fn shown(daemon: &Daemon, words: &str) -> Vec<String> {
    let Ok(Some(Request::Conns(query))) = Request::parse(&format!("conns {words}")) else {
        panic!("{words}")
    };
    let reply = daemon.service().conns(&query).await.unwrap();
    reply.connections.into_iter().map(|row| row.sni.unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_shown_found_sorted_and_killed_by_their_names() {
    let [a] = greeters();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}+sni=*.example", a.addr())).await;
    let _two = comes_to(tunnel, Some("Two.example"), "a").await;
    let _one = comes_to(tunnel, Some("one.example"), "a").await;

    assert_eq!(shown(&daemon, "sort sni").await, ["one.example", "two.example"]);
    assert_eq!(shown(&daemon, "where sni=TWO.example").await, ["two.example"]);
    assert_eq!(shown(&daemon, "where sni!=two.example").await, ["one.example"]);
    assert_eq!(shown(&daemon, "where sni=*.example").await, ["two.example", "one.example"]);
    assert!(shown(&daemon, "where sni=*.two.example").await.is_empty());
    let line = daemon.line().await.ask("conns where sni=one.example").await;
    assert!(line.contains(" sni=one.example "), "{line}");
    let killed = daemon.line().await.ask("kill where sni=one.example").await;
    assert!(killed.starts_with("OK: killed 1"), "{killed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_backends_stand_in_detail_and_are_set_over_rpc() {
    let [a] = greeters();
    let daemon = Daemon::start().await;
    let spec = format!("{}+sni=One.example+sni=*.two.example", a.addr());
    let tunnel = daemon.open(&spec).await;
    let detail = daemon.detail(tunnel).await;
    assert_eq!(detail.spec, format!("{tunnel}={}", spec.replace("One", "one")));
    assert_eq!(detail.backend_list[0].sni, ["one.example", "*.two.example"]);
    let line = daemon.line().await.ask(&format!("detail {tunnel}")).await;
    assert!(line.contains(", sni one.example *.two.example, "), "{line}");
    let metrics = daemon.monitor().get("/metrics").await.body;
    assert!(
        metrics.contains("strategy=\"round-robin\",tls=\"route\",backend_tls=\"none\"} 1"),
        "{metrics}"
    );

    let set = |settings: Value| {
        let params = json!({ "tunnel": tunnel, "backend": a.addr(), "settings": settings });
        let rpc = daemon.rpc();
        async move { rpc.call("setBackend", params).await }
    };
    set(json!(["sni=three.example", "sni=four.example"])).await.unwrap();
    assert_eq!(daemon.backend(tunnel, a.addr()).await.sni, ["three.example", "four.example"]);
    for (settings, code) in [
        (json!(["sni=a.example", "sni=A.example"]), "repeated"),
        (json!(["sni=10.0.0.1"]), "invalid-value"),
        (json!(["sni=a.example."]), "invalid-value"),
    ] {
        let refused = set(settings).await.unwrap_err();
        assert_eq!(refused["data"]["code"], code, "{refused}");
    }
    comes_to(tunnel, Some("four.example"), "a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plexyctl_shows_names() {
    let Some(sh) = Tool::find("sh", "dash") else { return };
    let [a] = greeters();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}+sni=one.example", a.addr())).await;
    let _client = comes_to(tunnel, Some("one.example"), "a").await;
    let endpoint = match daemon.rpc() {
        plexy_tests::daemon::HttpClient::Tcp(addr) => format!("ws://{addr}"),
        plexy_tests::daemon::HttpClient::Unix(path) => format!("unix:{}", path.display()),
    };
    let plexyctl = format!("{PLEXYCTL} --endpoint {endpoint}");

    let conns = sh.run(["-c", &format!("{plexyctl} conns where sni=one.example")]).output().await;
    assert!(
        conns.text().contains("  one.example  relaying  "),
        "{}{}",
        conns.text(),
        conns.errors()
    );
    let detail = sh.run(["-c", &format!("{plexyctl} detail {tunnel}")]).output().await.success();
    assert!(detail.contains(&format!("SNI\n{}  one.example\n", a.addr())), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_tells_the_name_and_why_one_was_turned_away() {
    let greeter = Greeter::start("a");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("access.log");
    let arguments = [
        "--control-socket",
        "127.0.0.1:0",
        "--access-log",
        "json",
        // Those that were turned away are told in any case.
        "--access-log-sample",
        "4294967295",
        "--access-log-file",
        file.to_str().unwrap(),
    ];
    let process = Process::start(PLEXYD, &arguments).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    let answer = line.ask(&format!("open 0={}+sni=one.example", greeter.addr())).await;
    let tunnel = answer.trim().strip_prefix("OK: ").unwrap().parse().unwrap();

    let _client = saying(tunnel, &hello(Some("tw\"o.example"))).await;

    let lines = || std::fs::read_to_string(&file).unwrap();
    eventually!(lines().ends_with('\n'));
    let told: Value = serde_json::from_str(lines().lines().next().unwrap()).unwrap();
    assert_eq!((&told["sni"], &told["reason"]), (&json!("tw\"o.example"), &json!("tls")));
    assert!(process.log().contains("no backend has that name"), "{}", process.log());
}
