//! The parameters of a whole set of tunnels that shall be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::live::read_live;
use super::tunnels::read_specs;
use crate::command::LiveChoice;
use crate::error::{Code, Refusal};
use crate::info::is_false;
use crate::spec::{LiveAction, TunnelSpec};

/// Tunnels that shall be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanTunnelsParams {
    /// Each `local=backend[,backend ...][[option=value,...]]`; 10 000 at most.
    pub specs: Vec<String>,
    /// Whether every tunnel is closed that is not among them.
    #[serde(default)]
    pub prune: bool,
    /// With `prune`: what connections of those get, `keep`, `drain` or `kill`; `kill` if not given, as
    /// with `closeTunnel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
}

/// Tunnels that shall be, and when that holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyTunnelsParams {
    /// Each `local=backend[,backend ...][[option=value,...]]`; 10 000 at most.
    pub specs: Vec<String>,
    /// Whether every tunnel is closed that is not among them.
    #[serde(default)]
    pub prune: bool,
    /// With `prune`: what connections of those get, `keep`, `drain` or `kill`; `kill` if not given, as
    /// with `closeTunnel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
    /// What `planTunnels` has called its plan: nothing is done where something else would be by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

/// A whole set of tunnels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Those that shall be.
    pub specs: Vec<TunnelSpec>,
    /// Whether no other one shall be, and what live connections of those get.
    pub prune: Option<LiveChoice>,
    /// What has to be all that is done, where that was planned.
    pub plan: Option<String>,
}

impl PlanTunnelsParams {
    /// The parameters for these: `prune` says what connections get of tunnels that are not among them.
    #[must_use]
    pub fn new(specs: &[TunnelSpec], prune: Option<LiveAction>) -> Self {
        Self {
            specs: specs.iter().map(ToString::to_string).collect(),
            prune: prune.is_some(),
            live: prune.map(|live| live.to_string()),
        }
    }

    /// The tunnels.
    ///
    /// # Errors
    ///
    /// The first specification that does not follow the grammar, with its place in the list; that there
    /// are too many; or that `live` is no such word, or has nothing to do.
    pub fn declaration(&self) -> Result<Declaration, Refusal> {
        let live = read_live(self.live.as_deref(), None)?;
        if live.is_some() && !self.prune {
            let message = "`live` without `prune`: nothing is closed then";
            return Err(Refusal::new(Code::UnexpectedArgument, message).of_parameter("live"));
        }
        let prune = self.prune.then(|| live.unwrap_or_else(|| LiveAction::Kill.into()));
        Ok(Declaration { specs: read_specs(&self.specs)?, prune, plan: None })
    }
}

impl ApplyTunnelsParams {
    /// The parameters that do what was planned with these, and nothing else.
    #[must_use]
    pub fn of_plan(planned: PlanTunnelsParams, plan: &str) -> Self {
        let PlanTunnelsParams { specs, prune, live } = planned;
        Self { specs, prune, live, plan: Some(plan.to_owned()), ..Self::default() }
    }

    /// The tunnels.
    ///
    /// # Errors
    ///
    /// As with [`PlanTunnelsParams::declaration`].
    pub fn declaration(self) -> Result<Declaration, Refusal> {
        let Self { specs, prune, live, plan, .. } = self;
        let declaration = PlanTunnelsParams { specs, prune, live }.declaration()?;
        Ok(Declaration { plan, ..declaration })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connections_get_is_said_of_tunnels_that_are_closed_only() {
        let params = |prune, live: Option<&str>| {
            let live = live.map(str::to_owned);
            PlanTunnelsParams { specs: vec!["1=2".to_owned()], prune, live }.declaration()
        };
        assert_eq!(params(false, None).unwrap().prune, None);
        assert_eq!(params(true, None).unwrap().prune, Some(LiveAction::Kill.into()));
        assert_eq!(params(true, Some("keep")).unwrap().prune, Some(LiveAction::Keep.into()));
        assert_eq!(params(false, Some("keep")).unwrap_err().code, Code::UnexpectedArgument);
        assert_eq!(params(true, Some("kepp")).unwrap_err().code, Code::InvalidValue);
    }
}
