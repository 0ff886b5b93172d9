//! Metrics and probes: what Prometheus is told is what was counted.

use std::time::Duration;

use plexy_tests::backend::{Echo, Refuser};
use plexy_tests::daemon::{Daemon, HttpClient};
use plexy_tests::eventually;
use plexy_tests::server::{Nginx, Prometheus};
use plexy_tests::tool::Tool;
use plexy_tests::traffic::round_trip;

/// How long Prometheus may take to have scraped, once a second, what has happened.
const PROMETHEUS_PATIENCE: Duration = Duration::from_secs(30);

/// The value of a series in a scrape.
#[track_caller]
fn value(scrape: &str, series: &str) -> Option<f64> {
    let line = scrape.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

async fn scrape(daemon: &Daemon) -> String {
    let answer = daemon.monitor().get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("text/plain; version=0.0.4"), "{}", answer.head);
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_tells_what_went_through() {
    let daemon = Daemon::start().await;
    let (echo, refuser) = (Echo::start(), Refuser::start());
    let rest = format!("{},{}[name=web,max-conns=100]", echo.addr(), refuser.addr());
    let tunnel = daemon.open(&rest).await;
    for _ in 0..10 {
        round_trip(tunnel, 1000).await.unwrap();
    }
    eventually!(daemon.status(tunnel).await.traffic.connections == 0);
    let text = scrape(&daemon).await;
    let (up, down) = (echo.addr(), refuser.addr());
    for (series, expected) in [
        ("plexy_ready".to_owned(), 1.0),
        ("plexy_tunnels{state=\"degraded\"}".to_owned(), 1.0),
        ("plexy_tunnel_connections{tunnel=\"web\"}".to_owned(), 0.0),
        ("plexy_tunnel_connections_limit{tunnel=\"web\"}".to_owned(), 100.0),
        ("plexy_tunnel_connections_accepted_total{tunnel=\"web\"}".to_owned(), 10.0),
        ("plexy_tunnel_bytes_total{tunnel=\"web\",direction=\"in\"}".to_owned(), 10_000.0),
        ("plexy_tunnel_bytes_total{tunnel=\"web\",direction=\"out\"}".to_owned(), 10_000.0),
        ("plexy_tunnel_connection_duration_seconds_count{tunnel=\"web\"}".to_owned(), 10.0),
        (format!("plexy_backend_up{{tunnel=\"web\",backend=\"{up}\"}}"), 1.0),
        (format!("plexy_backend_up{{tunnel=\"web\",backend=\"{down}\"}}"), 0.0),
        (
            format!("plexy_backend_state{{tunnel=\"web\",backend=\"{down}\",state=\"ejected\"}}"),
            1.0,
        ),
        (
            format!(
                "plexy_backend_state_changes_total{{tunnel=\"web\",backend=\"{down}\",state=\"ejected\"}}"
            ),
            1.0,
        ),
        (
            format!(
                "plexy_backend_connect_attempts_total{{tunnel=\"web\",backend=\"{up}\",outcome=\"success\"}}"
            ),
            10.0,
        ),
        (
            format!(
                "plexy_backend_connect_attempts_total{{tunnel=\"web\",backend=\"{down}\",outcome=\"failure\"}}"
            ),
            1.0,
        ),
        (
            format!(
                "plexy_backend_connect_duration_seconds_count{{tunnel=\"web\",backend=\"{up}\"}}"
            ),
            10.0,
        ),
        (
            format!(
                "plexy_backend_bytes_total{{tunnel=\"web\",backend=\"{up}\",direction=\"in\"}}"
            ),
            10_000.0,
        ),
        ("plexy_connections_accepted_total".to_owned(), 10.0),
        ("plexy_bytes_total{direction=\"out\"}".to_owned(), 10_000.0),
    ] {
        assert_eq!(value(&text, &series), Some(expected), "{series}\n{text}");
    }
    assert!(value(&text, "process_open_fds").is_some_and(|open| open > 5.0));
    let ended: f64 = text
        .lines()
        .filter(|line| line.starts_with("plexy_tunnel_connections_closed_total{"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum();
    assert!((ended - 10.0).abs() < f64::EPSILON, "{text}");

    // What is removed leaves; the daemon's own totals never fall.
    daemon.remove(tunnel, &down.to_string()).await.unwrap();
    assert!(!scrape(&daemon).await.contains(&format!("backend=\"{down}\"")));
    daemon.close(tunnel).await;
    let after = scrape(&daemon).await;
    assert!(!after.contains("plexy_tunnel_"), "{after}");
    assert_eq!(value(&after, "plexy_bytes_total{direction=\"in\"}"), Some(10_000.0));
    assert_eq!(value(&after, "plexy_connections_accepted_total"), Some(10.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_has_nothing_to_say_about_a_live_scrape() {
    let Some(promtool) = Tool::find("promtool", "prometheus") else { return };
    let daemon = Daemon::start().await;
    let (echo, refuser) = (Echo::start(), Refuser::start());
    let strange = "\"unix:/tmp/a \\\"b\\\\c\"";
    let tunnel = daemon.open(&format!("{},{},{strange}", echo.addr(), refuser.addr())).await;
    for _ in 0..6 {
        round_trip(tunnel, 10).await.unwrap();
    }
    daemon.rpc().call("nosuch", serde_json::json!({})).await.unwrap_err();
    let checked = promtool.run(["check", "metrics"]).input(scrape(&daemon).await).output().await;
    assert!(checked.status.success(), "{}", checked.errors());
    assert_eq!((checked.text().as_str(), checked.errors().as_str()), ("", ""));
}

/// The number behind a heading of the report of ab.
#[track_caller]
fn counted(report: &str, heading: &str) -> f64 {
    let line = report.lines().find_map(|line| line.strip_prefix(heading)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{heading}: {report}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_counts_what_the_load_generator_counted() {
    let Some(ab) = Tool::find("ab", "apache2-utils") else { return };
    let Some(nginx) = Nginx::start().await else { return };
    let daemon = Daemon::start().await;
    let HttpClient::Tcp(addr) = daemon.monitor() else { unreachable!() };
    let Some(prometheus) = Prometheus::scraping(addr).await else { return };
    nginx.serve_pattern("page", 1, 3_000);
    let tunnel = daemon.open(&format!("{}[name=load]", nginx.addr())).await;
    let query = async |expression: &str| prometheus.query(expression).await;
    let accepted = "plexy_tunnel_connections_accepted_total{tunnel=\"load\"}";
    let sent = "plexy_tunnel_bytes_total{tunnel=\"load\",direction=\"out\"}";
    let closed = "plexy_tunnel_connections_closed_total{tunnel=\"load\"";
    let served = &format!("{closed},reason=\"backend-fin\"}}");
    let ended = &format!("sum({closed}}})");
    eventually!(within PROMETHEUS_PATIENCE, query(accepted).await == Some(0.0));

    let url = nginx.url_through(tunnel, "page");
    let report = ab.run(["-q", "-n", "5000", "-c", "20", &url]).output().await.success();

    let requests = counted(&report, "Complete requests");
    assert!((requests - 5_000.0).abs() < f64::EPSILON, "{report}");
    assert!(counted(&report, "Failed requests").abs() < f64::EPSILON, "{report}");
    let transferred = counted(&report, "Total transferred");
    eventually!(within PROMETHEUS_PATIENCE, query(served).await == Some(requests));
    // ab may open a few connections at its end that it has no request for; a scrape may come before
    // they have ended.
    let live = "plexy_tunnel_connections{tunnel=\"load\"}";
    eventually!(within PROMETHEUS_PATIENCE, query(live).await == Some(0.0));
    eventually!(within PROMETHEUS_PATIENCE, query(accepted).await == query(ended).await);
    assert_eq!(query(sent).await, Some(transferred));
    assert_eq!(query("up").await, Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_tell_whether_clients_may_come() {
    let daemon = Daemon::start().await;
    let (echo, refuser) = (Echo::start(), Refuser::start());
    daemon.open(&format!("{}[name=good]", echo.addr())).await;
    let dead = daemon.open(&format!("{}[name=dead,retries=0]", refuser.addr())).await;
    round_trip(dead, 1).await.unwrap_err();
    let get = async |path: &str| {
        let answer = daemon.monitor().get(path).await;
        (answer.status, answer.body)
    };
    for path in ["/livez", "/readyz", "/healthz", "/readyz?tunnel=good"] {
        assert_eq!(get(path).await, (200, "ok\n".to_owned()), "{path}");
    }
    assert_eq!(get("/readyz?verbose").await.1, "[+]listeners ok\n");
    assert_eq!(get("/livez?verbose").await.1, "[+]workers ok\n");
    let (status, body) = get("/readyz?tunnel=dead").await;
    assert_eq!(status, 503);
    assert!(body.contains("[-]tunnel failed: tunnel `dead` has no backend that is up"), "{body}");
    assert_eq!(get("/readyz?tunnel=no%20such").await.0, 503);
    assert_eq!(get("/nosuch").await.0, 404);
    let posted = daemon.monitor().send("POST", "/metrics", &["Host: x"], b"{}").await;
    assert_eq!(posted.status, 405);
}
