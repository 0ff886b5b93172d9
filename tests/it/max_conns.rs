//! `max-conns` is a limit on the connections of a tunnel at once.

use plexy_tests::backend::{BlackHole, Echo};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Flow, reset, round_trip};

use crate::client::is_reset;

#[tokio::test(flavor = "multi_thread")]
async fn the_client_beyond_the_limit_is_reset_until_one_leaves() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[max-conns=2,queue-timeout=0]", echo.addr())).await;
    let first = Flow::start(tunnel, 1).await.unwrap();
    let second = Flow::start(tunnel, 2).await.unwrap();

    for _ in 0..5 {
        is_reset(tunnel).await;
    }
    eventually!(daemon.rejected(tunnel).await == 5);
    let traffic = daemon.status(tunnel).await.traffic;
    assert_eq!((traffic.connections, traffic.connections_total), (2, 2));

    assert!(first.stop().await.fault.is_none());
    eventually!(daemon.connections() == 1);
    round_trip(tunnel, 10_000).await.unwrap();
    assert!(second.stop().await.fault.is_none());
    assert_eq!(echo.accepted(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_wait_for_their_backend_count() {
    let hole = BlackHole::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon
        .open(&format!("{}[max-conns=1,queue-timeout=0,connect-timeout=1m]", hole.addr()))
        .await;
    let _waiting = Stream::connect(tunnel).await.unwrap();
    eventually!(daemon.connections() == 1);

    is_reset(tunnel).await;
    eventually!(daemon.rejected(tunnel).await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_resets_while_it_waits_for_its_backend_makes_room() {
    let hole = BlackHole::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon
        .open(&format!("{}[max-conns=1,queue-timeout=0,connect-timeout=1m]", hole.addr()))
        .await;
    let waiting = Stream::connect(tunnel).await.unwrap();
    eventually!(daemon.connections() == 1);

    reset(waiting);

    eventually!(daemon.connections() == 0);
    eventually!(daemon.ended(tunnel, "client-reset").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_tunnel_has_its_own_limit() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let full = daemon.open(&format!("{}[max-conns=1,queue-timeout=0]", echo.addr())).await;
    let other = daemon.open(&format!("{}[max-conns=1,queue-timeout=0]", echo.addr())).await;
    let flow = Flow::start(full, 1).await.unwrap();

    round_trip(other, 1_000).await.unwrap();

    assert!(flow.stop().await.fault.is_none());
    assert_eq!(daemon.rejected(other).await, 0);
}
