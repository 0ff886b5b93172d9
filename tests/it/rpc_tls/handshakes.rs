//! Handshakes: what is agreed on, and what becomes of those that come to nothing.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use plexy_tests::eventually;
use plexy_tests::tool::Tool;
use rustix::process::Signal;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::scene::Scene;

/// The first message of a client.
fn hello() -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut hello = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut hello).unwrap();
    }
    hello
}

async fn connect(scene: &Scene) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, scene.port())).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// All that comes until a clean end.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("it ends without a reset");
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_may_come_byte_by_byte() {
    let scene = Scene::start(&[]).await;
    let mut stream = connect(&scene).await;
    for byte in hello() {
        stream.write_all(&[byte]).await.unwrap();
    }
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).await.unwrap();
    // A handshake record with a ServerHello in it (RFC 8446, sections 4 and 5.1).
    assert_eq!((answer[0], answer[5]), (22, 2));
    drop(stream);
    eventually!(scene.handshakes("closed").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_stop_in_the_middle_keep_nobody_out() {
    let mut scene = Scene::start(&[]).await;
    let hello = hello();
    let mut stopped = Vec::new();
    for _ in 0..150 {
        let mut stream = connect(&scene).await;
        stream.write_all(&hello[..hello.len() / 2]).await.unwrap();
        stopped.push(stream);
    }
    for _ in 0..5 {
        assert_eq!(scene.ask(&["ping"]).await.success(), "pong\n");
    }
    // 100 may be in, those that came last.
    eventually!(scene.handshakes("closed").await >= 50);
    assert_eq!(scene.handshakes("success").await, 5);
    // Nor do they keep the daemon from ending.
    scene.process.signal(Signal::TERM);
    assert!(scene.process.ended().await.success(), "{}", scene.process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_told_to_go() {
    let scene = Scene::start(&[]).await;
    let (silent, mut halted) = (connect(&scene).await, connect(&scene).await);
    halted.write_all(&hello()[..40]).await.unwrap();
    // Ten seconds are what they get.
    eventually!(within Duration::from_secs(40), scene.handshakes("timeout").await == 2);
    assert_eq!(rest(silent).await, b"");
    assert_eq!(rest(halted).await, b"");
    eventually!(scene.process.says("a TLS handshake has failed: it has taken 10 seconds"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tls_gets_an_alert_and_a_clean_end() {
    let scene = Scene::start(&[]).await;
    for garbage in [&[0_u8; 100_000][..], &[22, 3, 1, 0xff, 0xff], b"\x80\x2e\x01\x03\x01", b"\n"] {
        let mut stream = connect(&scene).await;
        // It may have heard enough before.
        stream.write_all(garbage).await.ok();
        stream.shutdown().await.ok();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer).await;
        let is_short = garbage.len() < 1_000;
        assert!(read.is_ok() || !is_short, "{read:?} after {garbage:?}");
        // An alert that is fatal (RFC 8446, sections 5.1 and 6), or nothing where it was no whole
        // record.
        if let [kind, _, _, _, _, level, _] = answer[..] {
            assert_eq!((kind, level), (21, 2), "{garbage:?}");
        } else {
            assert!(answer.is_empty() && is_short, "{answer:?}");
        }
    }
    eventually!(scene.handshakes("not-tls").await >= 2);
    assert_eq!(scene.ask(&["ping"]).await.success(), "pong\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn http_without_tls_is_told_that_it_is_wanted() {
    let Some(curl) = Tool::find("curl", "curl") else { return };
    let scene = Scene::start(&[]).await;
    let url = format!("http://localhost:{}/", scene.port());
    let output = curl.run(["-sS", "-i", "-d", "{}", &url]).output().await.success();
    assert!(output.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{output}");
    assert!(output.contains("Upgrade: TLS/1.2") && output.contains("https://"), "{output}");
    eventually!(scene.handshakes("not-tls").await == 1);

    // However much it has to say.
    let mut stream = connect(&scene).await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n")
        .await
        .unwrap();
    stream.write_all(&[b' '; 9_000]).await.unwrap();
    assert!(rest(stream).await.starts_with(b"HTTP/1.1 426 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_and_protocols_that_there_are_not_get_the_alert_for_that() {
    let Some(openssl) = Tool::find("openssl", "openssl") else { return };
    let scene = Scene::start(&[]).await;
    let (to, ca) = (format!("localhost:{}", scene.port()), scene.authority.ca());
    let client = async |arguments: &[&str]| {
        let fixed = ["s_client", "-connect", &to, "-CAfile", &ca, "-verify_return_error"];
        let output = openssl.run([&fixed, arguments].concat()).output().await;
        output.text() + &output.errors()
    };
    for (arguments, told) in [
        (&["-tls1_2"][..], "Protocol  : TLSv1.2"),
        (&["-tls1_3"], "New, TLSv1.3"),
        (&["-alpn", "h2,http/1.1"], "ALPN protocol: http/1.1"),
        (&["-alpn", "h2"], "no application protocol"),
        // OpenSSL names no signature algorithms then, which is what rustls stumbles over first.
        (&["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], "alert handshake failure"),
    ] {
        let text = client(arguments).await;
        assert!(text.contains(told), "{arguments:?}: {text}");
    }
    // The authority of somebody else: here the client says no.
    let other = super::authority::Authority::new();
    let fixed = ["s_client", "-connect", &to, "-verify_return_error", "-CAfile"];
    openssl.run([&fixed[..], &[&other.ca()]].concat()).output().await;
    eventually!(scene.handshakes("refused").await == 1);
    assert_eq!(scene.handshakes("failed").await, 2);
    let resumed = client(&["-tls1_2", "-reconnect"]).await;
    assert!(!resumed.contains("Reused"), "{resumed}");
}
