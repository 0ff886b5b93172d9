//! Samples of one family, in the types of the prometheus crate.

use prometheus::TextEncoder;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

use crate::histogram::{BOUNDS, Bounds, Observed};

/// Samples that belong together, each with its labels.
#[derive(Debug, Default)]
pub(super) struct Samples {
    metrics: Vec<Metric>,
}

/// Name and value of a label.
pub(super) type Label<'a> = (&'a str, &'a str);

impl Samples {
    /// One without labels.
    pub(super) fn float(&mut self, kind: MetricType, value: f64) {
        let metric = self.with(&[]);
        if kind == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "every value of Prometheus is a float")]
    pub(super) fn gauge(&mut self, labels: &[Label<'_>], value: u64) {
        let mut gauge = Gauge::default();
        gauge.set_value(value as f64);
        self.with(labels).set_gauge(gauge);
    }

    #[allow(clippy::cast_precision_loss, reason = "every value of Prometheus is a float")]
    pub(super) fn counter(&mut self, labels: &[Label<'_>], value: u64) {
        let mut counter = Counter::default();
        counter.set_value(value as f64);
        self.with(labels).set_counter(counter);
    }

    pub(super) fn histogram(&mut self, labels: &[Label<'_>], bounds: &Bounds, observed: &Observed) {
        let mut sum = 0;
        let cumulated = bounds.0.iter().zip(observed.counts).map(|(bound, count)| {
            sum += count;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound.as_secs_f64());
            bucket.set_cumulative_count(sum);
            bucket
        });
        let buckets: Vec<_> = cumulated.take(BOUNDS).collect();
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets);
        // The bucket without a bound follows from the count.
        histogram.set_sample_count(observed.counts.iter().sum());
        histogram.set_sample_sum(observed.sum.as_secs_f64());
        self.with(labels).set_histogram(histogram);
    }

    fn with(&mut self, labels: &[Label<'_>]) -> &mut Metric {
        let pair = |(name, value): &Label<'_>| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value((*value).to_owned());
            pair
        };
        let metric = Metric::from_label(labels.iter().map(pair).collect());
        self.metrics.push(metric);
        self.metrics.last_mut().expect("one was just pushed")
    }
}

/// What a family is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: MetricType,
}

impl Head {
    /// These samples as text; nothing where there are none. The head stands
    /// before the first piece of a family only.
    pub(super) fn encode(&self, samples: Samples, is_first: bool) -> Option<String> {
        if samples.metrics.is_empty() {
            return None;
        }
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(self.kind);
        family.set_metric(samples.metrics);
        let text = encode(&[family]);
        if is_first { Some(text) } else { text.splitn(3, '\n').nth(2).map(str::to_owned) }
    }
}

/// Families as text.
pub(super) fn encode(families: &[MetricFamily]) -> String {
    TextEncoder::new().encode_to_string(families).unwrap_or_default()
}
