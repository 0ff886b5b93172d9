//! A client notices nothing of backends that cannot be reached, as long as one can.

use std::time::{Duration, Instant};

use plexy_tests::backend::{BlackHole, Echo, Greeter, Refuser};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::eventually::in_time;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, round_trip};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{heard, is_reset};

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_refuses_is_not_noticed() {
    let (refuser, echo) = (Refuser::start(), Echo::start());
    let daemon = Daemon::start().await;
    let spec = format!("{},{}[max-fails=1000]", refuser.addr(), echo.addr());
    let tunnel = daemon.open(&spec).await;

    for _ in 0..12 {
        round_trip(tunnel, 1_000).await.unwrap();
    }

    assert!(daemon.backend(tunnel, refuser.addr()).await.attempts_failed >= 5);
    assert_eq!(echo.accepted(), 12);
    assert_eq!(daemon.ended(tunnel, "connect-failed").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_speaks_first_is_heard_through_a_failover() {
    let (refusers, greeter) = ([Refuser::start(), Refuser::start()], Greeter::start("220 hello"));
    let daemon = Daemon::start().await;
    let spec = format!("{},{},{}", refusers[0].addr(), refusers[1].addr(), greeter.addr());
    let tunnel = daemon.open(&spec).await;

    assert_eq!(heard(tunnel).await, (b"220 hello".to_vec(), Ending::Fin));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_black_hole_costs_one_connect_timeout() {
    let (hole, greeter) = (BlackHole::start(), Greeter::start("hello"));
    let daemon = Daemon::start().await;
    let spec = format!("{},{}[connect-timeout=200ms,max-fails=9]", hole.addr(), greeter.addr());
    let tunnel = daemon.open(&spec).await;

    let start = Instant::now();
    assert_eq!(heard(tunnel).await, (b"hello".to_vec(), Ending::Fin));

    assert!(start.elapsed() >= Duration::from_millis(200), "after {:?}", start.elapsed());
    assert_eq!(daemon.backend(tunnel, hole.addr()).await.attempts_failed, 1);
    assert_eq!(greeter.accepted(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_a_black_hole_delays_nobody() {
    let (hole, echo) = (BlackHole::start(), Echo::start());
    let daemon = Daemon::start().await;
    let spec = format!("{},{}[connect-timeout=1m,strategy=least-conn]", hole.addr(), echo.addr());
    let tunnel = daemon.open(&spec).await;
    let mut stuck = Vec::new();
    while daemon.backend(tunnel, hole.addr()).await.traffic.connections < 3 {
        stuck.push(Stream::connect(tunnel).await.unwrap());
        eventually!(daemon.status(tunnel).await.traffic.connections == stuck.len() as u64);
    }

    let other = daemon.open(&echo.addr().to_string()).await;
    for _ in 0..10 {
        round_trip(other, 1_000).await.unwrap();
    }

    assert!(daemon.backend(tunnel, hole.addr()).await.traffic.connections >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_retries_there_is_one_attempt() {
    let (refuser, echo) = (Refuser::start(), Echo::start());
    let daemon = Daemon::start().await;
    let spec = format!("{},{}[retries=0,max-fails=1000]", refuser.addr(), echo.addr());
    let tunnel = daemon.open(&spec).await;

    is_reset(tunnel).await;
    round_trip(tunnel, 100).await.unwrap();

    eventually!(daemon.ended(tunnel, "connect-failed").await == 1);
    assert_eq!(daemon.backend(tunnel, refuser.addr()).await.attempts_failed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whom_every_backend_refuses_is_reset() {
    let refusers = [Refuser::start(), Refuser::start(), Refuser::start()];
    let daemon = Daemon::start().await;
    let addrs: Vec<_> = refusers.iter().map(|refuser| refuser.addr().to_string()).collect();
    let tunnel = daemon.open(&format!("{}[retries=3]", addrs.join(","))).await;

    is_reset(tunnel).await;

    let detail = daemon.detail(tunnel).await;
    let attempts: Vec<_> = detail.backend_list.iter().map(|it| it.attempts_failed).collect();
    assert_eq!(attempts.iter().sum::<u64>(), 4, "one, and three further ones: {attempts:?}");
    assert!(attempts.iter().all(|attempts| *attempts > 0), "each was tried: {attempts:?}");
    eventually!(daemon.ended(tunnel, "connect-failed").await == 1);
    assert_eq!(daemon.status(tunnel).await.traffic.connections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_restarts_is_waited_for() {
    let refuser = Refuser::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[retries=9]", refuser.addr())).await;
    let client = tokio::spawn(round_trip(tunnel, 10_000));
    eventually!(daemon.backend(tunnel, refuser.addr()).await.attempts_failed >= 2);

    let _echo = Echo::at(refuser.addr());

    in_time("the round trip", client).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_goes_to_a_backend_not_yet_tried() {
    let refusers = [Refuser::start(), Refuser::start(), Refuser::start()];
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let all = [
        "round-robin",
        "random",
        "least-conn",
        "two-choices",
        "least-time",
        "source-hash",
        "first",
    ];
    for strategy in all {
        let addrs: Vec<_> = refusers.iter().map(|refuser| refuser.addr().to_string()).collect();
        let options = format!("retries=3,max-fails=1000,strategy={strategy}");
        let tunnel = daemon.open(&format!("{},{}[{options}]", addrs.join(","), echo.addr())).await;
        for _ in 0..20 {
            round_trip(tunnel, 100).await.unwrap_or_else(|fault| panic!("{strategy}: {fault}"));
        }
    }
    assert_eq!(echo.accepted(), 140);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_used_while_no_other_backend_is_up() {
    let (primary, backup) = (Greeter::start("primary"), Greeter::start("backup"));
    let daemon = Daemon::start().await;
    let spec = format!("{},{}+backup[check-interval=50ms]", primary.addr(), backup.addr());
    let tunnel = daemon.open(&spec).await;
    for _ in 0..5 {
        assert_eq!(heard(tunnel).await.0, b"primary");
    }

    primary.kill().await;
    for _ in 0..5 {
        assert_eq!(heard(tunnel).await.0, b"backup");
    }

    let _primary = Greeter::at(primary.addr(), "primary");
    eventually!(daemon.status(tunnel).await.backends_up == 2);
    for _ in 0..5 {
        assert_eq!(heard(tunnel).await.0, b"primary");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_before_a_backend_stands_arrives() {
    let (hole, echo) = (BlackHole::start(), Echo::start());
    let daemon = Daemon::start().await;
    let spec = format!("{},{}[connect-timeout=150ms]", hole.addr(), echo.addr());
    let tunnel = daemon.open(&spec).await;

    let mut client = Stream::connect(tunnel).await.unwrap();
    client.write_all(b"too early").await.unwrap();

    let mut reply = [0; 9];
    in_time("the reply", client.read_exact(&mut reply)).await.unwrap();
    assert_eq!(&reply, b"too early");
    assert_eq!(daemon.backend(tunnel, hole.addr()).await.attempts_failed, 1);
}
