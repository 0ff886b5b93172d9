//! What has happened, told the same through every door: events, numbered in
//! their order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::word::{Word, words};

/// Events that a daemon keeps; older ones are gone.
pub const EVENTS_MAX: usize = 1_000;

/// What has happened. The log says the same in the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The daemon accepts.
    DaemonReady,
    /// The daemon was told to end.
    DaemonEnding,
    /// A tunnel was opened; the detail is its specification.
    TunnelOpened,
    /// A tunnel stands otherwise now; the detail is its specification.
    TunnelChanged,
    /// A tunnel stopped listening; the detail says what became of its connections.
    TunnelClosed,
    /// A tunnel listens no more; the detail says how many connections are left, again and again.
    TunnelDraining,
    /// The drain of a tunnel is over.
    TunnelDrained,
    /// A tunnel listens again.
    TunnelEnabled,
    /// One change of many tunnels; the detail says how many.
    TunnelsChanged,
    /// A backend came to a tunnel.
    BackendAdded,
    /// A backend left a tunnel.
    BackendRemoved,
    /// No new clients come to a backend; the detail says how many connections are left, again and
    /// again.
    BackendDraining,
    /// The last connection of a backend has ended that drains, or was removed.
    BackendDrained,
    /// A backend is out of service.
    BackendDisabled,
    /// Clients may come to a backend again.
    BackendEnabled,
    /// A backend takes connections again; the detail says what has changed.
    BackendUp,
    /// The checks of a backend say that it does not work; the detail is what was wrong.
    BackendDown,
    /// Too many attempts on a backend have failed in a row; the detail is the last cause.
    BackendEjected,
    /// The name of a backend has addresses, or others than before.
    BackendResolved,
    /// The name of a backend does not resolve; the detail says why.
    BackendUnresolved,
    /// Tunnels accept no client, since no descriptors are left.
    DescriptorsLow,
    /// A limit of a tunnel is met; the detail says which.
    LimitReached,
    /// Clients were reset instead of let in; the detail says how many, and why.
    ConnectionsRefused,
    /// The configuration file was read again, and its difference done.
    ConfigReloaded,
    /// The configuration file is no good, and nothing was changed.
    ConfigRefused,
    /// The state cannot be saved: changes are refused until it can.
    StateFailed,
    /// The state can be saved again.
    StateSaved,
    /// More is logged from now on, or less; the detail says how much, and until when.
    LogLevelChanged,
    /// Somebody has ended connections; the detail says how many, and which.
    ConnectionsKilled,
    /// Files of certificates, keys or authorities say something else, which is in use now; the detail
    /// says which.
    CertificateChanged,
    /// Files of certificates, keys or authorities are no good, and what was in use goes on; the detail
    /// says which file, and why.
    CertificateRefused,
    /// A certificate expires within two weeks, has expired, or is not good yet; the detail says which,
    /// and when.
    CertificateExpiring,
}

words!(EventKind {
    DaemonReady => "daemon-ready",
    DaemonEnding => "daemon-ending",
    TunnelOpened => "tunnel-opened",
    TunnelChanged => "tunnel-changed",
    TunnelClosed => "tunnel-closed",
    TunnelDraining => "tunnel-draining",
    TunnelDrained => "tunnel-drained",
    TunnelEnabled => "tunnel-enabled",
    TunnelsChanged => "tunnels-changed",
    BackendAdded => "backend-added",
    BackendRemoved => "backend-removed",
    BackendDraining => "backend-draining",
    BackendDrained => "backend-drained",
    BackendDisabled => "backend-disabled",
    BackendEnabled => "backend-enabled",
    BackendUp => "backend-up",
    BackendDown => "backend-down",
    BackendEjected => "backend-ejected",
    BackendResolved => "backend-resolved",
    BackendUnresolved => "backend-unresolved",
    DescriptorsLow => "descriptors-low",
    LimitReached => "limit-reached",
    ConnectionsRefused => "connections-refused",
    ConfigReloaded => "config-reloaded",
    ConfigRefused => "config-refused",
    StateFailed => "state-failed",
    StateSaved => "state-saved",
    LogLevelChanged => "log-level-changed",
    ConnectionsKilled => "connections-killed",
    CertificateChanged => "certificate-changed",
    CertificateRefused => "certificate-refused",
    CertificateExpiring => "certificate-expiring",
});

impl EventKind {
    /// Whether somebody should look at it.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::BackendDown
            | Self::BackendEjected
            | Self::BackendUnresolved
            | Self::DescriptorsLow
            | Self::LimitReached
            | Self::ConnectionsRefused
            | Self::StateFailed
            | Self::CertificateRefused
            | Self::CertificateExpiring
            | Self::ConfigRefused => Severity::Warning,
            Self::DaemonReady
            | Self::DaemonEnding
            | Self::TunnelOpened
            | Self::TunnelChanged
            | Self::TunnelClosed
            | Self::TunnelDraining
            | Self::TunnelDrained
            | Self::TunnelEnabled
            | Self::TunnelsChanged
            | Self::BackendAdded
            | Self::BackendRemoved
            | Self::BackendDraining
            | Self::BackendDrained
            | Self::BackendDisabled
            | Self::BackendEnabled
            | Self::BackendUp
            | Self::BackendResolved
            | Self::StateSaved
            | Self::LogLevelChanged
            | Self::ConnectionsKilled
            | Self::CertificateChanged
            | Self::ConfigReloaded => Severity::Info,
        }
    }
}

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
}

words!(Severity { Info => "info", Warning => "warning" });

/// One event.
///
/// ```
/// use plexy_shared::event::{Event, EventKind, Severity};
///
/// let event: Event = serde_json::from_str(
///     r#"{"seq": 7, "time": "2026-11-26T12:00:00.000Z", "severity": "warning",
///         "kind": "backend-ejected", "tunnel": "db", "backend": "10.0.0.1:5432",
///         "detail": "connection refused"}"#,
/// )?;
/// assert_eq!(event.kind, EventKind::BackendEjected);
/// assert_eq!(
///     event.to_string(),
///     "backend-ejected, tunnel db, backend 10.0.0.1:5432, connection refused"
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Its number: one more than that of the event before it, from 1 in each
    /// instance of the daemon.
    pub seq: u64,
    /// When, in UTC, to the millisecond (RFC 3339).
    pub time: String,
    /// How much it matters.
    pub severity: Word<Severity>,
    /// What has happened.
    pub kind: Word<EventKind>,
    /// To which tunnel: its name, or else where it listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
    /// To which backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Who asked for it, and through which door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The daemon's revision after it, where it is a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// All of it but number, time and severity.
impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(tunnel) = &self.tunnel {
            write!(f, ", tunnel {tunnel}")?;
        }
        if let Some(backend) = &self.backend {
            write!(f, ", backend {backend}")?;
        }
        if let Some(detail) = &self.detail {
            write!(f, ", {detail}")?;
        }
        if let Some(actor) = &self.actor {
            write!(f, ", by {actor}")?;
        }
        match self.revision {
            Some(revision) => write!(f, ", revision {revision}"),
            None => Ok(()),
        }
    }
}

/// Events in their order, those that somebody has not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventsReply {
    /// The daemon that counts: numbers of two instances do not compare.
    pub instance: String,
    /// The number of the newest event there is, to go on from; 0 without any.
    pub newest: u64,
    /// Events between those that were asked for that the daemon has no more.
    pub missed: u64,
    /// The events.
    pub events: Vec<Event>,
}

/// Which events somebody wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventRange {
    /// Only those behind this number.
    pub after: Option<u64>,
    /// No more than so many, the newest of them.
    pub last: Option<usize>,
}
