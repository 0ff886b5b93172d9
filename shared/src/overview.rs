//! What somebody sees who watches a daemon: its sums, and the rows that they look at, filtered, sorted
//! and cut before they are sent. A rate is an average over the time that [`Overview::over_ms`] tells;
//! totals count since the beginning, so that a look that was missed costs nothing.

mod column;
mod find;
mod order;
mod params;
mod quantiles;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::connection::ConnectionInfo;
use crate::info::{BackendInfo, Traffic, TunnelInfo, TunnelStatus};
use crate::word::{Word, words};

pub use column::{BackendColumn, Column, TunnelColumn};
pub use find::Find;
pub use order::Order;
pub use params::{
    BackendId, BackendRowsParams, ConnectionRows, ConnectionRowsParams, OverviewParams,
    OverviewQuery, ROWS_RANGE, Rows, TunnelRowsParams,
};
pub use quantiles::{Bucket, LatencyInfo, Quantiles};

/// How a tunnel, or a backend, is: the first one is what somebody should look at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Health {
    /// No backend takes its clients.
    Down,
    /// Some of its backends take none.
    Degraded,
    /// Somebody has it drain.
    Draining,
    /// Somebody has put it out of service.
    Disabled,
    /// As it should be.
    Ok,
}

words!(Health {
    Down => "down",
    Degraded => "degraded",
    Draining => "draining",
    Disabled => "disabled",
    Ok => "ok",
});

/// A daemon at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Overview {
    /// The daemon that counts.
    pub instance: String,
    /// Milliseconds since it started, by a clock that never jumps.
    pub monotonic_ms: u64,
    /// When that was, in UTC (RFC 3339).
    pub time: String,
    /// Milliseconds over which rates are averages; 0 where this is the first look, and every rate is 0.
    pub over_ms: u64,
    /// Its revision.
    pub revision: u64,
    /// Its process.
    pub process: ProcessInfo,
    /// All of it.
    pub sums: Sums,
    /// The tunnels that were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnels: Option<RowsReply<TunnelRow>>,
    /// The backends that were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backends: Option<RowsReply<BackendRow>>,
    /// The connections that were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<RowsReply<ConnectionInfo>>,
    /// The tunnel that was asked for, as long as it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<TunnelOverview>,
}

/// The process of a daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessInfo {
    /// The version of the program.
    pub version: String,
    /// Its number.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime_seconds: u64,
    /// Milliseconds of CPU time that it has used, in its own and in the kernel's code.
    pub cpu_ms: u64,
    /// Bytes of memory that it holds.
    pub resident_bytes: u64,
    /// Descriptors that are open.
    pub descriptors: u64,
    /// Descriptors that may be open at once, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptors_max: Option<u64>,
    /// Tunnels that accept no client now, since no descriptors are left.
    #[serde(default, skip_serializing_if = "crate::info::is_zero")]
    pub tunnels_paused: usize,
}

/// All that a daemon does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sums {
    /// All that went through it, tunnels closed since included.
    #[serde(flatten)]
    pub traffic: Traffic,
    /// How fast that is.
    #[serde(flatten)]
    pub rates: RatesInfo,
    /// The most connections that have lived at once, of the moments at which somebody looked.
    pub connections_peak: u64,
    /// Clients that wait until a limit lets them go on.
    pub parked: u64,
    /// Its tunnels, by how they are.
    pub tunnels: HealthCounts,
    /// Its backends, without those that somebody has put out of service.
    pub backends: u64,
    /// Of them, those that take connections.
    pub backends_up: u64,
    /// How long it takes to connect to backends.
    pub connect: Quantiles,
    /// How long connections have lived that have ended.
    pub lifetime: Quantiles,
    /// Seconds until the first certificate ends that a tunnel shows; negative where it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_seconds: Option<i64>,
}

/// How many tunnels are how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthCounts {
    /// Without a backend that takes clients.
    pub down: u64,
    /// With some that take none.
    pub degraded: u64,
    /// That drain.
    pub draining: u64,
    /// Out of service.
    pub disabled: u64,
    /// As they should be.
    pub ok: u64,
}

impl HealthCounts {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.down + self.degraded + self.draining + self.disabled + self.ok
    }

    /// One more that is so.
    pub fn count(&mut self, health: Health) {
        let count = match health {
            Health::Down => &mut self.down,
            Health::Degraded => &mut self.degraded,
            Health::Draining => &mut self.draining,
            Health::Disabled => &mut self.disabled,
            Health::Ok => &mut self.ok,
        };
        *count += 1;
    }
}

/// How fast something goes: averages over the time that [`Overview::over_ms`] tells, in thousandths
/// where less than one counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RatesInfo {
    /// Bytes per second from clients to backends.
    pub rate_in: u64,
    /// Bytes per second from backends to clients.
    pub rate_out: u64,
    /// New connections in a thousand seconds.
    pub new_per_1000s: u64,
    /// Attempts to connect to a backend that failed, in a thousand seconds.
    pub failed_per_1000s: u64,
    /// Clients that were not let in, in a thousand seconds.
    pub rejected_per_1000s: u64,
}

/// Rows of one kind: a part of those that match, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowsReply<T> {
    /// How many there are.
    pub total: u64,
    /// Of them, those that match what was asked for.
    pub matched: u64,
    /// Of those, so many stand before the first one here.
    pub skipped: u64,
    /// These.
    pub rows: Vec<T>,
}

/// One tunnel in an overview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TunnelRow {
    /// Its number: another tunnel never has it, also where it listens at the same place.
    pub id: u64,
    /// What `status full` says of it.
    #[serde(flatten)]
    pub status: TunnelStatus,
    /// How it is.
    pub health: Word<Health>,
    /// Seconds since it is so, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_seconds: Option<u64>,
    /// Milliseconds until connections are reset that still drain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// Connections that it may have at once, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_conns: Option<u32>,
    /// Clients that wait until a limit lets them go on.
    #[serde(default)]
    pub parked: u64,
    /// Attempts to connect to its backends that failed.
    pub attempts_failed: u64,
    /// Clients that were not let in.
    pub rejected: u64,
    /// How fast it goes.
    #[serde(flatten)]
    pub rates: RatesInfo,
    /// How long it takes to connect to its backends.
    pub connect: Quantiles,
    /// How long its connections have lived that have ended.
    pub lifetime: Quantiles,
    /// How it chooses a backend.
    pub strategy: String,
    /// What it does of the TLS of its clients: `terminate` or `route`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// Whether it speaks TLS with its backends.
    #[serde(default, skip_serializing_if = "crate::info::is_false")]
    pub backend_tls: bool,
    /// Seconds until the first of its certificates ends; negative where it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_seconds: Option<i64>,
}

/// One backend in an overview: its address in its tunnel is what it is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendRow {
    /// The number of its tunnel.
    pub tunnel_id: u64,
    /// The name of its tunnel, or else where that listens.
    pub tunnel: String,
    /// Where its tunnel listens.
    pub listen: String,
    /// How it is.
    pub health: Word<Health>,
    /// What `detail` says of it.
    #[serde(flatten)]
    pub info: BackendInfo,
    /// How fast it goes; nobody is turned away by a backend.
    #[serde(flatten)]
    pub rates: RatesInfo,
    /// How long it takes to connect to it.
    pub connect: Quantiles,
    /// How long its connections have lived that have ended.
    pub lifetime: Quantiles,
}

/// One tunnel in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TunnelOverview {
    /// The row that it would have.
    pub row: TunnelRow,
    /// What `detail` says of it.
    pub info: TunnelInfo,
    /// How long it takes to connect to its backends.
    pub connect: LatencyInfo,
    /// How long its connections have lived that have ended.
    pub lifetime: LatencyInfo,
}
