//! What control reports: plain data, the same through every door.
//!
//! `bytes_in` counts from the client to the backend, `bytes_out` back; the
//! line protocol calls the first sent and the second received.

mod backend;
mod change;
mod daemon;
mod health;
mod log_level;
mod reason;
mod tls;
mod tunnel;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::AdminState;
use crate::word::Word;

pub use backend::{BackendInfo, BackendState, BackendsReply};
pub use change::{
    AppliedInfo, AppliesTo, BackendReply, Change, CloseReply, LiveCounts, OpenAllReply, OpenReply,
    TunnelChangeReply,
};
pub use daemon::{HelloReply, Stats, StatusReply, VersionReply};
pub use health::{CheckInfo, CheckOutcome, CheckState, EjectionInfo};
pub use log_level::{LogLevel, LogLevelReply};
pub use reason::{Attempt, EndedInfo, HelloFault, Reason};
pub use tls::{BackendTlsInfo, CertificateInfo, RefusedInfo, TlsFailure, TlsHandshake, TlsInfo};
pub use tunnel::{OptionInfo, Origin, TunnelInfo, TunnelStatus};

/// Counts of connections and bytes, of a tunnel or of a backend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    /// Connections that live now.
    pub connections: u64,
    /// Connections since it was opened or added.
    pub connections_total: u64,
    /// Bytes from clients to backends.
    pub bytes_in: u64,
    /// Bytes from backends to clients.
    pub bytes_out: u64,
}

/// What somebody wants of a tunnel or a backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdminInfo {
    /// Whether clients may come.
    pub state: Word<AdminState>,
    /// Seconds since it is in that state.
    pub seconds: u64,
    /// Who has put it there, where somebody did since the daemon started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Milliseconds until connections that still drain are reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
}

/// What is left out of an answer.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
pub(crate) fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The same of a word of yes or no.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
pub(crate) fn is_false(is_so: &bool) -> bool {
    !is_so
}
