//! `plexyctl health`: one line, and an exit code, for a monitoring system.

use plexy_tests::backend::Echo;
use plexy_tests::certificate::Authority;
use plexy_tests::daemon::Process;
use plexy_tests::eventually;
use plexy_tests::tool::Output;
use serde_json::Value;

use super::{PLEXYCTL, PLEXYD, run};

async fn health(process: &Process, words: &[&str]) -> Output {
    let endpoint = format!("unix:{}", process.rpc_socket().display());
    run(PLEXYCTL, &[&["--endpoint", endpoint.as_str(), "health"], words].concat()).await
}

#[track_caller]
fn check(output: &Output, code: i32, begin: &str) {
    let text = output.text();
    assert_eq!(output.status.code(), Some(code), "{text}{}", output.errors());
    assert!(text.starts_with(begin), "{text}");
    assert_eq!((text.lines().count(), output.errors().as_str()), (1, ""), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_has_its_line_and_its_exit_code() {
    let (one, two) = (Echo::start(), Echo::start());
    let (good, bad) = (one.addr(), "127.0.0.1:1");
    let checked = "check=tcp,check-interval=100ms";
    let process = Process::start(
        PLEXYD,
        &[
            &format!("0={good},{}[name=good,{checked}]", two.addr()),
            &format!("0={good},{bad}[name=half,{checked}]"),
            &format!("0={bad}[name=dead,{checked}]"),
        ],
    )
    .await;
    eventually!(health(&process, &["dead"]).await.status.code() == Some(2));
    eventually!(health(&process, &["half"]).await.status.code() == Some(1));
    eventually!(health(&process, &["good"]).await.status.code() == Some(0));
    let ok = "PLEXY OK - 1 tunnel, 2 of 2 backends up | tunnels=1;;;0 tunnels_down=0;;0;0;1 \
              backends_up=2;2:;;0;2 connections=0;;;0\n";
    check(&health(&process, &["good"]).await, 0, ok);
    let half = "PLEXY WARNING - 1 tunnel, 1 of 2 backends up: half: 127.0.0.1:1 is down (";
    check(&health(&process, &["half"]).await, 1, half);
    // Of several the worst counts, and is told first.
    let all = "PLEXY CRITICAL - 3 tunnels, 3 of 5 backends up: dead: no backend is up; ";
    check(&health(&process, &[]).await, 2, all);

    let json = health(&process, &["half", "-o", "json"]).await;
    assert_eq!(json.status.code(), Some(1));
    let json: Value = serde_json::from_str(&json.text()).unwrap();
    assert_eq!((&json["schema"], &json["state"]), (&"plexy.health/1".into(), &"degraded".into()));
    assert_eq!(json["problems"][0]["tunnel"], "half");

    check(&health(&process, &["nobody"]).await, 3, "PLEXY UNKNOWN - no tunnel `nobody`");
    check(&health(&process, &["no body"]).await, 3, "PLEXY UNKNOWN - ");
    let nobody = run(PLEXYCTL, &["--endpoint", "unix:/nonexistent/rpc.sock", "health"]).await;
    check(&nobody, 3, "PLEXY UNKNOWN - cannot reach plexyd at unix:/nonexistent/rpc.sock");
    process.signal(rustix::process::Signal::STOP);
    let hung = health(&process, &["--timeout", "200ms"]).await;
    process.signal(rustix::process::Signal::CONT);
    check(&hung, 3, "PLEXY UNKNOWN - ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_has_done_on_purpose_is_told_apart_from_what_broke() {
    let process = Process::start(PLEXYD, &["0=4000,4001[name=web]"]).await;
    let endpoint = format!("unix:{}", process.rpc_socket().display());
    let ask = async |words: &[&str]| {
        run(PLEXYCTL, &[&["--endpoint", endpoint.as_str()], words].concat()).await.success()
    };
    ask(&["disable", "web", "4001"]).await;
    check(&health(&process, &[]).await, 0, "PLEXY OK - 1 tunnel, 1 of 1 backends up | ");
    ask(&["drain", "web"]).await;
    let drained = "PLEXY WARNING - 1 tunnel, 1 of 1 backends up: web: takes no clients: drain | ";
    check(&health(&process, &[]).await, 1, drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_ends_is_told_before_its_clients_find_out() {
    let folder = tempfile::tempdir().unwrap();
    let expired = Authority::new("tests").issue_with(&["localhost"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let file = expired.write(folder.path(), "expired");
    let spec = format!("0=4000[name=web,tls-cert={}]", file.display());
    let process = Process::start(PLEXYD, &[&spec]).await;
    let text = health(&process, &[]).await;
    check(&text, 2, "PLEXY CRITICAL - 1 tunnel, 1 of 1 backends up: web: certificate of localhost");
    assert!(text.text().contains(" certificate_days=-"), "{}", text.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_command_is_no_state_of_the_tunnels() {
    for line in [
        "health --bogus",
        "health --timeout 5x",
        "-o yaml health",
        "-o json health --bogus",
        "health --columns name",
        "health --sort-by name",
        "health --dry-run",
        "health -o ndjson",
        "--context a --endpoint ws://a.example:1 health",
        "-c list health",
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let output = run(PLEXYCTL, &words).await;
        assert_eq!(output.status.code(), Some(3), "{line}: {}{}", output.text(), output.errors());
    }
    // Of all else it is that of a wrong command.
    for line in ["detail health --bogus", "context --health", "helth"] {
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!(run(PLEXYCTL, &words).await.status.code(), Some(2), "{line}");
    }
    assert_eq!(run(PLEXYCTL, &["health", "--help"]).await.status.code(), Some(0));
}
