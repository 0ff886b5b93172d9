//! `kill` ends what was meant, at once, and nothing else.

use std::time::Duration;

use plexy_shared::error::Code;
use plexy_shared::event::{Event, EventKind, EventRange};
use plexy_tests::backend::{Echo, Recorder};
use plexy_tests::daemon::Daemon;
use plexy_tests::descriptors;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::{Ending, Fault, Flow};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use super::{all_counted, client, ids, kill, row};

fn kills(daemon: &Daemon) -> Vec<Event> {
    let events = daemon.service().events(EventRange::default()).events;
    events.into_iter().filter(|event| event.kind == EventKind::ConnectionsKilled).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_ended_once_by_a_reset_on_both_sides() {
    let recorder = Recorder::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&recorder.addr().to_string()).await;
    let mut killed = Stream::connect(tunnel).await.unwrap();
    killed.write_all(b"before").await.unwrap();
    eventually!(recorder.records().first().is_some_and(|record| record.bytes == b"before"));
    let id = row(&daemon, &killed).await.id;

    let reply = kill(&daemon, &id).await.unwrap();

    assert_eq!((reply.killed, reply.ids, reply.gone), (1, vec![id.clone()], vec![]));
    assert_eq!(Ending::of(&mut killed).await.unwrap(), (Vec::new(), Ending::Reset));
    assert_eq!(recorder.ended(1).await[0].ending, Some(Ending::Reset));
    let refused = kill(&daemon, &id).await.unwrap_err();
    assert_eq!(refused.code, Code::ConnectionNotFound);
    assert_eq!(refused.message, format!("no connection `{id}`"));
    eventually!(daemon.ended(tunnel, "killed").await == 1);
    assert_eq!(daemon.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_ids_those_that_live_are_ended_and_the_others_told() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let [one, two, left] =
        [client(tunnel, b"1").await, client(tunnel, b"2").await, client(tunnel, b"3").await];
    let (one, two) = (row(&daemon, &one).await.id, row(&daemon, &two).await.id);

    // In any order, and twice.
    let reply =
        kill(&daemon, &format!("7 {two} {one} {two} 18446744073709551615 7")).await.unwrap();

    let mut ids = reply.ids;
    ids.sort();
    assert_eq!((reply.killed, ids), (2, vec![one.clone(), two.clone()]));
    assert_eq!(reply.gone, ["7", "18446744073709551615"]);
    let refused = kill(&daemon, &format!("{one} {two} 7")).await.unwrap_err();
    assert_eq!(refused.code, Code::ConnectionNotFound);
    eventually!(daemon.connections() == 1);
    row(&daemon, &left).await;
    let event = &kills(&daemon)[0];
    let detail = event.detail.as_deref().unwrap();
    assert!(detail.starts_with("2 connections reset, ids ") && detail.contains(&one), "{detail}");
    assert_eq!((event.actor.as_deref(), event.revision), (Some("args"), None));
    assert_eq!(kills(&daemon).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_nothing_passes_ends_nothing_and_is_no_event() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&format!("{}[name=web]", echo.addr())).await;
    let _client = client(tunnel, b"1").await;
    for words in ["where bytes>1g", "where tunnel=nosuch", "web where client=10.0.0.0/8"] {
        assert_eq!(kill(&daemon, words).await.unwrap().killed, 0, "{words}");
    }
    let refused = kill(&daemon, "wbe where age>=0s").await.unwrap_err();
    assert_eq!((refused.code, refused.suggestion.as_deref()), (Code::TunnelNotFound, Some("web")));
    assert_eq!((daemon.connections(), kills(&daemon).len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_are_ended_at_once_and_the_others_carry_every_byte() {
    const KILLED: u64 = 1_000;
    descriptors::raise_limit();
    let echo = Echo::start();
    let daemon = Daemon::start_with(|config| config.workers = 2.try_into().unwrap()).await;
    let victims = daemon.open(&format!("{}[name=victims]", echo.addr())).await;
    let others = daemon.open(&format!("{}[name=others]", echo.addr())).await;
    let mut clients = JoinSet::new();
    for _ in 0..KILLED / 50 {
        clients.spawn(async move {
            let mut clients = Vec::new();
            for _ in 0..50 {
                clients.push(client(victims, b"hello").await);
            }
            clients
        });
    }
    let clients: Vec<_> = clients.join_all().await.into_iter().flatten().collect();
    all_counted(&daemon).await;
    let mut flows = Vec::new();
    for seed in 0..4 {
        flows.push(Flow::start(others, seed).await.unwrap());
        flows.push(Flow::paced(others, 10 + seed, Duration::from_millis(1)).await.unwrap());
    }
    let total = daemon.service().connections() as u64;
    assert_eq!(total, KILLED + flows.len() as u64);

    let reply = kill(&daemon, "victims where idle>=0s and bytes=10").await.unwrap();

    assert_eq!((reply.killed, reply.ids.len() as u64), (KILLED, KILLED));
    for mut client in clients {
        assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));
    }
    eventually!(daemon.status(victims).await.traffic.connections == 0);
    assert_eq!(daemon.ended(victims, "killed").await, KILLED);
    let traffic = daemon.status(victims).await.traffic;
    assert_eq!((traffic.bytes_in, traffic.bytes_out), (KILLED * 5, KILLED * 5));
    let scrape = daemon.monitor().get("/metrics").await.body;
    let series = "plexy_tunnel_connections_closed_total{tunnel=\"victims\",reason=\"killed\"} 1000";
    assert!(scrape.lines().any(|line| line == series), "{scrape}");
    let events = kills(&daemon);
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].tunnel.as_deref(), Some("victims"));
    let detail = "1000 connections reset, where idle>=0s and bytes=10";
    assert_eq!(events[0].detail.as_deref(), Some(detail));
    assert_eq!(ids(&daemon, "").await.len(), flows.len());
    for flow in flows {
        let before = flow.bytes();
        eventually!(flow.bytes() > before);
        let report = flow.stop().await;
        assert!(report.fault.is_none(), "{:?}", report.fault);
    }
    assert_eq!(daemon.ended(others, "killed").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_connection_is_ended_in_the_middle_of_its_bytes() {
    let echo = Echo::start();
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&echo.addr().to_string()).await;
    let flow = Flow::start(tunnel, 1).await.unwrap();
    eventually!(flow.bytes() > 1_000_000);

    assert_eq!(kill(&daemon, "where bytes>1m").await.unwrap().killed, 1);

    let fault = flow.cut().await.fault;
    assert!(matches!(fault, Some(Fault::Reset { .. })), "{fault:?}");
    eventually!(daemon.ended(tunnel, "killed").await == 1);
    assert_eq!(daemon.connections(), 0);
}
