//! What a change did: the replies of the methods that change something, and what became of live
//! connections.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Rehearsal;
use crate::units::counted;
use crate::word::{Word, words};

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
