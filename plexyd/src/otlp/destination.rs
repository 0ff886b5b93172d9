//! Where one signal goes, and how: the same variables for each.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue};
use plexy_shared::error::quoted;

use super::endpoint::Endpoint;
use super::settings::Said;
use super::signal::Signal;
use super::variables::Variables;

/// What OpenTelemetry takes where nothing is said.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// Milliseconds that make sense: an hour.
pub(super) const TIMEOUT_MAX_MS: u64 = 3_600_000;

/// Longest text of all headers, in bytes.
const HEADERS_BYTES_MAX: usize = 16 * 1024;

/// The protocols that plexyd has.
const PROTOCOLS: &[&str] = &["http/protobuf"];

/// Headers that follow from what is sent.
const OWN_HEADERS: [&str; 9] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Where a signal goes.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    pub(super) signal: Signal,
    pub(super) endpoint: Endpoint,
    /// For every request; their values are kept out of `Debug`.
    pub(super) headers: HeaderMap,
    /// Time for one request, with the connection it may need.
    pub(super) timeout: Duration,
    pub(super) compression: Compression,
}

/// How parts are made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
}

impl Destination {
    /// Reads it; nothing where no endpoint is named.
    pub(super) fn read(
        signal: Signal,
        said: Option<&Said<Endpoint>>,
        variables: &mut Variables<'_>,
    ) -> Option<Self> {
        let endpoint = match said {
            Some(Said::OnTheCommandLine(endpoint)) => Some(endpoint.clone().of(signal)),
            Some(Said::InTheFile(endpoint)) => {
                let of_environment = endpoint_of(signal, variables);
                of_environment.or_else(|| Some(endpoint.clone().of(signal)))
            }
            None => endpoint_of(signal, variables),
        };
        let endpoint = endpoint?;
        variables.expect(signal, "PROTOCOL", PROTOCOLS);
        let timeout = variables.of_exporter(signal, "TIMEOUT");
        Some(Self {
            signal,
            endpoint,
            headers: headers(signal, variables),
            timeout: variables.millis(timeout, 1..=TIMEOUT_MAX_MS, TIMEOUT),
            compression: compression(signal, variables),
        })
    }
}

impl Compression {
    pub(super) fn apply(self, part: Vec<u8>) -> Bytes {
        match self {
            Self::None => part.into(),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
                let written = encoder.write_all(&part).and_then(|()| encoder.finish());
                written.expect("a vector takes everything").into()
            }
        }
    }
}

/// The endpoint of the environment.
fn endpoint_of(signal: Signal, variables: &mut Variables<'_>) -> Option<Endpoint> {
    let variable = variables.of_exporter(signal, "ENDPOINT")?;
    let is_of_all = variable.name == "OTEL_EXPORTER_OTLP_ENDPOINT";
    match variable.value.parse::<Endpoint>() {
        Ok(endpoint) => Some(if is_of_all { endpoint.of(signal) } else { endpoint }),
        Err(message) => {
            variables.note(&variable, &message);
            None
        }
    }
}

fn headers(signal: Signal, variables: &mut Variables<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(variable) = variables.of_exporter(signal, "HEADERS") else { return headers };
    for (name, value) in variables.pairs(&variable, HEADERS_BYTES_MAX) {
        let shown = quoted(&name);
        let (Ok(name), Ok(mut value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value))
        else {
            variables
                .note(&variable, &format!("{shown} is no header of HTTP, or its value is none"));
            continue;
        };
        if OWN_HEADERS.contains(&name.as_str()) {
            variables.note(&variable, &format!("{shown} follows from what is sent: leave it out"));
            continue;
        }
        value.set_sensitive(true);
        headers.append(name, value);
    }
    headers
}

fn compression(signal: Signal, variables: &mut Variables<'_>) -> Compression {
    let Some(variable) = variables.of_exporter(signal, "COMPRESSION") else {
        return Compression::None;
    };
    match &*variable.value.to_ascii_lowercase() {
        "none" => Compression::None,
        "gzip" => Compression::Gzip,
        other => {
            let message = format!("{} is not known: none and gzip are", quoted(other));
            variables.note(&variable, &message);
            Compression::None
        }
    }
}
