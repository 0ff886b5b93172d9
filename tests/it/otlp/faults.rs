//! A collector that misbehaves: nobody else notices, and it is told once.

use std::time::{Duration, Instant};

use plexy_tests::backend::Echo;
use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::memory;
use plexy_tests::port::Port;
use plexy_tests::traffic::round_trip;
use rustix::process::Signal;

use super::faulty::{Fault, Faulty};
use super::{plexyd, scrape};
use crate::process::tunnel_of;

const INTERVAL_MS: u32 = 300;

/// Less than the interval, so that a request that hangs is tried again.
const TIMEOUT_MS: &str = "100";

/// Memory that a collector may cost, in bytes: some parts, and what the allocator keeps of them.
const MEMORY_MAX: u64 = 16 * 1024 * 1024;

const FAILS: &str = "WARN metrics cannot be exported";
const WORKS: &str = "INFO metrics are exported again";

fn outcome(scrape: &str, outcome: &str) -> u64 {
    let series = format!("plexy_otlp_exports_total{{outcome=\"{outcome}\"}} ");
    let line = scrape.lines().find_map(|line| line.strip_prefix(&series));
    line.unwrap_or_else(|| panic!("{scrape}")).parse().unwrap()
}

/// Exports that have come to no good.
async fn lost(process: &Process) -> u64 {
    let scrape = scrape(process).await;
    outcome(&scrape, "failure") + outcome(&scrape, "dropped")
}

/// The data path and control answer while a collector misbehaves so, which costs little memory; when
/// it is good again, it is told everything; and both are logged once.
async fn nobody_notices(fault: Fault) {
    let collector = Faulty::start(fault).await;
    let echo = Echo::start();
    let tunnel = format!("0={}", echo.addr());
    let timeout = [("OTEL_EXPORTER_OTLP_TIMEOUT", TIMEOUT_MS)];
    let process = plexyd(&collector.url(), INTERVAL_MS, &[&tunnel], &timeout).await;
    let tunnel = tunnel_of(&process).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    eventually!(lost(&process).await > 0, "{fault:?}: {}", process.log());
    let before = memory::resident(process.pid()).unwrap();

    let rounds = lost(&process).await + 5;
    eventually!(lost(&process).await > rounds, "{fault:?}: {}", process.log());
    round_trip(tunnel, 10_000).await.unwrap();
    assert_eq!(line.ask("ping").await, "OK: pong\n");

    let after = memory::resident(process.pid()).unwrap();
    assert!(after < before + MEMORY_MAX, "{fault:?}: from {before} to {after} bytes");
    assert_eq!(outcome(&scrape(&process).await, "success"), 0);
    collector.become_good();
    eventually!(process.says(WORKS), "{fault:?}: {}", process.log());
    assert!(collector.taken() > 0);
    assert_eq!(process.log().matches(FAILS).count(), 1, "{}", process.log());
    assert_eq!(process.log().matches(WORKS).count(), 1, "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_is_left_alone() {
    nobody_notices(Fault::Hang).await;
    nobody_notices(Fault::Drip).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_errs_is_tried_again() {
    nobody_notices(Fault::Status("500 Internal Server Error")).await;
    nobody_notices(Fault::Status("503 Service Unavailable")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_resets_or_talks_nonsense_is_tried_again() {
    nobody_notices(Fault::Reset).await;
    nobody_notices(Fault::Garbage).await;
    nobody_notices(Fault::EndlessHead).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end_is_not_read() {
    let collector = Faulty::start(Fault::Endless).await;
    let process = plexyd(&collector.url(), 100, &[], &[]).await;
    let succeeded = async || outcome(&scrape(&process).await, "success");
    eventually!(succeeded().await > 1);
    let before = memory::resident(process.pid()).unwrap();
    let rounds = succeeded().await + 20;
    eventually!(succeeded().await > rounds, "{}", process.log());
    let after = memory::resident(process.pid()).unwrap();
    assert!(after < before + MEMORY_MAX, "from {before} to {after} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_asks_for_time_gets_it() {
    let asks = Fault::Status("503 Service Unavailable\r\nRetry-After: 2");
    let collector = Faulty::start(asks).await;
    let process = plexyd(&collector.url(), 100, &[], &[]).await;
    eventually!(collector.asked().len() > 1, "{}", process.log());
    let asked = collector.asked();
    let pause = asked[1].duration_since(asked[0]);
    assert!(pause > Duration::from_millis(1_900), "{pause:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_is_found_when_it_comes() {
    let port = Port::reserve();
    let url = format!("http://{}", port.addr());
    let process = plexyd(&url, INTERVAL_MS, &[], &[]).await;
    eventually!(process.says(FAILS), "{}", process.log());
    eventually!(process.says("Connection refused"), "{}", process.log());
    eventually!(lost(&process).await > 2);
    assert_eq!(process.log().matches(FAILS).count(), 1, "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_does_not_delay_the_end() {
    let collector = Faulty::start(Fault::Hang).await;
    for interval_ms in [100, 3_600_000] {
        let mut process = plexyd(&collector.url(), interval_ms, &[], &[]).await;
        let told = Instant::now();
        process.signal(Signal::TERM);
        assert_eq!(process.ended().await.code(), Some(0), "{}", process.log());
        assert!(told.elapsed() < Duration::from_secs(4), "{:?}", told.elapsed());
    }
}
