//! `max-duration`, and the user time-out of TCP.

use std::time::Duration;

use plexy_tests::backend::{Echo, Greeter};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::traffic::{Ending, Flow};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use socket2::SockRef;

use super::{BANNER, Scene, clients, greeted};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_when_it_is_too_old_whatever_it_does() {
    let (echo, greeter) = (Echo::start(), Greeter::start(BANNER));
    let daemon = Daemon::start().await;
    let busy = daemon.open(&format!("{}[max-duration=300ms]", echo.addr())).await;
    let silent = daemon.open(&format!("{}[max-duration=300ms]", greeter.addr())).await;
    let flow = Flow::start(busy, 1).await.unwrap();
    let mut client = clients(silent, 1).await.remove(0);
    greeted(&mut client).await;

    assert_eq!(Ending::of(&mut client).await.unwrap().1, Ending::Reset);

    eventually!(daemon.ended(silent, "max-duration").await == 1);
    eventually!(daemon.ended(busy, "max-duration").await == 1);
    let report = flow.stop().await;
    assert!(report.fault.is_some(), "it was cut: {report:?}");
    assert_eq!(daemon.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_holds_for_connections_that_live() {
    let greeter = Greeter::start(BANNER);
    let port = Port::reserve();
    // How often a silent connection is looked at follows from its time-outs.
    let spec = |max: &str| {
        let options = format!("name=web,idle-timeout=5m,keepalive=1s/1s/9,max-duration={max}");
        format!("{}={}[{options}]", port.addr(), greeter.addr())
    };
    let scene = Scene::with(&spec("2s")).await;
    let mut client = clients(port.addr(), 1).await.remove(0);
    greeted(&mut client).await;

    scene.reload(&spec("none")).await;
    let mut beside = clients(port.addr(), 1).await.remove(0);
    greeted(&mut beside).await;
    scene.reload(&spec("100ms")).await;

    for client in [&mut client, &mut beside] {
        assert_eq!(Ending::of(client).await.unwrap().1, Ending::Reset);
    }
    eventually!(scene.ask("detail web").await.contains("\n\tended max-duration = 2\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_age_that_is_set_holds_for_a_connection_that_nobody_would_look_at_soon() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[name=web]", greeter.addr())).await;
    let mut client = clients(tunnel, 1).await.remove(0);
    greeted(&mut client).await;

    let answer = daemon.line().await.ask("set web max-duration=50ms").await;

    assert_eq!(answer, "OK: changed\n\tmax-duration holds for live connections too\n");
    assert_eq!(Ending::of(&mut client).await.unwrap().1, Ending::Reset);
    eventually!(daemon.ended(tunnel, "max-duration").await == 1);
}

/// Sockets of this process with this user time-out.
fn sockets_with(timeout: Duration) -> usize {
    let this = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let fds = std::fs::read_dir("/proc/self/fd").unwrap();
    let fds = fds.filter_map(|fd| fd.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let copies = fds.filter_map(|fd| pidfd_getfd(&this, fd, PidfdGetfdFlags::empty()).ok());
    copies.filter(|fd| SockRef::from(fd).tcp_user_timeout().ok() == Some(Some(timeout))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_get_the_user_time_out() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[tcp-user-timeout=7777ms]", greeter.addr())).await;
    let mut client = clients(tunnel, 1).await.remove(0);
    greeted(&mut client).await;
    assert_eq!(sockets_with(Duration::from_millis(7_777)), 2);
}
