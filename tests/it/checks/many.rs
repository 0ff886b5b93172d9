//! Thousands of checked backends: not in step, bounded, and none forgotten.

use std::time::{Duration, Instant};

use plexy_tests::backend::{Answerer, Reply};
use plexy_tests::daemon::{HttpClient, Process};
use plexy_tests::descriptors;
use plexy_tests::eventually;
use serde_json::{Value, json};

use crate::process::PLEXYD;

/// An address of these tests' own: so many ports come and go here that others had better not see.
const HOST: &str = "127.77.0.2";

/// Checks that one daemon makes at once.
const CHECKS_MAX: usize = 1_000;

const TUNNELS: usize = 2_000;

async fn plexyd() -> Process {
    Process::start(PLEXYD, &["--prometheus-socket", "127.0.0.1:0"]).await
}

async fn open(plexyd: &Process, count: usize, rest: &str) -> Vec<String> {
    let specs = vec![format!("{HOST}:0={rest}"); count];
    let rpc = HttpClient::Unix(plexyd.rpc_socket());
    let reply = rpc.call("openTunnels", json!({ "specs": specs })).await.unwrap();
    let listen = |it: &Value| it["listen"].as_str().unwrap().to_owned();
    reply["tunnels"].as_array().unwrap().iter().map(listen).collect()
}

async fn metric(plexyd: &Process, series: &str) -> usize {
    let scrape = HttpClient::Tcp(plexyd.metrics_addr()).get("/metrics").await.body;
    let value = scrape.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checks_of_two_thousand_tunnels_are_spread_over_the_interval() {
    descriptors::raise_limit();
    let backend = Answerer::start(Reply::End);
    let plexyd = plexyd().await;
    let before = descriptors::of(plexyd.pid()).unwrap();
    let interval = Duration::from_secs(4);
    let begun = Instant::now();
    let rest = format!("{}[check=tcp,check-interval=4s]", backend.addr());
    let tunnels = open(&plexyd, TUNNELS, &rest).await;
    let mut most = 0;
    eventually!(within Duration::from_secs(60), {
        most = most.max(descriptors::of(plexyd.pid()).unwrap());
        backend.accepted() >= TUNNELS
    });

    let mut tenths = [0_usize; 10];
    for time in backend.character().times().into_iter().take(TUNNELS) {
        let tenth = (time - begun).as_millis() * 10 / interval.as_millis();
        tenths[usize::try_from(tenth).unwrap().min(9)] += 1;
    }
    // A fair share is a tenth of them. A machine that stops for a moment does all of that at once.
    assert!(tenths.iter().all(|checks| *checks < TUNNELS / 2), "{tenths:?}");
    assert!(tenths.iter().filter(|checks| **checks > TUNNELS / 40).count() >= 5, "{tenths:?}");
    assert!(most <= before + TUNNELS + CHECKS_MAX, "{most} descriptors");

    let rpc = HttpClient::Unix(plexyd.rpc_socket());
    for tunnel in tunnels {
        rpc.call("closeTunnel", json!({ "tunnel": tunnel })).await.unwrap();
    }
    eventually!(descriptors::of(plexyd.pid()).unwrap() <= before);
    eventually!(backend.live() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_beyond_the_bound_come_late_and_are_not_dropped() {
    const BEYOND: usize = 200;
    descriptors::raise_limit();
    let backend = Answerer::start(Reply::Silence);
    let plexyd = plexyd().await;
    let options = "check=http,check-interval=1s,check-timeout=1h";
    open(&plexyd, CHECKS_MAX + BEYOND, &format!("{}[{options}]", backend.addr())).await;
    eventually!(within Duration::from_secs(60), backend.live() == CHECKS_MAX);
    eventually!(metric(&plexyd, "plexy_checks_late_total").await == 1, "one waits for all");
    assert_eq!(backend.accepted(), CHECKS_MAX);

    // Those that hang are broken, and there is room for the others.
    let addr = backend.addr();
    backend.kill().await;
    let backend = Answerer::at(addr, Reply::status(200));
    eventually!(
        within Duration::from_secs(60),
        metric(&plexyd, "plexy_tunnels{state=\"ok\"}").await == CHECKS_MAX + BEYOND
    );
    eventually!(backend.accepted() >= CHECKS_MAX + BEYOND);
    assert_eq!(metric(&plexyd, "plexy_tunnels{state=\"down\"}").await, 0);
}
