//! Who may ask, before anything is read but the head of the request: so it holds
//! for calls, batches and WebSockets alike.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderName, ORIGIN, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use plexy_shared::error::{Code, Refusal, quoted};
use plexy_shared::rpc::BODY_BYTES_MAX;
use tracing::warn;

use super::Visit;
use super::message::Id;
use crate::control::http1::Body;
use crate::control::token::Token;
use crate::fold::Fold;
use crate::service::Peer;

/// How long the body of a request may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What is asked of whoever comes over TCP.
#[derive(Debug)]
pub(super) struct Guard {
    token: Option<Token>,
    /// Names by which it may be called, in lower case, without a port.
    hosts: Vec<String>,
    /// Messages about who was refused, folded.
    refused: Fold,
}

/// A request that is not let in.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    refusal: Box<Refusal>,
    header: Option<(HeaderName, &'static str)>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { status, refusal: Box::new(Refusal::new(code, message)), header: None }
    }

    /// Nothing more is known.
    pub(super) fn failed() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Code::InternalError, "the request has failed")
    }

    /// With this in its head.
    pub(super) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    /// An answer of HTTP that holds one of JSON-RPC.
    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(Id::null().error(*self.refusal) + "\n"));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // Nobody gets a second guess, or to send the rest of a body, for free.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if let Some((name, value)) = self.header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl Guard {
    /// `hosts` are allowed besides `localhost` and the loopback addresses.
    pub(super) fn new(token: Option<Token>, hosts: Vec<String>) -> Self {
        let hosts = hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect();
        Self { token, hosts, refused: Fold::default() }
    }

    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Lets a request in. Whoever can open a Unix socket may ask: that is what its mode is for. It
    /// has no name that could be stolen, and no browser reaches it.
    pub(super) fn check_head<B>(&self, request: &Request<B>, visit: &Visit) -> Result<(), Refused> {
        let peer = &visit.peer;
        if matches!(peer, Peer::Unix { .. }) {
            return Ok(());
        }
        let headers = request.headers();
        // A page in a browser can be made to post here; it says so.
        if let Some(origin) = headers.get(ORIGIN) {
            let origin = quoted(&String::from_utf8_lossy(origin.as_bytes()));
            if self.is_news() {
                warn!(%peer, origin, "a request from a web page; refused");
            }
            let message = "requests of web pages are refused: they carry `Origin`";
            return Err(Refused::new(StatusCode::FORBIDDEN, Code::Forbidden, message));
        }
        self.check_host(request, visit)?;
        // A certificate that has come through the handshake says who it is.
        if matches!(peer, Peer::Tls { subject: Some(_), .. }) {
            return Ok(());
        }
        self.check_token(headers, peer)
    }

    /// Whether a refusal is logged, or only counted.
    fn is_news(&self) -> bool {
        self.refused.admits(|| "refused requests".to_owned())
    }

    /// A name that an attacker lets resolve to this machine is not ours; those of the certificate
    /// are.
    fn check_host<B>(&self, request: &Request<B>, visit: &Visit) -> Result<(), Refused> {
        let peer = &visit.peer;
        let hosts: Vec<_> = request.headers().get_all(HOST).iter().collect();
        let [host] = hosts.as_slice() else {
            let message = format!("`Host` is wanted once, and stands there {} times", hosts.len());
            return Err(Refused::new(StatusCode::BAD_REQUEST, Code::Forbidden, message));
        };
        let host = String::from_utf8_lossy(host.as_bytes());
        // What stands in the first line counts more than the header.
        let host = request.uri().authority().map_or(&*host, |authority| authority.as_str());
        let is_certified = |name| visit.credentials.as_ref().is_some_and(|it| it.is_for(name));
        if self.is_ours(host) || without_port(host).is_some_and(is_certified) {
            return Ok(());
        }
        let shown = quoted(host);
        if self.is_news() {
            warn!(%peer, host = shown, "a request for another host; refused");
        }
        let message =
            format!("`Host` is {shown}, which is none of this daemon's; --rpc-host allows it");
        Err(Refused::new(StatusCode::FORBIDDEN, Code::Forbidden, message))
    }

    fn is_ours(&self, host: &str) -> bool {
        let Some(name) = without_port(host).map(str::to_ascii_lowercase) else { return false };
        let is_loopback =
            name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
        name == "localhost" || is_loopback || self.hosts.contains(&name)
    }

    fn check_token(&self, headers: &HeaderMap, peer: &Peer) -> Result<(), Refused> {
        let Some(token) = &self.token else { return Ok(()) };
        let given = headers.get(AUTHORIZATION).and_then(|given| given.to_str().ok());
        let given = given.and_then(|given| given.split_once(' '));
        let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        match given {
            Some((_, given)) if token.matches(given.trim()) => Ok(()),
            _ => {
                if self.is_news() {
                    warn!(%peer, "a request without the right token; refused");
                }
                let message = match given {
                    Some(_) => "wrong token",
                    None => "the header `Authorization: Bearer TOKEN` is missing",
                };
                let refused = Refused::new(StatusCode::UNAUTHORIZED, Code::Unauthorized, message);
                Err(refused.with_header(WWW_AUTHENTICATE, "Bearer"))
            }
        }
    }
}

/// `name`, `name:port`, `[v6]` or `[v6]:port` without brackets and port;
/// nothing for what is none of these.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => host.find(':').map_or((host, ""), |colon| host.split_at(colon)),
    };
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|it| it.is_ascii_digit()));
    is_port.then_some(name)
}

/// All of a posted body, if it is JSON, not too long, and comes in time.
pub(super) async fn read(request: Request<Incoming>) -> Result<Bytes, Refused> {
    if request.method() != Method::POST {
        let message = "calls are posted, or sent over a WebSocket";
        let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, Code::InvalidRequest, message);
        return Err(refused.with_header(ALLOW, "POST"));
    }
    if !is_json(request.headers()) {
        let message = "`Content-Type: application/json` is wanted";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refused::new(status, Code::InvalidRequest, message));
    }
    let limited = Limited::new(request.into_body(), BODY_BYTES_MAX as usize);
    match tokio::time::timeout(BODY_TIMEOUT, limited.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("the request is longer than {BODY_BYTES_MAX} bytes");
            Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, Code::BodyTooLarge, message))
        }
        Ok(Err(error)) => {
            let message = format!("the request cannot be read: {error}");
            Err(Refused::new(StatusCode::BAD_REQUEST, Code::InvalidSyntax, message))
        }
        Err(_) => {
            let seconds = BODY_TIMEOUT.as_secs();
            let message = format!("the request did not come within {seconds} seconds");
            Err(Refused::new(StatusCode::REQUEST_TIMEOUT, Code::BodyTooSlow, message))
        }
    }
}

/// A page can make a browser post anything but this without asking first.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/json-rpc"].iter().any(|it| kind.eq_ignore_ascii_case(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, expected: bool) {
        let guard = Guard::new(None, vec!["Proxy.example".to_owned(), "10.0.0.5".to_owned()]);
        assert_eq!(guard.is_ours(host), expected, "{host}");
    }

    #[test]
    fn only_loopback_and_what_is_configured_is_ours() {
        for ours in [
            "localhost",
            "LOCALHOST:9998",
            "127.0.0.1",
            "127.1.2.3:80",
            "[::1]",
            "[::1]:9998",
            "[::ffff:127.0.0.1]:1",
            "proxy.example:9998",
            "10.0.0.5:9998",
        ] {
            check(ours, true);
        }
        for foreign in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:9998",
            "10.0.0.6",
            "[::2]:9998",
            "0.0.0.0",
            "localhost@evil.example",
            "localhost:evil",
            "127.0.0.1:1, evil",
            "[::1]evil.example",
            "[::1",
            "::1",
        ] {
            check(foreign, false);
        }
    }
}
