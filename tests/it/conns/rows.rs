//! What a row tells, and in which order rows stand.

use std::time::Duration;

use plexy_shared::connection::Phase;
use plexy_shared::error::Code;
use plexy_tests::backend::Echo;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::traffic::Flow;

use super::{addr, all_counted, client, conns, echoed, ids, row, try_conns};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_shown_with_all_that_is_known_of_it() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[name=db]", echo.addr())).await;
    let unnamed = daemon.open(&echo.addr().to_string()).await;
    assert_eq!(conns(&daemon, "").await, []);
    let (one, other) = (client(tunnel, b"hello").await, client(unnamed, b"x").await);
    all_counted(&daemon).await;

    let shown = row(&daemon, &one).await;

    assert_eq!((shown.tunnel.as_str(), shown.listen.clone()), ("db", tunnel.to_string()));
    assert_eq!(
        (shown.client.clone(), shown.backend.clone()),
        (addr(&one), Some(echo.addr().to_string()))
    );
    assert_eq!(shown.phase, Phase::Relaying);
    assert_eq!((shown.bytes_in, shown.bytes_out), (5, 5));
    assert!(shown.idle_ms <= shown.age_ms && shown.age_ms < 3_600_000, "{shown:?}");
    assert_eq!(row(&daemon, &other).await.tunnel, unnamed.to_string());
    // The oldest first.
    assert_eq!(ids(&daemon, "").await[0], shown.id);
    assert_eq!(ids(&daemon, "db").await, [shown.id]);
    drop(one);
    eventually!(ids(&daemon, "db").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_connections_have_the_same_id_not_even_of_two_daemons() {
    let echo = Echo::start();
    // They start in the same second, as one that is started again may.
    let daemons = [Daemon::start().await, Daemon::start().await];
    let mut seen = Vec::new();
    for daemon in &daemons {
        let tunnel = daemon.open(&echo.addr().to_string()).await;
        for _ in 0..3 {
            let _client = client(tunnel, b"x").await;
            seen.extend(ids(daemon, "sort -id limit 1").await);
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_sorted_by_every_key_in_both_directions() {
    let (one, two) = (Echo::start(), Echo::start());
    let daemon = Daemon::start().await;
    let first = daemon.open(&one.addr().to_string()).await;
    let second = daemon.open(&two.addr().to_string()).await;
    let clients =
        [client(second, b"12345").await, client(first, b"123").await, client(first, b"1234").await];
    all_counted(&daemon).await;
    let mut rows = Vec::new();
    for client in &clients {
        rows.push(row(&daemon, client).await);
    }
    let by = |key: &dyn Fn(&plexy_shared::connection::ConnectionInfo) -> String| {
        let mut sorted = rows.clone();
        sorted.sort_by_key(key);
        sorted.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let number = |number: u64| format!("{number:020}");
    for (key, expected) in [
        ("id", by(&|row| row.id.clone())),
        ("age", by(&|row| row.id.clone()).into_iter().rev().collect()),
        ("tunnel", by(&|row| number((row.listen == second.to_string()).into()))),
        ("backend", by(&|row| row.backend.clone().unwrap())),
        ("client", by(&|row| number(row.client.rsplit(':').next().unwrap().parse().unwrap()))),
        ("bytes", by(&|row| number(row.bytes_in + row.bytes_out))),
        ("bytes-in", by(&|row| number(row.bytes_in))),
        ("bytes-out", by(&|row| number(row.bytes_out))),
        ("phase", by(&|row| row.id.clone())),
    ] {
        assert_eq!(ids(&daemon, &format!("sort {key}")).await, expected, "{key}");
    }
    let places = |places: [usize; 3]| places.map(|place| rows[place].id.clone());
    assert_eq!(ids(&daemon, "sort -bytes").await, places([0, 2, 1]));
    // Equal ones stand by their ids, whichever way the order goes.
    assert_eq!(ids(&daemon, "sort -tunnel").await, places([0, 1, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_cut_and_tells_of_how_many_it_is_a_part() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let mut clients = Vec::new();
    for bytes in 1..=7 {
        clients.push(client(tunnel, &vec![0; bytes]).await);
    }
    all_counted(&daemon).await;
    let most = try_conns(&daemon, "sort -bytes limit 2").await.unwrap();
    assert_eq!(most.matched, 7);
    let bytes: Vec<_> = most.connections.iter().map(|row| row.bytes_in).collect();
    assert_eq!(bytes, [7, 6]);
    let some = try_conns(&daemon, "where bytes-in<=3 limit 2").await.unwrap();
    assert_eq!((some.matched, some.connections.len()), (3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_those_of_now_and_say_over_which_time() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let mut silent = client(tunnel, &[0; 10_000]).await;
    let flow = Flow::paced(tunnel, 1, Duration::from_millis(1)).await.unwrap();
    let busy = async || {
        let rows = conns(&daemon, "").await;
        rows.into_iter().find(|row| row.client != addr(&silent)).expect("it is live")
    };
    // Those who look, look at the time before.
    eventually!({
        let (busy, silent) = (busy().await, row(&daemon, &silent).await);
        let rates = [busy.rate_in, busy.rate_out, silent.rate_in + silent.rate_out];
        busy.rate_over_ms >= 1_000 && rates[0] > 0 && rates[1] > 0 && rates[2] == 0
    });
    // The time is told over which it is that rate: the bytes are what they make together.
    let seen = busy().await;
    assert!(seen.rate_in * seen.rate_over_ms / 1_000 <= seen.bytes_in, "{seen:?}");
    echoed(&mut silent, &[0; 100_000]).await;
    eventually!(row(&daemon, &silent).await.rate_in > 0);
    assert!(flow.stop().await.fault.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_that_nobody_knows_is_refused() {
    let daemon = Daemon::start().await;
    daemon.open("4000[name=web]").await;
    assert_eq!(try_conns(&daemon, "web").await.unwrap().matched, 0);
    let refused = try_conns(&daemon, "wbe").await.unwrap_err();
    assert_eq!((refused.code, refused.suggestion.as_deref()), (Code::TunnelNotFound, Some("web")));
    let refused = try_conns(&daemon, "127.0.0.1:1 where age>1s").await.unwrap_err();
    assert_eq!(refused.code, Code::TunnelNotFound);
    // A filter only asks.
    assert_eq!(try_conns(&daemon, "where tunnel=wbe").await.unwrap().matched, 0);
}
