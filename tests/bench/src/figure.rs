//! What is measured, in which unit, and what is better.

use std::collections::BTreeMap;

use serde::Serialize;

/// One kind of figure; its name in the raw rows is the variant's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    CpuMsPerGb,
    GbPerSecond,
    CpuUsPerRequest,
    RequestsPerSecond,
    CpuUsPerConnection,
    ConnectionsPerSecond,
    P50Us,
    P99Us,
    P999Us,
    Connections,
    KbPerConnection,
    IdleCpuPercent,
    OpenMs,
    KbPerTunnel,
    CostOfIdleTunnels,
    ControlP50Ms,
    ControlP99Ms,
    ControlMaxMs,
    /// How busy the proxy was.
    ProxyBusyPercent,
    /// How busy the load generator was: near 100 it may have been the bottleneck.
    GeneratorBusyPercent,
}

/// All that came out of one measurement.
pub(crate) type Figures = BTreeMap<Figure, f64>;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Lower,
    Higher,
    /// It explains other figures, and is no aim.
    Neither,
}

impl Figure {
    /// What it is called in the table, with its unit.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::CpuMsPerGb => "CPU ms/GB",
            Self::GbPerSecond => "GB/s",
            Self::CpuUsPerRequest => "CPU µs/request",
            Self::RequestsPerSecond => "requests/s",
            Self::CpuUsPerConnection => "CPU µs/connection",
            Self::ConnectionsPerSecond => "connections/s",
            Self::P50Us => "p50 µs",
            Self::P99Us => "p99 µs",
            Self::P999Us => "p99.9 µs",
            Self::Connections => "connections",
            Self::KbPerConnection => "KB/connection",
            Self::IdleCpuPercent => "CPU % idle",
            Self::OpenMs => "ms to open",
            Self::KbPerTunnel => "KB/tunnel",
            Self::CostOfIdleTunnels => "CPU with/without",
            Self::ControlP50Ms => "answer p50 ms",
            Self::ControlP99Ms => "answer p99 ms",
            Self::ControlMaxMs => "answer max ms",
            Self::ProxyBusyPercent => "proxy busy %",
            Self::GeneratorBusyPercent => "generator busy %",
        }
    }

    /// Which way is better.
    pub(crate) fn better(self) -> Better {
        match self {
            Self::GbPerSecond | Self::RequestsPerSecond | Self::ConnectionsPerSecond => {
                Better::Higher
            }
            Self::Connections | Self::ProxyBusyPercent | Self::GeneratorBusyPercent => {
                Better::Neither
            }
            _ => Better::Lower,
        }
    }
}
