//! The parameters of the methods about the daemon itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bad_value;
use crate::command::{LOG_RANGE, LogChange};
use crate::error::Refusal;
use crate::units::{parse_duration, show_duration};

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HelloParams {
    /// The client and its version, for the log of the daemon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// How much is to be logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogLevelParams {
    /// `off`, `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// For how long, from `100ms` to `720h`; if not given, `debug` and `trace` for `5m`, the others
    /// until the next start.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
}

impl LogLevelParams {
    /// The parameters for this.
    #[must_use]
    pub fn new(change: LogChange) -> Self {
        let duration = change.duration.map(show_duration);
        Self { level: change.level.to_string(), duration }
    }

    /// How much, and for how long.
    ///
    /// # Errors
    ///
    /// If there is no such level, or the time is none.
    pub fn change(&self) -> Result<LogChange, Refusal> {
        let level = self.level.parse().map_err(|error| bad_value("level", &error))?;
        let duration = self.duration.as_deref().map(|text| parse_duration(text, &LOG_RANGE));
        let duration = duration.transpose().map_err(|error| bad_value("for", &error))?;
        Ok(LogChange { level, duration })
    }
}
