//! Clients that are parked while `max-conns` is reached.

use std::time::Duration;

use plexy_shared::spec::LiveAction;
use plexy_tests::backend::{Backend, Echo, Greeter, Record, Recorder};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, reset, round_trip};
use tokio::io::AsyncWriteExt;

use super::{BANNER, Scene, clients, greeted, leave, parked, rejected};
use crate::client::is_reset;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_parked_goes_on_in_the_order_of_coming() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[max-conns=3,queue-timeout=1m]", greeter.addr())).await;
    let mut held = clients(tunnel, 3).await;
    for client in &mut held {
        greeted(client).await;
    }
    let mut waiting = clients(tunnel, 3).await;
    eventually!(parked(&daemon, tunnel).await == 3);
    let traffic = daemon.status(tunnel).await.traffic;
    assert_eq!((traffic.connections, traffic.connections_total), (3, 3));
    is_reset(tunnel).await;
    assert_eq!(rejected(&daemon, tunnel, "limit").await, 1);

    for (left, (first, next)) in held.into_iter().zip(&mut waiting).enumerate() {
        leave(first).await;
        // Whoever else went on in its place would leave it without a banner.
        greeted(next).await;
        eventually!(parked(&daemon, tunnel).await == 2 - left as u64);
        assert!(greeter.live() <= 3);
    }
    drop(waiting);
    eventually!(daemon.connections() == 0);
    assert_eq!(greeter.accepted(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_who_are_parked_go_on_when_others_leave() {
    const MAX: usize = 200;
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let rest = format!("{}[max-conns={MAX},queue-timeout=1m]", greeter.addr());
    let tunnel = daemon.open(&rest).await;
    let mut held = clients(tunnel, MAX).await;
    for client in &mut held {
        greeted(client).await;
    }
    let mut waiting = clients(tunnel, MAX).await;
    eventually!(parked(&daemon, tunnel).await == MAX as u64);

    held.into_iter().for_each(reset);

    for client in &mut waiting {
        greeted(client).await;
    }
    assert_eq!(parked(&daemon, tunnel).await, 0);
    drop(waiting);
    eventually!(daemon.connections() == 0);
    assert_eq!(daemon.detail(tunnel).await.status.traffic.connections, 0);
    assert_eq!(daemon.rejected(tunnel).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_takes_no_turn_of_a_backend_until_it_goes_on() {
    const MAX: usize = 4;
    let (one, other) = (Greeter::start(BANNER), Greeter::start(BANNER));
    let daemon = Daemon::start().await;
    let backends = format!("{},{}", one.addr(), other.addr());
    let tunnel = daemon.open(&format!("{backends}[max-conns={MAX},queue-timeout=1m]")).await;
    let mut held = clients(tunnel, MAX).await;
    for client in &mut held {
        greeted(client).await;
    }
    for _ in 0..3 {
        let mut waiting = clients(tunnel, MAX).await;
        eventually!(parked(&daemon, tunnel).await == MAX as u64);
        // Each has looked for a place in vain before it finds one.
        for (first, next) in std::mem::take(&mut held).into_iter().zip(&mut waiting) {
            leave(first).await;
            greeted(next).await;
        }
        held = waiting;
    }
    assert_eq!((one.accepted(), other.accepted()), (2 * MAX, 2 * MAX));
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_turn_comes_before_it_waits_leaves_the_queue_too() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start_with(|config| {
        config.workers = std::num::NonZeroUsize::new(2).unwrap();
    })
    .await;
    let rest = format!("{}[max-conns=1,queue-timeout=1m]", greeter.addr());
    let tunnel = daemon.open(&rest).await;
    let mut held = clients(tunnel, 1).await.remove(0);
    greeted(&mut held).await;
    // Each comes while the one before it goes, sooner or later than that.
    for _ in 0..1_000 {
        let before = std::mem::replace(&mut held, clients(tunnel, 1).await.remove(0));
        reset(before);
        greeted(&mut held).await;
    }
    assert_eq!(parked(&daemon, tunnel).await, 0);
    drop(held);
    eventually!(daemon.connections() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_raised_or_lifted_lets_them_go_on_at_once() {
    let greeter = Greeter::start(BANNER);
    let port = Port::reserve();
    let spec = |max: &str| {
        format!("{}={}[name=web,max-conns={max},queue-timeout=1m]", port.addr(), greeter.addr())
    };
    let scene = Scene::with(&spec("2")).await;
    let mut all = clients(port.addr(), 4).await;
    eventually!(scene.ask("detail web").await.contains("\n\tparked 2\n"));

    scene.reload(&spec("3")).await;
    for client in &mut all[..3] {
        greeted(client).await;
    }
    assert!(scene.ask("detail web").await.contains("\n\tparked 1\n"));

    scene.reload(&spec("none")).await;
    greeted(&mut all[3]).await;
    assert!(!scene.ask("detail web").await.contains("\n\tparked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_parked_and_goes_leaves_the_queue() {
    let daemon = Daemon::start().await;
    let recorder = Backend::start(Recorder::new().replying("thanks"));
    let rest = format!("{}[max-conns=4,queue-timeout=1m]", recorder.addr());
    let tunnel = daemon.open(&rest).await;
    let held = clients(tunnel, 4).await;
    let mut waiting = clients(tunnel, 4).await;
    eventually!(parked(&daemon, tunnel).await == 4);
    let (mut patient, mut hasty) = (waiting.pop().unwrap(), waiting.pop().unwrap());

    // A reset takes what was sent before along, since nobody has read it.
    hasty.write_all(b"not so important").await.unwrap();
    reset(hasty);
    reset(waiting.pop().unwrap());
    drop(waiting);
    // It has said all it has to say, and wants an answer.
    patient.write_all(b"important").await.unwrap();
    patient.shutdown().await.unwrap();

    eventually!(parked(&daemon, tunnel).await == 1);
    eventually!(rejected(&daemon, tunnel, "client-reset").await == 2);
    eventually!(rejected(&daemon, tunnel, "client-fin").await == 1);
    held.into_iter().for_each(reset);
    assert_eq!(Ending::of(&mut patient).await.unwrap(), (b"thanks".to_vec(), Ending::Fin));
    let served = Record { bytes: b"important".to_vec(), ending: Some(Ending::Fin) };
    assert!(recorder.records().contains(&served));
    eventually!(daemon.connections() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_parked_for_too_long_is_reset() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let rest = format!("{}[max-conns=1,queue-timeout=100ms]", echo.addr());
    let tunnel = daemon.open(&rest).await;
    let held = clients(tunnel, 1).await;
    eventually!(echo.accepted() == 1);
    let mut waiting = clients(tunnel, 1).await.remove(0);

    assert_eq!(Ending::of(&mut waiting).await.unwrap(), (Vec::new(), Ending::Reset));

    eventually!(rejected(&daemon, tunnel, "limit").await == 1);
    eventually!(parked(&daemon, tunnel).await == 0);
    let scrape = daemon.monitor().get("/metrics").await.body;
    let count = format!("plexy_tunnel_parked_duration_seconds_count{{tunnel=\"{tunnel}\"}} 1\n");
    assert!(scrape.contains(&count), "{scrape}");
    drop(held);
    eventually!(daemon.connections() == 0);
    round_trip(tunnel, 100).await.unwrap();
    assert_eq!(echo.accepted(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_parked_ends_with_its_tunnel_or_drains_with_it() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let rest = format!("{}[max-conns=1,queue-timeout=1m]", greeter.addr());
    for is_drained in [false, true] {
        let tunnel = daemon.open(&rest).await;
        let mut all = clients(tunnel, 1).await;
        greeted(&mut all[0]).await;
        all.extend(clients(tunnel, 1).await);
        eventually!(parked(&daemon, tunnel).await == 1);

        if is_drained {
            let drain = LiveAction::Drain.into();
            assert_eq!(daemon.try_close(tunnel, drain).await.unwrap().live.draining, 2);
            leave(all.remove(0)).await;
            greeted(&mut all[0]).await;
            leave(all.remove(0)).await;
        } else {
            assert_eq!(daemon.close(tunnel).await.live.ended, 2);
            for client in &mut all {
                assert_eq!(Ending::of(client).await.unwrap().1, Ending::Reset);
            }
        }
        eventually!(daemon.connections() == 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_parked_ends_with_the_daemon() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let rest = format!("{}[max-conns=1,queue-timeout=1m]", greeter.addr());
    let tunnel = daemon.open(&rest).await;
    let mut all = clients(tunnel, 2).await;
    greeted(&mut all[0]).await;
    eventually!(parked(&daemon, tunnel).await == 1);

    daemon.end(Duration::ZERO).await;

    for client in &mut all {
        assert_eq!(Ending::of(client).await.unwrap().1, Ending::Reset);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_parked_costs_one_descriptor_and_the_limit_is_told_once() {
    let greeter = Greeter::start(BANNER);
    let daemon = Daemon::start().await;
    let rest = format!("{}[name=web,max-conns=5,queue-timeout=1m]", greeter.addr());
    let tunnel = daemon.open(&rest).await;
    let left = async || {
        let scrape = daemon.monitor().get("/metrics").await.body;
        let value = |name: &str| -> f64 {
            let line = scrape.lines().find_map(|line| line.strip_prefix(name));
            line.expect(name).trim().parse().unwrap()
        };
        (value("plexy_descriptors_left"), value("plexy_tunnel_connections_parked{tunnel=\"web\"}"))
    };
    let before = left().await.0;
    let mut all = clients(tunnel, 5).await;
    for client in &mut all {
        greeted(client).await;
    }
    eventually!(left().await == (before - 10.0, 0.0), "{:?}, {before} before", left().await);

    all.extend(clients(tunnel, 5).await);
    eventually!(left().await == (before - 15.0, 5.0));

    // The first that go make room for both sides of the others.
    all.drain(..5).for_each(reset);
    for client in &mut all {
        greeted(client).await;
    }
    eventually!(left().await == (before - 10.0, 0.0), "{:?}, {before} before", left().await);
    let events = daemon.line().await.ask("events").await;
    let told = events.matches("warning limit-reached, tunnel web, `max-conns` is reached").count();
    assert_eq!(told, 1, "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_without_patience_parks_nobody() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[max-conns=1,queue-timeout=0]", echo.addr())).await;
    let _held: Vec<Stream> = clients(tunnel, 1).await;
    eventually!(daemon.connections() == 1);
    for _ in 0..5 {
        is_reset(tunnel).await;
    }
    assert_eq!(rejected(&daemon, tunnel, "limit").await, 5);
    // The first is told at once, and the others when some seconds are over.
    let events = daemon.line().await.ask("events").await;
    let told: Vec<_> = events.lines().filter(|line| line.contains("connections-refused")).collect();
    assert_eq!(told.len(), 1, "{events}");
    assert!(told[0].ends_with(": `max-conns` is reached"), "{events}");
}
