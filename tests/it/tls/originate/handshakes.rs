//! What is asked of a backend, shown to it, and gone on with.

use plexy_tests::backend::{Backend, Echo, Greeter, TlsServer};
use plexy_tests::certificate::{Authority, TlsServerOptions};
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use rustls::ProtocolVersion;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{HERE, Scene, server_showing};
use crate::client::{heard, is_reset};
use crate::tls::{ONLY_1_2, ONLY_1_3, exchange};

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_speaks_tls_with_its_backend_and_none_with_its_client() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let server = scene.server(echo.addr());
    let tunnel = scene.originate(server.addr(), "").await;

    exchange(&mut TcpStream::connect(tunnel).await.unwrap(), b"hello").await;

    let seen = &server.character().seen()[0];
    // An address is verified, and not asked for.
    assert_eq!((&seen.name, seen.version), (&None, Some(ProtocolVersion::TLSv1_3)));
    let series = "plexy_backend_tls_handshakes_total{version=\"1.3\",resumed=\"false\"";
    assert_eq!(scene.counted(series).await, 1);
    assert_eq!(scene.counted("plexy_tunnel_info{backend_tls=\"verified\"").await, 1);
    let tls = scene.daemon.detail(tunnel).await.backend_tls.unwrap();
    assert!(tls.verified && tls.certificate.is_none());
    let told = scene.daemon.line().await.ask(&format!("detail {tunnel}")).await;
    assert!(told.contains("\tbackend-tls verified\n"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_may_speak_it() {
    let (scene, greeter) = (Scene::start().await, Greeter::start("welcome"));
    let server = scene.server(greeter.addr());
    scene.issue("a.pem", &["a.example"]);
    let options = format!(",tls-cert={}", scene.path("a.pem"));
    let tunnel = scene.originate(server.addr(), &options).await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    let mut welcome = [0; 7];
    client.read_exact(&mut welcome).await.unwrap();
    assert_eq!(&welcome, b"welcome");
    exchange(&mut client, b"hello").await;
    client.shutdown().await.unwrap();
    assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0, "a clean end");
    eventually!(scene.daemon.ended(tunnel, "client-fin").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_is_asked_for_its_own_name_or_for_another_one() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let server = server_showing(&scene.authority.issue(&["localhost", "a.example"]), echo.addr());
    let port = server.addr().port();
    let own = scene.originate(format!("localhost:{port}"), "").await;
    let other = scene.originate(server.addr(), ",backend-sni=a.example").await;
    for (tunnel, name) in [(own, "localhost"), (other, "a.example")] {
        exchange(&mut TcpStream::connect(tunnel).await.unwrap(), b"hello").await;
        let seen = server.character().seen().pop().unwrap();
        assert_eq!(seen.name.as_deref(), Some(name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_is_verified_by_the_name_that_is_given() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let issued = scene.authority.issue(&["a.example"]);
    let path = scene.folder.path().join("s");
    let server = TlsServer::new(&TlsServerOptions::of(&issued), echo.addr());
    let server = Backend::unix(&path, server);
    let good = scene.originate(server.target(), ",backend-sni=a.example").await;
    let bad = scene.originate(server.target(), ",backend-sni=b.example").await;
    exchange(&mut TcpStream::connect(good).await.unwrap(), b"hello").await;
    is_reset(bad).await;
    assert_eq!(server.character().seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_asks_for_a_certificate_gets_ours() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let (issued, others) = (scene.authority.issue(HERE), Authority::new("others"));
    let ours = scene.issue("ours.pem", &["me"]);
    let theirs = others.issue(&["me"]).write(&scene.folder, "theirs.pem");
    for versions in [ONLY_1_2, ONLY_1_3] {
        let options = TlsServerOptions {
            clients: Some(&scene.authority),
            versions,
            ..TlsServerOptions::of(&issued)
        };
        let server = TlsServer::start(&options, echo.addr());
        let shows = format!(",backend-cert={}", scene.path("ours.pem"));
        let tunnel = scene.originate(server.addr(), &shows).await;
        exchange(&mut TcpStream::connect(tunnel).await.unwrap(), b"hello").await;
        assert_eq!(server.character().seen()[0].certificate, Some(ours.der()));
        let detail = scene.daemon.detail(tunnel).await;
        assert_eq!(detail.backend_tls.unwrap().certificate.unwrap().names, ["me"]);

        let none = scene.originate(server.addr(), "").await;
        let shows = format!(",backend-cert={}", theirs.display());
        let bad = scene.originate(server.addr(), &shows).await;
        for tunnel in [none, bad] {
            is_reset(tunnel).await;
            // In TLS 1.3 the server looks at it only when we are done: what comes then is no
            // failed attempt any more, and still a failure of TLS.
            let reason = if versions == ONLY_1_2 { "connect-failed" } else { "tls" };
            eventually!(scene.daemon.ended(tunnel, reason).await == 1, "{reason}");
            scene.daemon.close(tunnel).await;
        }
        assert_eq!(server.character().seen().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protocol_is_agreed_on_with_a_backend_that_takes_part() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let issued = scene.authority.issue(HERE);
    let asking = ",backend-alpn=h2,backend-alpn=http/1.1";
    for (alpn, agreed) in [(&["http/1.1"][..], Some(&b"http/1.1"[..])), (&[], None)] {
        let options = TlsServerOptions { alpn, ..TlsServerOptions::of(&issued) };
        let server = TlsServer::start(&options, echo.addr());
        let tunnel = scene.originate(server.addr(), asking).await;
        exchange(&mut TcpStream::connect(tunnel).await.unwrap(), b"hello").await;
        assert_eq!(server.character().seen()[0].protocol.as_deref(), agreed);
    }
    let options = TlsServerOptions { alpn: &["imap"], ..TlsServerOptions::of(&issued) };
    let server = TlsServer::start(&options, echo.addr());
    let tunnel = scene.originate(server.addr(), &format!("{asking},retries=0")).await;
    is_reset(tunnel).await;
    assert_eq!(scene.only_backend(tunnel).await.attempts_failed, 1);
    assert!(server.character().seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_goes_on_where_the_last_one_with_that_backend_was() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let issued = scene.authority.issue(HERE);
    scene.issue("ours.pem", &["me"]);
    for (version, versions) in [("1.2", ONLY_1_2), ("1.3", ONLY_1_3)] {
        let options = TlsServerOptions { versions, ..TlsServerOptions::of(&issued) };
        let (one, two) =
            (TlsServer::start(&options, echo.addr()), TlsServer::start(&options, echo.addr()));
        let backends = format!("{},{}", one.addr(), two.addr());
        let tunnel = scene.originate(backends, "").await;
        for _ in 0..4 {
            exchange(&mut TcpStream::connect(tunnel).await.unwrap(), b"hello").await;
        }
        for server in [&one, &two] {
            let seen = server.character().seen();
            let resumed: Vec<_> = seen.iter().map(|it| it.is_resumed).collect();
            assert_eq!(resumed, [false, true], "{version}");
        }
        let series =
            format!("plexy_backend_tls_handshakes_total{{version=\"{version}\",resumed=\"true\"");
        assert_eq!(scene.counted(&series).await, 1);

        // What is shown from now on is another certificate: nothing goes on from before.
        let line = format!("set {tunnel} backend-cert={}", scene.path("ours.pem"));
        let answer = scene.daemon.line().await.ask(&line).await;
        assert!(answer.starts_with("OK"), "{answer}");
        for _ in 0..2 {
            exchange(&mut TcpStream::connect(tunnel).await.unwrap(), b"hello").await;
        }
        assert!(!one.character().seen().pop().unwrap().is_resumed);
        scene.daemon.close(tunnel).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_verification_anybody_is_believed_and_everybody_told() {
    let (scene, greeter) = (Scene::start().await, Greeter::start("welcome"));
    let server = server_showing(&Authority::new("others").issue(&["other"]), greeter.addr());
    let rest = format!("{}[backend-tls,backend-verify=off]", server.addr());
    let tunnel = scene.daemon.open(&rest).await;
    assert_eq!(heard(tunnel).await.0, b"welcome");
    assert_eq!(server.character().seen()[0].name, None);
    assert!(!scene.daemon.detail(tunnel).await.backend_tls.unwrap().verified);
    let told = scene.daemon.line().await.ask(&format!("detail {tunnel}")).await;
    assert!(told.contains("\tbackend-tls NOT VERIFIED: "), "{told}");
    assert_eq!(scene.counted("plexy_tunnel_info{backend_tls=\"unverified\"").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_clients_ask_for_decides_and_then_tls_is_spoken() {
    let scene = Scene::start().await;
    let (named, other) = (Greeter::start("named"), Greeter::start("other"));
    let (first, second) = (scene.server(named.addr()), scene.server(other.addr()));
    scene.issue("all.pem", &["a.example", "c.example"]);
    let options = format!(",tls-cert={}", scene.path("all.pem"));
    let backends = format!("{}+sni=a.example,{}", first.addr(), second.addr());
    let tunnel = scene.originate(backends, &options).await;
    for (name, greeting) in [("a.example", b"named"), ("c.example", b"other")] {
        let mut client = scene.client().connect(tunnel, name).await.unwrap();
        let mut said = [0; 5];
        client.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, greeting, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_during_the_handshake_of_its_backend_holds_nothing() {
    let (scene, stalling) = (Scene::start().await, plexy_tests::backend::Recorder::start());
    let tunnel = scene.originate(stalling.addr(), ",connect-timeout=1h").await;
    let client = Stream::connect(tunnel).await.unwrap();
    eventually!(stalling.live() == 1);
    plexy_tests::traffic::reset(client);
    eventually!(stalling.live() == 0);
    eventually!(scene.daemon.ended(tunnel, "client-reset").await == 1);
    // Another one is told to end by whoever closes the tunnel.
    let _client = Stream::connect(tunnel).await.unwrap();
    eventually!(stalling.live() == 1);
    assert_eq!(scene.daemon.close(tunnel).await.live.ended, 1);
    eventually!(scene.daemon.connections() == 0);
}
