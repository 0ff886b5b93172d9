//! `events`: what has happened, and what happens, in every mode.

use plexy_tests::daemon::{Daemon, LineClient, Process};
use plexy_tests::tool::Tool;
use plexy_tests::{descriptors, eventually};
use serde_json::{Value, json};

use crate::process::PLEXYD;

/// A daemon with three events: it is ready, and a tunnel `db` was opened and has one more backend.
async fn three_events() -> Daemon {
    let daemon = Daemon::start().await;
    daemon.open("127.0.0.1:1[name=db]").await;
    daemon.add("db", "127.0.0.1:2").await.unwrap();
    daemon
}

/// The numbers of the events that an answer tells.
fn numbers(answer: &str) -> Vec<u64> {
    let lines = answer.lines().filter_map(|line| line.strip_prefix('\t'));
    lines.map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
}

async fn json_line(client: &mut LineClient) -> Value {
    serde_json::from_str(&client.next_line().await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_happened_is_told_from_a_number_on_or_the_newest_of_it() {
    let daemon = three_events().await;
    let mut line = daemon.line().await;
    for (command, expected) in [
        ("events", &[1, 2, 3][..]),
        ("events 2", &[2, 3]),
        ("events after=1", &[2, 3]),
        ("events after=1 1", &[3]),
        ("EVENTS 1 AFTER=1", &[3]),
        ("events after=3", &[]),
        ("events after=18446744073709551615", &[1, 2, 3]),
    ] {
        let answer = line.ask(command).await;
        assert!(answer.starts_with(&format!("OK: Events: {}\n", expected.len())), "{answer}");
        assert_eq!(numbers(&answer), expected, "{command}: {answer}");
    }
    let told = line.ask("events").await;
    let told: Vec<_> = told.lines().collect();
    assert!(told[1].ends_with("Z info daemon-ready, 0 tunnels"), "{told:?}");
    assert!(told[2].contains(" info tunnel-opened, tunnel db, 127.0.0.1:"), "{told:?}");
    assert!(told[2].ends_with("=127.0.0.1:1[name=db], by args, revision 1"), "{told:?}");
    assert!(
        told[3]
            .ends_with(" info backend-added, tunnel db, backend 127.0.0.1:2, by args, revision 2"),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_is_told_until_the_next_line() {
    let daemon = three_events().await;
    let mut line = LineClient::connect_text(daemon.control_addr()).await;
    line.send(b"events 1 follow\n").await;
    assert_eq!(line.next_line().await.unwrap(), "OK: Events: 1\n");
    assert!(line.next_line().await.unwrap().starts_with("\t3 "));

    daemon.remove("db", "127.0.0.1:2").await.unwrap();
    assert!(line.next_line().await.unwrap().starts_with("\t4 "));
    daemon.close("db").await;
    assert!(line.next_line().await.unwrap().contains(" tunnel-closed, tunnel db, "));

    line.send(b"ping\n").await;
    assert_eq!(line.next_line().await.unwrap(), "OK: pong\n");
    daemon.open("127.0.0.1:1").await;
    line.send(b"status\n").await;
    assert_eq!(line.next_line().await.unwrap(), "OK: Tunnels: 1\n", "it follows no more");

    line.send(b"events after=5 follow\n").await;
    assert_eq!(line.next_line().await.unwrap(), "OK: Events: 1\n");
    assert!(line.next_line().await.unwrap().starts_with("\t6 "));
    line.send(b"\nping\n").await;
    assert_eq!(line.next_line().await.unwrap(), "OK: pong\n", "an empty line is one, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_script_follows_ends_with_a_dot() {
    let daemon = three_events().await;
    let mut line = LineClient::connect(daemon.control_addr()).await;
    line.send(b"events after=3 follow\n").await;
    assert_eq!(line.next_line().await.unwrap(), "OK: Events: 0\n");
    daemon.close("db").await;
    assert!(line.next_line().await.unwrap().starts_with("\t4 "));
    line.send(b"ping\n").await;
    for expected in [".\n", "OK: pong\n", ".\n"] {
        assert_eq!(line.next_line().await.unwrap(), expected);
    }
    line.send(b"events 1 follow\nevents 1 follow\n").await;
    let mut answer = String::new();
    for _ in 0..5 {
        answer.push_str(&line.next_line().await.unwrap());
    }
    assert_eq!(answer.matches("\n.\n").count(), 1, "{answer}");

    daemon.end(std::time::Duration::ZERO).await;
    while let Some(line) = line.next_line().await {
        answer.push_str(&line);
    }
    assert!(answer.contains(" daemon-ending, 0 connections\n"), "{answer}");
    assert!(answer.ends_with("\nERROR: plexyd is shutting down, session ended\n.\n"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_get_one_object_for_each() {
    let daemon = three_events().await;
    let mut line = LineClient::connect_text(daemon.control_addr()).await;
    line.send(b"mode json\nevents after=2 follow\n").await;
    assert_eq!(json_line(&mut line).await, json!({ "ok": true }));
    let begun = json_line(&mut line).await;
    assert_eq!((&begun["ok"], &begun["result"]["newest"]), (&json!(true), &json!(3)));
    assert_eq!(begun["result"]["events"][0]["kind"], "backend-added");
    assert_eq!(begun["result"]["events"][0]["backend"], "127.0.0.1:2");

    daemon.close("db").await;

    let event = json_line(&mut line).await;
    let event = &event["event"];
    assert_eq!((&event["seq"], &event["severity"]), (&json!(4), &json!("info")));
    assert_eq!((&event["kind"], &event["tunnel"]), (&json!("tunnel-closed"), &json!("db")));
    assert_eq!((&event["actor"], &event["revision"]), (&json!("args"), &json!(3)));
    line.send(b"ping\n").await;
    assert_eq!(json_line(&mut line).await["result"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ring_has_no_more_is_told_as_missed() {
    let daemon = three_events().await;
    for _ in 0..600 {
        daemon.remove("db", "127.0.0.1:2").await.unwrap();
        daemon.add("db", "127.0.0.1:2").await.unwrap();
    }
    let mut line = daemon.line().await;
    let all = line.ask("events").await;
    assert_eq!(numbers(&all), (204..=1_203).collect::<Vec<_>>());
    assert!(line.ask("events after=3").await.starts_with("OK: Events: 1000, 200 missed\n"));
    assert!(line.ask("events after=203").await.starts_with("OK: Events: 1000\n"));
    assert!(line.ask("events after=3 5").await.starts_with("OK: Events: 5\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_said_all_may_still_follow() {
    let Some(nc) = Tool::find("nc.openbsd", "netcat-openbsd") else { return };
    let daemon = three_events().await;
    let port = daemon.control_addr().port().to_string();
    let mut talk = nc.converse(["-N", "127.0.0.1", &port]);
    // A last line without its end is one, too.
    talk.send_bytes(b"events after=3 follow").await;
    talk.close_input();
    talk.expect_line("OK: Events: 0").await;
    for _ in 0..3 {
        daemon.remove("db", "127.0.0.1:2").await.unwrap();
        talk.wait_for("backend-removed, tunnel db").await;
        daemon.add("db", "127.0.0.1:2").await.unwrap();
        talk.wait_for("backend-added, tunnel db").await;
    }
    daemon.end(std::time::Duration::ZERO).await;
    talk.wait_for("ERROR: plexyd is shutting down, session ended").await;
    assert!(talk.ended().await.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_while_it_follows_leaves_nothing_behind() {
    let process = Process::start(PLEXYD, &["--control-socket", "127.0.0.1:0"]).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    line.ask("ping").await;
    let before = descriptors::of(process.pid()).unwrap();
    for _ in 0..50 {
        let mut follower = LineClient::connect(process.control_addr()).await;
        follower.send(b"events follow\n").await;
        follower.next_line().await.unwrap();
        line.ask("open 0=127.0.0.1:1[name=x]").await;
        line.ask("close x").await;
    }
    let now = || descriptors::of(process.pid()).unwrap();
    eventually!(now() == before, "{before} descriptors became {}", now());
}
