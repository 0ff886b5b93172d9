//! Checks follow every change of a tunnel, and leave nothing behind.

use std::fs;

use plexy_shared::event::EventKind;
use plexy_shared::info::CheckState;
use plexy_tests::backend::{Answerer, Echo, Reply};
use plexy_tests::daemon::{Daemon, LineClient, Process};
use plexy_tests::descriptors;
use plexy_tests::dns::Dns;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::traffic::round_trip;
use plexyd::{Actor, NameServers};
use rustix::process::Signal;

use super::{checked, count, says, told};
use crate::process::PLEXYD;

const OFTEN: &str = "check=tcp,check-interval=50ms";

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_is_checked_from_when_it_comes_until_it_is_removed() {
    let (first, second) = (Echo::start(), Answerer::start(Reply::End));
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[{OFTEN}]", first.addr())).await;

    daemon.add(tunnel, &second.addr().to_string()).await.unwrap();
    eventually!(says(&daemon, tunnel, second.addr(), CheckState::Up).await);
    daemon.remove(tunnel, &second.addr().to_string()).await.unwrap();
    let before = second.accepted();
    let first_before = first.accepted();
    eventually!(first.accepted() >= first_before + 5);
    // One may have been under way.
    assert!(second.accepted() <= before + 1);

    daemon.service().undo(1, &Actor::Args.into()).await.unwrap();
    eventually!(second.accepted() > before + 1);
    eventually!(says(&daemon, tunnel, second.addr(), CheckState::Up).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_hangs_ends_with_its_tunnel_and_gives_its_descriptor_back() {
    let daemon = Daemon::start().await;
    let hanging = Answerer::start(Reply::Silence);
    let left = async || {
        let scrape = daemon.monitor().get("/metrics").await.body;
        let line = scrape.lines().find_map(|it| it.strip_prefix("plexy_descriptors_left "));
        line.unwrap().parse::<u64>().unwrap()
    };
    let before = left().await;
    let options = "check=http,check-interval=50ms,check-timeout=1h";
    let closed = daemon.open(&format!("{}[{options}]", hanging.addr())).await;
    let other = daemon.open(&format!("{},127.0.0.1:9[{options}]", hanging.addr())).await;
    eventually!(hanging.live() == 2);
    assert!(left().await <= before - 4, "each tunnel has one, and so has each check");

    daemon.close(closed).await;
    eventually!(hanging.live() == 1);
    daemon.remove(other, &hanging.addr().to_string()).await.unwrap();
    eventually!(hanging.live() == 0);
    daemon.close(other).await;
    eventually!(left().await == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_ends_while_checks_hang() {
    let daemon = Daemon::start().await;
    let hanging = Answerer::start(Reply::Silence);
    let options = "check=http,check-interval=50ms,check-timeout=1h";
    daemon.open(&format!("{}[{options}]", hanging.addr())).await;
    eventually!(hanging.live() == 1);
    daemon.end(std::time::Duration::ZERO).await;
    eventually!(hanging.live() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reload_changes_holds_from_the_next_check_on() {
    let (manager, echo, port) =
        (Answerer::start(Reply::status(503)), Echo::start(), Port::reserve());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plexy.toml");
    let checks = format!("check=http,check-port={},check-interval=50ms", manager.addr().port());
    let write = |options: &str| {
        let spec = format!("{}={}[name=db,{options}]", port.addr(), echo.addr());
        fs::write(&path, format!("tunnels = ['{spec}']\ncontrol-socket = '127.0.0.1:0'\n"))
            .unwrap();
    };
    write("retries=1");
    let plexyd = Process::start(PLEXYD, &["--config", path.to_str().unwrap()]).await;
    let mut reloads = 0;
    let mut reload = async |options: &str| {
        write(options);
        plexyd.signal(Signal::HUP);
        reloads += 1;
        eventually!(plexyd.log().matches("config reloaded").count() == reloads, "{}", plexyd.log());
    };
    let mut line = LineClient::connect(plexyd.control_addr()).await;
    assert!(line.ask("detail db").await.contains(", check none, ejection no\n"));

    reload(&format!("{checks},check-path=/one")).await;
    eventually!(line.ask("detail db").await.contains(", check down 3/3 for "));
    assert!(manager.character().last_asked().starts_with("GET /one "));
    reload(&format!("{checks},check-path=/two")).await;
    eventually!(manager.character().last_asked().starts_with("GET /two "));
    assert!(line.ask("detail db").await.contains(" = down for "), "what is known stays");
    reload(&format!("{checks},check-path=/two,check-expect=503")).await;
    eventually!(line.ask("detail db").await.contains(" = up for "));
    reload(&format!("{checks},fall=1")).await;
    eventually!(line.ask("detail db").await.contains(", check down 1/1 for "));

    reload("retries=1").await;
    let detail = line.ask("detail db").await;
    assert!(detail.contains(" = up for ") && detail.contains(", check none"), "{detail}");
    assert!(line.ask("events 3").await.contains("checked no more"));
    round_trip(port.addr(), 100).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_resolve_is_not_checked_and_its_addresses_are_once_it_does() {
    let dns = Dns::start().await;
    let daemon =
        Daemon::start_with(|config| config.name_servers = NameServers::One(dns.addr())).await;
    let echo = Echo::start();
    let backend = format!("db.example:{}", echo.addr().port());
    let tunnel = daemon.open(&format!("{backend}[{OFTEN},fall=1]")).await;
    eventually!(count(&daemon, "local").await >= 2);
    let check = checked(&daemon, tunnel, &backend).await;
    assert_eq!((check.state.as_str(), check.failure), ("pending", None));
    assert_eq!(daemon.backend(tunnel, &backend).await.state.as_str(), "unresolved");

    // The first one is nobody's; a check goes on to the next, as a client's attempt does.
    let addresses = ["127.0.0.9", "127.0.0.1"].map(|it| it.parse().unwrap());
    dns.set("db.example", addresses, 60);
    eventually!(says(&daemon, tunnel, &backend, CheckState::Up).await);
    assert!(told(&daemon, EventKind::BackendDown).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_with_checks_leave_no_descriptor_behind() {
    let (echo, port) = (Echo::start(), Port::reserve());
    let daemon = Process::start(PLEXYD, &["--control-socket", "127.0.0.1:0"]).await;
    let mut line = LineClient::connect(daemon.control_addr()).await;
    assert_eq!(line.ask("status").await, "OK: Tunnels: 0\n");
    let before = descriptors::of(daemon.pid()).unwrap();
    for _ in 0..5 {
        let seen = echo.accepted();
        let opened = line.ask(&format!("open {}={}[{OFTEN}]", port.addr(), echo.addr())).await;
        assert_eq!(opened, "OK\n");
        eventually!(echo.accepted() >= seen + 2);
        assert_eq!(line.ask(&format!("close {}", port.addr())).await, "OK\n");
    }
    let now = || descriptors::of(daemon.pid()).unwrap();
    eventually!(now() == before, "{before} descriptors became {}", now());
}
