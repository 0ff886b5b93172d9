//! Who may ask, over which socket, by which name, with which token.

use std::path::PathBuf;

use plexy_tests::daemon::{Daemon, HttpClient};
use serde_json::json;

const TOKEN: &str = "sesame-open-wide";

fn ping() -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string()
}

async fn with_token() -> (Daemon, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let file: PathBuf = home.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    (Daemon::start_with(|config| config.token_file = Some(file)).await, home)
}

async fn code(rpc: &HttpClient, headers: &[&str], body: &str) -> (u16, String) {
    let answer = rpc.post_with(headers, body).await;
    let code = answer.json()["error"]["data"]["code"].as_str().unwrap_or("ok").to_owned();
    (answer.status, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_is_refused_over_tcp_whatever_it_sends() {
    let daemon = Daemon::start().await;
    for origin in ["Origin: http://evil.example", "Origin: null", "Origin: http://localhost"] {
        let headers = ["Host: localhost", origin];
        let refused = (403, "forbidden".to_owned());
        assert_eq!(code(&daemon.rpc(), &headers, &ping()).await, refused, "{origin}");
        assert_eq!(code(&daemon.rpc(), &headers, &format!("[{}]", ping())).await, refused);
        let upgrade = [
            "Host: localhost",
            origin,
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ];
        assert_eq!(daemon.rpc().send("GET", "/", &upgrade, b"").await.status, 403, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_hosts_of_this_machine_are_answered_over_tcp() {
    let daemon =
        Daemon::start_with(|config| config.rpc_hosts = vec!["proxy.example".to_owned()]).await;
    for host in ["localhost", "localhost:1", "127.0.0.1:9", "[::1]:9", "Proxy.example:1"] {
        let headers = [format!("Host: {host}")];
        let answer = code(&daemon.rpc(), &[&headers[0]], &ping()).await;
        assert_eq!(answer, (200, "ok".to_owned()), "{host}");
    }
    for headers in [
        &["Host: evil.example"][..],
        &["Host: 127.0.0.1.evil.example"],
        &["Host: localhost", "Host: evil.example"],
        &["Host: "],
        &[],
    ] {
        let answer = daemon.rpc().post_with(headers, &ping()).await;
        assert!([400, 403].contains(&answer.status), "{headers:?}: {answer:?}");
    }
    // What stands in the first line counts more than the header.
    let headers = ["Host: localhost", "Content-Type: application/json"];
    for (uri, status) in [("http://evil.example/", 403), ("http://localhost:1/", 200)] {
        let answer = daemon.rpc().send("POST", uri, &headers, ping().as_bytes()).await;
        assert_eq!(answer.status, status, "{uri}: {answer:?}");
    }
    // A Unix socket has no name that could be stolen.
    assert_eq!(code(&daemon.rpc_unix(), &["Host: whatever"], &ping()).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_token_nothing_is_done_alone_or_in_a_batch() {
    let (daemon, _home) = with_token().await;
    let open =
        json!({"jsonrpc": "2.0", "id": 1, "method": "openTunnel", "params": {"spec": "0=1"}});
    for body in [open.to_string(), json!([open]).to_string()] {
        for header in [
            "X-None: 1",
            "Authorization: Bearer wrong-token-of-all",
            "Authorization: Bearer sesame-open-wid",
            "Authorization: Bearer sesame-open-wide!",
            "Authorization: Basic sesame-open-wide",
            "Authorization: Bearer",
        ] {
            let answer = daemon.rpc().post_with(&["Host: localhost", header], &body).await;
            assert_eq!(answer.status, 401, "{header}");
            assert_eq!(answer.json()["error"]["data"]["code"], "unauthorized");
            assert!(answer.head.to_lowercase().contains("www-authenticate: bearer"));
        }
    }
    assert!(daemon.statuses().is_empty());
    let header = format!("Authorization: bearer {TOKEN}");
    let answer = daemon.rpc().post_with(&["Host: localhost", &header], &open.to_string()).await;
    assert_eq!(answer.json()["result"]["result"], "opened");
    // Whoever can open the file of a Unix socket may.
    assert_eq!(daemon.rpc_unix().post(&ping()).await.json()["result"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_post_of_json_is_refused_by_status() {
    let daemon = Daemon::start().await;
    let rpc = daemon.rpc();
    let get = rpc.get("/").await;
    assert_eq!(get.status, 405);
    assert!(get.head.to_lowercase().contains("allow: post"), "{get:?}");
    let text = ["Host: localhost", "Content-Type: text/plain"];
    assert_eq!(rpc.send("POST", "/", &text, ping().as_bytes()).await.status, 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_lacks_something_is_told_what() {
    let daemon = Daemon::start().await;
    const UPGRADE: &str = "Upgrade: websocket";
    const VERSION: &str = "Sec-WebSocket-Version: 13";
    const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    for (headers, status) in [
        (&["Connection: upgrade", UPGRADE, "Sec-WebSocket-Version: 12", KEY][..], 426),
        (&["Connection: upgrade", UPGRADE, KEY], 426),
        (&["Connection: upgrade", UPGRADE, VERSION], 400),
    ] {
        let answer = daemon.rpc_unix().send("GET", "/", headers, b"").await;
        assert_eq!(answer.status, status, "{answer:?}");
        let tells_version = answer.head.to_lowercase().contains("sec-websocket-version: 13");
        assert_eq!(tells_version, status == 426, "{answer:?}");
    }
}
