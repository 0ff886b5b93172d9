//! Changes that were made, and what they made of the tunnels.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Rehearsal;

/// Changes that a daemon remembers; older ones cannot be undone.
pub const CHANGES_MAX: usize = 1_000;

/// How many changes can be asked for, or undone at once.
pub const CHANGES_RANGE: RangeInclusive<usize> = 1..=CHANGES_MAX;

/// Tunnels of one change that are told of; a change may be one of ten thousand.
pub const EDITS_TOLD_MAX: usize = 16;

/// One tunnel before a change and after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    /// Its specification before; none if it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its specification after; none if it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeInfo {
    /// The daemon's revision after it.
    pub revision: u64,
    /// When, in UTC, to the millisecond (RFC 3339).
    pub time: String,
    /// Through which door: `args`, `file`, `line` or `rpc`.
    pub door: String,
    /// Who asked for it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What it did to the tunnels; of many, the first [`EDITS_TOLD_MAX`].
    pub edits: Vec<Edit>,
    /// How many further tunnels it changed.
    #[serde(default, skip_serializing_if = "crate::info::is_zero")]
    pub edits_more: usize,
}

/// What `history` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryReply {
    /// The daemon's revision.
    pub revision: u64,
    /// The changes, the newest first.
    pub changes: Vec<ChangeInfo>,
}

/// What a change of many tunnels did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransitionReply {
    /// Tunnels that were opened.
    pub opened: usize,
    /// Tunnels that stand otherwise now.
    pub changed: usize,
    /// Tunnels that listen no more; their connections go on.
    pub closed: usize,
    /// Tunnels that were as they should be already.
    pub unchanged: usize,
    /// Files of certificates, keys and authorities that say something else than before, which holds for
    /// new clients of tunnels and doors.
    #[serde(default, skip_serializing_if = "crate::info::is_zero")]
    pub certificate_files: usize,
    /// The daemon's revision after it.
    pub revision: u64,
    /// What would have been done, where nothing was.
    #[serde(flatten)]
    pub rehearsal: Rehearsal,
}

/// What it did, in a line.
impl std::fmt::Display for TransitionReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { opened, changed, closed, unchanged, certificate_files, .. } = self;
        write!(f, "opened {opened}, changed {changed}, closed {closed}, unchanged {unchanged}")?;
        match certificate_files {
            0 => Ok(()),
            files => write!(f, ", certificate files {files}"),
        }
    }
}

/// What `save` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SaveReply {
    /// The file with the state.
    pub file: String,
    /// The daemon's revision that stands there.
    pub revision: u64,
}

/// What `export` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportReply {
    /// The daemon's revision.
    pub revision: u64,
    /// Every tunnel as a specification, in order of opening.
    pub tunnels: Vec<String>,
}

/// How a tunnel came about or went, as a sentence without the tunnel's text twice.
impl std::fmt::Display for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "opened {after}"),
            (Some(before), None) => write!(f, "closed {before}"),
            (Some(before), Some(after)) => write!(f, "changed {before} → {after}"),
            (None, None) => f.write_str("nothing"),
        }
    }
}
