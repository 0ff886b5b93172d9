//! `conn-rate`: new connections in a time.

use std::net::Ipv4Addr;

use futures_util::future::join_all;
use plexy_tests::backend::Greeter;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;

use super::{BANNER, from, rejected};

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_gets_as_many_in_as_a_second_may() {
    const CLIENTS: usize = 100;
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    // So slow that the burst does not last for another one.
    let tunnel = daemon.open(&format!("{}[conn-rate=600/m]", greeter.addr())).await;

    let answers = (0..CLIENTS).map(|_| from(Ipv4Addr::LOCALHOST, tunnel));
    let let_in: Vec<_> = join_all(answers).await.into_iter().flatten().collect();

    // Ten at once, and one for each tenth of a second that the burst took.
    assert!((10..60).contains(&let_in.len()), "{}", let_in.len());
    let refused = (CLIENTS - let_in.len()) as u64;
    eventually!(rejected(&daemon, tunnel, "limit").await == refused);
    let events = daemon.line().await.ask("events").await;
    assert!(events.contains("limit-reached"), "{events}");
    assert!(events.contains(": `conn-rate` is reached"), "{events}");
    // It comes back.
    eventually!(from(Ipv4Addr::LOCALHOST, tunnel).await.is_some());
}
