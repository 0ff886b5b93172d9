//! The URL of a collector.

use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;
use plexy_shared::error::Refusal;
use plexy_shared::spec::BackendAddr;

use super::signal::Signal;

/// The port of a URL that has none.
const HTTP_PORT: &str = ":80";

/// Where a collector is, and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(super) addr: BackendAddr,
    /// Host and port, as the URL has them.
    pub(super) authority: String,
    path: String,
    query: Option<String>,
}

impl Endpoint {
    /// The same for one signal, where this is for all of them.
    pub(super) fn of(mut self, signal: Signal) -> Self {
        self.path = format!("{}{}", self.path.trim_end_matches('/'), signal.path());
        self
    }

    /// What stands in the first line of a request.
    pub(super) fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "a URL such as http://127.0.0.1:4318 is wanted";
        let uri: Uri = text.trim().parse().map_err(|error| format!("{wanted} ({error})"))?;
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => {}
            Some(scheme) if *scheme == Scheme::HTTPS => {
                return Err("https:// is not possible yet, since plexyd has no TLS: \
                     name a collector that takes http://"
                    .to_owned());
            }
            _ => return Err(wanted.to_owned()),
        }
        let authority = uri.authority().ok_or_else(|| wanted.to_owned())?;
        if authority.as_str().contains('@') {
            return Err("a URL with a user is not possible: put what the collector wants to see \
                 into OTEL_EXPORTER_OTLP_HEADERS"
                .to_owned());
        }
        // `Authority` knows no port that is none.
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let port = if port.is_empty() { HTTP_PORT } else { port };
        let addr = format!("{}{port}", authority.host());
        let addr =
            addr.parse().map_err(|error| Refusal::from(error).without_column().to_string())?;
        Ok(Self {
            addr,
            authority: authority.as_str().to_owned(),
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, addr: &str, target: &str) {
        let endpoint: Endpoint = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(endpoint.addr.to_string(), addr);
        assert_eq!(endpoint.of(Signal::Metrics).target(), target);
    }

    #[track_caller]
    fn refused(url: &str, told: &str) {
        let error = url.parse::<Endpoint>().unwrap_err();
        assert!(error.contains(told), "{url}: {error}");
    }

    #[test]
    fn the_path_of_a_signal_is_put_behind_what_is_there() {
        check("http://127.0.0.1:4318", "127.0.0.1:4318", "/v1/metrics");
        check("http://127.0.0.1:4318/", "127.0.0.1:4318", "/v1/metrics");
        check("http://collector.example/base/", "collector.example:80", "/base/v1/metrics");
        check("HTTP://[::1]:4318/base?key=x", "[::1]:4318", "/base/v1/metrics?key=x");
        check(" http://localhost:1 ", "localhost:1", "/v1/metrics");
    }

    #[test]
    fn an_endpoint_of_metrics_alone_is_taken_as_it_is() {
        let endpoint: Endpoint = "http://a.example:4318/my/path?q".parse().unwrap();
        assert_eq!(endpoint.target(), "/my/path?q");
        assert_eq!(endpoint.authority, "a.example:4318");
        assert_eq!("http://a.example".parse::<Endpoint>().unwrap().target(), "/");
    }

    #[test]
    fn what_is_no_such_url_is_refused_with_what_is_wanted() {
        for url in ["", "localhost:4318", "127.0.0.1:4318", "/v1/metrics", "ftp://a", "http://"] {
            refused(url, "a URL such as http://127.0.0.1:4318 is wanted");
        }
        refused("https://a.example:4318", "no TLS");
        refused("http://user:secret@a.example", "OTEL_EXPORTER_OTLP_HEADERS");
        refused("http://a.example:70000", "70000");
        refused("http://a.example:0", "port");
        refused("http://a b", "is wanted");
    }
}
