//! Every byte arrives, once, in its place, and is counted.

use std::num::NonZeroUsize;
use std::time::Duration;

use plexy_tests::backend::{Backend, Echo, Exchanger};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::traffic::{Flow, exchange, round_trip};
use tokio::task::JoinSet;

/// The head of an exchange: three numbers.
const ORDER: u64 = 24;

async fn two_workers() -> Daemon {
    Daemon::start_with(|config| config.workers = NonZeroUsize::new(2).unwrap()).await
}

fn list<C>(backends: &[Backend<C>]) -> String
where
    C: plexy_tests::backend::Character,
{
    let addrs: Vec<_> = backends.iter().map(|backend| backend.addr().to_string()).collect();
    addrs.join(",")
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_carry_both_ways_at_once_and_every_byte_is_counted() {
    const CONNECTIONS: u64 = 16;
    let backends = [Exchanger::start(), Exchanger::start()];
    let daemon = two_workers().await;
    let tunnel = daemon.open(&list(&backends)).await;

    let mut clients = JoinSet::new();
    for seed in 0..CONNECTIONS {
        clients.spawn(exchange(tunnel, seed, 600_000 + seed, 400_000 + seed));
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap().unwrap();
    }

    eventually!(daemon.connections() == 0);
    let seeds: u64 = (0..CONNECTIONS).sum();
    let (up, down) = (CONNECTIONS * (600_000 + ORDER) + seeds, CONNECTIONS * 400_000 + seeds);
    let detail = daemon.detail(tunnel).await;
    let traffic = detail.status.traffic;
    assert_eq!((traffic.bytes_in, traffic.bytes_out), (up, down));
    assert_eq!(traffic.connections_total, CONNECTIONS);
    let sum = |of: fn(&plexy_shared::info::Traffic) -> u64| {
        detail.backend_list.iter().map(|backend| of(&backend.traffic)).sum::<u64>()
    };
    assert_eq!((sum(|it| it.bytes_in), sum(|it| it.bytes_out)), (up, down));
    assert_eq!(sum(|it| it.connections_total), CONNECTIONS);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_connection_and_one_of_a_single_byte_are_carried() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;

    round_trip(tunnel, 0).await.unwrap();
    round_trip(tunnel, 1).await.unwrap();

    eventually!(daemon.connections() == 0);
    let traffic = daemon.status(tunnel).await.traffic;
    assert_eq!((traffic.bytes_in, traffic.bytes_out, traffic.connections_total), (1, 1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_counted_while_they_move() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let flow = Flow::start(tunnel, 3).await.unwrap();
    eventually!(flow.bytes() > 500_000);

    let seen = flow.bytes();
    let live = async || daemon.status(tunnel).await.traffic;
    assert_eq!(live().await.connections, 1);
    // What has come back is counted a moment later.
    eventually!(
        live().await.bytes_in >= seen && live().await.bytes_out >= seen,
        "{:?} is less than {seen}",
        live().await
    );
    let of_backend = daemon.backend(tunnel, echo.addr()).await.traffic;
    assert!(of_backend.bytes_in >= seen, "{of_backend:?} is less than {seen}");

    let report = flow.stop().await;
    assert!(report.fault.is_none(), "{:?}", report.fault);
    eventually!(daemon.connections() == 0);
    let end = daemon.status(tunnel).await.traffic;
    assert_eq!((end.bytes_in, end.bytes_out), (report.bytes, report.bytes));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_of_a_tunnel_outlive_its_backends() {
    let backends = [Echo::start(), Echo::start()];
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&list(&backends)).await;
    for _ in 0..4 {
        round_trip(tunnel, 10_000).await.unwrap();
    }
    eventually!(daemon.connections() == 0);

    daemon.remove(tunnel, &backends[0].addr().to_string()).await.unwrap();

    let traffic = daemon.status(tunnel).await.traffic;
    assert_eq!(
        (traffic.bytes_in, traffic.bytes_out, traffic.connections_total),
        (40_000, 40_000, 4)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_a_removed_backend_still_count_while_its_connection_lives() {
    let backends = [Echo::start(), Echo::start()];
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&list(&backends)).await;
    let flow = Flow::start(tunnel, 5).await.unwrap();
    daemon.remove(tunnel, &backends[0].addr().to_string()).await.unwrap();
    let before = flow.bytes();
    eventually!(flow.bytes() > before + 100_000);

    let report = flow.stop().await;

    assert!(report.fault.is_none(), "{:?}", report.fault);
    eventually!(daemon.connections() == 0);
    assert_eq!(daemon.status(tunnel).await.traffic.bytes_in, report.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_total_ever_falls() {
    let echo = Echo::start();
    let daemon = two_workers().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let flow = Flow::paced(tunnel, 1, Duration::from_millis(1)).await.unwrap();
    let clients = tokio::spawn(async move {
        for _ in 0..150 {
            round_trip(tunnel, 5_000).await.unwrap();
        }
    });

    let mut before = daemon.status(tunnel).await.traffic;
    while !clients.is_finished() {
        let now = daemon.status(tunnel).await.traffic;
        assert!(
            now.bytes_in >= before.bytes_in
                && now.bytes_out >= before.bytes_out
                && now.connections_total >= before.connections_total,
            "{before:?} became {now:?}"
        );
        before = now;
    }

    clients.await.unwrap();
    let report = flow.stop().await;
    eventually!(daemon.connections() == 0);
    assert_eq!(daemon.status(tunnel).await.traffic.bytes_in, 750_000 + report.bytes);
}
