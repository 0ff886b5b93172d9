//! How answers are written: for people, for scripts, for programs.

use plexy_tests::backend::Echo;
use plexy_tests::daemon::{Daemon, LineClient};
use serde_json::{Value, json};

/// Sends one line and reads the one line that answers it, which must be JSON.
async fn ask(client: &mut LineClient, line: &str) -> Value {
    client.send(format!("{line}\n").as_bytes()).await;
    let answer = client.next_line().await.expect("an answer");
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{answer:?}: {error}"))
}

async fn json_session(daemon: &Daemon) -> LineClient {
    let mut client = LineClient::connect_text(daemon.control_addr()).await;
    assert_eq!(ask(&mut client, "mode json").await, json!({"ok": true}));
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_a_script_ends_with_a_dot() {
    let daemon = Daemon::start().await;
    let mut client = LineClient::connect_text(daemon.control_addr()).await;
    client.send(b"mode script\nstatus full\n\n# nothing\nnonsense\nexit\n").await;
    assert_eq!(
        client.finish().await,
        "OK\n.\nOK: Tunnels: 0\n.\nERROR: unknown verb `nonsense` at column 1; `help` lists the verbs\n.\nOK\n.\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn text_comes_back_with_mode_text() {
    let daemon = Daemon::start().await;
    let mut client = LineClient::connect_text(daemon.control_addr()).await;
    client.send(b"mode json\nping\nMODE TEXT\nping\nexit\n").await;
    let expected = "{\"ok\":true}\n{\"ok\":true,\"result\":\"pong\"}\nOK\nOK: pong\n\n";
    assert_eq!(client.finish().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_tells_programs_what_it_did() {
    let backend = Echo::start();
    let daemon = Daemon::start().await;
    let mut client = json_session(&daemon).await;

    let opened = ask(&mut client, &format!("open 0={}[name=db]", backend.addr())).await;
    assert_eq!((&opened["ok"], &opened["result"]["result"]), (&json!(true), &json!("opened")));
    let listen = opened["result"]["listen"].as_str().unwrap().to_owned();
    let again = ask(&mut client, &format!("open {listen}={}[name=db]", backend.addr())).await;
    assert_eq!(again["result"]["result"], "unchanged");
    assert_eq!(again["result"]["revision"], opened["result"]["revision"]);

    let added = ask(&mut client, "add db 127.0.0.1:9").await;
    assert_eq!(added["result"]["backend"], "127.0.0.1:9");
    assert!(added["result"]["revision"].as_u64() > opened["result"]["revision"].as_u64());
    let removed = ask(&mut client, "remove db 127.0.0.1:9").await;
    assert_eq!(removed["result"]["kept"], 0);

    let clients = [listen.parse::<std::net::SocketAddr>().unwrap(); 3];
    let mut held = Vec::new();
    for addr in clients {
        held.push(plexy_tests::traffic::Flow::start(addr, 1).await.unwrap());
    }
    let closed = ask(&mut client, "close db").await;
    assert_eq!(
        (&closed["result"]["ended"], &closed["result"]["listen"]),
        (&json!(3), &json!(listen))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_detail_are_data_for_programs() {
    let backend = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[name=db,retries=7]", backend.addr())).await;
    plexy_tests::traffic::round_trip(tunnel, 1_000).await.unwrap();
    plexy_tests::eventually!(daemon.status(tunnel).await.traffic.connections == 0);
    let mut client = json_session(&daemon).await;

    assert_eq!(
        ask(&mut client, "status").await,
        json!({"ok": true, "result": {"revision": 1, "tunnels": 1}})
    );
    let row = &ask(&mut client, "status full").await["result"]["tunnel_list"][0];
    let expected = json!({
        "listen": tunnel.to_string(), "name": "db", "backends": 1, "backends_up": 1,
        "connections": 0, "connections_total": 1, "bytes_in": 1_000, "bytes_out": 1_000,
    });
    assert_eq!(row, &expected);

    let detail = ask(&mut client, "detail db").await;
    let options = detail["result"]["options"].as_array().unwrap();
    assert!(options.contains(&json!({"key": "retries", "value": "7"})), "{options:?}");
    let backend_row = &detail["result"]["backend_list"][0];
    assert_eq!(
        (&backend_row["addr"], &backend_row["state"]),
        (&json!(backend.addr().to_string()), &json!("up"))
    );
    assert_eq!(ask(&mut client, "version").await["result"]["pid"], std::process::id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_has_a_code_a_place_and_a_suggestion_for_programs() {
    let daemon = Daemon::start().await;
    let mut client = json_session(&daemon).await;
    let cases = [
        ("opne 1=2", "unknown-verb", json!([0, 4]), json!("open")),
        ("open 3000=4000[stratgy=x]", "unknown-option", json!([15, 22]), json!("strategy")),
        ("open 3000=4000[strategy=randm]", "invalid-value", json!([24, 29]), json!("random")),
        ("open 3000=4000[retries=1000]", "out-of-range", json!([23, 27]), Value::Null),
        ("open 3000", "invalid-syntax", json!([9, 9]), Value::Null),
        ("open 70000=1", "invalid-address", json!([5, 10]), Value::Null),
        ("open 1=2[name=a,name=b]", "repeated", json!([16, 20]), Value::Null),
        ("ping x", "unexpected-argument", json!([5, 6]), Value::Null),
        ("close", "missing-argument", json!([5, 5]), Value::Null),
        ("close nobody", "tunnel-not-found", Value::Null, Value::Null),
    ];
    for (line, code, span, suggestion) in cases {
        let answer = ask(&mut client, line).await;
        assert_eq!(answer["ok"], json!(false), "{line}: {answer}");
        let error = &answer["error"];
        assert_eq!(error["code"], code, "{line}: {answer}");
        assert_eq!(error["span"], span, "{line}: {answer}");
        assert_eq!(error["suggestion"], suggestion, "{line}: {answer}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{line}: {answer}");
    }
    client.send(b"x\xff\xf1\x80\n").await;
    assert!(client.next_line().await.unwrap().contains(r#""code":"not-utf8""#));
    client.send(format!("{}\n", "x".repeat(70_000)).as_bytes()).await;
    assert!(client.next_line().await.unwrap().contains(r#""code":"line-too-long""#));
}
