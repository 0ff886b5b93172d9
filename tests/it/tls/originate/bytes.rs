//! Every byte arrives in its order over each pair of sides, and what is not taken stays with its sender.

use plexy_tests::backend::{Echo, Pace, SlowReader, Source, TlsServer};
use plexy_tests::certificate::TlsServerOptions;
use plexy_tests::eventually;
use plexy_tests::traffic::{send, verify};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{HERE, Scene};
use crate::tls::bytes::round_trip;
use crate::tls::{ONLY_1_2, ONLY_1_3};

const BYTES: u64 = 16 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn much_goes_both_ways_with_tls_on_one_side_or_on_both() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let issued = scene.authority.issue(HERE);
    scene.issue("a.pem", &["a.example"]);
    let cert = format!(",tls-cert={}", scene.path("a.pem"));
    for (seed, versions) in [(1, ONLY_1_3), (2, ONLY_1_2)] {
        let options = TlsServerOptions { versions, ..TlsServerOptions::of(&issued) };
        let server = TlsServer::start(&options, echo.addr());
        let outward = scene.originate(server.addr(), "").await;
        round_trip(TcpStream::connect(outward).await.unwrap(), seed, BYTES).await;
        let both = scene.originate(server.addr(), &cert).await;
        let client = scene.client().connect(both, "a.example").await.unwrap();
        round_trip(client, seed, BYTES).await;
        for tunnel in [outward, both] {
            eventually!(scene.daemon.ended(tunnel, "client-fin").await == 1);
            let traffic = scene.daemon.status(tunnel).await.traffic;
            assert_eq!((traffic.bytes_in, traffic.bytes_out), (BYTES, BYTES));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_at_once_do_not_mix() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let server = scene.server(echo.addr());
    let tunnel = scene.originate(server.addr(), "").await;
    let trips = (0..24).map(|seed| {
        tokio::spawn(async move {
            let stream = TcpStream::connect(tunnel).await.unwrap();
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
    let server = scene.server(source.addr());
    let tunnel = scene.originate(server.addr(), "").await;
    let mut client = TcpStream::connect(tunnel).await.unwrap();
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
    let server = scene.server(slow.addr());
    let tunnel = scene.originate(server.addr(), "").await;
    let mut client = TcpStream::connect(tunnel).await.unwrap();
    send(&mut client, 3, 2 * 1024 * 1024).await.unwrap();
    client.shutdown().await.unwrap();
    eventually!(scene.daemon.status(tunnel).await.traffic.bytes_in == 2 * 1024 * 1024);
    eventually!(scene.daemon.connections() == 0);
    assert_eq!(scene.daemon.ended(tunnel, "client-fin").await, 1);
}
