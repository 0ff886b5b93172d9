//! What can be exported, and what OpenTelemetry calls it.

/// One of its signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Metrics,
    Traces,
}

impl Signal {
    /// As it stands in the names of variables.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Self::Metrics => "METRICS",
            Self::Traces => "TRACES",
        }
    }

    /// What is put behind an endpoint of all signals.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Metrics => "/v1/metrics",
            Self::Traces => "/v1/traces",
        }
    }

    /// In a sentence.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Traces => "spans",
        }
    }

    /// What a collector may reject some of.
    pub(super) fn parts(self) -> &'static str {
        match self {
            Self::Metrics => "points",
            Self::Traces => "spans",
        }
    }
}
