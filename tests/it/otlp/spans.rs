//! A span for each connection that is sampled, and nothing for others.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use plexy_tests::backend::{Echo, Greeter, Refuser};
use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::memory;
use plexy_tests::traffic::round_trip;
use rustix::process::Signal;
use tokio::net::TcpStream;

use super::faulty::{Fault, Faulty};
use super::receiver::{Batch, Receiver, Span};
use super::{nanos_now, plexyd, scrape};
use crate::process::tunnel_of;

/// Metrics are none of it.
const INTERVAL_MS: u32 = 3_600_000;

/// Spans are exported at once.
const SOON: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "100");

/// Memory that a collector may cost that takes nothing, in bytes.
const MEMORY_MAX: u64 = 16 * 1024 * 1024;

/// So many spans, in the order in which they have come.
async fn spans(receiver: &mut Receiver, count: usize) -> Vec<Span> {
    let mut spans = Vec::new();
    while spans.len() < count {
        spans.extend(receiver.next_spans().await.spans);
    }
    assert_eq!(spans.len(), count, "{spans:?}");
    spans
}

fn count(scrape: &str, outcome: &str) -> u64 {
    let series = format!("plexy_otlp_spans_total{{outcome=\"{outcome}\"}} ");
    let line = scrape.lines().find_map(|line| line.strip_prefix(&series));
    line.unwrap_or_else(|| panic!("{scrape}")).parse().unwrap()
}

async fn counted(process: &Process, outcome: &str) -> u64 {
    count(&scrape(process).await, outcome)
}

/// The names of its events; their times are in order, and within the span.
#[track_caller]
fn events(span: &Span) -> Vec<&str> {
    let times: Vec<_> = span.events.iter().map(|event| event.time).collect();
    assert!(times.is_sorted(), "{span:?}");
    assert!(times.iter().all(|time| (span.start..=span.end).contains(time)), "{span:?}");
    span.events.iter().map(|event| event.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_told_with_all_its_moments() {
    let Some(mut receiver) = Receiver::start().await else { return };
    let (refuser, echo) = (Refuser::start(), Echo::start());
    let tunnel = format!("0={},{}[name=web,check-interval=off]", refuser.addr(), echo.addr());
    let arguments = ["--otlp-traces", "1", &tunnel];
    let process = plexyd(&receiver.url(), INTERVAL_MS, &arguments, &[SOON]).await;
    let tunnel = tunnel_of(&process).await;
    let before = nanos_now();
    // One of them comes to the refuser first.
    for _ in 0..2 {
        round_trip(tunnel, 1_000).await.unwrap();
    }

    let spans = spans(&mut receiver, 2).await;

    let after = nanos_now();
    for span in &spans {
        assert_eq!((span.name.as_str(), span.kind.as_str()), ("connection", "SPAN_KIND_SERVER"));
        assert!(before <= span.start && span.start < span.end && span.end <= after, "{span:?}");
        assert_eq!((span.trace.len(), span.id.len(), span.parent.len()), (32, 16, 0));
        assert_eq!(span.status, "STATUS_CODE_UNSET");
        let (listen, backend) = (tunnel.port().to_string(), echo.addr().port().to_string());
        for (key, value) in [
            ("plexy.tunnel", "web"),
            ("client.address", "127.0.0.1"),
            ("network.local.address", "127.0.0.1"),
            ("network.local.port", &listen),
            ("network.transport", "tcp"),
            ("network.type", "ipv4"),
            ("server.address", "127.0.0.1"),
            ("server.port", &backend),
            ("plexy.bytes_in", "1000"),
            ("plexy.bytes_out", "1000"),
            ("plexy.reason", "client-fin"),
        ] {
            assert_eq!(span.text(key).as_deref(), Some(value), "{key}: {span:?}");
        }
        assert!(span.attributes["plexy.connection.id"].is_string(), "{span:?}");
        assert!(span.attributes["client.port"].is_u64(), "{span:?}");
        assert_eq!(span.text("error.type"), None);
        let keys: BTreeSet<_> = span.attributes.keys().collect();
        assert_eq!(keys.len(), span.attributes.len());
        let ended = span.events("ended").next().unwrap();
        assert_eq!(ended.time, span.end);
    }
    let ids: BTreeSet<_> = spans.iter().map(|span| &span.trace).collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
    let moved = spans.iter().find(|span| span.text("plexy.attempts").as_deref() == Some("2"));
    let moved = moved.unwrap_or_else(|| panic!("no failover: {spans:?}"));
    assert_eq!(events(moved), ["attempt", "attempt", "connected", "first_byte", "ended"]);
    let attempts: Vec<_> = moved.events("attempt").collect();
    let port = |addr: std::net::SocketAddr| Some(addr.port().to_string());
    assert_eq!(attempts[0].text("server.port"), port(refuser.addr()));
    assert_eq!(attempts[0].text("plexy.outcome").as_deref(), Some("failure"));
    assert_eq!(attempts[0].text("error.type").as_deref(), Some("failure"));
    assert_eq!(attempts[0].text("error.message").as_deref(), Some("connection refused"));
    assert_eq!(attempts[1].text("server.port"), port(echo.addr()));
    assert_eq!(attempts[1].text("plexy.outcome").as_deref(), Some("success"));
    assert_eq!(attempts[1].text("error.type"), None);
    assert!(attempts.iter().all(|it| it.attributes["plexy.connect.duration"].is_f64()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_told_with_its_cause() {
    let Some(mut receiver) = Receiver::start().await else { return };
    let (refuser, echo) = (Refuser::start(), Echo::start());
    let dead = format!("0={}[name=dead,retries=0]", refuser.addr());
    let arguments = ["--otlp-traces=1", &dead];
    let process = plexyd(&receiver.url(), INTERVAL_MS, &arguments, &[SOON]).await;
    round_trip(tunnel_of(&process).await, 10).await.unwrap_err();

    let failed = &spans(&mut receiver, 1).await[0];
    assert_eq!(failed.status, "STATUS_CODE_ERROR");
    assert_eq!(failed.message, "connection refused");
    assert_eq!(failed.text("error.type").as_deref(), Some("connect-failed"));
    assert_eq!(failed.text("server.address"), None);
    assert_eq!(events(failed), ["attempt", "ended"]);

    let mut line = LineClient::connect(process.control_addr()).await;
    line.ask("close dead").await;
    let plain = Greeter::start("220 mail.example ESMTP\r\n");
    let spec = format!("0={}[name=tls,retries=0,backend-tls,backend-verify=off]", plain.addr());
    line.ask(&format!("open {spec}")).await;
    round_trip(tunnel_of(&process).await, 10).await.unwrap_err();
    let failed = &spans(&mut receiver, 1).await[0];
    assert_eq!(failed.message, "TLS: it does not speak TLS");
    let attempt = failed.events("attempt").next().unwrap();
    assert_eq!(attempt.text("plexy.outcome").as_deref(), Some("failure"));
    assert_eq!(attempt.text("error.type").as_deref(), Some("tls"));
    assert_eq!(attempt.text("error.message").as_deref(), Some("TLS: it does not speak TLS"));
    line.ask("close tls").await;
    line.ask(&format!("open 0={}[name=full,max-conns=1,queue-timeout=0]", echo.addr())).await;
    let full = tunnel_of(&process).await;
    let held = TcpStream::connect(full).await.unwrap();
    eventually!(line.ask("status full").await.contains("open conns 1"));
    // It may hear of the reset while it connects still.
    let _refused = TcpStream::connect(full).await;
    let refused = &spans(&mut receiver, 1).await[0];
    assert_eq!(refused.text("plexy.reason").as_deref(), Some("limit"));
    assert_eq!((refused.status.as_str(), events(refused)), ("STATUS_CODE_ERROR", vec!["ended"]));

    // Nothing has come from the backend.
    drop(held);
    let silent = &spans(&mut receiver, 1).await[0];
    assert_eq!(events(silent), ["attempt", "connected", "ended"]);
    assert_eq!(silent.status, "STATUS_CODE_UNSET");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_that_of_the_access_log_and_its_end_is_told_too() {
    const CONNECTIONS: usize = 60;
    let Some(mut receiver) = Receiver::start().await else { return };
    let echo = Echo::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("access.log");
    let file = file.to_str().unwrap();
    let tunnel = format!("0={}", echo.addr());
    let log = ["--access-log=json", "--access-log-sample=4", "--access-log-file", file];
    let arguments = [&log[..], &["--otlp-traces=0.25", &tunnel]].concat();
    // Nothing is due before the end.
    let late = [("OTEL_BSP_SCHEDULE_DELAY", "3600000")];
    let mut process = plexyd(&receiver.url(), INTERVAL_MS, &arguments, &late).await;
    let tunnel = tunnel_of(&process).await;
    for _ in 0..CONNECTIONS {
        round_trip(tunnel, 10).await.unwrap();
    }

    process.signal(Signal::TERM);

    let Batch { path, bytes, resource, scope, spans } = receiver.next_spans().await;
    assert_eq!(process.ended().await.code(), Some(0), "{}", process.log());
    assert!(path == "/v1/traces" && bytes < 100_000, "{path}, {bytes} bytes");
    assert_eq!((scope[0].as_str(), &resource["service.name"]), ("plexyd", &"plexyd".into()));
    let traced: BTreeSet<_> =
        spans.iter().map(|span| span.text("plexy.connection.id").unwrap()).collect();
    let log = std::fs::read_to_string(file).unwrap();
    let logged = log.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["connection"].as_str().unwrap().to_owned()
    });
    assert_eq!(traced, logged.collect());
    assert!((10..=20).contains(&traced.len()), "{} of {CONNECTIONS}", traced.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_traced_where_nothing_is_sampled() {
    let collector = Faulty::start(Fault::None).await;
    let echo = Echo::start();
    let tunnel = format!("0={}", echo.addr());
    for arguments in [&["--otlp-traces", "0", &tunnel][..], &[&tunnel]] {
        let process = plexyd(&collector.url(), INTERVAL_MS, arguments, &[SOON]).await;
        round_trip(tunnel_of(&process).await, 10).await.unwrap();
        assert!(!scrape(&process).await.contains("plexy_otlp_spans_total{"));
        assert!(!process.says("spans"), "{}", process.log());
    }
    assert!(collector.asked().is_empty());
}

/// So many spans in one batch, and in the queue.
const SMALL: [(&str, &str); 2] =
    [("OTEL_BSP_MAX_QUEUE_SIZE", "50"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")];

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_takes_nothing_costs_the_queue_and_no_more() {
    const CONNECTIONS: u64 = 500;
    for fault in [Fault::Hang, Fault::Status("503 Service Unavailable\r\nRetry-After: 60")] {
        let collector = Faulty::start(fault).await;
        let echo = Echo::start();
        let tunnel = format!("0={}", echo.addr());
        let arguments = ["--otlp-traces", "1", &tunnel];
        let variables = [&SMALL[..], &[SOON]].concat();
        let mut process = plexyd(&collector.url(), INTERVAL_MS, &arguments, &variables).await;
        let tunnel = tunnel_of(&process).await;
        let before = memory::resident(process.pid()).unwrap();

        for _ in 0..CONNECTIONS {
            round_trip(tunnel, 10).await.unwrap();
        }

        let waiting = CONNECTIONS - 50 - 10;
        eventually!(counted(&process, "dropped").await >= waiting, "{fault:?}: {}", process.log());
        assert_eq!(counted(&process, "success").await, 0);
        let after = memory::resident(process.pid()).unwrap();
        assert!(after < before + MEMORY_MAX, "{fault:?}: from {before} to {after} bytes");
        let told = Instant::now();
        process.signal(Signal::TERM);
        assert_eq!(process.ended().await.code(), Some(0), "{}", process.log());
        assert!(told.elapsed() < Duration::from_secs(4), "{:?}", told.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_errs_for_a_while_gets_what_has_waited() {
    let collector = Faulty::start(Fault::Status("503 Service Unavailable")).await;
    let echo = Echo::start();
    let tunnel = format!("0={}", echo.addr());
    let arguments = ["--otlp-traces", "1", &tunnel];
    let variables = [&SMALL[..], &[SOON]].concat();
    let process = plexyd(&collector.url(), INTERVAL_MS, &arguments, &variables).await;
    let tunnel = tunnel_of(&process).await;
    for _ in 0..30 {
        round_trip(tunnel, 10).await.unwrap();
    }
    eventually!(process.says("WARN spans cannot be exported"), "{}", process.log());

    collector.become_good();

    eventually!(counted(&process, "success").await == 30, "{}", process.log());
    eventually!(process.says("INFO spans are exported again"), "{}", process.log());
    assert_eq!(process.log().matches("WARN spans cannot be exported").count(), 1);
    assert_eq!(counted(&process, "dropped").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_collector_refuses_is_not_tried_again() {
    let collector = Faulty::start(Fault::Status("400 Bad Request")).await;
    let echo = Echo::start();
    let tunnel = format!("0={}", echo.addr());
    let arguments = ["--otlp-traces", "1", &tunnel];
    let process = plexyd(&collector.url(), INTERVAL_MS, &arguments, &[SOON]).await;
    round_trip(tunnel_of(&process).await, 10).await.unwrap();
    eventually!(counted(&process, "failure").await == 1, "{}", process.log());
    eventually!(process.says("WARN spans cannot be exported"), "{}", process.log());
    assert_eq!(collector.asked().len(), 1);
}
