//! Clients that do not speak TLS, or not to the end.

use std::net::SocketAddr;

use plexy_tests::backend::Echo;
use plexy_tests::eventually;
use plexy_tests::eventually::in_time;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Scene, exchange};

/// The first bytes of a client of TLS that asks for `a.example`.
fn hello(scene: &Scene) -> Vec<u8> {
    use rustls::{ClientConfig, ClientConnection, RootCertStore};
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into());
    let config = config.with_safe_default_protocol_versions().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates([scene.authority.issue(&["x"]).der()]);
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("a.example").unwrap();
    let mut client = ClientConnection::new(config.into(), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

/// What a client hears that sends this, until the end.
async fn heard(tunnel: SocketAddr, sent: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut client = TcpStream::connect(tunnel).await?;
    client.write_all(sent).await?;
    let mut heard = Vec::new();
    in_time("the end", client.read_to_end(&mut heard)).await?;
    Ok(heard)
}

/// A fatal alert in a record of its own.
fn alert(heard: &[u8]) -> Option<u8> {
    match heard {
        [21, 3, _, 0, 2, 2, description] => Some(*description),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tls_is_answered_with_an_alert_and_counted() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let http = heard(tunnel, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").await.unwrap();
    // decode_error (RFC 8446, section 6.2).
    assert_eq!(alert(&http), Some(50), "{http:?}");
    eventually!(scene.failures("not-tls").await == 1);
    // As much as it likes to send, and not one byte of it to the backend.
    let long = heard(tunnel, &[b'x'; 200_000]).await.unwrap();
    assert_eq!(alert(&long), Some(50), "{long:?}");
    eventually!(scene.daemon.ended(tunnel, "tls").await == 2);
    assert_eq!(echo.accepted(), 0);
    exchange(&mut scene.client().connect(tunnel, "a.example").await.unwrap(), b"lives").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_of_tls_1_1_is_refused_for_its_version() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    // Version 3.2, no session, one cipher suite, no compression, no extension.
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 47, 1, 0]);
    let heard = heard(tunnel, &hello).await.unwrap();
    // protocol_version.
    assert_eq!(alert(&heard), Some(70), "{heard:?}");
    eventually!(scene.failures("version").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_may_come_byte_by_byte() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let mut client = TcpStream::connect(tunnel).await.unwrap();
    client.set_nodelay(true).unwrap();
    for byte in hello(&scene) {
        client.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = [0; 1];
    in_time("an answer", client.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, [22], "a record of the handshake");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_or_stops_in_the_middle_is_reset_in_time() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, ",tls-handshake-timeout=300ms").await;
    let hello = hello(&scene);
    for sent in [&[][..], &hello[..3], &hello[..hello.len() / 2], &hello] {
        let before = scene.failures("timeout").await;
        // The last one gets the answer, and nothing more.
        heard(tunnel, sent).await.ok();
        eventually!(scene.failures("timeout").await == before + 1);
    }
    eventually!(scene.daemon.ended(tunnel, "tls").await == 4);
    assert_eq!(echo.accepted(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_the_middle_is_counted_as_that() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let mut client = TcpStream::connect(tunnel).await.unwrap();
    client.write_all(&hello(&scene)[..20]).await.unwrap();
    drop(client);
    eventually!(scene.failures("closed").await == 1);
    eventually!(scene.daemon.connections() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_refuses_the_certificate_is_counted_as_that() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let stranger = plexy_tests::certificate::Authority::new("stranger");
    let client = plexy_tests::certificate::TlsClient::new(&stranger);
    client.connect(tunnel, "a.example").await.unwrap_err();
    eventually!(scene.failures("alert").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_say_nothing_stand_in_nobodys_way() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, ",tls-handshake-timeout=1h").await;
    let half = hello(&scene);
    let mut held = Vec::new();
    for number in 0..200 {
        let mut client = TcpStream::connect(tunnel).await.unwrap();
        if number % 2 == 0 {
            client.write_all(&half[..100]).await.unwrap();
        }
        held.push(client);
    }
    eventually!(scene.daemon.connections() == 200);
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    exchange(&mut client, b"hello").await;
    // Those who are connected already notice nothing either, and a close ends them all at once.
    let closed = scene.daemon.close(tunnel).await;
    assert_eq!(closed.live.ended, 201);
    eventually!(scene.daemon.connections() == 0);
}
