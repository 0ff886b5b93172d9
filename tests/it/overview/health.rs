//! How tunnels and backends are, one state after the other.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plexy_shared::overview::{Health, TunnelRow};
use plexy_tests::backend::{Answerer, Echo, Reply};
use plexy_tests::certificate::Authority;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::traffic::Flow;
use rcgen::date_time_ymd;
use serde_json::json;

use super::{backends, overview, tunnel};

async fn ask(daemon: &Daemon, line: &str) {
    let answer = daemon.line().await.ask(line).await;
    assert!(answer.starts_with("OK"), "{line}: {answer}");
}

async fn is(daemon: &Daemon, health: Health) -> bool {
    tunnel(daemon, "web").await.health == health
}

async fn backend_healths(daemon: &Daemon) -> Vec<Health> {
    backends(daemon).await.iter().map(|row| row.health.known().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_is_as_its_backends_and_those_who_run_it_have_it() {
    let daemon = Daemon::start().await;
    let servers = [200, 200].map(|status| Answerer::start(Reply::status(status)));
    let (one, two) = (servers[0].addr(), servers[1].addr());
    let check = "check=http,check-interval=50ms,fall=1,rise=1";
    daemon.open(&format!("{one},{two}[name=web,{check}]")).await;
    daemon.open(&format!("{one}[name=other]")).await;
    let set = |place: usize, status| servers[place].character().reply(Reply::status(status));

    assert!(is(&daemon, Health::Ok).await);
    set(0, 503);
    eventually!(is(&daemon, Health::Degraded).await);
    set(1, 503);
    eventually!(is(&daemon, Health::Down).await);
    assert_eq!(backend_healths(&daemon).await[1..], [Health::Down, Health::Down]);
    let seen = overview(&daemon, json!({ "tunnels": {}, "backends": {} })).await;
    assert_eq!((seen.sums.tunnels.down, seen.sums.tunnels.ok), (1, 1));
    assert_eq!((seen.sums.backends, seen.sums.backends_up), (3, 1));
    // The worst one is what somebody should look at first.
    assert_eq!(seen.tunnels.unwrap().rows[0].status.name.as_deref(), Some("web"));
    assert_eq!(seen.backends.unwrap().rows[2].tunnel, "other");
    set(1, 200);
    eventually!(is(&daemon, Health::Degraded).await);

    // Nobody misses what somebody has taken out of service.
    ask(&daemon, &format!("disable web {one}")).await;
    eventually!(is(&daemon, Health::Ok).await);
    let healths = backend_healths(&daemon).await;
    assert!(healths.contains(&Health::Disabled) && healths.contains(&Health::Ok), "{healths:?}");
    assert_eq!(overview(&daemon, json!({})).await.sums.backends, 2);
    ask(&daemon, &format!("drain web {two}")).await;
    assert!(backend_healths(&daemon).await.contains(&Health::Draining));
    assert!(is(&daemon, Health::Down).await, "it has nobody for its clients");
    ask(&daemon, &format!("enable web {two}")).await;
    assert!(is(&daemon, Health::Ok).await);

    ask(&daemon, "drain web deadline=1h").await;
    assert!(is(&daemon, Health::Draining).await);
    let left = tunnel(&daemon, "web").await.deadline_ms.unwrap();
    assert!((1..=3_600_000).contains(&left), "{left}");
    ask(&daemon, "enable web").await;
    assert!(is(&daemon, Health::Ok).await);
    assert_eq!(tunnel(&daemon, "web").await.deadline_ms, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_tells_since_when_it_is_as_it_is() {
    let daemon = Daemon::start().await;
    let server = Answerer::start(Reply::status(200));
    let check = "check=http,check-interval=50ms,fall=1,rise=1";
    daemon.open(&format!("{}[name=web,{check}]", server.addr())).await;
    let seconds = async || tunnel(&daemon, "web").await.health_seconds.unwrap();
    eventually!(seconds().await >= 2);
    server.character().reply(Reply::status(503));
    eventually!(is(&daemon, Health::Down).await);
    // It begins anew, whenever that was noticed.
    let row = backends(&daemon).await.remove(0);
    assert!(seconds().await <= row.info.state_seconds + 1);
    eventually!(seconds().await >= 1);
    ask(&daemon, "drain web").await;
    let drained = tunnel(&daemon, "web").await;
    let since = daemon.detail("web").await.admin_info.seconds;
    assert!(drained.health_seconds.unwrap() <= since, "{drained:?}");
}

/// When a certificate of those of this tunnel ends, in seconds since 1970.
fn ends_at(row: &TunnelRow) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    row.certificate_seconds.unwrap() + i64::try_from(now).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_end_of_a_certificate_is_told() {
    let (daemon, echo, folder) =
        (Daemon::start().await, Echo::start(), tempfile::tempdir().unwrap());
    let authority = Authority::new("tests");
    let mut files = Vec::new();
    for (name, year) in [("a.example", 2101), ("b.example", 2091), ("c.example", 2002)] {
        let issued = authority.issue_with(&[name], |params| {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(year, 1, 1);
        });
        files.push(issued.write(&folder, &format!("{name}.pem")).display().to_string());
    }
    daemon.open(&echo.addr().to_string()).await;
    assert_eq!(overview(&daemon, json!({})).await.sums.certificate_seconds, None);
    let addr = echo.addr();
    let both = format!("{addr}[name=both,tls-cert={},tls-cert={}]", files[0], files[1]);
    daemon.open(&both).await;
    let row = tunnel(&daemon, "both").await;
    assert_eq!(row.tls.as_deref(), Some("terminate"));
    let end = date_time_ymd(2091, 1, 1).unix_timestamp();
    assert!((ends_at(&row) - end).abs() <= 2, "{} {end}", ends_at(&row));
    daemon.open(&format!("{addr}[name=expired,tls-cert={}]", files[2])).await;
    let row = tunnel(&daemon, "expired").await;
    assert!(row.certificate_seconds.unwrap() < 0);
    let first = overview(&daemon, json!({})).await.sums.certificate_seconds.unwrap();
    assert!((first - row.certificate_seconds.unwrap()).abs() <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_parked_is_told_and_what_limits_there_are() {
    let (daemon, echo) = (Daemon::start().await, Echo::start());
    let options = "name=web,max-conns=1,queue-timeout=1m";
    let listen = daemon.open(&format!("{}[{options}]", echo.addr())).await;
    let flow = Flow::paced(listen, 1, Duration::from_millis(1)).await.unwrap();
    let _parked = plexy_tests::stream::Stream::connect(listen).await.unwrap();
    eventually!(tunnel(&daemon, "web").await.parked == 1);
    let row = tunnel(&daemon, "web").await;
    assert_eq!((row.max_conns, row.status.traffic.connections), (Some(1), 1));
    assert_eq!(overview(&daemon, json!({})).await.sums.parked, 1);
    assert!(flow.stop().await.fault.is_none());
}
