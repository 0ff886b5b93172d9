//! Every byte arrives, in its order, in both directions, and what is not taken stays with its sender.

use plexy_tests::backend::{Echo, Pace, SlowReader, Source};
use plexy_tests::certificate::{TlsClient, TlsClientOptions};
use plexy_tests::eventually;
use plexy_tests::traffic::{send, verify};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;

use super::{ONLY_1_2, ONLY_1_3, Scene};

const BYTES: u64 = 24 * 1024 * 1024;

/// Sends a pattern in random pieces to an echo, and checks all that comes back meanwhile.
pub(super) async fn round_trip(stream: impl AsyncRead + AsyncWrite + Unpin, seed: u64, bytes: u64) {
    let (mut reader, mut writer) = split(stream);
    let sending = async {
        send(&mut writer, seed, bytes).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let ((), checked) = tokio::join!(sending, verify(&mut reader, seed, bytes));
    checked.unwrap();
    assert_eq!(reader.read(&mut [0; 1]).await.unwrap(), 0, "a clean end");
}

#[tokio::test(flavor = "multi_thread")]
async fn much_goes_both_ways_as_it_does_on_the_plain_path() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let plain = scene.daemon.open(&echo.addr().to_string()).await;
    let secure = scene.open(&echo, "").await;
    for (seed, versions) in [(1, ONLY_1_3), (2, ONLY_1_2)] {
        let options = TlsClientOptions { versions, ..TlsClientOptions::of(&scene.authority) };
        let stream = TlsClient::with(&options).connect(secure, "a.example").await.unwrap();
        round_trip(stream, seed, BYTES).await;
        round_trip(TcpStream::connect(plain).await.unwrap(), seed, BYTES).await;
    }
    // Counted are the bytes that backends see, on either path.
    for tunnel in [secure, plain] {
        let traffic = scene.daemon.status(tunnel).await.traffic;
        assert_eq!((traffic.bytes_in, traffic.bytes_out), (2 * BYTES, 2 * BYTES));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_at_once_do_not_mix() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let client = scene.client();
    let trips = (0..24).map(|seed| {
        let client = client.clone();
        tokio::spawn(async move {
            let stream = client.connect(tunnel, "a.example").await.unwrap();
            round_trip(stream, seed, 256 * 1024 + seed * 1013).await;
        })
    });
    for trip in trips.collect::<Vec<_>>() {
        trip.await.unwrap();
    }
    eventually!(scene.daemon.ended(tunnel, "client-fin").await == 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_slows_its_backend_and_gets_all_in_the_end() {
    let bytes = 64 * 1024 * 1024;
    let (scene, source) = (Scene::start().await, Source::start(7, bytes));
    let tunnel = scene.open(&source, "").await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    let out = async || scene.daemon.status(tunnel).await.traffic.bytes_out;
    eventually!(out().await > 0);
    // It comes to a stand, far from the end: nothing here grows with what is not taken.
    let mut before = 0;
    eventually!({
        let now = out().await;
        let stands = now == before;
        before = now;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        stands
    });
    assert!(before < bytes / 2, "{before}");
    verify(&mut client, 7, bytes).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_reads_slowly_slows_its_client_and_gets_all() {
    let scene = Scene::start().await;
    let slow = SlowReader::start(Pace::PerSecond(4 * 1024 * 1024));
    let tunnel = scene.open(&slow, "").await;
    let mut client = scene.client().connect(tunnel, "a.example").await.unwrap();
    send(&mut client, 3, 2 * 1024 * 1024).await.unwrap();
    client.shutdown().await.unwrap();
    eventually!(scene.daemon.status(tunnel).await.traffic.bytes_in == 2 * 1024 * 1024);
    eventually!(scene.daemon.connections() == 0);
    assert_eq!(scene.daemon.ended(tunnel, "client-fin").await, 1);
}
