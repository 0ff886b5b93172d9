//! Metrics over OTLP: a collector is told what Prometheus is told, and whatever it does hurts
//! nobody.

mod faults;
mod faulty;
mod receiver;
mod settings;
mod spans;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use plexy_tests::backend::{Echo, Refuser};
use plexy_tests::daemon::{HttpClient, LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::traffic::round_trip;
use rustix::process::Signal;

use crate::process::PLEXYD;
use crate::rpc_tls::authority::{Authority, Files};
use receiver::{Metric, Point, Receiver, Request};

/// Every family of Prometheus, and what OpenTelemetry calls it: name, unit and kind.
const NAMES: &[[&str; 4]] = &[
    ["plexy_build_info", "plexy.build_info", "{build}", "gauge"],
    ["plexy_ready", "plexy.ready", "{daemon}", "up-down"],
    [
        "plexy_config_last_reload_successful",
        "plexy.config.last_reload.successful",
        "{daemon}",
        "up-down",
    ],
    [
        "plexy_config_last_reload_success_timestamp_seconds",
        "plexy.config.last_reload.success_time",
        "s",
        "gauge",
    ],
    [
        "plexy_rpc_tls_certificate_not_after_timestamp_seconds",
        "plexy.rpc.tls.certificate.not_after",
        "s",
        "gauge",
    ],
    [
        "plexy_rpc_tls_certificate_last_reload_successful",
        "plexy.rpc.tls.certificate.last_reload.successful",
        "{daemon}",
        "up-down",
    ],
    [
        "plexy_state_last_commit_successful",
        "plexy.state.last_commit.successful",
        "{daemon}",
        "up-down",
    ],
    ["plexy_state_commits_total", "plexy.state.commits", "{commit}", "counter"],
    ["plexy_tunnels", "plexy.tunnel.count", "{tunnel}", "up-down"],
    ["plexy_connections", "plexy.active_connections", "{connection}", "up-down"],
    ["plexy_descriptors_left", "plexy.descriptor.left", "{descriptor}", "up-down"],
    ["plexy_accept_pauses_total", "plexy.accept_pauses", "{pause}", "counter"],
    ["plexy_checks_late_total", "plexy.checks_late", "{check}", "counter"],
    ["plexy_access_log_dropped_total", "plexy.access_log.dropped", "{line}", "counter"],
    ["plexy_otlp_spans_total", "plexy.otlp.spans", "{span}", "counter"],
    ["plexy_worker_tasks", "plexy.worker.active_tasks", "{task}", "up-down"],
    ["plexy_connections_accepted_total", "plexy.accepted_connections", "{connection}", "counter"],
    ["plexy_bytes_total", "plexy.io", "By", "counter"],
    ["plexy_rpc_requests_total", "plexy.rpc.requests", "{request}", "counter"],
    ["plexy_rpc_tls_handshakes_total", "plexy.rpc.tls.handshakes", "{handshake}", "counter"],
    ["plexy_otlp_exports_total", "plexy.otlp.exports", "{export}", "counter"],
    ["process_cpu_seconds_total", "process.cpu.time", "s", "counter"],
    ["process_open_fds", "process.unix.file_descriptor.count", "{file_descriptor}", "up-down"],
    ["process_max_fds", "process.unix.file_descriptor.limit", "{file_descriptor}", "up-down"],
    ["process_virtual_memory_bytes", "process.memory.virtual", "By", "up-down"],
    ["process_resident_memory_bytes", "process.memory.usage", "By", "up-down"],
    ["process_threads", "process.thread.count", "{thread}", "up-down"],
    ["process_start_time_seconds", "process.start_time", "s", "gauge"],
    ["plexy_tunnel_info", "plexy.tunnel.info", "{tunnel}", "gauge"],
    ["plexy_tunnel_connections", "plexy.tunnel.active_connections", "{connection}", "up-down"],
    ["plexy_tunnel_connections_limit", "plexy.tunnel.connection.limit", "{connection}", "up-down"],
    [
        "plexy_tunnel_connections_parked",
        "plexy.tunnel.parked_connections",
        "{connection}",
        "up-down",
    ],
    ["plexy_tunnel_parked_duration_seconds", "plexy.tunnel.parked.duration", "s", "histogram"],
    [
        "plexy_tunnel_connections_accepted_total",
        "plexy.tunnel.accepted_connections",
        "{connection}",
        "counter",
    ],
    [
        "plexy_tunnel_connections_closed_total",
        "plexy.tunnel.closed_connections",
        "{connection}",
        "counter",
    ],
    [
        "plexy_tunnel_connections_rejected_total",
        "plexy.tunnel.rejected_connections",
        "{connection}",
        "counter",
    ],
    ["plexy_tunnel_hellos_refused_total", "plexy.tunnel.refused_hellos", "{connection}", "counter"],
    ["plexy_tunnel_bytes_total", "plexy.tunnel.io", "By", "counter"],
    [
        "plexy_tunnel_connection_duration_seconds",
        "plexy.tunnel.connection.duration",
        "s",
        "histogram",
    ],
    ["plexy_tls_handshakes_total", "plexy.tls.handshakes", "{handshake}", "counter"],
    ["plexy_tls_failures_total", "plexy.tls.failures", "{connection}", "counter"],
    [
        "plexy_tls_certificate_not_after_timestamp_seconds",
        "plexy.tls.certificate.not_after",
        "s",
        "gauge",
    ],
    [
        "plexy_tls_certificate_last_reload_successful",
        "plexy.tls.certificate.last_reload.successful",
        "{tunnel}",
        "up-down",
    ],
    ["plexy_tls_certificate_reloads_total", "plexy.tls.certificate.reloads", "{reload}", "counter"],
    ["plexy_backend_up", "plexy.backend.up", "{backend}", "up-down"],
    ["plexy_backend_state", "plexy.backend.state", "{backend}", "up-down"],
    ["plexy_backend_admin_state", "plexy.backend.admin_state", "{backend}", "up-down"],
    ["plexy_backend_check_state", "plexy.backend.check_state", "{backend}", "up-down"],
    ["plexy_backend_state_changes_total", "plexy.backend.state_changes", "{change}", "counter"],
    ["plexy_backend_connections", "plexy.backend.open_connections", "{connection}", "up-down"],
    [
        "plexy_backend_connect_attempts_total",
        "plexy.backend.connect_attempts",
        "{attempt}",
        "counter",
    ],
    ["plexy_backend_connect_duration_seconds", "plexy.backend.connect.duration", "s", "histogram"],
    [
        "plexy_backend_tls_handshakes_total",
        "plexy.backend.tls.handshakes",
        "{handshake}",
        "counter",
    ],
    ["plexy_backend_tls_failures_total", "plexy.backend.tls.failures", "{failure}", "counter"],
    ["plexy_backend_checks_total", "plexy.backend.checks", "{check}", "counter"],
    ["plexy_backend_check_duration_seconds", "plexy.backend.check.duration", "s", "gauge"],
    [
        "plexy_backend_connection_duration_seconds",
        "plexy.backend.connection.duration",
        "s",
        "histogram",
    ],
    ["plexy_backend_bytes_total", "plexy.backend.io", "By", "counter"],
];

/// What differs from one look to the next although nothing happens.
const RESTLESS: &[&str] = &[
    "plexy_otlp_exports_total",
    "plexy_otlp_spans_total",
    "plexy_backend_checks_total",
    "plexy_backend_check_duration_seconds",
    "plexy_descriptors_left",
    "plexy_worker_tasks",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_virtual_memory_bytes",
    "process_resident_memory_bytes",
    "process_threads",
];

/// A plexyd that exports there, every so many milliseconds.
async fn plexyd(
    url: &str,
    interval_ms: u32,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Process {
    let sockets = ["--control-socket", "127.0.0.1:0", "--prometheus-socket", "127.0.0.1:0"];
    let exported = ["--workers", "1", "--otlp-endpoint", url];
    let interval = interval_ms.to_string();
    let variables = [&[("OTEL_METRIC_EXPORT_INTERVAL", &*interval)], variables].concat();
    Process::start_with(PLEXYD, &[&sockets, &exported, arguments].concat(), &variables).await
}

async fn scrape(process: &Process) -> String {
    HttpClient::Tcp(process.metrics_addr()).get("/metrics").await.body
}

/// The values of a family of Prometheus, as they are told, and what a histogram has in its buckets.
fn values_told(scrape: &str, family: &str) -> Vec<f64> {
    let mut values: Vec<_> = scrape
        .lines()
        .filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let name = series.split('{').next()?.strip_prefix(family)?;
            let is_of_family = ["", "_bucket", "_sum", "_count"].contains(&name);
            (is_of_family && !line.starts_with('#')).then(|| value.parse().unwrap())
        })
        .collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The same of a metric of OTLP.
fn values_of(metric: &Metric) -> Vec<f64> {
    let mut values = Vec::new();
    for point in &metric.points {
        if metric.kind == "histogram" {
            let mut sum = 0;
            values.extend([point.sum, point.count]);
            values.extend(point.buckets.iter().map(|count| {
                sum += count;
                f64::from(u32::try_from(sum).unwrap())
            }));
            assert_eq!(point.buckets.len(), point.bounds.len() + 1);
        } else {
            values.push(point.value);
        }
    }
    values.sort_by(f64::total_cmp);
    values
}

/// JSON may have changed the last bit.
fn is_equal(told: f64, value: f64) -> bool {
    (told - value).abs() <= told.abs() * 1e-12
}

fn kind_of(metric: &Metric) -> &str {
    let is_cumulative = metric.temporality == Some(2);
    match (metric.kind.as_str(), metric.monotonic) {
        ("sum", Some(true)) if is_cumulative => "counter",
        ("sum", Some(false)) if is_cumulative => "up-down",
        ("histogram", None) if is_cumulative => "histogram",
        ("gauge", None) => "gauge",
        other => panic!("{}: {other:?}, {:?}", metric.name, metric.temporality),
    }
}

/// The value of the only point that has these attributes.
#[track_caller]
fn value(request: &Request, name: &str, attributes: &[(&str, &str)]) -> f64 {
    let has = |point: &&Point| {
        attributes.iter().all(|(key, value)| point.text(key).as_deref() == Some(value))
    };
    let metric = request.metric(name).unwrap_or_else(|| panic!("no {name}"));
    let found: Vec<_> = metric.points.iter().filter(has).collect();
    assert_eq!(found.len(), 1, "{name} {attributes:?}: {:?}", metric.points);
    found[0].value
}

fn nanos_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_told_what_prometheus_is_told() {
    let Some(mut receiver) = Receiver::start().await else { return };
    let (echo, refuser) = (Echo::start(), Refuser::start());
    let backends = format!("{},{}", echo.addr(), refuser.addr());
    let web = format!(
        "0={backends}[name=web,max-conns=1,queue-timeout=50ms,check-interval=off,fail-timeout=5m]"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("listen.sock");
    let checked = "name=local,check=tcp,check-interval=50ms";
    let unix = format!("\"unix:{}\"={}[{checked}]", path.display(), echo.addr());
    let state = format!("--state={}", folder.path().join("state").display());
    let routing = format!("0={}+sni=a.example[name=routing]", echo.addr());
    let authority = Authority::new();
    let Files { cert, key } = authority.server();
    let tls = ["--rpc-socket=tls:127.0.0.1:0", "--rpc-tls-cert", &cert, "--rpc-tls-key", &key];
    let arguments = [&["--otlp-traces=1", &state, &web, &unix, &routing], &tls[..]].concat();
    let process = plexyd(&receiver.url(), 300, &arguments, &[]).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    let tunnel = line.ask("status full").await.lines().nth(1).unwrap().to_owned();
    let tunnel: std::net::SocketAddr = tunnel.trim().split(' ').next().unwrap().parse().unwrap();
    for _ in 0..4 {
        round_trip(tunnel, 1_000).await.unwrap();
        eventually!(line.ask("status full").await.contains("= open conns 0, total "));
    }
    let routing = line.ask("status full").await.lines().nth(3).unwrap().to_owned();
    let routing: std::net::SocketAddr = routing.trim().split(' ').next().unwrap().parse().unwrap();
    crate::client::is_reset_after(routing, b"no hello").await;
    let held = tokio::net::TcpStream::connect(tunnel).await.unwrap();
    let _refused = tokio::net::TcpStream::connect(tunnel).await;
    eventually!(scrape(&process).await.contains("plexy_tunnel_connections_rejected_total{"));
    drop(held);
    eventually!(scrape(&process).await.contains("plexy_tunnel_connections{tunnel=\"web\"} 0"));
    eventually!(scrape(&process).await.contains("plexy_backend_checks_total{"));
    assert!(line.ask(&format!("drain web {}", echo.addr())).await.starts_with("OK: draining"));
    let tls = crate::tls::Busy::new(folder.path());
    let open = format!("open 0={}[name=tls,{}]", echo.addr(), tls.options);
    assert!(line.ask(&open).await.starts_with("OK"), "{open}");
    let secure = line.ask("status full").await.lines().last().unwrap().to_owned();
    let secure = secure.trim().split(' ').next().unwrap().parse().unwrap();
    tls.visit(secure).await;
    let outward = crate::tls::Busy::outward(echo.addr(), secure);
    assert!(line.ask(&format!("open 0={outward}")).await.starts_with("OK"), "{outward}");
    let outward = line.ask("status full").await.lines().last().unwrap().to_owned();
    let outward = outward.trim().split(' ').next().unwrap().parse().unwrap();
    crate::tls::Busy::visit_outward(outward).await;
    eventually!(scrape(&process).await.contains("plexy_tls_failures_total{"));
    for tunnel in ["tls", "outward"] {
        let idle = format!("plexy_tunnel_connections{{tunnel=\"{tunnel}\"}} 0");
        eventually!(scrape(&process).await.contains(&idle));
    }
    let rpc = HttpClient::Unix(process.rpc_socket());
    rpc.call("ping", serde_json::json!({})).await.unwrap();
    rpc.call("nosuch", serde_json::json!({})).await.unwrap_err();

    let scrape = scrape(&process).await;
    let after = nanos_now();
    let mut request = receiver.next().await;
    while request.time() < after {
        request = receiver.next().await;
    }

    let families: Vec<_> = scrape
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '))
        .map(|(name, help)| (name.to_owned(), help.to_owned()))
        .collect();
    let names: Vec<_> = families.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, NAMES.iter().map(|[name, ..]| *name).collect::<Vec<_>>());
    let told: Vec<_> = request.metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(told, NAMES.iter().map(|[_, otlp, ..]| *otlp).collect::<Vec<_>>());
    for ([name, _, unit, kind], ((_, help), metric)) in
        NAMES.iter().zip(families.iter().zip(&request.metrics))
    {
        assert_eq!((metric.unit.as_str(), kind_of(metric)), (*unit, *kind), "{name}");
        assert_eq!(metric.description, *help);
        let (told, values) = (values_told(&scrape, name), values_of(metric));
        assert_eq!(told.len(), values.len(), "{name}");
        let are_equal = told.iter().zip(&values).all(|(told, value)| is_equal(*told, *value));
        assert!(RESTLESS.contains(name) || are_equal, "{name}: {told:?}, {values:?}");
        for point in &metric.points {
            assert!(point.start <= point.time && (*kind == "gauge" || point.start > 0), "{name}");
        }
    }
    check_attributes(&request, tunnel, &path.display().to_string(), echo.addr(), refuser.addr());
    check_frame(&request);
}

fn check_attributes(
    request: &Request,
    tunnel: std::net::SocketAddr,
    path: &str,
    echo: std::net::SocketAddr,
    refuser: std::net::SocketAddr,
) {
    let (tunnel, echo, refuser) =
        (tunnel.port().to_string(), echo.port().to_string(), refuser.port().to_string());
    let listener = [
        ("plexy.tunnel", "web"),
        ("network.local.address", "127.0.0.1"),
        ("network.local.port", &tunnel),
        ("network.transport", "tcp"),
        ("network.type", "ipv4"),
    ];
    let of = |more: &[(&'static str, &'static str)]| [&listener, more].concat();
    let io = "plexy.tunnel.io";
    assert!(
        (value(request, io, &of(&[("network.io.direction", "receive")])) - 4_000.0).abs() < 0.1
    );
    assert!(value(request, io, &of(&[("network.io.direction", "transmit")])) > 3_999.0);
    let rejected = of(&[("plexy.reason", "limit"), ("error.type", "limit")]);
    assert!(value(request, "plexy.tunnel.rejected_connections", &rejected) > 0.9);
    let local =
        [("plexy.tunnel", "local"), ("network.local.address", path), ("network.transport", "unix")];
    assert!(value(request, "plexy.tunnel.active_connections", &local) < 0.1);
    let server = |port| {
        [
            ("plexy.tunnel", "web"),
            ("server.address", "127.0.0.1"),
            ("server.port", port),
            ("network.transport", "tcp"),
            ("network.type", "ipv4"),
        ]
    };
    let failed = [&server(&refuser)[..], &[("error.type", "failure")]].concat();
    assert!(value(request, "plexy.backend.connect_attempts", &failed) > 0.9);
    assert!(value(request, "plexy.backend.up", &server(&refuser)) < 0.1);
    assert!(value(request, "plexy.backend.up", &server(&echo)) > 0.9);
    let attempts = &request.metric("plexy.backend.connect_attempts").unwrap().points;
    let attempts = attempts.iter().filter(|it| it.text("plexy.tunnel").as_deref() == Some("web"));
    let attempts: Vec<_> = attempts.collect();
    let successes: Vec<_> = attempts.iter().filter(|it| it.text("error.type").is_none()).collect();
    assert_eq!(successes.len(), 1, "{attempts:?}");
    let call = [("rpc.method", "ping"), ("plexy.transport", "http")];
    assert!(value(request, "plexy.rpc.requests", &call) > 0.9);
    let unknown = [("error.type", "unknown-method")];
    assert!(value(request, "plexy.rpc.requests", &unknown) > 0.9);
}

fn check_frame(request: &Request) {
    assert_eq!(request.path, "/v1/metrics");
    assert_eq!(request.headers["content-type"], "application/x-protobuf");
    assert!(request.headers["user-agent"].as_str().unwrap().starts_with("plexyd/"));
    assert_eq!(request.scope[0], "plexyd");
    assert_eq!(request.resource["service.name"], "plexyd");
    assert_eq!(request.resource["service.version"], request.scope[1].as_str());
    for key in ["service.instance.id", "host.name", "process.pid"] {
        assert!(request.resource.contains_key(key), "{key}: {:?}", request.resource);
    }
}

/// How many points each tunnel has in each metric, by their names.
type Points = BTreeMap<String, BTreeMap<String, usize>>;

fn count(request: &Request, points: &mut Points) {
    for metric in &request.metrics {
        let tunnels = points.entry(metric.name.clone()).or_default();
        for name in metric.points.iter().filter_map(|point| point.text("plexy.tunnel")) {
            *tunnels.entry(name).or_default() += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_tunnels_come_in_parts_and_none_is_missing() {
    const TUNNELS: usize = 3_000;
    const INTERVAL_MS: u32 = 4_000;
    const ROUNDS_MAX: usize = 5;
    let Some(mut receiver) = Receiver::start().await else { return };
    let process = plexyd(&receiver.url(), INTERVAL_MS, &[], &[]).await;
    let mut line = LineClient::connect_text(process.control_addr()).await;
    // Another address than that of the other tests, whose ports these would take.
    let opens: String =
        (0..TUNNELS).map(|number| format!("open 127.77.0.2:0=4000[name=t{number}]\n")).collect();
    line.send(opens.as_bytes()).await;
    for _ in 0..TUNNELS {
        assert!(line.next_line().await.unwrap().starts_with("OK: "));
    }
    let opened = nanos_now();

    let mut points = BTreeMap::new();
    let mut parts = 0;
    let of_last = |points: &Points| {
        points.get("plexy.backend.io").map_or(0, |tunnels| tunnels.values().sum())
    };
    // A busy machine may be too slow for one round or another, which is dropped then.
    let mut rounds = BTreeSet::new();
    while of_last(&points) < TUNNELS * 2 {
        let request = receiver.next().await;
        assert!(request.bytes <= 1_000_000, "a part of {} bytes", request.bytes);
        if request.time() < opened {
            continue;
        }
        if rounds.insert(request.time()) {
            (points, parts) = (BTreeMap::new(), 0);
            assert!(rounds.len() <= ROUNDS_MAX, "no round comes to its end");
        }
        parts += 1;
        count(&request, &mut points);
    }
    assert!(parts > 3, "{parts} parts");
    for (metric, each) in [
        ("plexy.tunnel.info", 1),
        ("plexy.tunnel.active_connections", 1),
        ("plexy.tunnel.io", 2),
        ("plexy.backend.up", 1),
        ("plexy.backend.state", 4),
        ("plexy.backend.io", 2),
    ] {
        let tunnels = &points[metric];
        assert_eq!(tunnels.len(), TUNNELS, "{metric}");
        assert!(tunnels.values().all(|count| *count == each), "{metric}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_daemon_is_told_too() {
    let Some(mut receiver) = Receiver::start().await else { return };
    let echo = Echo::start();
    let tunnel = format!("0={}", echo.addr());
    let mut process = plexyd(&receiver.url(), 3_600_000, &[&tunnel], &[]).await;
    round_trip(crate::process::tunnel_of(&process).await, 1_000).await.unwrap();

    process.signal(Signal::TERM);

    let request = receiver.next().await;
    let receive = [("network.io.direction", "receive")];
    assert!((value(&request, "plexy.io", &receive) - 1_000.0).abs() < 0.1);
    assert!(value(&request, "plexy.ready", &[]) < 0.1);
    assert_eq!(process.ended().await.code(), Some(0), "{}", process.log());
}
