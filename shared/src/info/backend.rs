//! One backend in full, and whether it takes connections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AdminInfo, CheckInfo, EjectionInfo, Traffic};
use crate::weight::Weight;
use crate::word::{Word, words};

/// Whether a backend takes connections. Several things may stand against it; the first of these that
/// does is its state: it is unresolved, down, ejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendState {
    /// It does.
    Up,
    /// Its checks say that it does not work.
    Down,
    /// Too many attempts failed in a row; probes try it.
    Ejected,
    /// Its name does not resolve.
    Unresolved,
}

words!(BackendState {
    Up => "up",
    Down => "down",
    Ejected => "ejected",
    Unresolved => "unresolved",
});

/// One backend in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendInfo {
    /// Where it is reached.
    pub addr: String,
    /// Whether somebody lets clients come to it: kept apart from its health.
    pub admin: AdminInfo,
    /// Whether it takes connections.
    pub state: Word<BackendState>,
    /// Seconds since it is in that state.
    pub state_seconds: u64,
    /// Why it is in that state, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Milliseconds until something is tried about that state, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_ms: Option<u64>,
    /// What its checks say, where it is checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckInfo>,
    /// Its ejection, while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ejection: Option<EjectionInfo>,
    /// Its share.
    pub weight: u32,
    /// Its share as it is now, where that differs: it is new, or back, and `slow-start` holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_weight: Option<Weight>,
    /// Whether it is used only while no other one is.
    pub backup: bool,
    /// Connections that it may have at once, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_conns: Option<u32>,
    /// The names that clients ask for who come to it, where names decide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sni: Vec<String>,
    /// What went to it. Connections that still connect count.
    #[serde(flatten)]
    pub traffic: Traffic,
    /// Attempts to connect that failed.
    pub attempts_failed: u64,
    /// The addresses behind its name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

/// The backends of one tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendsReply {
    /// Where the tunnel listens.
    pub listen: String,
    /// The daemon's revision at the tunnel's last change.
    pub revision: u64,
    /// Its backends, in the order of the specification.
    pub backend_list: Vec<BackendInfo>,
}
