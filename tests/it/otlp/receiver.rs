//! A receiver of OTLP whose messages are decoded by what OpenTelemetry publishes for Python.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use plexy_tests::tool::{Conversation, REQUIRE, Tool};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

/// OpenTelemetry's definitions, as its own project packages them.
const PACKAGE: &str = "opentelemetry-proto==1.45.2";

const SCRIPT: &str = include_str!("receiver.py");

/// How long it may take to fetch the package.
const FETCH: Duration = Duration::from_secs(120);

/// A receiver that takes everything.
#[derive(Debug)]
pub(super) struct Receiver {
    python: Conversation,
    pub(super) port: u16,
    metrics: VecDeque<Request>,
    spans: VecDeque<Batch>,
}

/// One request with metrics.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) headers: Map<String, Value>,
    /// Its length, once it was decompressed.
    pub(super) bytes: usize,
    pub(super) resource: Map<String, Value>,
    pub(super) scope: [String; 2],
    pub(super) metrics: Vec<Metric>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Metric {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) description: String,
    pub(super) kind: String,
    pub(super) monotonic: Option<bool>,
    pub(super) temporality: Option<u8>,
    pub(super) points: Vec<Point>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Point {
    pub(super) attributes: Map<String, Value>,
    pub(super) start: u64,
    pub(super) time: u64,
    #[serde(default)]
    pub(super) value: f64,
    #[serde(default)]
    pub(super) count: f64,
    #[serde(default)]
    pub(super) sum: f64,
    #[serde(default)]
    pub(super) buckets: Vec<u64>,
    #[serde(default)]
    pub(super) bounds: Vec<f64>,
}

/// One request with spans.
#[derive(Debug, Deserialize)]
pub(super) struct Batch {
    pub(super) path: String,
    pub(super) bytes: usize,
    pub(super) resource: Map<String, Value>,
    pub(super) scope: [String; 2],
    pub(super) spans: Vec<Span>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Span {
    pub(super) trace: String,
    pub(super) id: String,
    pub(super) parent: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) attributes: Map<String, Value>,
    pub(super) events: Vec<Event>,
    pub(super) status: String,
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) time: u64,
    pub(super) attributes: Map<String, Value>,
}

impl Receiver {
    /// Starts one; nothing where Python or the package is not to be had.
    pub(super) async fn start() -> Option<Self> {
        let mut python = python().await?.converse(["-c", SCRIPT]);
        let port = python.line().await.expect("it tells its port");
        let port = port.parse().expect("a port");
        Some(Self { python, port, metrics: VecDeque::new(), spans: VecDeque::new() })
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next request with metrics.
    pub(super) async fn next(&mut self) -> Request {
        loop {
            match self.metrics.pop_front() {
                Some(request) => return request,
                None => self.read().await,
            }
        }
    }

    /// The next request with spans.
    pub(super) async fn next_spans(&mut self) -> Batch {
        loop {
            match self.spans.pop_front() {
                Some(batch) => return batch,
                None => self.read().await,
            }
        }
    }

    async fn read(&mut self) {
        let line = self.python.line().await.expect("the receiver goes on");
        let told: Value = serde_json::from_str(&line).unwrap();
        if told.get("spans").is_some() {
            self.spans.push_back(serde_json::from_value(told).unwrap());
        } else {
            self.metrics.push_back(serde_json::from_value(told).unwrap());
        }
    }
}

impl Request {
    pub(super) fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// When it was told.
    pub(super) fn time(&self) -> u64 {
        self.metrics[0].points[0].time
    }
}

impl Span {
    /// An attribute as text.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        text(&self.attributes, key)
    }

    pub(super) fn events<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Event> {
        self.events.iter().filter(move |event| event.name == name)
    }
}

impl Event {
    /// An attribute as text.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        text(&self.attributes, key)
    }
}

impl Point {
    /// An attribute as text.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        text(&self.attributes, key)
    }
}

fn text(attributes: &Map<String, Value>, key: &str) -> Option<String> {
    let value = attributes.get(key)?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// A Python that knows the package, in a folder of the build: fetched by the first test that asks,
/// and there for the next run.
async fn python() -> Option<Tool> {
    static FOUND: OnceCell<Option<Tool>> = OnceCell::const_new();
    FOUND.get_or_init(find).await.clone()
}

async fn find() -> Option<Tool> {
    let system = Tool::find_in(["/usr/bin".into()], "python3", "python3")?;
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("opentelemetry-proto");
    let folder = home.join("bin");
    let is_there = folder.join("python3").is_file()
        && knows_the_package(&Tool::find_in([folder.clone()], "python3", "python3-venv")?).await;
    if !is_there {
        let home = home.display().to_string();
        let made = system.run(["-m", "venv", "--clear", &home]).within(FETCH).output().await;
        let mut reason = made.errors() + &made.text();
        if made.is_success() {
            let pip = Tool::find_in([folder.clone()], "pip", "python3-venv")?;
            let install = ["install", "--quiet", "--disable-pip-version-check", PACKAGE];
            reason = pip.run(install).within(FETCH).output().await.errors();
        }
        let python = folder.join("python3").is_file();
        if !python || !knows_the_package(&Tool::find_in([folder.clone()], "python3", "")?).await {
            let required = std::env::var(REQUIRE).as_deref() == Ok("1");
            let told = format!("{PACKAGE} cannot be installed (python3-venv, pip): {reason}");
            assert!(!required, "{told}");
            eprintln!("skipped: {told}");
            return None;
        }
    }
    Tool::find_in([folder], "python3", "python3-venv")
}

async fn knows_the_package(python: &Tool) -> bool {
    let probe = "from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2";
    python.run(["-c", probe]).output().await.is_success()
}
