//! A `close_notify` is the end of a direction, both ways; a FIN without one is none.

use plexy_tests::backend::{Backend, Echo, Record, Recorder, Resetter, Source};
use plexy_tests::eventually;
use plexy_tests::traffic::{Ending, reset, verify};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Scene, exchange};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_finished_sending_still_gets_the_reply() {
    let scene = Scene::start().await;
    let recorder = Backend::start(Recorder::new().replying(b"all of it"));
    let tunnel = scene.open(&recorder, "").await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    let (reply, ending) = Ending::of(&mut client).await.unwrap();
    assert_eq!((reply.as_slice(), ending), (b"all of it".as_slice(), Ending::Fin));
    assert_eq!(recorder.ended(1).await[0].bytes, b"question");
    eventually!(scene.daemon.ended(tunnel, "client-fin").await == 1);
    assert_eq!(scene.failures("truncated").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_has_finished_sending_still_gets_what_comes() {
    let (scene, source) = (Scene::start().await, Source::start(1, 100_000));
    let tunnel = scene.open(&source, "").await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    verify(&mut client, 1, 100_000).await.unwrap();
    // The end comes as close_notify: rustls takes a bare FIN for an error.
    assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
    client.write_all(b"still here").await.unwrap();
    client.shutdown().await.unwrap();
    eventually!(scene.daemon.ended(tunnel, "backend-fin").await == 1);
    assert_eq!(scene.daemon.status(tunnel).await.traffic.bytes_in, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fin_without_close_notify_reaches_the_backend_as_a_reset() {
    let (scene, recorder) = (Scene::start().await, Recorder::start());
    let tunnel = scene.open(&recorder, "").await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    client.write_all(b"half of it").await.unwrap();
    client.flush().await.unwrap();
    eventually!(scene.daemon.status(tunnel).await.traffic.bytes_in == 10);

    // Dropped it would be reset: it has not read its ticket.
    let (mut socket, _) = client.into_inner();
    socket.shutdown().await.unwrap();

    let Record { bytes, ending, .. } = recorder.ended(1).await.remove(0);
    assert_eq!((bytes.as_slice(), ending), (b"half of it".as_slice(), Some(Ending::Reset)));
    eventually!(scene.daemon.ended(tunnel, "tls").await == 1);
    assert_eq!(scene.failures("truncated").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_of_the_client_reaches_the_backend_as_one() {
    let (scene, recorder) = (Scene::start().await, Recorder::start());
    let tunnel = scene.open(&recorder, "").await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    client.write_all(b"half of it").await.unwrap();
    client.flush().await.unwrap();
    eventually!(scene.daemon.status(tunnel).await.traffic.bytes_in == 10);
    reset(client.into_inner().0);
    assert_eq!(recorder.ended(1).await[0].ending, Some(Ending::Reset));
    eventually!(scene.daemon.ended(tunnel, "client-reset").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_of_the_backend_is_no_clean_end_for_the_client() {
    let (scene, resetter) = (Scene::start().await, Backend::start(Resetter::new().reading(1)));
    let tunnel = scene.open(&resetter, "").await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    client.write_all(b"x").await.ok();
    let ended = client.read_to_end(&mut Vec::new()).await;
    assert!(ended.is_err(), "{ended:?}");
    eventually!(scene.daemon.ended(tunnel, "backend-reset").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_on_the_way_breaks_the_connection() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    exchange(&mut client, b"hello").await;
    let (mut socket, _) = client.into_inner();
    // A record of application data that nobody has encrypted.
    socket
        .write_all(&[
            23, 3, 3, 0, 20, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
        ])
        .await
        .unwrap();
    socket.read_to_end(&mut Vec::new()).await.ok();
    eventually!(scene.daemon.ended(tunnel, "tls").await == 1);
    assert_eq!(scene.failures("protocol").await, 1);
}
