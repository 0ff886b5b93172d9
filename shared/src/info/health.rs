//! What is known of the health of a backend: what its checks say, and whether it
//! is ejected. Neither changes the other; [`BackendState`](super::BackendState)
//! is what comes of both.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::word::{Word, words};

/// What checks say of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// Nothing yet: it takes connections until the first one is over.
    Pending,
    /// It works.
    Up,
    /// It does not.
    Down,
}

words!(CheckState { Pending => "pending", Up => "up", Down => "down" });

/// How a check of a backend has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    /// The backend has answered as it should.
    Success,
    /// It refused the connection, or broke it, or did not come to terms about TLS.
    Failure,
    /// The answer, or the connection, did not come in time.
    Timeout,
    /// It answered something else.
    WrongAnswer,
    /// This machine could not make it, or did not know where to; never held
    /// against the backend.
    Local,
}

words!(CheckOutcome {
    Success => "success",
    Failure => "failure",
    Timeout => "timeout",
    WrongAnswer => "wrong-answer",
    Local => "local",
});

/// What the checks of one backend say.
///
/// ```
/// use plexy_shared::info::CheckInfo;
///
/// let check: CheckInfo = serde_json::from_str(
///     r#"{"state": "down", "state_seconds": 12, "streak": 3, "streak_of": 3,
///         "failure": "connection refused", "took_us": 180, "next_ms": 2100}"#,
/// )?;
/// assert_eq!(check.to_string(), "down 3/3");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckInfo {
    /// What they say.
    pub state: Word<CheckState>,
    /// Seconds since they say so.
    pub state_seconds: u64,
    /// Checks in a row that have ended like the last one, counted up to `streak_of`.
    pub streak: u32,
    /// How many in a row decide: `fall` if the last one failed, else `rise`.
    pub streak_of: u32,
    /// What was wrong with the last one, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Microseconds that the last one took, once there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
    /// Milliseconds until the next one; 0 while one is under way.
    pub next_ms: u64,
}

/// The state, and how many checks in a row speak for or against it.
impl fmt::Display for CheckInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.state)?;
        match self.streak {
            0 => Ok(()),
            streak => write!(f, " {streak}/{}", self.streak_of),
        }
    }
}

/// An ejection that lasts: too many attempts of clients in a row have failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EjectionInfo {
    /// Seconds since it began.
    pub seconds: u64,
    /// How the last attempt failed.
    pub cause: String,
    /// Milliseconds until a probe that may end it, where probes are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_ms: Option<u64>,
    /// Milliseconds until it ends by itself, where no probes are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_ms: Option<u64>,
}
