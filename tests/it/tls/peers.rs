//! Who is behind TLS: versions, and the certificates that clients have shown, through every door.

use std::net::SocketAddr;

use plexy_shared::command::Request;
use plexy_shared::connection::ConnectionInfo;
use plexy_shared::spec::TlsVersion;
use plexy_tests::backend::Echo;
use plexy_tests::certificate::{Issued, TlsClient, TlsClientOptions};
use plexy_tests::daemon::{Daemon, HttpClient, LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::tool::Tool;
use rcgen::DnType;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{ONLY_1_2, ONLY_1_3, Scene, exchange};

const PLEXYD: &str = env!("CARGO_BIN_EXE_plexyd-under-test");
const PLEXYCTL: &str = env!("CARGO_BIN_EXE_plexyctl-under-test");

/// The options of a tunnel whose clients may show a certificate.
fn requesting(scene: &Scene) -> String {
    std::fs::write(scene.path("ca.pem"), scene.authority.pem()).unwrap();
    format!(",tls-client-ca={},tls-client-auth=request", scene.path("ca.pem"))
}

/// A client that shows this, and has heard its echo.
async fn client(
    scene: &Scene,
    tunnel: SocketAddr,
    certificate: Option<&Issued>,
) -> TlsStream<TcpStream> {
    let options = TlsClientOptions { certificate, ..TlsClientOptions::of(&scene.authority) };
    connected(&TlsClient::with(&options), tunnel).await
}

async fn connected(client: &TlsClient, tunnel: SocketAddr) -> TlsStream<TcpStream> {
    let mut stream = client.connect(tunnel, "a.example").await.unwrap();
    exchange(&mut stream, b"hello").await;
    stream
}

/// The connections that `conns` shows.
async fn conns(daemon: &Daemon, words: &str) -> Vec<ConnectionInfo> {
    let Ok(Some(Request::Conns(query))) = Request::parse(&format!("conns {words}")) else {
        panic!("{words}")
    };
    daemon.service().conns(&query).await.unwrap().connections
}

/// The digits that openssl shows for a certificate, without what stands between them.
async fn fingerprint(issued: &Issued) -> Option<(String, String)> {
    let openssl = Tool::find("openssl", "openssl")?;
    let told = openssl
        .run(["x509", "-noout", "-fingerprint", "-sha256"])
        .input(issued.certificate.clone())
        .output()
        .await
        .success();
    let shown = told.trim().split_once('=').unwrap().1.to_owned();
    let digits = shown.replace(':', "").to_lowercase();
    Some((shown, digits))
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_tell_who_is_behind_them_and_are_found_and_killed_by_that() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let (sensor, pump) = (scene.authority.issue(&["sensor 7"]), scene.authority.issue(&["pump"]));
    let Some((shown, digits)) = fingerprint(&pump).await else { return };
    let tunnel = scene.open(&echo, &requesting(&scene)).await;
    let plain = scene.daemon.open(&echo.addr().to_string()).await;
    let nobody = client(&scene, tunnel, None).await;
    let of_sensor = client(&scene, tunnel, Some(&sensor)).await;
    let mut of_pump = client(&scene, tunnel, Some(&pump)).await;
    let mut stream = TcpStream::connect(plain).await.unwrap();
    exchange(&mut stream, b"hello").await;

    let all = conns(&scene.daemon, "sort id").await;
    let subjects = all.iter().map(|row| row.subject.as_deref());
    let expected = [None, Some("CN=sensor 7"), Some("CN=pump"), None];
    assert_eq!(subjects.collect::<Vec<_>>(), expected);
    assert_eq!(all[2].fingerprint.as_ref(), Some(&digits));
    for row in &all[..3] {
        assert_eq!(row.tls, Some(TlsVersion::V13.into()));
        assert_eq!((row.tls_resumed, row.sni.as_deref()), (Some(false), Some("a.example")));
    }
    assert_eq!((&all[3].tls, all[3].tls_resumed, &all[3].fingerprint), (&None, None, &None));

    let places = async |words: &str| -> Vec<usize> {
        let rows = conns(&scene.daemon, words).await;
        let place = |row: &ConnectionInfo| all.iter().position(|it| it.id == row.id).unwrap();
        rows.iter().map(place).collect()
    };
    assert_eq!(places("where tls=1.3 sort id").await, [0, 1, 2]);
    assert_eq!(places("where tls!=1.3").await, [3]);
    assert_eq!(places("where tls=none").await, [3]);
    assert!(places("where tls=1.2").await.is_empty());
    assert_eq!(places("where subject=\"CN=sensor 7\"").await, [1]);
    assert_eq!(places("where subject=CN=* sort subject").await, [2, 1]);
    assert_eq!(places("where subject!=* sort id").await, [0, 3]);
    assert_eq!(places(&format!("where fingerprint={digits}")).await, [2]);
    assert_eq!(places(&format!("where fingerprint!={digits} sort id")).await, [0, 1, 3]);
    assert_eq!(places("sort tls").await, [3, 0, 1, 2]);
    assert_eq!(places("sort -fingerprint limit 2").await.len(), 2);

    let mut line = scene.daemon.line().await;
    let told = line.ask("conns where subject=CN=sensor*").await;
    let expected = " sni=a.example tls=1.3 tls_resumed=false subject=\"CN=sensor 7\" fingerprint=";
    assert!(told.contains(expected), "{told}");
    // As openssl writes it.
    let killed = line.ask(&format!("kill where fingerprint={shown}")).await;
    assert!(killed.starts_with("OK: killed 1"), "{killed}");
    assert!(of_pump.read_u8().await.is_err());
    eventually!(places("sort id").await == [0, 1, 3]);
    drop((nobody, of_sensor));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_on_with_a_ticket_is_who_it_was_before() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, &requesting(&scene)).await;
    let me = scene.authority.issue(&["me"]);
    for (versions, version) in [(ONLY_1_3, TlsVersion::V13), (ONLY_1_2, TlsVersion::V12)] {
        let certificate = Some(&me);
        let options =
            TlsClientOptions { versions, certificate, ..TlsClientOptions::of(&scene.authority) };
        let client = TlsClient::with(&options);
        let mut rows = Vec::new();
        for _ in 0..2 {
            let _stream = connected(&client, tunnel).await;
            rows.push(conns(&scene.daemon, &format!("where tls={version} sort -id limit 1")).await);
        }
        let [full, resumed] = &rows.concat()[..] else { panic!("{rows:?}") };
        assert_eq!((full.tls_resumed, resumed.tls_resumed), (Some(false), Some(true)), "{version}");
        assert_eq!(full.subject.as_deref(), Some("CN=me"));
        assert_eq!((&full.subject, &full.fingerprint), (&resumed.subject, &resumed.fingerprint));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_subject_stays_one_value_and_acts_on_nothing() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, &requesting(&scene)).await;
    let hostile = "a\", O=\"b\x1b[31m\r\nOK: x\u{202e}";
    let long = "x".repeat(3_000);
    let issue = |name: &str| {
        scene.authority.issue_with(&["x"], |params| {
            params.distinguished_name.push(DnType::CommonName, name);
        })
    };
    let _hostile = client(&scene, tunnel, Some(&issue(hostile))).await;
    let _long = client(&scene, tunnel, Some(&issue(&long))).await;

    let rows = conns(&scene.daemon, "sort id").await;
    let subject = r#"CN=a\"\, O=\"b\u{1b}[31m\u{d}\u{a}OK: x\u{202e}"#;
    assert_eq!(rows[0].subject.as_deref(), Some(subject));
    assert_eq!(rows[1].subject.as_ref().unwrap().chars().count(), 1_025);
    let told = scene.daemon.line().await.ask("conns sort id limit 1").await;
    assert_eq!(told.lines().count(), 2, "{told}");
    let quoted = r#" subject="CN=a\\\"\\, O=\\\"b\\u{1b}[31m\\u{d}\\u{a}OK: x\\u{202e}" "#;
    assert!(told.contains(quoted), "{told}");
    let found = conns(&scene.daemon, &format!("where subject={}", quoted[9..].trim())).await;
    assert_eq!(found.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rpc_and_plexyctl_tell_it_and_find_by_it() {
    let Some(sh) = Tool::find("sh", "dash") else { return };
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, &requesting(&scene)).await;
    let me = scene.authority.issue(&["me"]);
    let _me = client(&scene, tunnel, Some(&me)).await;
    let _nobody = client(&scene, tunnel, None).await;

    let query = json!({ "where": "subject=CN=me and tls=1.3", "sort": "-subject" });
    let reply = scene.daemon.rpc().call("listConnections", query).await.unwrap();
    assert_eq!(reply["matched"], 1);
    let row = &reply["connections"][0];
    assert_eq!(
        [&row["tls"], &row["tls_resumed"], &row["subject"]],
        [&json!("1.3"), &json!(false), &json!("CN=me")]
    );
    assert_eq!(row["fingerprint"].as_str().unwrap().len(), 64);

    let endpoint = match scene.daemon.rpc() {
        HttpClient::Tcp(addr) => format!("ws://{addr}"),
        HttpClient::Unix(path) => format!("unix:{}", path.display()),
    };
    let plexyctl = format!("{PLEXYCTL} --endpoint {endpoint} conns");
    let table = sh.run(["-c", &format!("{plexyctl} sort id")]).output().await.success();
    let ends: Vec<_> = table.lines().map(|line| line.rsplit("  ").next().unwrap()).collect();
    assert_eq!(ends, ["SUBJECT", "CN=me", "-"], "{table}");
    let document = sh.run(["-c", &format!("{plexyctl} -o json where subject!=*")]).output().await;
    let document: Value = serde_json::from_str(&document.success()).unwrap();
    assert_eq!(
        (&document["matched"], &document["connections"][0]["tls"]),
        (&json!(1), &json!("1.3"))
    );
    assert_eq!(document["connections"][0]["subject"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_tells_it_at_both_ends() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    scene.issue("a.pem", &["a.example"]);
    let file = scene.folder.path().join("access.log");
    let arguments = [
        "--control-socket",
        "127.0.0.1:0",
        "--access-log",
        "json",
        "--access-log-events",
        "both",
        "--access-log-file",
        file.to_str().unwrap(),
    ];
    let process = Process::start(PLEXYD, &arguments).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    let options = format!("tls-cert={}{}", scene.path("a.pem"), requesting(&scene));
    let answer = line.ask(&format!("open 0={}[{options}]", echo.addr())).await;
    let tunnel = answer.trim().strip_prefix("OK: ").unwrap().parse().unwrap();

    drop(client(&scene, tunnel, Some(&scene.authority.issue(&["me"]))).await);

    let lines = || std::fs::read_to_string(&file).unwrap();
    eventually!(lines().lines().count() == 2 && lines().ends_with('\n'));
    for told in lines().lines() {
        let told: Value = serde_json::from_str(told).unwrap();
        assert_eq!(
            [&told["sni"], &told["tls"], &told["tls_resumed"], &told["subject"]],
            [&json!("a.example"), &json!("1.3"), &json!(false), &json!("CN=me")]
        );
        assert_eq!(told["fingerprint"].as_str().unwrap().len(), 64);
    }
}
