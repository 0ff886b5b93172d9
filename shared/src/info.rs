//! What control reports: plain data, the same through every door.
//!
//! `bytes_in` counts from the client to the backend, `bytes_out` back; the
//! line protocol calls the first sent and the second received.

mod health;
mod tls;

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Rehearsal;
use crate::spec::AdminState;
use crate::units::{ValueError, counted};
use crate::weight::Weight;
use crate::word::{Word, Words, parse_word, words};

pub use health::{CheckInfo, CheckOutcome, CheckState, EjectionInfo};
pub use tls::{BackendTlsInfo, CertificateInfo, RefusedInfo, TlsFailure, TlsHandshake, TlsInfo};

/// Who brought a tunnel into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An argument of the daemon.
    Args,
    /// Its configuration file.
    File,
    /// A command while it ran.
    Runtime,
}

words!(Origin { Args => "args", File => "file", Runtime => "runtime" });

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

/// One tunnel in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TunnelStatus {
    /// Where it listens.
    pub listen: String,
    /// Its name, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What went through it.
    #[serde(flatten)]
    pub traffic: Traffic,
    /// Backends that take connections.
    pub backends_up: usize,
    /// Backends altogether.
    pub backends: usize,
    /// What somebody wants of it, unless it is to be ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<Word<AdminState>>,
}

/// One option and its value, as they would be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OptionInfo {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Connections that ended for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndedInfo {
    /// Why.
    pub reason: Word<Reason>,
    /// How many.
    pub connections: u64,
}

/// One tunnel in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TunnelInfo {
    /// What `status full` says of it.
    #[serde(flatten)]
    pub status: TunnelStatus,
    /// The specification that would open it again.
    pub spec: String,
    /// Who brought it into being.
    pub origin: Word<Origin>,
    /// The daemon's revision at its last change.
    pub revision: u64,
    /// Seconds since it was opened.
    pub age_seconds: u64,
    /// Whether somebody lets clients come.
    pub admin_info: AdminInfo,
    /// Clients that wait until a limit lets them go on; they are no connections yet.
    #[serde(default)]
    pub parked: u64,
    /// Every option.
    pub options: Vec<OptionInfo>,
    /// What it terminates TLS with, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsInfo>,
    /// How it speaks TLS with its backends, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_tls: Option<BackendTlsInfo>,
    /// What is wrong with what its files of certificates, keys and authorities say now, where they are no
    /// good: what they said before goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_refused: Option<RefusedInfo>,
    /// Why its connections ended, reasons without a connection left out.
    pub ended: Vec<EndedInfo>,
    /// Why clients were reset instead of let in, reasons without one left out.
    pub rejected: Vec<EndedInfo>,
    /// Its backends, in the order of the specification.
    pub backend_list: Vec<BackendInfo>,
}

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

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A tunnel was opened.
    Opened,
    /// A backend was added.
    Added,
    /// A backend was removed.
    Removed,
    /// Something of a tunnel or a backend is otherwise now.
    Changed,
    /// No new clients come to it.
    Draining,
    /// It is out of service.
    Disabled,
    /// Clients may come to it again.
    Enabled,
    /// Everything was as asked for already.
    Unchanged,
}

words!(Change {
    Opened => "opened",
    Added => "added",
    Removed => "removed",
    Changed => "changed",
    Draining => "draining",
    Disabled => "disabled",
    Enabled => "enabled",
    Unchanged => "unchanged",
});

/// What `open` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenReply {
    /// What happened.
    pub result: Word<Change>,
    /// Where the tunnel really listens.
    pub listen: String,
    /// The daemon's revision after it.
    pub revision: u64,
    /// What would have been done, where nothing was.
    #[serde(flatten)]
    pub rehearsal: Rehearsal,
}

/// What `openTunnels` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenAllReply {
    /// What happened to each, in the order of the call.
    pub tunnels: Vec<OpenReply>,
    /// The daemon's revision after it: one for the whole call.
    pub revision: u64,
    /// What would have been done, where nothing was.
    #[serde(flatten)]
    pub rehearsal: Rehearsal,
}

/// What `close` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CloseReply {
    /// Where the tunnel listened.
    pub listen: String,
    /// What became of its connections.
    #[serde(flatten)]
    pub live: LiveCounts,
    /// The daemon's revision after it.
    pub revision: u64,
    /// What would have been done, where nothing was.
    #[serde(flatten)]
    pub rehearsal: Rehearsal,
}

/// What `add` and `remove` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendReply {
    /// What happened.
    pub result: Word<Change>,
    /// Where the tunnel listens.
    pub listen: String,
    /// The backend.
    pub backend: String,
    /// What became of its connections.
    #[serde(flatten)]
    pub live: LiveCounts,
    /// The daemon's revision after it.
    pub revision: u64,
    /// What would have been done, where nothing was.
    #[serde(flatten)]
    pub rehearsal: Rehearsal,
}

/// What became of live connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveCounts {
    /// Those that go on as if nothing were.
    #[serde(default)]
    pub kept: u64,
    /// Those that may end by themselves, until a deadline if there is one.
    #[serde(default)]
    pub draining: u64,
    /// Those that were reset.
    #[serde(default)]
    pub ended: u64,
}

/// As a sentence.
///
/// ```
/// use plexy_shared::info::LiveCounts;
///
/// assert_eq!(LiveCounts { kept: 1, draining: 0, ended: 2 }.to_string(), "2 connections reset, 1 connection goes on");
/// assert_eq!(LiveCounts::default().to_string(), "0 connections");
/// ```
impl fmt::Display for LiveCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = |count| counted(count, "connection");
        let go_on = self.kept + self.draining;
        let verb = if go_on == 1 { "goes on" } else { "go on" };
        match (self.ended, go_on) {
            (0, 0) => f.write_str(&connections(0)),
            (ended, 0) => write!(f, "{} reset", connections(ended)),
            (0, go_on) => write!(f, "{} {verb}", connections(go_on)),
            (ended, go_on) => {
                write!(f, "{} reset, {} {verb}", connections(ended), connections(go_on))
            }
        }
    }
}

/// Which connections feel that an option has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppliesTo {
    /// Those that live too.
    Live,
    /// Only those that come from now on.
    New,
}

words!(AppliesTo { Live => "live", New => "new" });

/// What has changed, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppliedInfo {
    /// The option, or the attribute of the backend.
    pub key: String,
    /// Who feels it.
    pub to: Word<AppliesTo>,
}

/// What `set`, `switch`, `drain`, `enable` and `disable` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TunnelChangeReply {
    /// What happened.
    pub result: Word<Change>,
    /// Where the tunnel listens.
    pub listen: String,
    /// The backend, where it was about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// The specification that would open the tunnel as it is now.
    pub spec: String,
    /// What has changed, and for whom, where that was asked for by its key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applied: Vec<AppliedInfo>,
    /// What became of the connections that it was about.
    #[serde(flatten)]
    pub live: LiveCounts,
    /// The daemon's revision after it.
    pub revision: u64,
    /// What would have been done, where nothing was.
    #[serde(flatten)]
    pub rehearsal: Rehearsal,
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

/// How much is logged: each level tells what those before it tell, and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What has failed.
    Error,
    /// What somebody should look at.
    Warn,
    /// Every change, with who asked for it.
    Info,
    /// Every connection too.
    Debug,
    /// All there is.
    Trace,
}

words!(LogLevel {
    Off => "off",
    Error => "error",
    Warn => "warn",
    Info => "info",
    Debug => "debug",
    Trace => "trace",
});

/// Reads the word for a level, in any case.
///
/// ```
/// use plexy_shared::info::LogLevel;
///
/// assert_eq!("Debug".parse(), Ok(LogLevel::Debug));
/// let error = "debg".parse::<LogLevel>().unwrap_err();
/// assert_eq!(error.suggestion(), Some("debug"));
/// ```
impl FromStr for LogLevel {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        parse_word(text, Self::ALL)
    }
}

/// What `log` says.
///
/// ```
/// use plexy_shared::info::{LogLevel, LogLevelReply};
///
/// let reply = LogLevelReply {
///     level: LogLevel::Debug.into(),
///     until: Some("2026-11-26T12:05:00Z".to_owned()),
///     then: Some(LogLevel::Info.into()),
/// };
/// assert_eq!(reply.to_string(), "debug until 2026-11-26T12:05:00Z, then info");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLevelReply {
    /// How much is logged now.
    pub level: Word<LogLevel>,
    /// When that ends, in UTC (RFC 3339); without it, it holds until the next start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What is logged from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Word<LogLevel>>,
}

impl fmt::Display for LogLevelReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.level)?;
        if let Some(until) = &self.until {
            write!(f, " until {until}")?;
        }
        match &self.then {
            Some(then) => write!(f, ", then {then}"),
            None => Ok(()),
        }
    }
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
