//! Live connections: what is told of them, which of them somebody wants to see, and which to end.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::filter::{Filter, Key};
use crate::spec::{TlsVersion, TunnelRef};
use crate::units::{ValueError, parse_count};
use crate::word::{Word, words};

/// How many connections `conns` can show: more than the descriptors of most machines allow.
pub const LIMIT_RANGE: RangeInclusive<usize> = 1..=10_000;

/// How many it shows if nobody says.
pub const LIMIT_DEFAULT: usize = 100;

/// How many ids one `kill` takes: all that one `conns` can show.
pub const KILL_IDS_MAX: usize = 10_000;

/// How many ids of those that were ended are told.
pub const KILLED_TOLD_MAX: usize = 1_000;

/// What a connection is called in access log, spans and every door: never used again, not even by
/// the next daemon.
///
/// ```
/// use plexy_shared::connection::ConnectionId;
///
/// let id: ConnectionId = "7355149516800000001".parse()?;
/// assert_eq!(id.to_string(), "7355149516800000001");
/// assert!("db".parse::<ConnectionId>().is_err());
/// # Ok::<(), plexy_shared::units::ValueError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

impl FromStr for ConnectionId {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        const RULE: &str = "is not the id of a connection, as `conns` shows it";
        let id = parse_count(text, &(0..=u64::MAX)).map(Self);
        id.map_err(|_| ValueError::malformed(text, RULE))
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It waits until a limit lets it go on.
    Parked,
    /// No backend carries it yet.
    Connecting,
    /// Bytes may go both ways.
    Relaying,
    /// One direction has ended.
    HalfClosed,
    /// It was told to end, or goes on although its tunnel was closed or its backend removed.
    Closing,
}

words!(Phase {
    Parked => "parked",
    Connecting => "connecting",
    Relaying => "relaying",
    HalfClosed => "half-closed",
    Closing => "closing",
});

/// One live connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionInfo {
    /// What it is called in access log, spans and `kill`; never used again.
    pub id: String,
    /// The name of its tunnel, or else where that listens.
    pub tunnel: String,
    /// Where its tunnel listens.
    pub listen: String,
    /// Where it came from; `unix` for a client of a Unix socket.
    pub client: String,
    /// The backend that carries it, as its tunnel has it; none while it waits or connects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// The name that its client has asked for (SNI), where its tunnel routes by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// The version of TLS that is spoken with its client, where its tunnel terminates it and the
    /// handshake is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Word<TlsVersion>>,
    /// Whether its handshake went on where an earlier one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_resumed: Option<bool>,
    /// The subject of the certificate that its client has shown and an authority has vouched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// SHA-256 of that certificate, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// How far it has come.
    pub phase: Word<Phase>,
    /// Milliseconds since it was accepted.
    pub age_ms: u64,
    /// Milliseconds for which no byte has gone either way, at least: nobody looks at a clock when
    /// one does, so that it counts from the first look after it.
    pub idle_ms: u64,
    /// Bytes from the client to the backend.
    pub bytes_in: u64,
    /// Bytes from the backend to the client.
    pub bytes_out: u64,
    /// Bytes per second from the client to the backend.
    pub rate_in: u64,
    /// Bytes per second from the backend to the client.
    pub rate_out: u64,
    /// Milliseconds over which the two rates are averages: since somebody looked before, one
    /// second at least where it is that old.
    pub rate_over_ms: u64,
}

/// What `conns` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionsReply {
    /// How many connections are as asked for.
    pub matched: u64,
    /// The first of them in the order that was asked for.
    pub connections: Vec<ConnectionInfo>,
}

/// What `kill` did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KillReply {
    /// How many connections were ended.
    pub killed: u64,
    /// Which, the first 1 000 of them.
    pub ids: Vec<String>,
    /// Of the ids that were asked for, those that are no live connection (any more).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// The revision of the tunnels that they were looked for in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Whether nothing was done: these would have been ended.
    #[serde(default, skip_serializing_if = "crate::info::is_false")]
    pub dry_run: bool,
}

/// Which connections somebody wants to see, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionQuery {
    /// Those of this tunnel only.
    pub tunnel: Option<TunnelRef>,
    /// Those that pass it.
    pub filter: Filter,
    /// What comes first.
    pub sort: Sort,
    /// How many at most, of [`LIMIT_RANGE`].
    pub limit: usize,
}

impl Default for ConnectionQuery {
    /// The oldest of all.
    fn default() -> Self {
        Self {
            tunnel: None,
            filter: Filter::default(),
            sort: Sort::default(),
            limit: LIMIT_DEFAULT,
        }
    }
}

/// An order of connections; those that are equal in it stand by their ids, as they came.
///
/// ```
/// use plexy_shared::connection::Sort;
///
/// let sort: Sort = "-bytes".parse()?;
/// assert!(sort.is_descending);
/// assert_eq!(sort.to_string(), "-bytes");
/// assert_eq!("byts".parse::<Sort>().unwrap_err().suggestion(), Some("bytes"));
/// # Ok::<(), plexy_shared::units::ValueError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: Key,
    /// Whether the largest comes first.
    pub is_descending: bool,
}

impl Default for Sort {
    /// The oldest first.
    fn default() -> Self {
        Self { key: Key::Id, is_descending: false }
    }
}

impl FromStr for Sort {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (word, is_descending) = match text.strip_prefix('-') {
            Some(word) => (word, true),
            None => (text, false),
        };
        Key::read(word).map(|key| Self { key, is_descending }).ok_or_else(|| {
            ValueError::UnknownWord { given: word.to_owned(), valid: Key::words().collect() }
        })
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_descending { "-" } else { "" }, self.key)
    }
}

/// Which connections somebody wants to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KillOrder {
    /// These: one at least, and [`KILL_IDS_MAX`] at most.
    Ids(Vec<ConnectionId>),
    /// All that pass a filter.
    Where {
        /// Those of this tunnel only.
        tunnel: Option<TunnelRef>,
        /// The filter; it tests something.
        filter: Filter,
    },
}
