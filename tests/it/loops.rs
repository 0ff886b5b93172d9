//! A tunnel that leads back to itself: refused where it can be seen, and ended where it cannot.

use std::net::{SocketAddr, UdpSocket};

use plexy_shared::error::Code;
use plexy_tests::backend::Echo;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::stream::Target;
use plexy_tests::traffic::round_trip;

use crate::client::{heard, is_reset};

/// An address of this machine that is not a loopback one, where it has one. Nothing is sent.
fn outward_ip() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_to_itself_is_refused_in_every_spelling() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s").display().to_string();
    let daemon = Daemon::start().await;
    let port = Port::reserve().addr().port();
    let mut specs = vec![
        format!("{port}={port}"),
        format!("{port}=127.0.0.1:{port}"),
        format!("{port}=localhost:{port}"),
        format!("localhost:{port}={port}"),
        format!("127.0.0.1:{port}=[::ffff:127.0.0.1]:{port}"),
        format!("*:{port}={port}"),
        format!("*:{port}=127.0.0.2:{port}"),
        format!("*:{port}=[::1]:{port}"),
        format!("*:{port}=localhost:{port}"),
        format!("[::]:{port}=[::1]:{port}"),
        format!("[::1]:{port}=[::1]:{port}"),
        format!("0.0.0.0:{port}=127.0.0.1:{port}"),
        format!("{port}=10.0.0.1:80,127.0.0.1:{port}"),
        format!("unix:{socket}=unix:{socket}"),
    ];
    specs.extend(outward_ip().map(|ip| format!("*:{port}={ip}:{port}")));
    for spec in specs {
        let refusal = daemon.try_open(&spec).await.expect_err(&spec);
        assert_eq!(refusal.code, Code::OwnBackend, "{spec}: {refusal}");
    }
    assert!(daemon.statuses().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_port_of_another_address_is_no_loop() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let port = echo.addr().port();
    // No other test has a socket there, so that the port is free.
    let other = SocketAddr::from(([127, 77, 0, 3], port));

    daemon.try_open(&format!("{other}={}", echo.addr())).await.unwrap();

    round_trip(other, 1_000).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tunnels_that_lead_to_each_other_end_their_clients() {
    let ports = [Port::reserve(), Port::reserve()];
    let daemon = Daemon::start().await;
    let [a, b] = ports.each_ref().map(Port::addr);
    daemon.try_open(&format!("{a}={b}")).await.unwrap();
    daemon.try_open(&format!("{b}={a}")).await.unwrap();

    for _ in 0..2 {
        is_reset(a).await;
    }

    eventually!(daemon.connections() == 0);
    let total = daemon.status(a).await.traffic.connections_total
        + daemon.status(b).await.traffic.connections_total;
    assert!(total <= 2 * 16, "two clients became {total} connections");
    let limited = daemon.rejected(a).await + daemon.rejected(b).await;
    assert!(limited >= 2, "of two clients {limited} were refused at the end of their way");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_unix_tunnels_that_lead_to_each_other_end_their_clients() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    let daemon = Daemon::start().await;
    daemon.try_open(&format!("unix:{}=unix:{}", a.display(), b.display())).await.unwrap();
    daemon.try_open(&format!("unix:{}=unix:{}", b.display(), a.display())).await.unwrap();

    let (bytes, _) = heard(a.as_path()).await;

    assert!(bytes.is_empty());
    eventually!(daemon.connections() == 0);
    let totals = daemon.statuses().into_iter().map(|status| status.traffic.connections_total);
    assert!(totals.clone().sum::<u64>() <= 16, "{:?}", totals.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_tunnels_is_no_loop() {
    let echo = Echo::start();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let daemon = Daemon::start().await;
    let fourth = daemon.open(&echo.addr().to_string()).await;
    let third = format!("unix:{}={fourth}", socket.display());
    daemon.try_open(&third).await.unwrap();
    let second = daemon.open(&format!("unix:{}", socket.display())).await;
    let first = daemon.open(&second.to_string()).await;

    for _ in 0..3 {
        round_trip(first, 300_000).await.unwrap();
    }

    round_trip(Target::from(socket.as_path()), 1_000).await.unwrap();
    eventually!(daemon.connections() == 0);
    assert_eq!(daemon.status(fourth).await.traffic.bytes_in, 901_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_through_another_daemon_runs_out_and_recovers() {
    let echo = Echo::start();
    let ports = [Port::reserve(), Port::reserve()];
    let [a, b] = ports.each_ref().map(Port::addr);
    let few =
        async || Daemon::start_with(|config| config.descriptors_max = Some(280 + 1 + 12)).await;
    let (here, there) = (few().await, few().await);
    here.try_open(&format!("{a}={b}")).await.unwrap();
    there.try_open(&format!("{b}={a}")).await.unwrap();

    is_reset(a).await;

    eventually!(here.connections() == 0 && there.connections() == 0);
    there.close(b).await;
    there.try_open(&format!("{b}={}", echo.addr())).await.unwrap();
    round_trip(a, 10_000).await.unwrap();
}
