//! Clients that do not speak TLS, or not to the end.

use std::net::SocketAddr;

use plexy_tests::backend::Echo;
use plexy_tests::eventually;
use plexy_tests::eventually::in_time;
use plexy_tests::tool::Tool;
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

/// The same hello with so many bytes more, which mean nothing (RFC 7685), in as many records as it takes.
fn padded(hello: &[u8], bytes: u16) -> Vec<u8> {
    // Behind the headers of record and message stand the version, 32 random bytes and what has lengths.
    let body = &hello[9..];
    let session = 34;
    let suites = session + 1 + usize::from(body[session]);
    let compression =
        suites + 2 + usize::from(u16::from_be_bytes([body[suites], body[suites + 1]]));
    let extensions = compression + 1 + usize::from(body[compression]);
    let (before, list) = (&body[..extensions], &body[extensions + 2..]);
    let padding = [&[0, 21][..], &bytes.to_be_bytes(), &vec![0; bytes.into()]].concat();
    let length = list.len() + padding.len();
    // A list that is too long for its length is a lie, as is the message around it.
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let body = [before, &length, &padding, list].concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[1], &length[1..], &body].concat();
    let records = message.chunks(16 * 1024).map(|part| {
        let length = u16::try_from(part.len()).unwrap().to_be_bytes();
        [&[22, 3, 1], &length[..], part].concat()
    });
    records.collect::<Vec<_>>().concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_may_have_64_kib_and_not_more() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let mut client = TcpStream::connect(tunnel).await.unwrap();
    let hello = hello(&scene);
    client.write_all(&padded(&hello, 60_000)).await.unwrap();
    let mut answer = [0; 1];
    in_time("an answer", client.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, [22], "a record of the handshake");

    let heard = heard(tunnel, &padded(&hello, u16::MAX)).await.unwrap();
    // decode_error.
    assert_eq!(alert(&heard), Some(50), "{heard:?}");
    eventually!(scene.failures("protocol").await == 1);
    assert_eq!(echo.accepted(), 0);
    exchange(&mut scene.client().connect(tunnel, "a.example").await.unwrap(), b"lives").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_with_nothing_in_common_is_refused_for_that() {
    let Some(openssl) = Tool::find("openssl", "openssl") else { return };
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let connect = tunnel.to_string();
    let cases: [&[&str]; 4] = [
        // A key exchange without forward secrecy, one with RSA where the certificate is another one,
        // a group that nobody should speak, and a signature that the key cannot make.
        &["-tls1_2", "-cipher", "AES128-SHA"],
        &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"],
        &["-tls1_3", "-groups", "secp521r1"],
        &["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"],
    ];
    for (place, arguments) in cases.into_iter().enumerate() {
        let arguments = [&["s_client", "-brief", "-connect", &connect], arguments].concat();
        let output = openssl.run(arguments).output().await;
        // handshake_failure.
        assert!(output.errors().contains("SSL alert number 40"), "{output:?}");
        eventually!(scene.failures("parameters").await == place as u64 + 1);
    }
    assert_eq!(echo.accepted(), 0);
    exchange(&mut scene.client().connect(tunnel, "a.example").await.unwrap(), b"lives").await;
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
async fn who_asks_for_another_handshake_gets_none() {
    let Some(openssl) = Tool::find("openssl", "openssl") else { return };
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let connect = tunnel.to_string();
    let mut client = openssl.converse(["s_client", "-tls1_2", "-brief", "-connect", &connect]);
    client.send("hello").await;
    client.expect_line("hello").await;
    client.send("R").await;
    let output = client.ended().await;
    assert!(output.errors().contains("no renegotiation"), "{output:?}");
    eventually!(scene.daemon.connections() == 0);
    assert_eq!(scene.failures("protocol").await, 0);

    exchange(&mut scene.client().connect(tunnel, "a.example").await.unwrap(), b"lives").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_client_that_says_nothing_keeps_nobody_waiting() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let options = ",max-conns=2,queue-timeout=1m,tls-handshake-timeout=1h";
    let tunnel = scene.open(&echo, options).await;
    let parked = async || scene.daemon.detail(tunnel).await.parked;
    let connected = async || {
        let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
        exchange(&mut client, b"hello").await;
        client
    };
    let held = [connected().await, connected().await];
    let silent = TcpStream::connect(tunnel).await.unwrap();
    eventually!(parked().await == 1);
    let mut second = scene.client().connect(tunnel, "a.example").await.unwrap();
    eventually!(parked().await == 2);

    let [first, still] = held;
    drop(first);
    in_time("the turn of the second", exchange(&mut second, b"hello")).await;

    // The silent one waits on, and gets its turn when it speaks.
    assert_eq!(parked().await, 1);
    drop(still);
    let mut third = in_time("a seat beside it", connected()).await;
    exchange(&mut third, b"still").await;
    drop((second, third));
    let mut client = silent;
    client.write_all(&hello(&scene)).await.unwrap();
    let mut answer = [0; 1];
    in_time("an answer", client.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, [22], "a record of the handshake");
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
