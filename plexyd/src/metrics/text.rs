//! Samples as the text of Prometheus, in pieces.

use prometheus::TextEncoder;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

use super::family::{Head, Kind, Label, Sink, Value};
use crate::histogram::{Bounds, Observed, TOLD_BOUNDS};

/// Samples that are one piece: some ten kilobytes.
const SAMPLES_PER_PIECE: usize = 400;

/// Writes each piece as soon as it is there.
pub(super) struct Text<'a> {
    write: &'a mut dyn FnMut(String) -> bool,
    is_over: bool,
    head: Option<&'static Head>,
    /// Whether a piece of this family was written before.
    is_begun: bool,
    metrics: Vec<Metric>,
}

impl<'a> Text<'a> {
    /// One that goes on as long as `write` takes pieces.
    pub(super) fn new(write: &'a mut dyn FnMut(String) -> bool) -> Self {
        Self { write, is_over: false, head: None, is_begun: false, metrics: Vec::new() }
    }

    /// Writes what is left.
    pub(super) fn end(mut self) {
        self.write_piece();
    }

    /// The head stands before the first piece of a family only.
    fn write_piece(&mut self) {
        let metrics = std::mem::take(&mut self.metrics);
        let Some(head) = self.head.filter(|_| !metrics.is_empty() && !self.is_over) else { return };
        let mut family = MetricFamily::default();
        family.set_name(head.name.to_owned());
        family.set_help(head.help.to_owned());
        family.set_field_type(type_of(head.kind));
        family.set_metric(metrics);
        let text = TextEncoder::new().encode_to_string(&[family]).unwrap_or_default();
        let piece = match text.splitn(3, '\n').nth(2) {
            Some(samples) if self.is_begun => samples.to_owned(),
            _ => text,
        };
        self.is_begun = true;
        self.is_over = !(self.write)(piece);
    }
}

impl Sink for Text<'_> {
    fn begin(&mut self, head: &'static Head) {
        self.write_piece();
        self.head = Some(head);
        self.is_begun = false;
    }

    fn sample(&mut self, labels: &[Label<'_>], value: Value<'_>) {
        let Some(head) = self.head else { return };
        let pair = |label: &Label<'_>| {
            let mut pair = LabelPair::default();
            pair.set_name(label.name().to_owned());
            pair.set_value(label.value().into_owned());
            pair
        };
        let mut metric = Metric::from_label(labels.iter().map(pair).collect());
        match value {
            Value::Whole(value) => set(&mut metric, head.kind, float(value)),
            Value::Float(value) => set(&mut metric, head.kind, value),
            Value::Histogram(bounds, observed) => {
                metric.set_histogram(histogram(bounds, observed));
            }
        }
        self.metrics.push(metric);
        if self.metrics.len() >= SAMPLES_PER_PIECE {
            self.write_piece();
        }
    }

    fn is_over(&self) -> bool {
        self.is_over
    }
}

#[expect(clippy::cast_precision_loss, reason = "every value of Prometheus is a float")]
fn float(value: u64) -> f64 {
    value as f64
}

fn set(metric: &mut Metric, kind: Kind, value: f64) {
    if kind == Kind::Counter {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
}

fn histogram(bounds: &Bounds, observed: &Observed) -> Histogram {
    let mut sum = 0;
    let cumulated = bounds.told.iter().zip(observed.counts).map(|(bound, count)| {
        sum += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(bound.as_secs_f64());
        bucket.set_cumulative_count(sum);
        bucket
    });
    let buckets: Vec<_> = cumulated.take(TOLD_BOUNDS).collect();
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets);
    // The bucket without a bound follows from the count.
    histogram.set_sample_count(observed.counts.iter().sum());
    histogram.set_sample_sum(observed.sum.as_secs_f64());
    histogram
}

fn type_of(kind: Kind) -> MetricType {
    match kind {
        Kind::Counter => MetricType::COUNTER,
        Kind::Gauge | Kind::UpDownCounter => MetricType::GAUGE,
        Kind::Histogram => MetricType::HISTOGRAM,
    }
}
