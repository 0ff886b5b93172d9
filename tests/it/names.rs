//! Backends and listen addresses given by name.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use plexy_shared::error::Code;
use plexy_shared::info::BackendState;
use plexy_tests::backend::{BlackHole, Echo, Greeter};
use plexy_tests::daemon::Daemon;
use plexy_tests::dns::Dns;
use plexy_tests::eventually;
use plexy_tests::traffic::{Ending, round_trip};
use plexyd::NameServers;

use crate::client::{heard, is_reset};

const ONE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// No other test has a socket there: the ports that a test has of [`ONE`] are free.
const TWO: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 0, 4));

async fn start() -> (Dns, Daemon) {
    let dns = Dns::start().await;
    let servers = NameServers::One(dns.addr());
    let daemon = Daemon::start_with(|config| config.name_servers = servers).await;
    (dns, daemon)
}

async fn state(daemon: &Daemon, tunnel: SocketAddr, backend: &str) -> BackendState {
    daemon.backend(tunnel, backend).await.state.known().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_resolve_is_a_backend_that_is_down_until_it_does() {
    let (dns, daemon) = start().await;
    let echo = Echo::start();
    let backend = format!("db.test:{}", echo.addr().port());
    let tunnel = daemon.open(&backend).await;
    eventually!(dns.asked("db.test") > 0);
    eventually!({
        let cause = daemon.backend(tunnel, &backend).await.cause.unwrap_or_default();
        cause == "`db.test` has no address"
    });
    assert_eq!(state(&daemon, tunnel, &backend).await, BackendState::Unresolved);
    assert_eq!(daemon.status(tunnel).await.backends_up, 0);
    is_reset(tunnel).await;
    eventually!(daemon.ended(tunnel, "connect-failed").await == 1);

    dns.set("db.test", [ONE], 60);

    eventually!(state(&daemon, tunnel, &backend).await == BackendState::Up);
    round_trip(tunnel, 1_000).await.unwrap();
    assert_eq!(daemon.backend(tunnel, &backend).await.addresses, [echo.addr().to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_follow_a_name_to_its_new_address() {
    let (dns, daemon) = start().await;
    let old = Greeter::start("old");
    let port = old.addr().port();
    let _new = Greeter::at(SocketAddr::new(TWO, port), "new");
    dns.set("moving.test", [ONE], 0);
    let tunnel = daemon.open(&format!("moving.test:{port}")).await;
    eventually!(daemon.status(tunnel).await.backends_up == 1);
    assert_eq!(heard(tunnel).await, (b"old".to_vec(), Ending::Fin));

    dns.set("moving.test", [TWO], 0);

    eventually!(heard(tunnel).await.0 == b"new");
    assert_eq!(daemon.ended(tunnel, "connect-failed").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_attempt_goes_over_all_addresses_of_a_name() {
    let (dns, daemon) = start().await;
    let greeter = Greeter::start("hello");
    let backend = format!("many.test:{}", greeter.addr().port());
    dns.set("many.test", [TWO, ONE], 60);
    let tunnel = daemon.open(&format!("{backend}[retries=0]")).await;
    eventually!(daemon.status(tunnel).await.backends_up == 1);

    assert_eq!(heard(tunnel).await, (b"hello".to_vec(), Ending::Fin));

    assert_eq!(daemon.backend(tunnel, &backend).await.attempts_failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_swallows_leaves_time_for_the_next_one() {
    let (dns, daemon) = start().await;
    let greeter = Greeter::start("hello");
    let port = greeter.addr().port();
    let _hole = BlackHole::at(SocketAddr::new(TWO, port));
    dns.set("half.test", [TWO, ONE], 60);
    let options = "retries=0,connect-timeout=400ms";
    let tunnel = daemon.open(&format!("half.test:{port}[{options}]")).await;
    eventually!(daemon.status(tunnel).await.backends_up == 1);

    assert_eq!(heard(tunnel).await, (b"hello".to_vec(), Ending::Fin));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_ceases_to_exist_takes_its_backend_down() {
    let (dns, daemon) = start().await;
    let echo = Echo::start();
    let backend = format!("gone.test:{}", echo.addr().port());
    dns.set("gone.test", [ONE], 0);
    let tunnel = daemon.open(&backend).await;
    eventually!(state(&daemon, tunnel, &backend).await == BackendState::Up);

    dns.remove("gone.test");

    eventually!(state(&daemon, tunnel, &backend).await == BackendState::Unresolved);
    is_reset(tunnel).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_name_server_fails_the_known_addresses_hold() {
    let (dns, daemon) = start().await;
    let echo = Echo::start();
    let backend = format!("kept.test:{}", echo.addr().port());
    dns.set("kept.test", [ONE], 0);
    let tunnel = daemon.open(&backend).await;
    eventually!(state(&daemon, tunnel, &backend).await == BackendState::Up);

    dns.fail(true);

    // A second round of questions: the failure of the first has been taken in.
    let asked = dns.asked("kept.test");
    eventually!(dns.asked("kept.test") > asked);
    let round = dns.asked("kept.test");
    eventually!(dns.asked("kept.test") > round + 4);
    assert_eq!(state(&daemon, tunnel, &backend).await, BackendState::Up);
    round_trip(tunnel, 1_000).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_tunnels_want_to_know_is_asked_once() {
    let (dns, daemon) = start().await;
    let echo = Echo::start();
    dns.set("shared.test", [ONE], 60);
    let mut tunnels = Vec::new();
    for _ in 0..50 {
        tunnels.push(daemon.open(&format!("shared.test:{}", echo.addr().port())).await);
    }

    eventually!(daemon.statuses().iter().all(|status| status.backends_up == 1));

    assert!(dns.asked_ipv4("shared.test") <= 3, "{} questions", dns.asked_ipv4("shared.test"));
    for tunnel in tunnels.into_iter().step_by(10) {
        round_trip(tunnel, 100).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn localhost_is_known_without_asking() {
    let (dns, daemon) = start().await;
    let echo = Echo::start();
    let listen =
        daemon.try_open(&format!("localhost:0=localhost:{}", echo.addr().port())).await.unwrap();
    let tunnel: SocketAddr = listen.parse().unwrap();
    assert_eq!(tunnel.ip(), ONE);

    eventually!(daemon.status(tunnel).await.backends_up == 1);
    round_trip(tunnel, 1_000).await.unwrap();

    assert_eq!(dns.asked("localhost"), 0);
    let by_name = format!("localhost:{}", tunnel.port());
    assert_eq!(daemon.close(by_name).await.listen, listen, "they are one tunnel");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_listens_on_the_first_ipv4_address_of_a_name() {
    let (dns, daemon) = start().await;
    let echo = Echo::start();
    dns.set("in.test", ["::1".parse().unwrap(), TWO, ONE], 60);

    let listen = daemon.try_open(&format!("in.test:0={}", echo.addr())).await.unwrap();
    let tunnel: SocketAddr = listen.parse().unwrap();
    assert_eq!(tunnel.ip(), TWO);
    round_trip(tunnel, 1_000).await.unwrap();

    let refusal = daemon.try_open(&format!("other.test:0={}", echo.addr())).await.unwrap_err();
    assert_eq!(refusal.code, Code::NameNotResolved, "{refusal}");
}
