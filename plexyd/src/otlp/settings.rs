//! How metrics are exported: what the flag and the variables say, validated.

use std::ffi::OsString;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use plexy_shared::error::quoted;

use super::endpoint::Endpoint;
use super::resource;
use super::variables::Variables;

/// What OpenTelemetry takes where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(60);

/// Milliseconds that make sense: an hour; ten times a second, and once a day.
const TIMEOUT_MAX_MS: u64 = 3_600_000;
const INTERVAL_MIN_MS: u64 = 100;
const INTERVAL_MAX_MS: u64 = 86_400_000;

/// Longest text of all headers, in bytes.
const HEADERS_BYTES_MAX: usize = 16 * 1024;

/// What can be said of an exporter in several ways, of which plexyd has one: somebody who wants
/// another one would not understand what comes.
const POSSIBLE: [(&str, &[&str]); 3] = [
    ("PROTOCOL", &["http/protobuf"]),
    // All is read from cells that count: the other differs for instruments that are not.
    ("TEMPORALITY_PREFERENCE", &["cumulative", "lowmemory"]),
    ("DEFAULT_HISTOGRAM_AGGREGATION", &["explicit_bucket_histogram"]),
];

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

/// Where metrics go, and how: the flag and the variables of OpenTelemetry, validated.
#[derive(Debug, Clone)]
pub struct OtlpSettings {
    pub(super) endpoint: Endpoint,
    /// For every request; their values are kept out of `Debug`.
    pub(super) headers: HeaderMap,
    /// Time for one request, with the connection it may need.
    pub(super) timeout: Duration,
    pub(super) compression: Compression,
    /// Time from one export to the next.
    pub(super) interval: Duration,
    /// What the user says of this daemon, in the order in which it counts.
    pub(super) resource: Vec<(String, String)>,
}

/// How parts are made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
}

/// An endpoint, and where it was said.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// It counts more than the environment.
    OnTheCommandLine(Endpoint),
    /// It counts less.
    InTheFile(Endpoint),
}

impl OtlpSettings {
    /// Those that hold where nothing is said but the URL of a collector, for all its signals.
    ///
    /// # Errors
    ///
    /// What is wrong with the URL.
    pub fn to(url: &str) -> Result<Self, String> {
        let endpoint: Endpoint = url.parse()?;
        Ok(Self::of_endpoint(endpoint.of_metrics(), &mut Variables::new(&|_| None)))
    }

    /// Reads them; nothing where no endpoint is named.
    ///
    /// # Errors
    ///
    /// Every mistake, with the name of the variable in which it is.
    pub(crate) fn read(
        said: Option<Said>,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Self>, Vec<String>> {
        let mut variables = Variables::new(variable);
        let endpoint = match said {
            Some(Said::OnTheCommandLine(endpoint)) => Some(endpoint.of_metrics()),
            Some(Said::InTheFile(endpoint)) => {
                endpoint_of(&mut variables).or_else(|| Some(endpoint.of_metrics()))
            }
            None => endpoint_of(&mut variables),
        };
        let settings = endpoint.map(|endpoint| Self::of_endpoint(endpoint, &mut variables));
        if variables.mistakes.is_empty() { Ok(settings) } else { Err(variables.mistakes) }
    }

    fn of_endpoint(endpoint: Endpoint, variables: &mut Variables<'_>) -> Self {
        for (what, possible) in POSSIBLE {
            if let Some(variable) = variables.of_exporter(what)
                && !possible.contains(&&*variable.value.to_ascii_lowercase())
            {
                let value = quoted(&variable.value);
                let possible = possible.join(" and ");
                variables.note(&variable, &format!("{value} is not possible, only {possible}"));
            }
        }
        let timeout = variables.of_exporter("TIMEOUT");
        let interval = variables.named("OTEL_METRIC_EXPORT_INTERVAL");
        Self {
            endpoint,
            headers: headers(variables),
            timeout: variables.millis(timeout, 1..=TIMEOUT_MAX_MS, TIMEOUT),
            compression: compression(variables),
            interval: variables.millis(interval, INTERVAL_MIN_MS..=INTERVAL_MAX_MS, INTERVAL),
            resource: resource::of_user(variables),
        }
    }
}

/// The endpoint of the environment.
fn endpoint_of(variables: &mut Variables<'_>) -> Option<Endpoint> {
    let of_metrics = variables.named("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
    let is_of_all = of_metrics.is_none();
    let variable = of_metrics.or_else(|| variables.named("OTEL_EXPORTER_OTLP_ENDPOINT"))?;
    match variable.value.parse::<Endpoint>() {
        Ok(endpoint) => Some(if is_of_all { endpoint.of_metrics() } else { endpoint }),
        Err(message) => {
            variables.note(&variable, &message);
            None
        }
    }
}

fn headers(variables: &mut Variables<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(variable) = variables.of_exporter("HEADERS") else { return headers };
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

fn compression(variables: &mut Variables<'_>) -> Compression {
    let Some(variable) = variables.of_exporter("COMPRESSION") else { return Compression::None };
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

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a.example:4318");

    fn read(said: Option<Said>, set: &[(&str, &str)]) -> Result<Option<OtlpSettings>, Vec<String>> {
        let variable = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        OtlpSettings::read(said, &variable)
    }

    #[track_caller]
    fn good(set: &[(&str, &str)]) -> OtlpSettings {
        read(None, &[&[ENDPOINT], set].concat()).unwrap().unwrap()
    }

    /// With an endpoint, and this variable.
    #[track_caller]
    fn refused(name: &str, value: &str, told: &str) {
        let mistakes = read(None, &[ENDPOINT, (name, value)]).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].starts_with(&format!("`{name}`: ")), "{mistakes:?}");
        assert!(mistakes[0].contains(told), "{mistakes:?}");
    }

    fn place(settings: &OtlpSettings) -> String {
        format!("{}{}", settings.endpoint.authority, settings.endpoint.target())
    }

    #[test]
    fn without_an_endpoint_nothing_is_looked_at() {
        assert!(read(None, &[]).unwrap().is_none());
        assert!(read(None, &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap().is_none());
        assert!(read(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]).unwrap().is_none());
    }

    #[test]
    fn what_is_not_said_is_as_opentelemetry_has_it() {
        let settings = good(&[]);
        assert_eq!(place(&settings), "a.example:4318/v1/metrics");
        assert_eq!((settings.timeout, settings.interval), (TIMEOUT, INTERVAL));
        assert_eq!(settings.compression, Compression::None);
        assert!(settings.headers.is_empty() && settings.resource.is_empty());
    }

    #[test]
    fn the_command_line_counts_more_than_the_environment_and_the_file_less() {
        let flag = || "http://flag.example:1".parse::<Endpoint>().unwrap();
        let of_metrics = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m.example:2/as/it/is");
        let both = [ENDPOINT, of_metrics];
        let told = |said, set: &[_]| place(&read(said, set).unwrap().unwrap());
        assert_eq!(told(None, &both), "m.example:2/as/it/is");
        let said = Some(Said::OnTheCommandLine(flag()));
        assert_eq!(told(said, &both), "flag.example:1/v1/metrics");
        assert_eq!(told(Some(Said::InTheFile(flag())), &both), "m.example:2/as/it/is");
        assert_eq!(told(Some(Said::InTheFile(flag())), &[ENDPOINT]), "a.example:4318/v1/metrics");
        assert_eq!(told(Some(Said::InTheFile(flag())), &[]), "flag.example:1/v1/metrics");
    }

    #[test]
    fn a_variable_for_metrics_counts_more_than_one_for_all() {
        let settings = good(&[
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
            ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
            ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "authorization=Basic%20eDp5, X-Scope=a%2Cb,"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "250"),
        ]);
        assert_eq!(settings.timeout, Duration::from_millis(2_500));
        assert_eq!(settings.interval, Duration::from_millis(250));
        assert_eq!(settings.compression, Compression::Gzip);
        assert_eq!(settings.headers.len(), 2);
        assert_eq!(settings.headers["authorization"], "Basic eDp5");
        assert_eq!(settings.headers["x-scope"], "a,b");
        assert!(!format!("{settings:?}").contains("eDp5"), "a secret is told: {settings:?}");
    }

    #[test]
    fn a_mistake_names_its_variable_and_what_is_wanted() {
        let own = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
        refused(own, "https://a.example", "no TLS");
        refused("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf");
        refused("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json", "`http/json`");
        let own = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        refused(own, "delta", "only cumulative and lowmemory");
        refused("OTEL_EXPORTER_OTLP_TIMEOUT", "0", "from 1 to 3600000");
        refused("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "`10s`");
        refused("OTEL_METRIC_EXPORT_INTERVAL", "99", "from 100 to 86400000");
        refused("OTEL_METRIC_EXPORT_INTERVAL", "-1", "`-1`");
        refused("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "none and gzip");
        refused("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b", "entry 2");
        refused("OTEL_EXPORTER_OTLP_HEADERS", "a=%0d%0ab: c", "no header");
        refused("OTEL_EXPORTER_OTLP_HEADERS", "a b=1", "no header");
        refused("OTEL_EXPORTER_OTLP_HEADERS", "Content-Length=1", "leave it out");
        refused("OTEL_EXPORTER_OTLP_HEADERS", &"a".repeat(20_000), "longer than 16384");
        refused("OTEL_RESOURCE_ATTRIBUTES", "a=1,=2", "entry 2");
        refused("OTEL_RESOURCE_ATTRIBUTES", "a=%ff", "entry 1");
        let many = format!("a={}", "x".repeat(70_000));
        refused("OTEL_RESOURCE_ATTRIBUTES", &many, "longer than 65536");
    }

    #[test]
    fn every_mistake_is_told() {
        let set = [
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x"),
        ];
        assert_eq!(read(None, &set).unwrap_err().len(), 3);
    }
}
