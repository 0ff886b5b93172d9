//! Everything about tunnels changes at random, from four clients at once and under traffic: nothing is
//! lost, no connection is cut that nobody asked to be, and at the end every count is at zero.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use plexy_tests::backend::{Backend, Echo};
use plexy_tests::daemon::{Daemon, LineClient};
use plexy_tests::eventually;
use plexy_tests::traffic::{Fault, Flow, round_trip};

const CLIENTS: usize = 4;
const CHANGES: usize = 10_000;
const BACKENDS: usize = 6;

/// The names of the tunnels; none of the clients has one for itself.
const TUNNELS: [&str; 3] = ["one", "two", "three"];

/// Options that are set at random; each has values that are good.
const SETTINGS: [(&str, &[&str]); 9] = [
    (
        "strategy",
        &[
            "random",
            "round-robin",
            "least-conn",
            "two-choices",
            "least-time",
            "source-hash",
            "first",
        ],
    ),
    ("retries", &["0", "3", "7"]),
    ("idle-timeout", &["1h", "10m", "none"]),
    ("half-close-timeout", &["idle-timeout", "5m"]),
    ("slow-start", &["none", "1s"]),
    ("max-fails", &["1", "5"]),
    ("on-down", &["keep", "drain"]),
    ("backlog", &["4096", "100"]),
    ("keepalive", &["off", "30s/10s/3"]),
];

fn pick<'a, T>(rng: &mut Rng, of: &'a [T]) -> &'a T {
    &of[rng.usize(..of.len())]
}

/// A change, which may be refused: others change the same.
fn change(rng: &mut Rng, backends: &[SocketAddr]) -> String {
    let tunnel = *pick(rng, &TUNNELS);
    let backend = *pick(rng, backends);
    let live = *pick(rng, &["", " keep", " drain", " drain deadline=1h"]);
    match rng.u8(..12) {
        0 | 1 => {
            let (key, values) = pick(rng, &SETTINGS);
            let (more, others) = pick(rng, &SETTINGS);
            let first = format!("set {tunnel} {key}={}", pick(rng, values));
            if key == more { first } else { format!("{first} {more}={}", pick(rng, others)) }
        }
        2 | 3 => format!("set {tunnel} {backend} weight={}", rng.u8(1..9)),
        4 => format!("set {tunnel} {backend} backup={}", pick(rng, &["on", "off"])),
        5 | 6 => format!("add {tunnel} {backend}"),
        7 | 8 => format!("remove {tunnel} {backend}{live}"),
        9 => {
            let mut set: Vec<_> = backends.iter().map(ToString::to_string).collect();
            rng.shuffle(&mut set);
            set.truncate(rng.usize(1..=set.len()));
            format!("switch {tunnel} to {}{live}", set.join(","))
        }
        10 => {
            let verb = *pick(rng, &["drain", "disable", "enable"]);
            format!("{verb} {tunnel} {backend}")
        }
        _ => format!("enable {tunnel} {backend}"),
    }
}

/// Makes changes: how many were made, and how many were refused.
async fn work(mut line: LineClient, backends: Vec<SocketAddr>, seed: u64) -> (usize, usize) {
    let mut rng = Rng::with_seed(seed);
    let (mut made, mut refused) = (0, 0);
    for _ in 0..CHANGES / CLIENTS {
        let command = change(&mut rng, &backends);
        let answer = line.ask(&command).await;
        match answer.starts_with("OK") {
            true if answer.starts_with("OK: unchanged") => {}
            true => made += 1,
            false => {
                let expected = ["has no backend", "last backend", "already"]
                    .iter()
                    .any(|it| answer.contains(it));
                assert!(expected, "{command}: {answer}");
                refused += 1;
            }
        }
    }
    (made, refused)
}

/// Comes again and again: how often it was served, and how often nobody was there to serve it.
async fn come(tunnel: SocketAddr, over: Arc<AtomicBool>) -> (u64, u64) {
    let (mut served, mut turned_away) = (0, 0);
    while !over.load(Ordering::Relaxed) {
        match round_trip(tunnel, 2_000).await {
            Ok(()) => served += 1,
            // No backend is ready at that moment; the reasons for the ends tell if it was anything else.
            Err(Fault::Reset { .. }) => turned_away += 1,
            Err(Fault::Connect { source, .. }) if source.kind() == ErrorKind::ConnectionReset => {
                turned_away += 1;
            }
            Err(fault) => panic!("{fault:?}"),
        }
    }
    (served, turned_away)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_changes_at_random_cut_nothing_and_leave_nothing() {
    let seed = fastrand::u64(..);
    eprintln!("the seed is {seed}");
    let echoes: Vec<Backend<Echo>> = (0..BACKENDS).map(|_| Echo::start()).collect();
    let addrs: Vec<_> = echoes.iter().map(Backend::addr).collect();
    let daemon = Daemon::start().await;
    let mut tunnels = Vec::new();
    for name in TUNNELS {
        tunnels.push(daemon.open(&format!("{},{}[name={name}]", addrs[0], addrs[1])).await);
    }
    let mut flows = Vec::new();
    for number in 0..24 {
        let tunnel = tunnels[number % tunnels.len()];
        flows.push(Flow::paced(tunnel, number as u64, Duration::from_millis(3)).await.unwrap());
    }
    let over = Arc::new(AtomicBool::new(false));
    let comers: Vec<_> =
        tunnels.iter().map(|tunnel| tokio::spawn(come(*tunnel, Arc::clone(&over)))).collect();

    let mut working = Vec::new();
    for number in 0..CLIENTS {
        let seed = seed.wrapping_add(number as u64);
        working.push(tokio::spawn(work(daemon.line().await, addrs.clone(), seed)));
    }
    let (mut made, mut refused) = (0, 0);
    for worked in working {
        let (more, less) = worked.await.unwrap();
        made += more;
        refused += less;
    }
    over.store(true, Ordering::Relaxed);
    let mut served = 0;
    for comer in comers {
        served += comer.await.unwrap().0;
    }

    assert!(made > CHANGES / 4 && served > 100, "{made} made, {refused} refused, {served} served");
    // Each has had a revision of its own, after those that opened the tunnels.
    let revision = daemon.service().status(plexy_shared::command::Detail::Count).revision;
    assert_eq!(revision, (TUNNELS.len() + made) as u64);
    for flow in flows {
        let report = flow.stop().await;
        assert!(report.fault.is_none(), "{:?}", report.fault);
    }
    eventually!(daemon.connections() == 0);
    for name in TUNNELS {
        let detail = daemon.detail(name).await;
        assert_eq!(detail.status.traffic.connections, 0);
        assert!(detail.backend_list.iter().all(|backend| backend.traffic.connections == 0));
        let ended: u64 = detail.ended.iter().map(|it| it.connections).sum();
        assert_eq!(ended, detail.status.traffic.connections_total, "{:?}", detail.ended);
        let asked: &[&str] =
            &["drain-deadline", "backend-removed", "backend-down", "backend-reset", "error"];
        let cut = detail.ended.iter().find(|it| asked.contains(&it.reason.as_str()));
        assert!(cut.is_none(), "{cut:?}");
    }
    eventually!(echoes.iter().all(|echo| echo.live() == 0));
    for name in TUNNELS {
        daemon.close(name).await;
    }
    eventually!(daemon.monitor().get("/metrics").await.body.contains("\nplexy_worker_tasks 0\n"));
}
