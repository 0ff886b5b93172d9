//! The parameters of the methods about changes of any kind: those that were made, and those that a file
//! asks for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number_of;
use crate::command::HISTORY_DEFAULT;
use crate::error::Refusal;
use crate::history::CHANGES_RANGE;
use crate::info::is_false;

/// A change without anything else to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeParams {
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

/// How many changes to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryParams {
    /// From 1 to 1 000; 20 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<usize>,
}

/// How many changes to undo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoParams {
    /// From 1 to 1 000; 1 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<usize>,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

/// A file with tunnels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadParams {
    /// Its path on the machine of plexyd, which reads it.
    pub file: String,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

impl HistoryParams {
    /// How many.
    ///
    /// # Errors
    ///
    /// If more are wanted than are kept, or none.
    pub fn count(&self) -> Result<usize, Refusal> {
        number_of("last", self.last, HISTORY_DEFAULT, &CHANGES_RANGE)
    }
}

impl UndoParams {
    /// How many.
    ///
    /// # Errors
    ///
    /// If more are to be undone than are kept, or none.
    pub fn count(&self) -> Result<usize, Refusal> {
        number_of("last", self.last, 1, &CHANGES_RANGE)
    }
}
