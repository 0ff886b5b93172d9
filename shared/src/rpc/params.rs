//! The parameters of the methods, and what they mean.
//!
//! Tunnels, backends and durations are text in the grammar of every other
//! door, and parsed by the same parser: the same mistake has the same code.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::command::{
    CloseMode, DEADLINE_RANGE, Detail, EVENTS_RANGE, HISTORY_DEFAULT, LOG_RANGE, LogChange,
};
use crate::error::{Code, Refusal};
use crate::event::EventRange;
use crate::history::CHANGES_RANGE;
use crate::spec::{BackendSpec, TunnelRef, TunnelSpec};
use crate::units::{ValueError, parse_duration};

/// How often `subscribeStats` may tell.
pub const INTERVAL_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(3600);

/// No parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HelloParams {
    /// The client and its version, for the log of the daemon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// One tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TunnelParams {
    /// Its name, or its listen address in any spelling.
    pub tunnel: String,
}

/// A tunnel to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenTunnelParams {
    /// `local=backend[,backend ...][[option=value,...]]`
    pub spec: String,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
}

/// Tunnels to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenTunnelsParams {
    /// Each `local=backend[,backend ...][[option=value,...]]`; 10 000 at most.
    pub specs: Vec<String>,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
}

/// A tunnel to close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseTunnelParams {
    /// Its name, or its listen address in any spelling.
    pub tunnel: String,
    /// Whether its connections may go on until they end by themselves; else
    /// they are reset.
    #[serde(default)]
    pub drain: bool,
    /// With `drain`: when those that are left are reset, like `30s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
}

/// A backend of a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackendParams {
    /// The tunnel's name, or its listen address in any spelling.
    pub tunnel: String,
    /// `address[+attribute ...]`; to remove one, its attributes do not matter.
    pub backend: String,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
}

/// A change without anything else to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeParams {
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
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
}

/// A file with tunnels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadParams {
    /// Its path on the machine of plexyd, which reads it.
    pub file: String,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
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

/// Which events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventsParams {
    /// Only those behind this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// No more than so many, the newest of them; 1 000 are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<usize>,
}

/// Which counts to send, and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatsParams {
    /// From `100ms` to `1h`; `1s` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// Whether every tunnel is told too, or only the daemon's sums.
    #[serde(default)]
    pub tunnels: bool,
}

/// The number of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnsubscribeParams(pub (String,));

impl TunnelParams {
    /// The parameters that name this tunnel.
    #[must_use]
    pub fn new(tunnel: &TunnelRef) -> Self {
        Self { tunnel: tunnel.to_string() }
    }

    /// The tunnel.
    ///
    /// # Errors
    ///
    /// If that is no name and no address.
    pub fn tunnel(&self) -> Result<TunnelRef, Refusal> {
        parse("tunnel", &self.tunnel)
    }
}

impl OpenTunnelParams {
    /// The parameters that open this tunnel.
    #[must_use]
    pub fn new(spec: &TunnelSpec) -> Self {
        Self { spec: spec.to_string(), expected_revision: None }
    }

    /// The tunnel.
    ///
    /// # Errors
    ///
    /// If the specification does not follow the grammar.
    pub fn spec(&self) -> Result<TunnelSpec, Refusal> {
        parse("spec", &self.spec)
    }
}

impl OpenTunnelsParams {
    /// The tunnels.
    ///
    /// # Errors
    ///
    /// The first specification that does not follow the grammar, with its
    /// place in the list; or that there are too many.
    pub fn specs(&self) -> Result<Vec<TunnelSpec>, Refusal> {
        if self.specs.len() > super::TUNNELS_MAX {
            let (given, most) = (self.specs.len(), super::TUNNELS_MAX);
            let message = format!("{given} tunnels in one call; {most} are the most");
            return Err(Refusal::new(Code::TooManyTunnels, message));
        }
        let read = |(index, text): (usize, &String)| {
            parse("specs", text).map_err(|refusal| refusal.of_item(index))
        };
        self.specs.iter().enumerate().map(read).collect()
    }
}

impl CloseTunnelParams {
    /// The parameters that close this tunnel.
    #[must_use]
    pub fn new(tunnel: &TunnelRef, connections: CloseMode) -> Self {
        let (drain, deadline) = match connections {
            CloseMode::Reset => (false, None),
            CloseMode::Drain { deadline } => (true, deadline),
        };
        let deadline = deadline.map(crate::units::show_duration);
        Self { tunnel: tunnel.to_string(), drain, deadline, expected_revision: None }
    }

    /// The tunnel, and what its connections get.
    ///
    /// # Errors
    ///
    /// If either does not follow the grammar.
    pub fn request(&self) -> Result<(TunnelRef, CloseMode), Refusal> {
        let tunnel = parse("tunnel", &self.tunnel)?;
        let deadline = self.deadline.as_deref().map(|text| parse_duration(text, &DEADLINE_RANGE));
        let deadline = deadline.transpose().map_err(|error| bad_value("deadline", &error))?;
        match (self.drain, deadline) {
            (true, deadline) => Ok((tunnel, CloseMode::Drain { deadline })),
            (false, None) => Ok((tunnel, CloseMode::Reset)),
            (false, Some(_)) => {
                let message = "`deadline` without `drain`: the connections would be reset at once";
                Err(Refusal::new(Code::UnexpectedArgument, message).of_parameter("deadline"))
            }
        }
    }
}

impl BackendParams {
    /// The parameters for this backend of this tunnel.
    #[must_use]
    pub fn new(tunnel: &TunnelRef, backend: &impl Display) -> Self {
        let (tunnel, backend) = (tunnel.to_string(), backend.to_string());
        Self { tunnel, backend, expected_revision: None }
    }

    /// The tunnel and the backend.
    ///
    /// # Errors
    ///
    /// If either does not follow the grammar.
    pub fn request(&self) -> Result<(TunnelRef, BackendSpec), Refusal> {
        Ok((parse("tunnel", &self.tunnel)?, parse("backend", &self.backend)?))
    }
}

impl LogLevelParams {
    /// The parameters for this.
    #[must_use]
    pub fn new(change: LogChange) -> Self {
        let duration = change.duration.map(crate::units::show_duration);
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

impl EventsParams {
    /// The parameters for these.
    #[must_use]
    pub fn new(range: EventRange) -> Self {
        Self { after: range.after, last: range.last }
    }

    /// Which.
    ///
    /// # Errors
    ///
    /// If more are wanted than are kept, or none.
    pub fn range(&self) -> Result<EventRange, Refusal> {
        Ok(EventRange { after: self.after, last: last(self.last, &EVENTS_RANGE)? })
    }
}

impl HistoryParams {
    /// How many.
    ///
    /// # Errors
    ///
    /// If more are wanted than are kept, or none.
    pub fn count(&self) -> Result<usize, Refusal> {
        Ok(last(self.last, &CHANGES_RANGE)?.unwrap_or(HISTORY_DEFAULT))
    }
}

impl UndoParams {
    /// How many.
    ///
    /// # Errors
    ///
    /// If more are to be undone than are kept, or none.
    pub fn count(&self) -> Result<usize, Refusal> {
        Ok(last(self.last, &CHANGES_RANGE)?.unwrap_or(1))
    }
}

impl StatsParams {
    /// How often, and how much.
    ///
    /// # Errors
    ///
    /// If the interval is no duration, or beyond [`INTERVAL_RANGE`].
    pub fn request(&self) -> Result<(Duration, Detail), Refusal> {
        let interval = match &self.interval {
            None => Duration::from_secs(1),
            Some(text) => parse_duration(text, &INTERVAL_RANGE)
                .map_err(|error| bad_value("interval", &error))?,
        };
        Ok((interval, if self.tunnels { Detail::Full } else { Detail::Count }))
    }
}

/// Reads a parameter in the grammar of every other door.
fn parse<T>(name: &'static str, text: &str) -> Result<T, Refusal>
where
    T: FromStr,
    Refusal: From<T::Err>,
{
    text.parse().map_err(|error| Refusal::from(error).of_parameter(name))
}

/// How many of the newest.
fn last(given: Option<usize>, range: &RangeInclusive<usize>) -> Result<Option<usize>, Refusal> {
    match given.filter(|last| !range.contains(last)) {
        None => Ok(given),
        Some(last) => {
            let (least, most) = (range.start(), range.end());
            let message = format!("`last`: `{last}` is out of range; it may be {least} to {most}");
            Err(Refusal::new(Code::OutOfRange, message).of_parameter("last"))
        }
    }
}

fn bad_value(key: &'static str, error: &ValueError) -> Refusal {
    Refusal::new(error.code(), format!("`{key}`: {error}"))
        .suggesting(error.suggestion().map(str::to_owned))
        .of_parameter(key)
}
