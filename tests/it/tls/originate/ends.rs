//! A `close_notify` of a backend is the end of its direction; a FIN without one is none.

use plexy_tests::backend::{Backend, Echo, Recorder, Resetter, Source, TlsServer};
use plexy_tests::certificate::TlsServerOptions;
use plexy_tests::eventually;
use plexy_tests::traffic::{Ending, reset, verify};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{HERE, Scene};
use crate::tls::{ONLY_1_2, ONLY_1_3, exchange};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_finished_sending_still_gets_the_reply() {
    let scene = Scene::start().await;
    let recorder = Backend::start(Recorder::new().replying(b"all of it"));
    let issued = scene.authority.issue(HERE);
    for versions in [ONLY_1_2, ONLY_1_3] {
        let options = TlsServerOptions { versions, ..TlsServerOptions::of(&issued) };
        let server = TlsServer::start(&options, recorder.addr());
        let tunnel = scene.originate(server.addr(), "").await;
        let mut client = TcpStream::connect(tunnel).await.unwrap();
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let (reply, ending) = Ending::of(&mut client).await.unwrap();
        assert_eq!((reply.as_slice(), ending), (b"all of it".as_slice(), Ending::Fin));
        assert_eq!(recorder.ended(1).await[0].bytes, b"question");
        eventually!(scene.daemon.ended(tunnel, "client-fin").await == 1);
    }
    assert_eq!(scene.backend_failures("truncated").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_has_finished_sending_still_gets_what_comes() {
    let (scene, source) = (Scene::start().await, Source::start(1, 100_000));
    let issued = scene.authority.issue(HERE);
    for versions in [ONLY_1_2, ONLY_1_3] {
        let options = TlsServerOptions { versions, ..TlsServerOptions::of(&issued) };
        let server = TlsServer::start(&options, source.addr());
        let tunnel = scene.originate(server.addr(), "").await;
        let mut client = TcpStream::connect(tunnel).await.unwrap();
        verify(&mut client, 1, 100_000).await.unwrap();
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
        client.write_all(b"still here").await.unwrap();
        client.shutdown().await.unwrap();
        eventually!(scene.daemon.ended(tunnel, "backend-fin").await == 1);
        assert_eq!(scene.daemon.status(tunnel).await.traffic.bytes_in, 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_on_both_sides_a_cut_of_either_is_no_end_for_the_other() {
    let scene = Scene::start().await;
    scene.issue("a.pem", &["a.example"]);
    let cert = format!(",tls-cert={}", scene.path("a.pem"));
    let breaking = Backend::start(Resetter::new().sending(b"half of it").reading(1));
    let server = scene.server(breaking.addr());
    let tunnel = scene.originate(server.addr(), &cert).await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    client.write_all(b"x").await.unwrap();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap_err();
    assert_eq!(heard, b"half of it");
    eventually!(scene.daemon.ended(tunnel, "tls").await == 1);
    assert_eq!(
        (scene.backend_failures("truncated").await, scene.failures("truncated").await),
        (1, 0)
    );

    let recorder = Recorder::start();
    let server = scene.server(recorder.addr());
    let tunnel = scene.originate(server.addr(), &cert).await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    client.write_all(b"half of it").await.unwrap();
    client.flush().await.unwrap();
    eventually!(recorder.records().first().is_some_and(|record| record.bytes.len() == 10));
    // Dropped it would be reset: it has not read its ticket.
    let (mut socket, _) = client.into_inner();
    socket.shutdown().await.unwrap();
    assert_eq!(recorder.ended(1).await[0].ending, Some(Ending::Reset));
    eventually!(scene.daemon.ended(tunnel, "tls").await == 1);
    assert_eq!(scene.failures("truncated").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fin_without_close_notify_reaches_the_client_as_a_reset_behind_what_came() {
    let scene = Scene::start().await;
    // Where the one behind it breaks, the server ends without a word.
    let breaking = Backend::start(Resetter::new().sending(b"half of it").reading(1));
    let server = scene.server(breaking.addr());
    let tunnel = scene.originate(server.addr(), "").await;
    let mut client = TcpStream::connect(tunnel).await.unwrap();
    let mut half = [0; 10];
    client.read_exact(&mut half).await.unwrap();
    assert_eq!(&half, b"half of it");

    client.write_all(b"x").await.unwrap();

    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));
    eventually!(scene.daemon.ended(tunnel, "tls").await == 1);
    assert_eq!(scene.backend_failures("truncated").await, 1);
    // It was no failed attempt: nothing after success counts.
    assert_eq!(scene.only_backend(tunnel).await.attempts_failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_of_the_backend_reaches_the_client_as_one() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let server = scene.server(echo.addr());
    let tunnel = scene.originate(server.addr(), "").await;
    let mut client = TcpStream::connect(tunnel).await.unwrap();
    exchange(&mut client, b"hello").await;
    server.kill().await;
    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));
    eventually!(scene.daemon.ended(tunnel, "backend-reset").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_of_the_client_is_no_clean_end_for_the_backend() {
    let (scene, recorder) = (Scene::start().await, Recorder::start());
    let server = scene.server(recorder.addr());
    let tunnel = scene.originate(server.addr(), "").await;
    let mut client = TcpStream::connect(tunnel).await.unwrap();
    client.write_all(b"half of it").await.unwrap();
    eventually!(scene.daemon.status(tunnel).await.traffic.bytes_in == 10);
    eventually!(recorder.records().first().is_some_and(|record| record.bytes.len() == 10));
    reset(client);
    eventually!(scene.daemon.ended(tunnel, "client-reset").await == 1);
    eventually!(server.live() == 0);
    assert_eq!(recorder.ended(1).await[0].ending, Some(Ending::Reset));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_ended_like_any_other() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let server = scene.server(echo.addr());
    let tunnel = scene.originate(server.addr(), ",idle-timeout=200ms").await;
    let mut client = TcpStream::connect(tunnel).await.unwrap();
    exchange(&mut client, b"hello").await;
    assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));
    eventually!(scene.daemon.ended(tunnel, "idle").await == 1);
}
