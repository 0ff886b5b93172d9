//! For those who watch: metrics, and probes of life and readiness, over HTTP.
//! Nothing can be changed here.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use plexy_shared::error::quoted;
use plexy_shared::spec::TunnelRef;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use super::entrance::{Entrance, Stream};
use super::guarded::Guarded;
use super::guests::Guests;
use super::http1::{self, Body};
use crate::metrics::Metrics;
use crate::service::{Peer, Service};

/// Connections at once; one more ends one that has asked nothing yet, or else the one that has been
/// idle longest.
pub(crate) const CONNECTIONS_MAX: usize = 16;

/// The text format of Prometheus.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Pieces of metrics that wait to be written.
const PIECES_WAITING_MAX: usize = 4;

/// How long a worker may take for its turn before it counts as stuck.
const TURN_TIMEOUT: Duration = Duration::from_secs(2);

/// What there is.
const PATHS: &str = "/metrics, /livez, /readyz and /healthz\n";

/// All connections of all sockets of the monitor.
#[derive(Debug)]
pub(crate) struct Monitor {
    service: Arc<Service>,
    metrics: Arc<Metrics>,
    guests: Arc<Guests>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// One condition that a probe looks at.
#[derive(Debug)]
struct Check {
    name: &'static str,
    /// Why it does not hold.
    fault: Option<String>,
}

impl Monitor {
    pub(crate) fn new(service: Arc<Service>, metrics: Arc<Metrics>) -> Self {
        Self {
            service,
            metrics,
            guests: Arc::new(Guests::new(CONNECTIONS_MAX)),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Begins to serve a socket.
    pub(crate) fn serve(self: &Arc<Self>, entrance: Entrance) {
        info!(socket = %entrance.addr, "metrics socket open");
        let monitor = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = monitor.stop.cancelled() => {}
                () = entrance.accept_all(|stream, peer| monitor.begin(stream, peer)) => {}
            }
        });
    }

    fn begin(self: &Arc<Self>, stream: Stream, _peer: Peer) {
        let monitor = Arc::clone(self);
        // Who only stays makes room for who asks.
        let stay = self.guests.enter(false);
        let guest = Arc::clone(&stay.guest);
        let guarded = Guarded::new(stream, stay);
        self.tasks.spawn(async move {
            let answer = |request| {
                guest.trust();
                monitor.answer(request)
            };
            http1::serve(guarded, &guest, &monitor.stop, answer).await;
        });
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD is wanted\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let query = Query::read(request.uri().query().unwrap_or_default());
        match request.uri().path() {
            "/metrics" => self.metrics(),
            "/livez" => probed(&self.alive().await, &query),
            "/readyz" | "/healthz" => probed(&self.ready(&query).await, &query),
            _ => text(StatusCode::NOT_FOUND, format!("there are {PATHS}")),
        }
    }

    /// Metrics, written by a thread of their own as fast as they are read.
    fn metrics(&self) -> Response<Body> {
        let (send, receive) = mpsc::channel::<String>(PIECES_WAITING_MAX);
        let metrics = Arc::clone(&self.metrics);
        self.tasks.spawn_blocking(move || {
            metrics.write(&mut |piece| send.blocking_send(piece).is_ok());
        });
        let pieces = stream::unfold(receive, async |mut receive| {
            let piece = receive.recv().await?;
            Some((Bytes::from(piece), receive))
        });
        let mut response = Response::new(Body::pieces(pieces));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(METRICS_TYPE));
        response
    }

    /// Whether all that moves bytes still turns.
    async fn alive(&self) -> Vec<Check> {
        let stuck = self.service.stuck_workers(TURN_TIMEOUT).await;
        let fault = (stuck > 0).then(|| format!("{stuck} of them do not turn"));
        vec![Check { name: "workers", fault }]
    }

    /// Whether clients may be sent here; to one tunnel, if one is asked for.
    async fn ready(&self, query: &Query) -> Vec<Check> {
        let fault = (!self.service.is_ready()).then(|| "plexyd is shutting down".to_owned());
        let mut checks = vec![Check { name: "listeners", fault }];
        if let Some(tunnel) = &query.tunnel {
            checks.push(Check { name: "tunnel", fault: self.tunnel_fault(tunnel).await });
        }
        checks
    }

    async fn tunnel_fault(&self, wanted: &str) -> Option<String> {
        let tunnel = match wanted.parse::<TunnelRef>() {
            Ok(tunnel) => tunnel,
            Err(error) => return Some(error.to_string()),
        };
        match self.service.detail(&tunnel).await {
            Ok(info) if info.status.backends_up == 0 => {
                Some(format!("tunnel {} has no backend that is up", quoted(wanted)))
            }
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    }

    /// Ends every connection and every socket.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.guests.evict_all();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What may stand behind the `?` of a probe.
#[derive(Debug, Default)]
struct Query {
    is_verbose: bool,
    tunnel: Option<String>,
}

impl Query {
    fn read(text: &str) -> Self {
        let mut query = Self::default();
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            match &*key {
                "verbose" => query.is_verbose = true,
                "tunnel" => query.tunnel = Some(value.into_owned()),
                // As Kubernetes does, which adds parameters of its own.
                _ => {}
            }
        }
        query
    }
}

/// The answer to a probe, in the form of Kubernetes' own.
fn probed(checks: &[Check], query: &Query) -> Response<Body> {
    let is_good = checks.iter().all(|check| check.fault.is_none());
    let status = if is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if is_good && !query.is_verbose {
        return text(status, "ok\n");
    }
    let line = |check: &Check| match &check.fault {
        None => format!("[+]{} ok\n", check.name),
        Some(fault) => format!("[-]{} failed: {fault}\n", check.name),
    };
    text(status, checks.iter().map(line).collect::<String>())
}

fn text(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(Body::from(text.into()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
