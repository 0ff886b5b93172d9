//! A flood of handshakes: who is connected goes on, control answers, and each client of it gets its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use plexy_tests::backend::Echo;
use plexy_tests::eventually;
use plexy_tests::eventually::in_time;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{Scene, exchange};

/// Clients that begin a full handshake at once.
const CLIENTS: usize = 300;

/// Exchanges of each connection that stands, at least.
const EXCHANGES: usize = 50;

/// Goes on until the flood is over, and then for as long as it takes; how often it did.
async fn goes_on(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    is_over: Arc<AtomicBool>,
) -> usize {
    let mut exchanges = 0;
    while exchanges < EXCHANGES || !is_over.load(Ordering::Relaxed) {
        in_time("an exchange", exchange(&mut stream, b"still there")).await;
        exchanges += 1;
    }
    exchanges
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_handshakes_starves_neither_data_nor_control() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let (secure, plain) =
        (scene.open(&echo, "").await, scene.daemon.open(&echo.addr().to_string()).await);
    let client = scene.client();
    let mut old = client.connect(secure, "a.example").await.unwrap();
    exchange(&mut old, b"hello").await;
    let mut of_other = TcpStream::connect(plain).await.unwrap();
    exchange(&mut of_other, b"hello").await;
    let is_over = Arc::new(AtomicBool::new(false));
    let going = [
        tokio::spawn(goes_on(old, Arc::clone(&is_over))),
        tokio::spawn(goes_on(of_other, Arc::clone(&is_over))),
    ];

    // Each is a stranger, so that none goes on with a ticket of another.
    let flood = (0..CLIENTS).map(|_| {
        let client = scene.client();
        tokio::spawn(async move {
            let mut stream = client.connect(secure, "a.example").await.unwrap();
            exchange(&mut stream, b"let me in").await;
        })
    });
    let flood: Vec<_> = flood.collect();
    for _ in 0..10 {
        assert!(scene.daemon.line().await.ask("status").await.starts_with("OK: Tunnels: 2"));
    }
    for client in flood {
        client.await.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    for going in going {
        assert!(going.await.unwrap() >= EXCHANGES);
    }

    let full = "plexy_tls_handshakes_total{version=\"1.3\",resumed=\"false\"";
    assert_eq!(scene.counted(full).await, CLIENTS as u64 + 1);
    eventually!(scene.daemon.connections() == 0);
    assert_eq!(scene.failures("timeout").await, 0);
}
