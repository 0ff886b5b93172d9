//! How much is logged, and until when.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::ValueError;
use crate::word::{Word, Words, parse_word, words};

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
