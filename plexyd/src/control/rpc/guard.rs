//! Who may ask, before anything is read but the head of the request: so it holds
//! for calls, batches and WebSockets alike.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, ORIGIN, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use jsonrpsee::server::HttpBody;
use plexy_shared::error::{Code, Refusal, quoted};
use plexy_shared::rpc::{BODY_BYTES_MAX, CallError};
use serde_json::json;
use tracing::warn;

use crate::control::token::Token;
use crate::service::Peer;

/// How long the body of a request may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What is asked of whoever comes over TCP.
#[derive(Debug)]
pub(super) struct Guard {
    token: Option<Token>,
    /// Names by which it may be called, in lower case, without a port.
    hosts: Vec<String>,
}

/// A request that is not let in.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    refusal: Refusal,
}

impl Refused {
    fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { status, refusal: Refusal::new(code, message) }
    }

    /// Nothing more is known.
    pub(super) fn failed() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Code::ShuttingDown, "the request has failed")
    }

    /// An answer of HTTP that holds one of JSON-RPC.
    pub(super) fn into_response(self) -> Response<HttpBody> {
        let error = CallError::from(self.refusal);
        let body = json!({
            "jsonrpc": "2.0",
            "id": null,
            "error": { "code": error.number, "message": error.message, "data": error.data },
        });
        let mut response = Response::new(HttpBody::from(format!("{body}\n")));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // Nobody gets a second guess, or to send the rest of a body, for free.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl Guard {
    /// `hosts` are allowed besides `localhost` and the loopback addresses.
    pub(super) fn new(token: Option<Token>, hosts: Vec<String>) -> Self {
        let hosts = hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect();
        Self { token, hosts }
    }

    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether this peer has to give the token. Whoever can open a Unix socket
    /// may: that is what its mode is for.
    pub(super) fn wants_token(&self, peer: Peer) -> bool {
        self.has_token() && matches!(peer, Peer::Tcp(_))
    }

    /// Lets a request in, with its whole body.
    pub(super) async fn admit(
        &self,
        request: Request<Incoming>,
        peer: Peer,
    ) -> Result<Request<Full<Bytes>>, Refused> {
        if matches!(peer, Peer::Tcp(_)) {
            self.check_head(request.headers(), peer)?;
        }
        let (parts, body) = request.into_parts();
        let body = if parts.method == Method::POST { read(body).await? } else { Bytes::new() };
        Ok(Request::from_parts(parts, Full::new(body)))
    }

    fn check_head(&self, headers: &HeaderMap, peer: Peer) -> Result<(), Refused> {
        // A page in a browser can be made to post here; it says so.
        if let Some(origin) = headers.get(ORIGIN) {
            let origin = quoted(&String::from_utf8_lossy(origin.as_bytes()));
            warn!(%peer, origin, "a request from a web page; refused");
            let message = "requests of web pages are refused: they carry `Origin`";
            return Err(Refused::new(StatusCode::FORBIDDEN, Code::Forbidden, message));
        }
        self.check_host(headers, peer)?;
        self.check_token(headers, peer)
    }

    /// A name that an attacker lets resolve to this machine is not ours.
    fn check_host(&self, headers: &HeaderMap, peer: Peer) -> Result<(), Refused> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().filter(|_| hosts.next().is_none());
        let host = host.and_then(|host| host.to_str().ok());
        if host.is_some_and(|host| self.is_ours(host)) {
            return Ok(());
        }
        let shown = quoted(host.unwrap_or_default());
        warn!(%peer, host = shown, "a request for another host; refused");
        let message =
            format!("`Host` is {shown}, which is none of this daemon's; --rpc-host allows it");
        Err(Refused::new(StatusCode::FORBIDDEN, Code::Forbidden, message))
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        let is_loopback =
            name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
        name == "localhost" || is_loopback || self.hosts.contains(&name)
    }

    fn check_token(&self, headers: &HeaderMap, peer: Peer) -> Result<(), Refused> {
        let Some(token) = &self.token else { return Ok(()) };
        let given = headers.get(AUTHORIZATION).and_then(|given| given.to_str().ok());
        let given = given.and_then(|given| given.split_once(' '));
        let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        match given {
            Some((_, given)) if token.matches(given.trim()) => Ok(()),
            _ => {
                warn!(%peer, "a request without the right token; refused");
                let message = match given {
                    Some(_) => "wrong token",
                    None => "the header `Authorization: Bearer TOKEN` is missing",
                };
                Err(Refused::new(StatusCode::UNAUTHORIZED, Code::Unauthorized, message))
            }
        }
    }
}

/// `name`, `name:port`, `[v6]` or `[v6]:port` without brackets and port.
fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// All of a body, if it is not too long and comes in time.
async fn read(body: Incoming) -> Result<Bytes, Refused> {
    let limited = Limited::new(body, BODY_BYTES_MAX as usize);
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
        ] {
            check(foreign, false);
        }
    }
}
