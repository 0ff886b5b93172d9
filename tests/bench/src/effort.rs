//! How long things are measured.

use std::time::Duration;

/// Times of one measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effort {
    /// Load that does not count.
    pub(crate) warm_up: Duration,
    /// Load that counts.
    pub(crate) measured: Duration,
    /// What has to pass before it is idle: plexyd asks something of connections when it finds them
    /// silent, which is two of its sweeps after they have come.
    pub(crate) settling: Duration,
    /// How long an idle proxy is watched: long enough for what comes every few seconds.
    pub(crate) idle: Duration,
    /// The most idle connections that are opened.
    pub(crate) connections_max: usize,
    /// By how much the work is divided that is done where instructions are counted.
    pub(crate) units_divisor: u64,
}

impl Effort {
    /// The usual.
    pub(crate) const FULL: Self = Self {
        warm_up: Duration::from_millis(250),
        measured: Duration::from_millis(800),
        settling: Duration::from_secs(16),
        idle: Duration::from_secs(8),
        connections_max: 100_000,
        units_divisor: 1,
    };

    /// For a first look.
    pub(crate) const QUICK: Self = Self {
        warm_up: Duration::from_millis(150),
        measured: Duration::from_millis(400),
        settling: Duration::from_secs(16),
        idle: Duration::from_secs(8),
        connections_max: 100_000,
        units_divisor: 1,
    };

    /// To see that everything works: its figures mean nothing.
    pub(crate) const SMOKE: Self = Self {
        warm_up: Duration::from_millis(20),
        measured: Duration::from_millis(50),
        settling: Duration::from_millis(100),
        idle: Duration::from_millis(100),
        connections_max: 100,
        units_divisor: 16,
    };
}
