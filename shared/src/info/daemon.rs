//! The daemon itself: what it is, and its counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Traffic, TunnelStatus, is_zero};

/// What `status` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusReply {
    /// The daemon's revision.
    pub revision: u64,
    /// How many tunnels are open.
    pub tunnels: usize,
    /// How many of them accept no client now, since no file descriptors are left.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tunnels_paused: usize,
    /// Each of them in order of opening, where the full status was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel_list: Option<Vec<TunnelStatus>>,
}

/// What `version` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VersionReply {
    /// The program.
    pub program: String,
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime_seconds: u64,
}

/// What `hello` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HelloReply {
    /// What `version` says.
    #[serde(flatten)]
    pub version: VersionReply,
    /// Differs from that of every other daemon and of the same one before a
    /// restart: revisions and counts of two instances do not compare.
    pub instance: String,
    /// What this daemon can do that a client may want to know before it asks.
    pub features: Vec<String>,
}

/// The counts of a daemon at one moment, told by `subscribeStats`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// The daemon that counts.
    pub instance: String,
    /// Milliseconds since it started, by a clock that never jumps: rates are
    /// differences of counts by differences of this.
    pub monotonic_ms: u64,
    /// All that went through it, tunnels closed since included.
    #[serde(flatten)]
    pub traffic: Traffic,
    /// What `status` says at that moment.
    #[serde(flatten)]
    pub status: StatusReply,
}
