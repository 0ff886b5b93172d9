//! Certificates of clients, and the token beside them.

use plexy_tests::daemon::{HttpClient, LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::tool::Tool;
use serde_json::json;

use super::authority::{Authority, Validity};
use super::scene::{Scene, TOKEN, fails, token_file};
use crate::process::{PLEXYCTL, PLEXYD, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_a_client_says_who_makes_a_change() {
    let authority = Authority::new();
    let ca = authority.ca();
    let arguments = ["--rpc-tls-client-ca", &ca, "--control-socket", "127.0.0.1:0"];
    let scene = Scene::start_with(authority, "tls:127.0.0.1:0", &arguments).await;
    let ops = scene.authority.client("ops", Validity::Now);
    let opened = scene.ask_as(&ops, &["open", "0=127.0.0.1:9[name=db]"]).await;
    assert!(opened.success().contains("opened db"));
    let mut line = LineClient::connect(scene.process.control_addr()).await;
    let events = line.ask("events").await;
    assert!(events.contains("CN=ops`"), "{events}");
    let history = line.ask("history").await;
    assert!(history.contains("rpc 127.0.0.1:") && history.contains("CN=ops`"), "{history}");
    eventually!(scene.process.says("CN=ops`"), "{}", scene.process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_certificate_nobody_comes_in() {
    let authority = Authority::new();
    let ca = authority.ca();
    let scene =
        Scene::start_with(authority, "tls:127.0.0.1:0", &["--rpc-tls-client-ca", &ca]).await;
    fails(&scene.ask(&["ping"]).await, 5, &["plexyd wants a client certificate", "--cert FILE"]);
    eventually!(scene.handshakes("no-certificate").await == 1);

    let elsewhere = Authority::new();
    let stranger = elsewhere.client("stranger", Validity::Now);
    let output = scene.ask_as(&stranger, &["ping"]).await;
    fails(&output, 5, &["does not accept our certificate: no CA of its has signed it"]);
    let late = scene.authority.client("late", Validity::Past);
    let output = scene.ask_as(&late, &["ping"]).await;
    fails(&output, 5, &["does not accept our certificate: it has expired"]);
    // A certificate for servers is none for clients.
    let output = scene.ask_as(&scene.server, &["ping"]).await;
    fails(&output, 5, &["does not accept our certificate"]);
    eventually!(scene.handshakes("bad-certificate").await == 3);
    assert_eq!(scene.handshakes("success").await, 0);
    eventually!(scene.process.says("a TLS handshake has failed"), "{}", scene.process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_or_the_token_opens_a_door_beyond_loopback() {
    let Some(curl) = Tool::find("curl", "curl") else { return };
    let (authority, (_folder, token)) = (Authority::new(), token_file());
    let ca = authority.ca();
    let arguments =
        ["--token-file", &token, "--rpc-tls-client-ca", &ca, "--rpc-tls-client-auth", "request"];
    let scene = Scene::start_with(authority, "tls:0.0.0.0:0", &arguments).await;
    let ops = scene.authority.client("ops", Validity::Now);
    assert_eq!(scene.ask_as(&ops, &["ping"]).await.success(), "pong\n");
    assert_eq!(scene.ask(&["--token-file", &token, "ping"]).await.success(), "pong\n");
    fails(&scene.ask(&["ping"]).await, 5, &["plexyd wants a token"]);

    let bearer = format!("authorization: bearer {TOKEN}");
    let shown = ["--cert", &ops.cert, "--key", &ops.key];
    for (words, status) in [
        (&["-H", &bearer][..], "1.1 200"),
        (&shown, "1.1 200"),
        (&["-H", "authorization: bearer wrong-token"], "1.1 401"),
        (&[], "1.1 401"),
    ] {
        assert_eq!(scene.curl(&curl, words, "ping").await.0, status, "{words:?}");
    }
    // Who shows one that is no good is not asked for the token.
    let elsewhere = Authority::new();
    let stranger = elsewhere.client("stranger", Validity::Now);
    fails(
        &scene.ask_as(&stranger, &["--token-file", &token, "ping"]).await,
        5,
        &["our certificate"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn either_of_them_is_needed_beyond_loopback() {
    let authority = Authority::new();
    let (server, ca) = (authority.server(), authority.ca());
    let (_folder, token) = token_file();
    let socket = ["--rpc-socket", "tls:0.0.0.0:0"];
    let pair = ["--rpc-tls-cert", &server.cert, "--rpc-tls-key", &server.key];
    let arguments = |rest: &[&'static str]| [&socket[..], &pair, rest].concat();
    let mut process = Process::spawn(PLEXYD, &arguments(&[]));
    assert_eq!(process.ended().await.code(), Some(1));
    eventually!(process.says("it needs --token-file or --rpc-tls-client-ca"), "{}", process.log());
    let output = run(PLEXYD, &arguments(&["--check"])).await;
    fails(&output, 78, &["it needs --token-file or --rpc-tls-client-ca"]);
    for rest in [["--rpc-tls-client-ca", &ca], ["--token-file", &token]] {
        let process = Process::start(PLEXYD, &[&arguments(&[])[..], &rest].concat()).await;
        let told = "every user of this machine can control plexyd";
        assert!(!process.says(told), "{}", process.log());
    }
    let local = ["--rpc-socket", "tls:127.0.0.1:0"];
    let process = Process::start(PLEXYD, &[&local[..], &pair].concat()).await;
    eventually!(process.says("--token-file or --rpc-tls-client-ca closes it"), "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_the_certificate_are_hosts_of_the_daemon() {
    let Some(curl) = Tool::find("curl", "curl") else { return };
    let scene = Scene::start(&[]).await;
    for (host, status) in [
        ("localhost", "1.1 200"),
        ("PROXY.example:9998", "1.1 200"),
        ("evil.example", "1.1 403"),
        ("proxy.example.evil.example", "1.1 403"),
    ] {
        let header = format!("host: {host}");
        assert_eq!(scene.curl(&curl, &["-H", &header], "ping").await.0, status, "{host}");
    }
    let origin = ["-H", "origin: https://localhost"];
    assert_eq!(scene.curl(&curl, &origin, "ping").await.0, "1.1 403");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_over_tls_is_what_comes_over_the_unix_socket() {
    let Some(curl) = Tool::find("curl", "curl") else { return };
    let tunnels: Vec<_> = (0..300).map(|n| format!("0=127.0.0.1:9[name=t{n}]")).collect();
    let tunnels: Vec<_> = tunnels.iter().map(String::as_str).collect();
    let scene = Scene::start(&tunnels).await;
    let unix = HttpClient::Unix(scene.process.rpc_socket());
    // Many records of TLS, and not the same number of bytes each time.
    for method in ["rpc.discover", "export"] {
        let (status, body) = scene.curl(&curl, &[], method).await;
        assert_eq!(status, "1.1 200");
        assert_eq!(body["result"], unix.call(method, json!({})).await.unwrap(), "{method}");
    }
    let endpoint = format!("unix:{}", scene.process.rpc_socket().display());
    let local = run(PLEXYCTL, &["--endpoint", &endpoint, "-q", "list"]).await.success();
    assert_eq!(scene.ask(&["-q", "list"]).await.success(), local);
    assert_eq!(local.lines().count(), 300);
}
