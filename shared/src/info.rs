//! What control reports: plain data, the same through every door.
//!
//! `bytes_in` counts from the client to the backend, `bytes_out` back; the
//! line protocol calls the first sent and the second received.

use std::fmt;

use serde::{Serialize, Serializer};

/// Gives an enum of fixed words its `as_str`, `Display` and `Serialize`.
macro_rules! words {
    ($type:ty { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $type {
            /// Every one of them, in the order of the documents.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word for it, the same in log, metric, event and every door.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

/// Who brought a tunnel into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An argument of the daemon.
    Args,
    /// A command while it ran.
    Runtime,
}

words!(Origin { Args => "args", Runtime => "runtime" });

/// Whether a backend takes connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendState {
    /// It does.
    Up,
    /// Too many attempts failed in a row; probes try it.
    Ejected,
    /// Its name does not resolve.
    Unresolved,
}

words!(BackendState { Up => "up", Ejected => "ejected", Unresolved => "unresolved" });

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
    /// Its tunnel was closed.
    TunnelClosed,
    /// The deadline of a drain passed.
    DrainDeadline,
    /// A limit was reached.
    Limit,
    /// No backend could be connected to.
    ConnectFailed,
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
    TunnelClosed => "tunnel-closed",
    DrainDeadline => "drain-deadline",
    Limit => "limit",
    ConnectFailed => "connect-failed",
    Shutdown => "shutdown",
    Error => "error",
});

/// Counts of connections and bytes, of a tunnel or of a backend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
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

/// One tunnel in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TunnelStatus {
    /// Where it listens.
    pub listen: String,
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What went through it.
    #[serde(flatten)]
    pub traffic: Traffic,
    /// Backends that take connections.
    pub backends_up: usize,
    /// Backends altogether.
    pub backends: usize,
}

/// One option and its value, as they would be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OptionInfo {
    /// Its name.
    pub key: &'static str,
    /// Its value.
    pub value: String,
}

/// Connections that ended for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndedInfo {
    /// Why.
    pub reason: Reason,
    /// How many.
    pub connections: u64,
}

/// One tunnel in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TunnelInfo {
    /// What `status full` says of it.
    #[serde(flatten)]
    pub status: TunnelStatus,
    /// The specification that would open it again.
    pub spec: String,
    /// Who brought it into being.
    pub origin: Origin,
    /// The daemon's revision at its last change.
    pub revision: u64,
    /// Seconds since it was opened.
    pub age_seconds: u64,
    /// Every option.
    pub options: Vec<OptionInfo>,
    /// Why its connections ended, reasons without a connection left out.
    pub ended: Vec<EndedInfo>,
    /// Its backends, in the order of the specification.
    pub backend_list: Vec<BackendInfo>,
}

/// One backend in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackendInfo {
    /// Where it is reached.
    pub addr: String,
    /// Whether it takes connections.
    pub state: BackendState,
    /// Seconds since it is in that state.
    pub state_seconds: u64,
    /// Why it is in that state, where there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Milliseconds until something is tried about that state, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_ms: Option<u64>,
    /// Its share.
    pub weight: u32,
    /// Whether it is used only while no other one is.
    pub backup: bool,
    /// What went to it. Connections that still connect count.
    #[serde(flatten)]
    pub traffic: Traffic,
    /// Attempts to connect that failed.
    pub attempts_failed: u64,
    /// The addresses behind its name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

/// What a change of one tunnel did, told by `open`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is now as asked.
    Opened,
    /// It was open in the same way already.
    Unchanged,
}

words!(Change { Opened => "opened", Unchanged => "unchanged" });

/// What `open` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenReply {
    /// What happened.
    pub result: Change,
    /// Where the tunnel really listens.
    pub listen: String,
    /// The daemon's revision after it.
    pub revision: u64,
}

/// What `close` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CloseReply {
    /// Where the tunnel listened.
    pub listen: String,
    /// Connections that were ended.
    pub ended: u64,
    /// Connections that go on until they end by themselves.
    pub draining: u64,
    /// The daemon's revision after it.
    pub revision: u64,
}

/// What `add` and `remove` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackendReply {
    /// The backend.
    pub backend: String,
    /// Live connections that it keeps.
    pub kept: u64,
    /// The daemon's revision after it.
    pub revision: u64,
}

/// What `status` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusReply {
    /// How many tunnels are open.
    pub tunnels: usize,
    /// Each of them in order of opening, where the full status was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel_list: Option<Vec<TunnelStatus>>,
}

/// What `version` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionReply {
    /// The program.
    pub program: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its process.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime_seconds: u64,
}
