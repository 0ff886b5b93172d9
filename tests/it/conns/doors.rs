//! `conns` and `kill` as each door writes them.

use std::fs;

use plexy_tests::backend::Echo;
use plexy_tests::daemon::{Daemon, LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::Ending;
use serde_json::{Value, json};

use super::{addr, all_counted, client, row};
use crate::process::{PLEXYCTL, PLEXYD, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_line_protocol_writes_a_row_a_line_and_takes_ids_as_it_wrote_them() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[name=db]", echo.addr())).await;
    let [one, _two] = [client(tunnel, b"hello").await, client(tunnel, b"x").await];
    all_counted(&daemon).await;
    let mut line = daemon.line().await;
    let backend = echo.addr();

    let answer = line.ask("conns DB where bytes=10").await;

    let (headline, shown) = answer.split_once('\n').unwrap();
    assert_eq!(headline, "OK: Connections: 1");
    let keys: Vec<_> =
        shown.trim().split(' ').map(|pair| pair.split_once('=').unwrap().0).collect();
    let expected = "id tunnel listen client backend phase age_ms idle_ms bytes_in bytes_out \
        rate_in rate_out rate_over_ms";
    assert_eq!(keys.join(" "), expected);
    let id = row(&daemon, &one).await.id;
    let begin = format!("\tid={id} tunnel=db listen={tunnel} client={}", addr(&one));
    let begin = format!("{begin} backend={backend} phase=relaying age_ms=");
    assert!(shown.starts_with(&begin) && shown.contains(" bytes_in=5 bytes_out=5 "), "{shown}");
    assert!(line.ask("conns limit 1").await.starts_with("OK: Connections: 2, shown 1\n\tid="));
    assert_eq!(line.ask("conns where bytes>1g").await, "OK: Connections: 0\n");
    let killed = line.ask(&format!("kill {id} 7")).await;
    assert_eq!(killed, format!("OK: killed 1, gone before 1\n\tkilled {id}\n\tgone 7\n"));
    let refused = format!("ERROR: no connection `{id}`; `conns` shows those that are live\n");
    assert_eq!(line.ask(&format!("kill {id}")).await, refused);
    assert!(line.ask("kill where tunnel=db").await.starts_with("OK: killed 1\n\tkilled "));
    assert_eq!(line.ask("kill where tunnel=db and age>1h").await, "OK: killed 0\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_rpc_takes_the_same_text_in_parameters() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[name=db]", echo.addr())).await;
    let [one, two] = [client(tunnel, b"1").await, client(tunnel, b"22").await];
    all_counted(&daemon).await;
    let call = async |method, params| daemon.rpc().call(method, params).await;

    let params = json!({ "tunnel": "db", "where": "bytes > 0", "sort": "-bytes", "limit": 1 });
    let shown = call("listConnections", params).await.unwrap();
    assert_eq!(
        (&shown["matched"], &shown["connections"][0]["client"]),
        (&json!(2), &json!(addr(&two)))
    );
    let id = shown["connections"][0]["id"].as_str().expect("ids are strings").to_owned();
    let killed = call("killConnections", json!({ "ids": [id] })).await.unwrap();
    assert_eq!(killed, json!({ "killed": 1, "ids": [id], "revision": 1 }));
    // Who goes by what was before a change ends nothing.
    let params = |expected: u64, dry_run: bool| {
        json!({
            "tunnel": "db", "where": "bytes=2", "expected_revision": expected, "dry_run": dry_run,
        })
    };
    let refused = call("killConnections", params(0, false)).await.unwrap_err();
    assert_eq!(refused["data"]["code"], "revision-mismatch");
    let tried = call("killConnections", params(1, true)).await.unwrap();
    assert_eq!((&tried["killed"], &tried["revision"]), (&json!(1), &json!(1)));
    assert_eq!(daemon.connections(), 1);
    assert_eq!(call("killConnections", params(1, false)).await.unwrap()["killed"], 1);
    eventually!(daemon.connections() == 0);
    drop(one);

    for (method, params, code, parameter) in [
        ("listConnections", json!({ "where": "idel>1s" }), "unknown-option", "where"),
        ("listConnections", json!({ "where": "" }), "missing-argument", "where"),
        ("listConnections", json!({ "where": "age>1s sort id" }), "unexpected-argument", "where"),
        ("listConnections", json!({ "sort": "byts" }), "invalid-value", "sort"),
        ("listConnections", json!({ "limit": 0 }), "out-of-range", "limit"),
        ("listConnections", json!({ "limit": 10_001 }), "out-of-range", "limit"),
        ("listConnections", json!({ "tunnel": "a..b:x" }), "invalid-address", "tunnel"),
        ("killConnections", json!({}), "missing-argument", "ids"),
        ("killConnections", json!({ "ids": [] }), "missing-argument", "ids"),
        ("killConnections", json!({ "ids": ["1", "db"] }), "invalid-value", "ids"),
        ("killConnections", json!({ "ids": vec!["1"; 10_001] }), "out-of-range", "ids"),
        (
            "killConnections",
            json!({ "ids": ["1"], "where": "age>1s" }),
            "unexpected-argument",
            "where",
        ),
        (
            "killConnections",
            json!({ "ids": ["1"], "tunnel": "db" }),
            "unexpected-argument",
            "tunnel",
        ),
        (
            "killConnections",
            json!({ "where": "age>1" , "tunnel": "x:y:z" }),
            "invalid-address",
            "tunnel",
        ),
    ] {
        let refused = call(method, params.clone()).await.expect_err(&params.to_string());
        let data = &refused["data"];
        assert_eq!(
            (&data["code"], &data["parameter"]),
            (&json!(code), &json!(parameter)),
            "{params}"
        );
    }
    let refused =
        call("listConnections", json!({ "where": "age>1s and idel>1s" })).await.unwrap_err();
    assert_eq!(refused["data"]["span"], json!([11, 15]));
    assert_eq!(refused["data"]["suggestion"], "idle");
    let gone = call("killConnections", json!({ "ids": ["7"] })).await.unwrap_err();
    assert_eq!(gone["data"]["code"], "connection-not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn plexyctl_shows_a_table_or_ids_and_kills_them() {
    let echo = Echo::start();
    let spec = format!("0={}[name=db]", echo.addr());
    let process = Process::start(PLEXYD, &[&spec, "--control-socket", "127.0.0.1:0"]).await;
    let endpoint = format!("unix:{}", process.rpc_socket().display());
    let ask =
        async |words: &[&str]| run(PLEXYCTL, &[&["--endpoint", &endpoint], words].concat()).await;
    let json = async |words: &[&str]| -> Value {
        serde_json::from_str(&ask(&[words, &["-o", "json"]].concat()).await.success()).unwrap()
    };
    assert_eq!(ask(&["conns"]).await.success(), "");
    let list = json(&["list"]).await;
    let tunnel = list["tunnel_list"][0]["listen"].as_str().unwrap().parse().unwrap();
    let mut clients = Vec::new();
    for bytes in [1, 2, 3] {
        clients.push(client(tunnel, &vec![0; bytes]).await);
    }
    eventually!(json(&["conns", "where", "bytes=6"]).await["matched"] == 1);

    let table = ask(&["conns", "db", "sort", "-bytes", "limit", "2"]).await;
    let note = table.errors();
    assert!(note.contains("shown 2 of 3"), "{note}");
    let table = table.success();
    let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let titles = "ID TUNNEL CLIENT BACKEND SNI PHASE AGE IDLE IN OUT IN/S OUT/S";
    assert_eq!(lines.next().unwrap().join(" "), titles);
    let first = lines.next().unwrap();
    assert_eq!((first[1], first[2]), ("db", addr(&clients[2]).as_str()));
    assert_eq!((first[4], first[5], first[8], first[9]), ("-", "relaying", "3", "3"));
    assert_eq!(lines.count(), 1);

    let ids = ask(&["-q", "conns", "where", "bytes < 6"]).await.success();
    let ids: Vec<_> = ids.lines().collect();
    assert_eq!(ids.len(), 2);
    let shown = json(&["conns", "where", "bytes=6"]).await;
    assert_eq!(
        (&shown["schema"], &shown["connections"][0]["id"]),
        (&json!("plexy.conns/1"), &json!(first[0]))
    );
    let killed = ask(&["kill", ids[0], "7"]).await;
    assert_eq!(killed.errors(), "gone before: 7\n");
    assert_eq!(killed.success(), "killed 1 connection\n");
    assert_eq!(Ending::of(&mut clients[0]).await.unwrap().1, Ending::Reset);
    let killed = json(&["kill", "db", "where", "bytes>=4"]).await;
    assert_eq!((&killed["schema"], &killed["killed"]), (&json!("plexy.kill/1"), &json!(2)));
    for (words, code) in [
        (&["kill", ids[0]][..], 3),
        (&["kill", "nosuch", "where", "age>1s"], 3),
        (&["kill"], 2),
        (&["kill", "db"], 2),
        (&["conns", "where", "idel>1s"], 2),
        (&["kill", "where", "age>1h"], 0),
    ] {
        assert_eq!(ask(words).await.status.code(), Some(code), "{words:?}");
    }
    let pointed = ask(&["conns", "where", "bytes>1", "and", "idel>1s"]).await.errors();
    let mut marked = pointed.lines().skip_while(|line| !line.contains("conns where"));
    let (line, mark) = (marked.next().unwrap(), marked.next().unwrap());
    assert_eq!(line.find("idel"), mark.find("^^^^"), "{pointed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn access_log_log_and_events_call_it_by_the_same_id_and_reason() {
    let echo = Echo::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let spec = format!("0={}[name=db]", echo.addr());
    let arguments = [
        &spec,
        "--control-socket",
        "127.0.0.1:0",
        "--access-log",
        "text",
        "--access-log-file",
        path,
    ];
    let process = Process::start(PLEXYD, &arguments).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    let status = line.ask("status full").await;
    let tunnel = status.lines().nth(1).unwrap().trim().split(' ').next().unwrap();
    let _client: Stream = client(tunnel.parse().unwrap(), b"hello").await;
    let shown = line.ask("conns").await;
    let id = shown.split_once("id=").unwrap().1.split(' ').next().unwrap().to_owned();

    line.ask(&format!("kill {id}")).await;

    let told = || fs::read_to_string(path).unwrap();
    eventually!(told().contains("reason=killed"), "{}", told());
    assert!(told().contains(&format!(" connection={id} tunnel=db ")), "{}", told());
    let event = line.ask("events 1").await;
    let expected = format!("connections-killed, 1 connection reset, ids {id}, by line 127.0.0.1:");
    assert!(event.contains(&expected), "{event}");
    // The audit.
    eventually!(process.says("connections killed"));
    let log = process.log();
    let audit = log.lines().find(|line| line.contains("connections killed")).unwrap();
    assert!(audit.contains(&id) && audit.contains("actor=line 127.0.0.1:"), "{audit}");
}
