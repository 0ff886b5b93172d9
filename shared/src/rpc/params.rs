//! The parameters of the methods, and what they mean.
//!
//! Tunnels, backends and durations are text in the grammar of every other
//! door, and parsed by the same parser: the same mistake has the same code.

mod admin;
mod apply;
mod backends;
mod changes;
mod connections;
mod daemon;
mod live;
mod looks;
mod terms;
mod tunnels;

use std::ops::RangeInclusive;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use admin::{DisableParams, DrainParams, EnableParams};
pub use apply::{ApplyTunnelsParams, Declaration, PlanTunnelsParams};
pub use backends::{BackendParams, RemoveBackendParams, SetBackendParams, SwitchBackendsParams};
pub use changes::{ChangeParams, HistoryParams, LoadParams, UndoParams};
pub use connections::{ConnectionsParams, KillParams};
pub use daemon::{HelloParams, LogLevelParams};
pub(crate) use looks::interval;
pub use looks::{
    EventsParams, ExplainParams, INTERVAL_RANGE, StatsParams, TunnelParams, UnsubscribeParams,
};
pub use terms::Terms;
pub use tunnels::{CloseTunnelParams, OpenTunnelParams, OpenTunnelsParams, SetTunnelParams};

use crate::error::{Code, Refusal};
use crate::units::ValueError;

/// No parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// How many are wanted, where that is bounded.
pub(crate) fn number_of(
    key: &'static str,
    wanted: Option<usize>,
    default: usize,
    range: &RangeInclusive<usize>,
) -> Result<usize, Refusal> {
    within(key, wanted.unwrap_or(default), range)
}

/// A number that is wanted, where that is bounded.
fn within(
    key: &'static str,
    wanted: usize,
    range: &RangeInclusive<usize>,
) -> Result<usize, Refusal> {
    if range.contains(&wanted) {
        return Ok(wanted);
    }
    let (least, most) = (range.start(), range.end());
    let message = format!("`{key}`: `{wanted}` is out of range; it may be {least} to {most}");
    Err(Refusal::new(Code::OutOfRange, message).of_parameter(key))
}

/// Reads a parameter in the grammar of every other door.
pub(crate) fn parse<T>(name: &'static str, text: &str) -> Result<T, Refusal>
where
    T: FromStr,
    Refusal: From<T::Err>,
{
    text.parse().map_err(|error| Refusal::from(error).of_parameter(name))
}

/// What is wrong with the value of a parameter.
pub(crate) fn bad_value(key: &'static str, error: &ValueError) -> Refusal {
    Refusal::new(error.code(), format!("`{key}`: {error}"))
        .suggesting(error.suggestion().map(str::to_owned))
        .of_parameter(key)
}
