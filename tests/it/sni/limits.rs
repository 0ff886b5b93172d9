//! Limits of tunnels that route by names: who is full is so for its own clients.

use std::net::SocketAddr;

use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::Ending;
use tokio::io::AsyncWriteExt;

use super::{answered, comes_to, greeters, hello, saying};

async fn parked(daemon: &Daemon, tunnel: SocketAddr) -> u64 {
    daemon.detail(tunnel).await.parked
}

async fn leave(mut client: Stream) {
    client.shutdown().await.unwrap();
    Ending::of(&mut client).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_a_name_whose_backend_is_full_wait_and_are_in_nobodys_way() {
    let [a, b] = greeters();
    let daemon = Daemon::start().await;
    let of = |name: &str, addr| format!("{addr}+sni={name}.example+max-conns=1");
    let backends = format!("{},{}", of("one", a.addr()), of("two", b.addr()));
    let tunnel = daemon.open(&format!("{backends}[queue-timeout=1m]")).await;
    let (one, two) = (hello(Some("one.example")), hello(Some("two.example")));
    let first = comes_to(tunnel, Some("one.example"), "a").await;
    let mut waiting = saying(tunnel, &one).await;
    eventually!(parked(&daemon, tunnel).await == 1);

    let other = comes_to(tunnel, Some("two.example"), "b").await;
    // One of each waits now, and each for its own.
    let mut after = saying(tunnel, &two).await;
    eventually!(parked(&daemon, tunnel).await == 2);
    leave(other).await;
    answered(&mut after, "b", &two).await;
    assert_eq!(parked(&daemon, tunnel).await, 1);
    leave(first).await;
    answered(&mut waiting, "a", &one).await;
    assert_eq!(parked(&daemon, tunnel).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_parked_before_it_has_told_its_name_goes_on_by_it() {
    let [a, b] = greeters();
    let daemon = Daemon::start().await;
    let backends = format!("{}+sni=one.example,{}+sni=two.example", a.addr(), b.addr());
    let tunnel = daemon.open(&format!("{backends}[max-conns=1,queue-timeout=1m]")).await;
    let two = hello(Some("two.example"));
    let first = comes_to(tunnel, Some("one.example"), "a").await;
    let mut client = saying(tunnel, &two[..30]).await;
    eventually!(parked(&daemon, tunnel).await == 1);
    client.write_all(&two[30..]).await.unwrap();

    leave(first).await;

    answered(&mut client, "b", &two).await;
    let status = daemon.status(tunnel).await;
    assert_eq!((status.traffic.connections, status.traffic.connections_total), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_parked_and_tells_no_name_holds_up_nobody() {
    let [a] = greeters();
    let daemon = Daemon::start().await;
    let rest = format!("{}+sni=one.example[max-conns=2,queue-timeout=1m]", a.addr());
    let tunnel = daemon.open(&rest).await;
    let one = hello(Some("one.example"));
    let first = comes_to(tunnel, Some("one.example"), "a").await;
    let second = comes_to(tunnel, Some("one.example"), "a").await;
    let _silent = Stream::connect(tunnel).await.unwrap();
    eventually!(parked(&daemon, tunnel).await == 1);
    let mut behind = saying(tunnel, &one).await;
    eventually!(parked(&daemon, tunnel).await == 2);

    leave(first).await;

    answered(&mut behind, "a", &one).await;
    assert_eq!(parked(&daemon, tunnel).await, 1, "the silent one waits still");
    leave(second).await;
    comes_to(tunnel, Some("one.example"), "a").await;
}
