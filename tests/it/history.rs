//! `history` and `undo`: who has changed what, and as it was before.

use std::net::TcpListener;

use plexy_shared::history::{ChangeInfo, EDITS_TOLD_MAX, HistoryReply};
use plexy_tests::backend::Echo;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Flow, round_trip};
use serde_json::json;

/// Every tunnel, whatever the order.
fn tunnels(daemon: &Daemon) -> Vec<String> {
    let mut tunnels = daemon.service().export().tunnels;
    tunnels.sort();
    tunnels
}

async fn history(daemon: &Daemon) -> Vec<ChangeInfo> {
    let reply = daemon.rpc().call("history", json!({ "last": 1_000 })).await.unwrap();
    serde_json::from_value::<HistoryReply>(reply).unwrap().changes
}

/// Does it through the line protocol, where it has to be done.
async fn done(daemon: &Daemon, line: &str) {
    let answer = daemon.line().await.ask(line).await;
    assert!(answer.starts_with("OK") && !answer.contains("unchanged\n"), "{line}: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_change_is_undone_and_the_undoing_too() {
    let daemon = Daemon::start().await;
    let [one, two] = [(); 2].map(|()| Port::reserve().addr());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("more.toml");
    std::fs::write(&file, "tunnels = [\"0=127.0.0.1:1[name=x]\", \"0=1[name=y]\"]").unwrap();
    let many: Vec<_> = (0..40).map(|_| "0=127.0.0.1:1").collect();
    done(&daemon, &format!("open {one}=127.0.0.1:1,127.0.0.1:2+weight=3[name=one]")).await;
    for (number, change) in [
        format!("open {two}=127.0.0.1:1[name=two,retries=7]"),
        "add one 127.0.0.1:3+backup".to_owned(),
        "remove one 127.0.0.1:2".to_owned(),
        "close one".to_owned(),
        "close two drain".to_owned(),
        format!("load {}", file.display()),
        "openTunnels".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        let (before, revision) = (tunnels(&daemon), daemon.service().export().revision);
        if change == "openTunnels" {
            daemon.rpc().call("openTunnels", json!({ "specs": many })).await.unwrap();
        } else {
            done(&daemon, &change).await;
        }
        let after = tunnels(&daemon);
        assert_ne!(before, after, "{change}");
        for (round, expected) in [&before, &after, &before, &after].into_iter().enumerate() {
            done(&daemon, "undo").await;
            assert_eq!(&tunnels(&daemon), expected, "{change}, {round}");
        }
        assert_eq!(daemon.service().export().revision, revision + 5, "{change}");
        // What was undone together is nothing at all.
        let answer = daemon.line().await.ask("undo 4").await;
        assert_eq!(answer, "OK: opened 0, changed 0, closed 0, unchanged 0\n", "{change}");
        assert_eq!(history(&daemon).await.len(), 1 + 5 * (number + 1), "{change}");
    }
    done(&daemon, "undo 36").await;
    assert!(tunnels(&daemon).is_empty());
    done(&daemon, "undo").await;
    assert_eq!(tunnels(&daemon).len(), 42);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_changes_of_one_tunnel_are_undone_in_one_step() {
    let (daemon, addr) = (Daemon::start().await, Port::reserve().addr());
    done(&daemon, &format!("open {addr}=127.0.0.1:1[name=a]")).await;
    let first = tunnels(&daemon);
    for change in [
        "add a 127.0.0.1:2",
        "remove a 127.0.0.1:1",
        "close a",
        &format!("open {addr}=127.0.0.1:9[name=b,retries=1]"),
        "add b 127.0.0.1:8",
    ] {
        done(&daemon, change).await;
    }
    let last = tunnels(&daemon);

    let answer = daemon.line().await.ask("undo 5").await;
    assert_eq!(answer, "OK: opened 0, changed 1, closed 0, unchanged 0\n");
    assert_eq!(tunnels(&daemon), first);
    done(&daemon, "undo").await;
    assert_eq!(tunnels(&daemon), last);
    done(&daemon, "undo 3").await;
    // That was the second undo, the first one, and `add b`.
    assert_eq!(tunnels(&daemon), [format!("{addr}=127.0.0.1:9[name=b,retries=1]")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_undone_whole_is_not_undone_at_all() {
    let daemon = Daemon::start().await;
    let [one, two] = [(); 2].map(|()| Port::reserve());
    let nothing = daemon.line().await.ask("undo").await;
    assert!(nothing.starts_with("ERROR: cannot undo 1 of 0 known changes"), "{nothing}");
    for port in [&one, &two] {
        done(&daemon, &format!("open {}=127.0.0.1:1", port.addr())).await;
    }
    for port in [&one, &two] {
        done(&daemon, &format!("close {}", port.addr())).await;
    }
    // A test beside this one that starts a program has copies of our sockets for a moment.
    let mut taken = None;
    eventually!({
        taken = TcpListener::bind(one.addr()).ok();
        taken.is_some()
    });
    let before = history(&daemon).await;

    let refused = daemon.rpc().call("undo", json!({ "last": 2 })).await.unwrap_err();

    assert_eq!(refused["data"]["code"], "address-in-use", "{refused}");
    assert!(tunnels(&daemon).is_empty());
    assert!(Stream::connect(two.addr()).await.is_err());
    assert_eq!(history(&daemon).await, before);
    let refused = daemon.rpc().call("undo", json!({ "last": 5 })).await.unwrap_err();
    assert_eq!(refused["data"]["code"], "nothing-to-undo", "{refused}");
    drop(taken);
    done(&daemon, "undo 2").await;
    assert_eq!(tunnels(&daemon).len(), 2);

    // A name that somebody else has by now.
    let (daemon, three) = (Daemon::start().await, Port::reserve());
    for change in [format!("open {}=127.0.0.1:1[name=a]", three.addr()), "close a".to_owned()] {
        done(&daemon, &change).await;
    }
    done(&daemon, "open 0=127.0.0.1:1[name=A]").await;
    done(&daemon, "undo 2").await;
    assert_eq!(tunnels(&daemon), [format!("{}=127.0.0.1:1[name=a]", three.addr())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn live_connections_go_on_while_changes_are_undone() {
    let (daemon, first, second) = (Daemon::start().await, Echo::start(), Echo::start());
    let opened = daemon.open(&format!("{}[name=db]", first.addr())).await;
    let mut flows = vec![Flow::start(opened, 1).await.unwrap()];
    done(&daemon, &format!("add db {}", second.addr())).await;
    done(&daemon, &format!("remove db {}", first.addr())).await;
    flows.push(Flow::start(opened, 2).await.unwrap());
    for _ in 0..3 {
        // As it was at first, and as it was before that.
        done(&daemon, "undo 2").await;
        flows.push(Flow::start(opened, 3).await.unwrap());
        done(&daemon, "undo").await;
        flows.push(Flow::start(opened, 4).await.unwrap());
        done(&daemon, "undo").await;
        done(&daemon, "undo").await;
    }
    let changes = history(&daemon).await.len().to_string();
    done(&daemon, &format!("undo {changes}")).await;
    assert!(tunnels(&daemon).is_empty());
    assert!(Stream::connect(opened).await.is_err());
    for flow in &flows {
        let before = flow.bytes();
        eventually!(flow.bytes() > before + 10_000);
    }
    done(&daemon, "undo").await;
    round_trip(opened, 1_000).await.unwrap();
    for flow in flows {
        assert!(flow.stop().await.fault.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_tells_who_and_what_the_newest_first() {
    let daemon = Daemon::start().await;
    done(&daemon, "open 0=127.0.0.1:1[name=db]").await;
    daemon.rpc_unix().call("addBackend", json!({ "tunnel": "db", "backend": "2" })).await.unwrap();
    let specs: Vec<_> = (0..40).map(|n| format!("0=127.0.0.1:1[name=t{n}]")).collect();
    daemon.rpc().call("openTunnels", json!({ "specs": specs })).await.unwrap();

    let changes = history(&daemon).await;

    let [bulk, added, opened] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((opened.revision, added.revision, bulk.revision), (1, 2, 3));
    assert_eq!((opened.door.as_str(), added.door.as_str()), ("line", "rpc"));
    assert!(opened.actor.as_ref().unwrap().starts_with("127.0.0.1:"));
    assert!(added.actor.as_ref().unwrap().starts_with("uid="));
    assert_eq!(opened.edits[0].before, None);
    assert_eq!(opened.edits[0].after, added.edits[0].before);
    assert!(added.edits[0].after.as_ref().unwrap().contains(",127.0.0.1:2["));
    assert_eq!((bulk.edits.len(), bulk.edits_more), (EDITS_TOLD_MAX, 40 - EDITS_TOLD_MAX));
    let last = daemon.rpc().call("history", json!({ "last": 1 })).await.unwrap();
    assert_eq!(last["changes"].as_array().unwrap().len(), 1);

    let told = daemon.line().await.ask("history").await;
    let lines: Vec<_> = told.lines().collect();
    assert_eq!((lines[0], lines.len()), ("OK: Changes: 3", 1 + 17 + 2));
    assert!(lines[17].contains(" by rpc 127.0.0.1:") && lines[17].ends_with(": 24 more tunnels"));
    assert!(lines[18].contains(" by rpc uid=") && lines[18].contains(": changed "), "{told}");
    assert!(lines[19].contains(" by line 127.0.0.1:") && lines[19].contains(": opened "), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_and_load_are_made_at_the_revision_that_is_expected() {
    let daemon = Daemon::start().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "tunnels = [\"0=127.0.0.1:1[name=x]\"]").unwrap();
    let path = file.path().to_str().unwrap();
    done(&daemon, "open 0=127.0.0.1:1[name=db]").await;
    done(&daemon, "add db 127.0.0.1:2").await;
    let before = tunnels(&daemon);
    for (method, mut params) in
        [("undo", json!({})), ("undo", json!({ "last": 2 })), ("load", json!({ "file": path }))]
    {
        for wrong in [0, 1, 3, u64::MAX] {
            params["expected_revision"] = json!(wrong);
            let refused = daemon.rpc().call(method, params.clone()).await.unwrap_err();
            assert_eq!(refused["data"]["code"], "revision-mismatch", "{method}: {refused}");
        }
    }
    assert_eq!(tunnels(&daemon), before);
    for (method, mut params, revision) in
        [("load", json!({ "file": path }), 2), ("undo", json!({ "last": 2 }), 3)]
    {
        params["expected_revision"] = json!(revision);
        let reply = daemon.rpc().call(method, params).await.unwrap();
        assert_eq!(reply["revision"], revision + 1, "{method}");
    }
}
