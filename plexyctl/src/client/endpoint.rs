//! Where a daemon is reached, as somebody writes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use plexy_shared::error::quoted;
use thiserror::Error;
use url::Url;

/// A door of JSON-RPC.
///
/// The daemon serves HTTP and WebSocket on one socket, so `http:` and `ws:`
/// name the same door, as do `https:` and `wss:`; this client speaks WebSocket
/// through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// A Unix socket.
    Unix(PathBuf),
    /// A host and a port, always of the scheme `ws`.
    Tcp(Url),
    /// The same, of the scheme `ws` too: what speaks TLS is below WebSocket.
    Tls(Url),
}

/// Why a text is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum EndpointError {
    /// Nothing was given.
    #[error("an endpoint is missing")]
    Empty,
    /// It could be a socket or a port of any protocol.
    #[error("{} does not say how to talk", quoted(.given))]
    NoScheme {
        /// What was given.
        given: String,
        /// The same with the scheme that was probably meant.
        suggestion: Option<String>,
    },
    /// Another protocol.
    #[error("{} is not `unix:`, `ws://` or `http://`, nor with TLS `wss://` or `https://`", quoted(.0))]
    UnknownScheme(String),
    /// A path that depends on where somebody stands.
    #[error("the path in {} does not begin with `/`", quoted(.0))]
    RelativePath(String),
    /// No port: 80 and 443 are never meant.
    #[error("{} names no port", quoted(.0))]
    NoPort(String),
    /// A path, a query or a user: there is nothing they could mean.
    #[error("{} holds more than a host and a port", quoted(.0))]
    Surplus(String),
    /// No host, or no port.
    #[error("{} holds no valid host and port: {cause}", quoted(.given))]
    BadAuthority {
        /// What was given.
        given: String,
        /// What is wrong with it.
        cause: url::ParseError,
    },
}

impl EndpointError {
    /// What was probably meant.
    pub(crate) fn suggestion(&self) -> Option<&str> {
        match self {
            Self::NoScheme { suggestion, .. } => suggestion.as_deref(),
            _ => None,
        }
    }
}

impl Endpoint {
    /// The host, where it is on one.
    pub(crate) fn host(&self) -> Option<&str> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp(url) | Self::Tls(url) => url.host_str(),
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let given = || text.to_owned();
        if text.is_empty() {
            return Err(EndpointError::Empty);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            let is_absolute = path.starts_with('/');
            return if is_absolute {
                Ok(Self::Unix(path.into()))
            } else {
                Err(EndpointError::RelativePath(given()))
            };
        }
        let Some((scheme, authority)) = text.split_once("://") else {
            return Err(EndpointError::NoScheme { given: given(), suggestion: suggest(text) });
        };
        match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => parse_tcp(text, authority).map(Self::Tcp),
            "wss" | "https" => parse_tcp(text, authority).map(Self::Tls),
            _ => Err(EndpointError::UnknownScheme(given())),
        }
    }
}

fn parse_tcp(text: &str, authority: &str) -> Result<Url, EndpointError> {
    let given = || text.to_owned();
    let url = Url::parse(&format!("ws://{authority}"))
        .map_err(|cause| EndpointError::BadAuthority { given: given(), cause })?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    if has_user || url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(EndpointError::Surplus(given()));
    }
    // `url` leaves out a port of 80, so the text has to be asked.
    let behind_host = authority.rsplit(']').next().unwrap_or_default();
    if url.port().is_none() && !behind_host.trim_end_matches('/').ends_with(":80") {
        return Err(EndpointError::NoPort(given()));
    }
    Ok(url)
}

/// The same with a scheme, where that makes an endpoint of it.
fn suggest(text: &str) -> Option<String> {
    let meant = if text.starts_with('/') {
        format!("unix:{text}")
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("ws://127.0.0.1:{text}")
    } else {
        format!("ws://{text}")
    };
    meant.parse::<Endpoint>().is_ok().then_some(meant)
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, url) = match self {
            Self::Unix(path) => return write!(f, "unix:{}", path.display()),
            Self::Tcp(url) => ("ws", url),
            Self::Tls(url) => ("wss", url),
        };
        let (host, port) = (url.host_str(), url.port_or_known_default());
        write!(f, "{scheme}://{}:{}", host.unwrap_or_default(), port.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str) {
        let endpoint: Endpoint = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(endpoint.to_string(), shown, "{text}");
        assert_eq!(shown.parse().as_ref(), Ok(&endpoint), "{shown}");
    }

    #[track_caller]
    fn refused(text: &str, sentence: &str) {
        let error = text.parse::<Endpoint>().expect_err(text);
        assert!(error.to_string().contains(sentence), "{text}: {error}");
    }

    #[track_caller]
    fn suggested(text: &str, meant: Option<&str>) {
        let error = text.parse::<Endpoint>().expect_err(text);
        assert_eq!(error.suggestion(), meant, "{text}: {error}");
    }

    #[test]
    fn an_endpoint_is_a_unix_socket_or_a_port() {
        check("unix:/run/plexy/rpc.sock", "unix:/run/plexy/rpc.sock");
        check("unix:/tmp/with blank,comma/rpc.sock", "unix:/tmp/with blank,comma/rpc.sock");
        check("ws://127.0.0.1:9998", "ws://127.0.0.1:9998");
        check("ws://127.0.0.1:9998/", "ws://127.0.0.1:9998");
        check("WS://Proxy.Example:9998", "ws://proxy.example:9998");
        check("http://localhost:9998", "ws://localhost:9998");
        check("ws://[::1]:9998", "ws://[::1]:9998");
    }

    #[test]
    fn with_tls_it_is_another_one() {
        check("wss://Proxy.Example:9998", "wss://proxy.example:9998");
        check("https://127.0.0.1:9998/", "wss://127.0.0.1:9998");
        check("HTTPS://[::1]:443", "wss://[::1]:443");
        check("wss://localhost:80", "wss://localhost:80");
        let plain = "ws://localhost:1".parse::<Endpoint>();
        assert_ne!("wss://localhost:1".parse::<Endpoint>(), plain);
    }

    #[test]
    fn port_80_has_to_be_written() {
        check("ws://[::1]:80", "ws://[::1]:80");
        refused("ws://[::1]", "no port");
        refused("ws://[::80]", "no port");
        refused("http://localhost/", "no port");
    }

    #[test]
    fn what_is_no_endpoint_is_refused_as_what_it_is() {
        refused("", "missing");
        refused("localhost:9998", "does not say how to talk");
        refused("https://proxy.example", "no port");
        refused("wss://proxy.example:9998/rpc", "more than a host and a port");
        refused("ssh://proxy.example", "is not `unix:`");
        refused("tcp://127.0.0.1:1", "is not `unix:`");
        refused("unix:rpc.sock", "does not begin with `/`");
        refused("unix:", "does not begin with `/`");
        refused("ws://127.0.0.1:9998/rpc", "more than a host and a port");
        refused("ws://127.0.0.1:9998?a=b", "more than a host and a port");
        refused("ws://127.0.0.1:9998/#a", "more than a host and a port");
        refused("ws://me:secret@127.0.0.1:9998", "more than a host and a port");
        refused("ws://", "no valid host");
        refused("ws://:9998", "no valid host");
        refused("ws://127.0.0.1:99999", "no valid host");
        refused("ws://127.0.0.1:http", "no valid host");
        refused("ws://a b:1", "no valid host");
        refused("\x1b[31m", r"`\u{1b}[31m`");
    }

    #[test]
    fn what_lacks_only_its_scheme_is_suggested_with_it() {
        suggested("localhost:9998", Some("ws://localhost:9998"));
        suggested("9998", Some("ws://127.0.0.1:9998"));
        suggested("[::1]:9998", Some("ws://[::1]:9998"));
        suggested("/run/plexy/rpc.sock", Some("unix:/run/plexy/rpc.sock"));
        suggested("rpc.sock", None);
        suggested("99999", None);
        suggested("ssh://host", None);
    }
}
