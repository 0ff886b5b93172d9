//! Samples as messages of OTLP, in parts that are requests of their own.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::attributes::attributes;
use super::resource::scope;
use crate::histogram::{Bounds, Observed};
use crate::metrics::{Head, Kind, Label, Sink, Value};

/// Longest part, in bytes: collectors and what stands before them refuse long requests.
pub(super) const PART_BYTES_MAX: usize = 1_000_000;

/// What tags and lengths around the points of one metric, and around all metrics, take at most.
const FRAME_BYTES: usize = 32;

const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// Makes a part as soon as there is enough for it.
pub(super) struct Encoder<'a> {
    emit: &'a mut dyn FnMut(Vec<u8>) -> bool,
    is_over: bool,
    resource: Resource,
    clock: Clock,
    head: Option<&'static Head>,
    /// What the part has so far; the points of its last metric are in `points`.
    metrics: Vec<Metric>,
    points: Points,
    bytes: usize,
}

/// Points of one metric.
#[derive(Debug, Default)]
struct Points {
    numbers: Vec<NumberDataPoint>,
    histograms: Vec<HistogramDataPoint>,
}

/// Times since the Unix epoch, in nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// When counting began, by both clocks.
    started: (Instant, SystemTime),
    now: u64,
}

impl<'a> Encoder<'a> {
    /// One that goes on as long as `emit` takes parts.
    pub(super) fn new(
        resource: Resource,
        started: (Instant, SystemTime),
        emit: &'a mut dyn FnMut(Vec<u8>) -> bool,
    ) -> Self {
        let mut encoder = Self {
            emit,
            is_over: false,
            resource,
            clock: Clock { started, now: nanos(SystemTime::now()) },
            head: None,
            metrics: Vec::new(),
            points: Points::default(),
            bytes: 0,
        };
        encoder.bytes = encoder.bytes_of_empty();
        encoder
    }

    /// Makes a part of what is left.
    pub(super) fn end(mut self) {
        self.close_metric();
        self.emit_part();
    }

    /// How much a part without metrics takes.
    fn bytes_of_empty(&self) -> usize {
        self.request(Vec::new()).encoded_len() + FRAME_BYTES
    }

    fn request(&self, metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
        let scope_metrics =
            vec![ScopeMetrics { scope: Some(scope()), metrics, ..ScopeMetrics::default() }];
        let resource = Some(self.resource.clone());
        let of_resource = ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() };
        ExportMetricsServiceRequest { resource_metrics: vec![of_resource] }
    }

    /// Makes room for a point of that length, in a new part if need be.
    fn make_room(&mut self, head: &'static Head, point: usize) {
        let point = point + FRAME_BYTES / 2;
        let is_first = self.points.is_empty();
        let begin = if is_first { bytes_of(head) } else { 0 };
        if self.bytes + begin + point > PART_BYTES_MAX {
            self.close_metric();
            self.emit_part();
            self.bytes += bytes_of(head) + point;
        } else {
            self.bytes += begin + point;
        }
    }

    /// The points so far are a metric.
    fn close_metric(&mut self) {
        let points = std::mem::take(&mut self.points);
        if let Some(head) = self.head.filter(|_| !points.is_empty()) {
            self.metrics.push(metric(head, points));
        }
    }

    fn emit_part(&mut self) {
        let metrics = std::mem::take(&mut self.metrics);
        self.bytes = self.bytes_of_empty();
        if !metrics.is_empty() && !self.is_over {
            let part = self.request(metrics).encode_to_vec();
            self.is_over = !(self.emit)(part);
        }
    }
}

impl Sink for Encoder<'_> {
    fn begin(&mut self, head: &'static Head) {
        self.close_metric();
        self.head = Some(head);
    }

    fn sample(&mut self, labels: &[Label<'_>], value: Value<'_>) {
        let Some(head) = self.head.filter(|_| !self.is_over) else { return };
        let number = match value {
            Value::Histogram(bounds, observed) => {
                let point = self.clock.histogram(labels, bounds, observed);
                self.make_room(head, point.encoded_len());
                self.points.histograms.push(point);
                return;
            }
            Value::Whole(value) => Number::AsInt(i64::try_from(value).unwrap_or(i64::MAX)),
            Value::Float(value) => Number::AsDouble(value),
        };
        let point = self.clock.number(head, labels, number);
        self.make_room(head, point.encoded_len());
        self.points.numbers.push(point);
    }

    fn is_over(&self) -> bool {
        self.is_over
    }
}

impl Points {
    fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.histograms.is_empty()
    }
}

impl Clock {
    fn number(self, head: &Head, labels: &[Label<'_>], value: Number) -> NumberDataPoint {
        NumberDataPoint {
            attributes: attributes(labels),
            start_time_unix_nano: if head.kind == Kind::Gauge { 0 } else { self.start(labels) },
            time_unix_nano: self.now,
            value: Some(value),
            ..NumberDataPoint::default()
        }
    }

    fn histogram(
        self,
        labels: &[Label<'_>],
        bounds: &Bounds,
        observed: &Observed,
    ) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes: attributes(labels),
            start_time_unix_nano: self.start(labels),
            time_unix_nano: self.now,
            count: observed.counts.iter().sum(),
            sum: Some(observed.sum.as_secs_f64()),
            bucket_counts: observed.counts.to_vec(),
            explicit_bounds: bounds.told.iter().map(std::time::Duration::as_secs_f64).collect(),
            ..HistogramDataPoint::default()
        }
    }

    /// When a series began at zero: with the daemon, or with its tunnel or backend. One that was
    /// removed and added again is another one, and this is how a collector sees it.
    fn start(self, labels: &[Label<'_>]) -> u64 {
        let begun = labels.iter().filter_map(|label| match label {
            Label::Tunnel(survey) => Some(survey.tunnel.opened),
            Label::Backend(backend) => Some(backend.added),
            _ => None,
        });
        let (first, then) = self.started;
        let after = begun.max().map(|begun| begun.saturating_duration_since(first));
        let start = then.checked_add(after.unwrap_or_default()).map_or(0, nanos);
        // The clock may have been set back since.
        start.min(self.now)
    }
}

fn metric(head: &Head, points: Points) -> Metric {
    let Points { numbers, histograms } = points;
    let sum = |is_monotonic: bool, data_points| {
        Data::Sum(Sum { data_points, aggregation_temporality: CUMULATIVE, is_monotonic })
    };
    let data = match head.kind {
        Kind::Counter => sum(true, numbers),
        Kind::UpDownCounter => sum(false, numbers),
        Kind::Gauge => Data::Gauge(Gauge { data_points: numbers }),
        Kind::Histogram => Data::Histogram(Histogram {
            data_points: histograms,
            aggregation_temporality: CUMULATIVE,
        }),
    };
    Metric {
        name: head.otlp.to_owned(),
        description: head.help.to_owned(),
        unit: head.unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

/// How much a metric takes besides its points.
fn bytes_of(head: &Head) -> usize {
    head.otlp.len() + head.help.len() + head.unit.len() + FRAME_BYTES
}

/// Since the Unix epoch.
pub(super) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    static HEAD: Head = Head {
        name: "plexy_x_total",
        otlp: "plexy.x",
        unit: "{x}",
        kind: Kind::Counter,
        help: "What it is.",
    };

    /// The parts that so many samples make, the longest of them `wanted` at most.
    fn parts(samples: usize, wanted: usize) -> Vec<ExportMetricsServiceRequest> {
        let mut parts = Vec::new();
        let mut emit = |part: Vec<u8>| {
            assert!(part.len() <= PART_BYTES_MAX, "{}", part.len());
            parts.push(ExportMetricsServiceRequest::decode(&*part).unwrap());
            parts.len() < wanted
        };
        let started = (Instant::now(), SystemTime::now());
        let mut encoder = Encoder::new(Resource::default(), started, &mut emit);
        encoder.begin(&HEAD);
        for number in 0..samples {
            encoder.whole(&[Label::Word("number", &number.to_string())], number as u64);
        }
        encoder.end();
        parts
    }

    fn points(part: &ExportMetricsServiceRequest) -> &[NumberDataPoint] {
        let [metric] = &*part.resource_metrics[0].scope_metrics[0].metrics else { panic!() };
        let Some(Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
        assert_eq!((metric.name.as_str(), sum.is_monotonic), ("plexy.x", true));
        &sum.data_points
    }

    #[test]
    fn what_is_too_much_for_one_part_goes_on_in_the_next() {
        let parts = parts(50_000, usize::MAX);
        assert!((3..10).contains(&parts.len()), "{}", parts.len());
        let values = parts.iter().flat_map(points).map(|point| point.value.unwrap());
        assert!(values.eq((0..50_000).map(Number::AsInt)));
        assert!(parts[0].encoded_len() > PART_BYTES_MAX * 3 / 4, "{}", parts[0].encoded_len());
    }

    #[test]
    fn who_wants_no_more_gets_no_more() {
        assert_eq!(parts(50_000, 1).len(), 1);
        assert_eq!(parts(0, 1).len(), 0);
    }

    #[test]
    fn a_series_begins_before_it_is_told() {
        let parts = parts(1, 1);
        let point = &points(&parts[0])[0];
        assert!(point.start_time_unix_nano > 0);
        assert!(point.start_time_unix_nano <= point.time_unix_nano);
    }
}
