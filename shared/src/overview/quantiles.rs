//! Durations that were observed, in few numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Quantiles of durations, in microseconds; all of them are 0 where nothing was observed. They are
/// found in the buckets of a histogram, each at its place between the bounds of its bucket. Those of a
/// row, or of sums, are of the last minute where anything was observed in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quantiles {
    /// Milliseconds that they go back: a minute, or as long as somebody has looked; 0 where they are
    /// all since the beginning.
    #[serde(default)]
    pub over_ms: u64,
    /// How many durations.
    pub count: u64,
    /// Half of them are shorter.
    pub p50_us: u64,
    /// Nine of ten are.
    pub p90_us: u64,
    /// 99 of a hundred are.
    pub p99_us: u64,
    /// The longest one.
    pub max_us: u64,
}

/// A histogram.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyInfo {
    /// Milliseconds that the newest of them goes back: a minute, or as long as somebody has looked.
    pub recent_ms: u64,
    /// Those of that time.
    pub recent: Quantiles,
    /// Those since the beginning.
    pub since_start: Quantiles,
    /// The buckets of the recent ones, the shortest first, from the first that holds one to the last.
    pub buckets: Vec<Bucket>,
}

/// A bucket of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bucket {
    /// The longest that is in it, in microseconds; the last one has no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_us: Option<u64>,
    /// How many are.
    pub count: u64,
}
