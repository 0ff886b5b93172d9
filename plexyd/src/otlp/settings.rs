//! What is exported, and how: what the flags and the variables say, validated.

use std::ffi::OsString;
use std::time::Duration;

use plexy_shared::error::quoted;

use super::destination::{Destination, TIMEOUT_MAX_MS};
use super::endpoint::Endpoint;
use super::resource;
use super::signal::Signal;
use super::variables::Variables;
use crate::sample::Sample;
use crate::trace::Tracing;

/// What OpenTelemetry takes where nothing is said.
const INTERVAL: Duration = Duration::from_secs(60);
const DELAY: Duration = Duration::from_secs(5);
const BATCH_TIMEOUT: Duration = Duration::from_secs(30);
const BATCH: usize = 512;

/// Twice as many as OpenTelemetry has, for a moment of many connections.
const QUEUE: usize = 4096;

/// Milliseconds that make sense: ten times a second, and once a day.
const INTERVAL_MIN_MS: u64 = 100;
const INTERVAL_MAX_MS: u64 = 86_400_000;

/// Spans that may wait: 100 MB at worst.
const QUEUE_MAX: usize = 65_536;

/// What can be said of metrics in several ways, of which plexyd has one: somebody who wants another
/// one would not understand what comes.
const POSSIBLE: [(&str, &[&str]); 2] = [
    // All is read from cells that count: the other differs for instruments that are not.
    ("TEMPORALITY_PREFERENCE", &["cumulative", "lowmemory"]),
    ("DEFAULT_HISTOGRAM_AGGREGATION", &["explicit_bucket_histogram"]),
];

/// What is exported, where to, and how: the flags and the variables of OpenTelemetry, validated.
#[derive(Debug, Clone)]
pub struct OtlpSettings {
    pub(super) metrics: Option<MetricSettings>,
    pub(super) traces: Option<TraceSettings>,
    /// What the user says of this daemon, in the order in which it counts.
    pub(super) resource: Vec<(String, String)>,
}

/// How metrics are exported.
#[derive(Debug, Clone)]
pub(super) struct MetricSettings {
    pub(super) destination: Destination,
    /// Time from one export to the next.
    pub(super) interval: Duration,
}

/// How spans of connections are.
#[derive(Debug, Clone)]
pub(super) struct TraceSettings {
    pub(super) destination: Destination,
    pub(super) tracing: Tracing,
    /// How long a span waits for others to be exported with.
    pub(super) delay: Duration,
    /// Time for one part, with all that it has to be tried.
    pub(super) timeout: Duration,
}

/// What a flag says, and where.
#[derive(Debug, Clone)]
pub(crate) enum Said<T> {
    /// It counts more than the environment.
    OnTheCommandLine(T),
    /// It counts less.
    InTheFile(T),
}

impl OtlpSettings {
    /// Those that hold where nothing is said but the URL of a collector, for all its signals, and which
    /// part of all connections is traced, from 0 to 1.
    ///
    /// # Errors
    ///
    /// What is wrong with one of them.
    pub fn to(url: &str, traced: f64) -> Result<Self, String> {
        let endpoint = Said::OnTheCommandLine(url.parse()?);
        let traced = Said::OnTheCommandLine(traced.to_string().parse()?);
        let settings = Self::read(Some(endpoint), Some(traced), &|_| None);
        let settings = settings.map_err(|mistakes| mistakes.join("; "))?;
        settings.ok_or_else(|| "there is no endpoint".to_owned())
    }

    /// Reads them; nothing where no endpoint is named.
    ///
    /// # Errors
    ///
    /// Every mistake, with the name of the variable in which it is.
    pub(crate) fn read(
        endpoint: Option<Said<Endpoint>>,
        traced: Option<Said<Sample>>,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Self>, Vec<String>> {
        let mut variables = Variables::new(variable);
        let metrics = MetricSettings::read(endpoint.as_ref(), &mut variables);
        let traces = TraceSettings::read(endpoint.as_ref(), traced, &mut variables);
        let settings = (metrics.is_some() || traces.is_some()).then(|| Self {
            metrics,
            traces,
            resource: resource::of_user(&mut variables),
        });
        if variables.mistakes.is_empty() { Ok(settings) } else { Err(variables.mistakes) }
    }

    /// What is asked of who notes the way of connections.
    pub(crate) fn tracing(&self) -> Option<Tracing> {
        self.traces.as_ref().map(|traces| traces.tracing)
    }
}

impl MetricSettings {
    fn read(said: Option<&Said<Endpoint>>, variables: &mut Variables<'_>) -> Option<Self> {
        let destination = Destination::read(Signal::Metrics, said, variables)?;
        for (what, possible) in POSSIBLE {
            variables.expect(Signal::Metrics, what, possible);
        }
        let interval = variables.named("OTEL_METRIC_EXPORT_INTERVAL");
        let interval = variables.millis(interval, INTERVAL_MIN_MS..=INTERVAL_MAX_MS, INTERVAL);
        Some(Self { destination, interval })
    }
}

impl TraceSettings {
    /// Reads them; nothing where no connection is traced, or there is no endpoint: variables may be
    /// meant for others, but a flag is meant for us.
    fn read(
        endpoint: Option<&Said<Endpoint>>,
        traced: Option<Said<Sample>>,
        variables: &mut Variables<'_>,
    ) -> Option<Self> {
        if endpoint.is_none() && variables.of_exporter(Signal::Traces, "ENDPOINT").is_none() {
            if let Some(Said::OnTheCommandLine(sample) | Said::InTheFile(sample)) = traced
                && !sample.is_empty()
            {
                let wanted = "`--otlp-traces` without a collector: name one by `--otlp-endpoint`, \
                     OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
                variables.mistakes.push(wanted.to_owned());
            }
            return None;
        }
        let sample = match traced {
            Some(Said::OnTheCommandLine(sample)) => sample,
            Some(Said::InTheFile(sample)) => sampler(variables).unwrap_or(sample),
            None => sampler(variables)?,
        };
        if sample.is_empty() {
            return None;
        }
        let destination = Destination::read(Signal::Traces, endpoint, variables)?;
        let queue = variables.named("OTEL_BSP_MAX_QUEUE_SIZE");
        let queue_max = variables.count(queue, 1..=QUEUE_MAX, QUEUE);
        let batch = variables.named("OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
        let batch_max = variables.count(batch, 1..=queue_max, BATCH.min(queue_max));
        let delay = variables.named("OTEL_BSP_SCHEDULE_DELAY");
        let timeout = variables.named("OTEL_BSP_EXPORT_TIMEOUT");
        Some(Self {
            destination,
            tracing: Tracing { sample, queue_max, batch_max },
            delay: variables.millis(delay, INTERVAL_MIN_MS..=INTERVAL_MAX_MS, DELAY),
            timeout: variables.millis(timeout, 1..=TIMEOUT_MAX_MS, BATCH_TIMEOUT),
        })
    }
}

/// The sampler of the environment. A connection has no parent, so what follows that is the rest.
fn sampler(variables: &mut Variables<'_>) -> Option<Sample> {
    let variable = variables.named("OTEL_TRACES_SAMPLER")?;
    let sampler = variable.value.to_ascii_lowercase();
    match sampler.strip_prefix("parentbased_").unwrap_or(&sampler) {
        "always_on" => Some(Sample::ALL),
        "always_off" => Some(Sample::NONE),
        "traceidratio" => {
            let Some(ratio) = variables.named("OTEL_TRACES_SAMPLER_ARG") else {
                return Some(Sample::ALL);
            };
            let sample = ratio.value.parse();
            sample.map_err(|error: String| variables.note(&ratio, &error)).ok()
        }
        _ => {
            let value = quoted(&variable.value);
            let message =
                format!("{value} is not known: always_on, always_off and traceidratio are");
            variables.note(&variable, &message);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::destination::{Compression, TIMEOUT};

    const ALL: (&str, &str) = ("OTEL_TRACES_SAMPLER", "always_on");
    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a.example:4318");

    fn read(
        said: Option<Said<Endpoint>>,
        set: &[(&str, &str)],
    ) -> Result<Option<OtlpSettings>, Vec<String>> {
        let variable = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        OtlpSettings::read(said, None, &variable)
    }

    #[track_caller]
    fn good(set: &[(&str, &str)]) -> OtlpSettings {
        read(None, &[&[ENDPOINT], set].concat()).unwrap().unwrap()
    }

    #[track_caller]
    fn good_metrics(set: &[(&str, &str)]) -> MetricSettings {
        good(set).metrics.unwrap()
    }

    #[track_caller]
    fn good_traces(set: &[(&str, &str)]) -> TraceSettings {
        good(&[&[ALL], set].concat()).traces.unwrap()
    }

    /// With an endpoint, all connections traced, and this variable.
    #[track_caller]
    fn refused(name: &str, value: &str, told: &str) {
        let mistakes = read(None, &[(name, value), ENDPOINT, ALL]).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].starts_with(&format!("`{name}`: ")), "{mistakes:?}");
        assert!(mistakes[0].contains(told), "{mistakes:?}");
    }

    fn place(Destination { endpoint, .. }: &Destination) -> String {
        format!("{}{}", endpoint.authority, endpoint.target())
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
        assert!(settings.traces.is_none() && settings.resource.is_empty());
        let MetricSettings { destination, interval } = settings.metrics.unwrap();
        assert_eq!(place(&destination), "a.example:4318/v1/metrics");
        assert_eq!((destination.timeout, interval), (TIMEOUT, INTERVAL));
        assert_eq!(destination.compression, Compression::None);
        assert!(destination.headers.is_empty());
        let TraceSettings { destination, tracing, delay, timeout } = good_traces(&[]);
        assert_eq!(place(&destination), "a.example:4318/v1/traces");
        assert_eq!((delay, timeout), (DELAY, BATCH_TIMEOUT));
        let expected = Tracing { sample: Sample::ALL, queue_max: 4_096, batch_max: 512 };
        assert_eq!(tracing, expected);
    }

    #[test]
    fn the_command_line_counts_more_than_the_environment_and_the_file_less() {
        let flag = || "http://flag.example:1".parse::<Endpoint>().unwrap();
        let of_metrics = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m.example:2/as/it/is");
        let both = [ENDPOINT, of_metrics];
        let told = |said, set: &[_]| {
            place(&read(said, set).unwrap().unwrap().metrics.unwrap().destination)
        };
        assert_eq!(told(None, &both), "m.example:2/as/it/is");
        let said = Some(Said::OnTheCommandLine(flag()));
        assert_eq!(told(said, &both), "flag.example:1/v1/metrics");
        assert_eq!(told(Some(Said::InTheFile(flag())), &both), "m.example:2/as/it/is");
        assert_eq!(told(Some(Said::InTheFile(flag())), &[ENDPOINT]), "a.example:4318/v1/metrics");
        assert_eq!(told(Some(Said::InTheFile(flag())), &[]), "flag.example:1/v1/metrics");
    }

    #[test]
    fn a_variable_for_metrics_counts_more_than_one_for_all() {
        let MetricSettings { destination: settings, interval } = good_metrics(&[
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
            ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
            ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "authorization=Basic%20eDp5, X-Scope=a%2Cb,"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "250"),
        ]);
        assert_eq!(settings.timeout, Duration::from_millis(2_500));
        assert_eq!(interval, Duration::from_millis(250));
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
    fn connections_are_traced_where_that_is_said() {
        let sample = |set: &[_]| good(set).tracing().map(|tracing| tracing.sample);
        let sampler = |name| ("OTEL_TRACES_SAMPLER", name);
        let ratio = |ratio| ("OTEL_TRACES_SAMPLER_ARG", ratio);
        assert_eq!(sample(&[ratio("0.5")]), None);
        assert_eq!(sample(&[sampler("parentbased_always_on"), ratio("x")]), Some(Sample::ALL));
        assert_eq!(sample(&[sampler("always_off")]), None);
        assert_eq!(sample(&[sampler("traceidratio")]), Some(Sample::ALL));
        assert_eq!(sample(&[sampler("traceidratio"), ratio("0")]), None);
        let half = Sample::ratio(0.5);
        assert_eq!(sample(&[sampler("ParentBased_TraceIdRatio"), ratio("0.5")]), half);
        refused("OTEL_TRACES_SAMPLER", "jaeger_remote", "traceidratio are");
        let mistakes = read(None, &[ENDPOINT, sampler("traceidratio"), ratio("1%")]).unwrap_err();
        assert!(mistakes[0].starts_with("`OTEL_TRACES_SAMPLER_ARG`: "), "{mistakes:?}");
    }

    #[test]
    fn spans_may_go_elsewhere_and_in_other_batches() {
        let TraceSettings { destination, tracing, delay, timeout } = good_traces(&[
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t.example:2/as/it/is"),
            ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "300"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ]);
        assert_eq!(place(&destination), "t.example:2/as/it/is");
        assert_eq!(destination.compression, Compression::Gzip);
        assert_eq!(delay, Duration::from_millis(200));
        assert_eq!(timeout, Duration::from_millis(300));
        assert_eq!((tracing.queue_max, tracing.batch_max), (100, 100));
        let alone = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t.example"), ALL];
        let alone = read(None, &alone).unwrap().unwrap();
        assert!(alone.metrics.is_none() && alone.traces.is_some());
        refused("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost:4317", "is wanted");
        refused("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", "http/protobuf");
        refused("OTEL_BSP_MAX_QUEUE_SIZE", "0", "from 1 to 65536");
        refused("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5000", "from 1 to 4096");
        refused("OTEL_BSP_SCHEDULE_DELAY", "5s", "milliseconds");
        // Nobody is to stumble over what is not asked for.
        let off = [("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"), ENDPOINT];
        assert!(read(None, &off).unwrap().unwrap().traces.is_none());
        assert!(read(None, &[ALL]).unwrap().is_none());
    }

    #[test]
    fn a_flag_wants_a_collector() {
        let of_flag = |ratio: &str, set: &[(&str, &str)], said: fn(Sample) -> Said<Sample>| {
            let variable = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            };
            OtlpSettings::read(None, Some(said(ratio.parse().unwrap())), &variable)
        };
        let sample = |settings: Result<Option<OtlpSettings>, _>| {
            settings.unwrap().unwrap().tracing().map(|tracing| tracing.sample)
        };
        for said in [Said::OnTheCommandLine, Said::InTheFile] {
            let mistakes = of_flag("0.1", &[], said).unwrap_err();
            assert!(mistakes[0].starts_with("`--otlp-traces` without a collector"), "{mistakes:?}");
            assert!(of_flag("0", &[], said).unwrap().is_none());
        }
        let both = [ENDPOINT, ALL];
        assert_eq!(sample(of_flag("0.1", &both, Said::OnTheCommandLine)), Sample::ratio(0.1));
        assert_eq!(sample(of_flag("0", &both, Said::OnTheCommandLine)), None);
        assert_eq!(sample(of_flag("0.1", &both, Said::InTheFile)), Some(Sample::ALL));
        assert_eq!(sample(of_flag("0.1", &both[..1], Said::InTheFile)), Sample::ratio(0.1));
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
