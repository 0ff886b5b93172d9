//! The words for how something ended: a connection, an attempt to connect, what a client begins with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::word::{Word, words};

/// Why a connection ended: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Both sides finished, the client first.
    ClientFin,
    /// Both sides finished, the backend first.
    BackendFin,
    /// The client reset it.
    ClientReset,
    /// The backend reset it.
    BackendReset,
    /// Silence for the idle or the half-close time-out.
    Idle,
    /// It was as old as it may be.
    MaxDuration,
    /// Somebody has ended it.
    Killed,
    /// Its tunnel was closed.
    TunnelClosed,
    /// The deadline of a drain passed.
    DrainDeadline,
    /// Its backend was removed.
    BackendRemoved,
    /// Its backend was found down, or disabled.
    BackendDown,
    /// The client may not use the tunnel.
    Refused,
    /// A limit was reached.
    Limit,
    /// No backend could be connected to.
    ConnectFailed,
    /// The client and whoever it spoke to did not come to terms about TLS, or that with either side
    /// broke, or ended without saying so.
    Tls,
    /// The daemon ended.
    Shutdown,
    /// A fault of this machine or of Plexy.
    Error,
}

words!(Reason {
    ClientFin => "client-fin",
    BackendFin => "backend-fin",
    ClientReset => "client-reset",
    BackendReset => "backend-reset",
    Idle => "idle",
    MaxDuration => "max-duration",
    Killed => "killed",
    TunnelClosed => "tunnel-closed",
    DrainDeadline => "drain-deadline",
    BackendRemoved => "backend-removed",
    BackendDown => "backend-down",
    Refused => "refused",
    Limit => "limit",
    ConnectFailed => "connect-failed",
    Tls => "tls",
    Shutdown => "shutdown",
    Error => "error",
});

/// Connections that ended for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndedInfo {
    /// Why.
    pub reason: Word<Reason>,
    /// How many.
    pub connections: u64,
}

/// How an attempt to connect to a backend has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The connection stands.
    Success,
    /// The backend refused it, or broke it, or did not come to terms about TLS.
    Failure,
    /// Nobody answered in time.
    Timeout,
    /// This machine could not make it, or did not know where to; never held
    /// against the backend.
    Local,
}

words!(Attempt {
    Success => "success",
    Failure => "failure",
    Timeout => "timeout",
    Local => "local",
});

/// Why a client was not carried by the name that it asks for: what was wrong with how it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelloFault {
    /// It does not speak TLS, or only what was there before TLS.
    NotTls,
    /// It breaks the rules of TLS.
    Malformed,
    /// It says more than is held of anybody.
    TooLarge,
    /// It did not come to an end in time, or never began.
    Timeout,
    /// The client left in the middle of it.
    Cut,
    /// No backend has the name, nor takes those that no other one has.
    UnknownName,
}

words!(HelloFault {
    NotTls => "not-tls",
    Malformed => "malformed",
    TooLarge => "too-large",
    Timeout => "timeout",
    Cut => "cut",
    UnknownName => "unknown-name",
});
