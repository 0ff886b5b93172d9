//! The collector: a request at a time, over one connection as long as it lasts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use plexy_shared::error::quoted;
use plexy_shared::spec::BackendAddr;
use prost::Message;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::destination::{Compression, Destination};
use super::patience::asked;
use super::signal::Signal;
use crate::resolver::Resolver;

/// Longest head and longest body of an answer that are read, in bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;
const BODY_BYTES_MAX: usize = 64 * 1024;

const AGENT: &str = concat!("plexyd/", env!("CARGO_PKG_VERSION"));

/// The collector.
#[derive(Debug)]
pub(super) struct Collector {
    destination: Arc<Destination>,
    resolver: Arc<Resolver>,
    link: Option<Link>,
}

/// A connection to it, and the task that drives it.
#[derive(Debug)]
struct Link {
    requests: SendRequest<Full<Bytes>>,
    _driver: AbortOnDropHandle<()>,
}

/// What a collector has to say of a part that it has taken, if anything.
pub(super) type Taken = Option<String>;

/// Why it has not taken a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It never will.
    Refused(String),
    /// It may, a while later: when, if it has said so.
    Passing { cause: String, after: Option<Duration> },
}

/// `google.rpc.Status`, which is what a collector may answer with an error.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

/// What it answers with a success. Each signal has a message of its own, and all of them are alike.
#[derive(Clone, PartialEq, Message)]
struct Success {
    #[prost(message, optional, tag = "1")]
    partial: Option<Partial>,
}

/// What it has not taken.
#[derive(Clone, PartialEq, Message)]
struct Partial {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    message: String,
}

impl Collector {
    pub(super) fn new(destination: Arc<Destination>, resolver: Arc<Resolver>) -> Self {
        Self { destination, resolver, link: None }
    }

    /// Sends one part.
    pub(super) async fn post(&mut self, part: Bytes) -> Result<Taken, Fault> {
        // What is not put back breaks off, and so does what this future has begun when it is dropped.
        let link = self.link.take();
        let within = self.destination.timeout;
        let exchanged = timeout(within, self.exchange(link, part)).await;
        let ms = within.as_millis();
        exchanged.unwrap_or_else(|_| Err(passing(format!("no answer within {ms} ms"))))
    }

    /// Ends the connection.
    pub(super) fn hang_up(&mut self) {
        self.link = None;
    }

    async fn exchange(&mut self, link: Option<Link>, part: Bytes) -> Result<Taken, Fault> {
        let mut link = match ready(link).await {
            Some(link) => link,
            None => self.connect().await.map_err(passing)?,
        };
        let request = self.request(part).map_err(Fault::Refused)?;
        let answer = link.requests.send_request(request).await;
        let answer = answer.map_err(|error| passing(told(&error)))?;
        let head = Head::of(&answer);
        let body = Limited::new(answer.into_body(), BODY_BYTES_MAX).collect().await;
        let body = body.map(|body| body.to_bytes()).ok();
        if body.is_some() {
            self.link = Some(link);
        }
        head.judge(&body.unwrap_or_default(), self.destination.signal)
    }

    fn request(&self, part: Bytes) -> Result<Request<Full<Bytes>>, String> {
        let endpoint = &self.destination.endpoint;
        let request = Request::builder().method(Method::POST).uri(endpoint.target());
        let mut request = request
            .header(HOST, &endpoint.authority)
            .body(Full::new(part))
            .map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.extend(self.destination.headers.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if self.destination.compression == Compression::Gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(request)
    }

    async fn connect(&self) -> Result<Link, String> {
        let addrs = self.addrs().await?;
        // Each has its share, so that one that never answers leaves time for the others.
        let share = self.destination.timeout / u32::try_from(addrs.len()).unwrap_or(1).max(1);
        let mut cause = "its name has no address".to_owned();
        for addr in addrs {
            match timeout(share, TcpStream::connect(addr)).await {
                Ok(Ok(stream)) => return shake_hands(stream).await.map_err(|error| told(&error)),
                Ok(Err(error)) => cause = error.to_string(),
                Err(_) => cause = "connecting takes too long".to_owned(),
            }
        }
        Err(cause)
    }

    async fn addrs(&self) -> Result<Vec<SocketAddr>, String> {
        match &self.destination.endpoint.addr {
            BackendAddr::Ip(addr) => Ok(vec![*addr]),
            BackendAddr::Name(name, port) => {
                let found = self.resolver.resolve(name).await.map_err(|error| error.to_string())?;
                Ok(found.addresses.into_iter().map(|ip| SocketAddr::new(ip, *port)).collect())
            }
            BackendAddr::Unix(_) => Err("a URL names no Unix socket".to_owned()),
        }
    }
}

/// The same connection, unless it has ended after the last answer, which is a server's right.
async fn ready(link: Option<Link>) -> Option<Link> {
    let mut link = link?;
    link.requests.ready().await.is_ok().then_some(link)
}

async fn shake_hands(stream: TcpStream) -> hyper::Result<Link> {
    // A part goes out whole: without this its end may wait for what comes next.
    stream.set_nodelay(true).ok();
    let mut builder = Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX);
    let (requests, connection) = builder.handshake(TokioIo::new(stream)).await?;
    // How it ends is told to whoever waits for an answer.
    let driver = tokio::spawn(async move { drop(connection.await) });
    Ok(Link { requests, _driver: AbortOnDropHandle::new(driver) })
}

/// What an answer says before its body.
#[derive(Debug)]
struct Head {
    status: StatusCode,
    after: Option<Duration>,
}

impl Head {
    fn of(answer: &Response<Incoming>) -> Self {
        Self { status: answer.status(), after: asked(answer.headers(), SystemTime::now()) }
    }

    /// What follows from an answer, by the specification of OTLP. A body that is garbage, or too
    /// long to be read, says nothing.
    fn judge(self, body: &[u8], signal: Signal) -> Result<Taken, Fault> {
        if self.status.is_success() {
            let answer = Success::decode(body).unwrap_or_default();
            let Partial { rejected, message } = answer.partial.unwrap_or_default();
            let is_said = rejected > 0 || !message.is_empty();
            let parts = signal.parts();
            return Ok(
                is_said.then(|| format!("{rejected} {parts} rejected: {}", quoted(&message)))
            );
        }
        let message = Status::decode(body).unwrap_or_default().message;
        let mut cause = format!("answer {}", self.status.as_u16());
        if !message.is_empty() {
            cause.push_str(&format!(": {}", quoted(&message)));
        }
        match self.status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(Fault::Passing { cause, after: self.after }),
            _ => Err(Fault::Refused(cause)),
        }
    }
}

fn passing(cause: String) -> Fault {
    Fault::Passing { cause, after: None }
}

/// An error of HTTP with what is behind it, which alone tells something.
fn told(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::metrics::v1::{
        ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
    };

    fn judge(status: u16, body: &[u8]) -> Result<Taken, Fault> {
        let status = StatusCode::from_u16(status).unwrap();
        Head { status, after: Some(Duration::from_secs(3)) }.judge(body, Signal::Metrics)
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [429, 502, 503, 504] {
            let fault = judge(status, b"").unwrap_err();
            let after = Some(Duration::from_secs(3));
            assert_eq!(fault, Fault::Passing { cause: format!("answer {status}"), after });
        }
        for status in [301, 400, 401, 404, 413, 500, 501] {
            let fault = judge(status, b"").unwrap_err();
            assert_eq!(fault, Fault::Refused(format!("answer {status}")));
        }
    }

    #[test]
    fn what_a_collector_says_is_shown_as_it_is_harmless() {
        let body = Status { message: "no \x1b[31mtenant".to_owned() }.encode_to_vec();
        let shown = Fault::Refused("answer 400: `no \\u{1b}[31mtenant`".to_owned());
        assert_eq!(judge(400, &body), Err(shown));
        assert_eq!(judge(400, b"<html>"), Err(Fault::Refused("answer 400".to_owned())));
    }

    #[test]
    fn a_success_may_be_partial() {
        assert_eq!(judge(200, b""), Ok(None));
        assert_eq!(judge(202, b"\xff\xff<html>"), Ok(None));
        let partial = ExportMetricsPartialSuccess {
            rejected_data_points: 3,
            error_message: "too old".to_owned(),
        };
        let body = ExportMetricsServiceResponse { partial_success: Some(partial) };
        let said = "3 points rejected: `too old`".to_owned();
        assert_eq!(judge(200, &body.encode_to_vec()), Ok(Some(said)));
    }
}
