//! The parameters of the methods that open, change and close tunnels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::live::{read_live, written_live};
use super::parse;
use crate::command::LiveChoice;
use crate::error::{Code, Refusal};
use crate::info::is_false;
use crate::rpc::TUNNELS_MAX;
use crate::spec::{LiveAction, OptionSettings, TunnelRef, TunnelSpec};

/// A tunnel to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenTunnelParams {
    /// `local=backend[,backend ...][[option=value,...]]`
    pub spec: String,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
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
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

/// A tunnel to close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseTunnelParams {
    /// Its name, or its listen address in any spelling.
    pub tunnel: String,
    /// The same as `live` with `drain`.
    #[serde(default)]
    pub drain: bool,
    /// What its connections get: `keep`, `drain` or `kill`; `kill` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
    /// With a drain: when those that are left are reset, like `30s`; the tunnel's `drain-deadline` if
    /// not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

/// Options of a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetTunnelParams {
    /// The tunnel's name, or its listen address in any spelling.
    pub tunnel: String,
    /// Each `key=value`; `key=` alone puts one back to its default.
    pub settings: Vec<String>,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

impl OpenTunnelParams {
    /// The parameters that open this tunnel.
    #[must_use]
    pub fn new(spec: &TunnelSpec) -> Self {
        Self { spec: spec.to_string(), expected_revision: None, dry_run: false }
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
        read_specs(&self.specs)
    }
}

impl CloseTunnelParams {
    /// The parameters that close this tunnel.
    #[must_use]
    pub fn new(tunnel: &TunnelRef, live: LiveChoice) -> Self {
        let (live, deadline) = written_live(Some(live));
        Self {
            tunnel: tunnel.to_string(),
            drain: false,
            live,
            deadline,
            expected_revision: None,
            dry_run: false,
        }
    }

    /// The tunnel, and what its connections get.
    ///
    /// # Errors
    ///
    /// If either does not follow the grammar.
    pub fn request(&self) -> Result<(TunnelRef, LiveChoice), Refusal> {
        let tunnel = parse("tunnel", &self.tunnel)?;
        if self.drain && self.live.is_some() {
            let message = "`drain` is short for `live` with `drain`: one of them is enough";
            return Err(Refusal::new(Code::UnexpectedArgument, message).of_parameter("live"));
        }
        let live = self.live.as_deref().or(self.drain.then_some(LiveAction::Drain.as_str()));
        let live = live.unwrap_or(LiveAction::Kill.as_str());
        let live = read_live(Some(live), self.deadline.as_deref())?;
        Ok((tunnel, live.unwrap_or(LiveAction::Kill.into())))
    }
}

impl SetTunnelParams {
    /// The parameters for these options.
    #[must_use]
    pub fn new(tunnel: &TunnelRef, settings: &OptionSettings) -> Self {
        let (tunnel, settings) = (tunnel.to_string(), settings.each());
        Self { tunnel, settings, expected_revision: None, dry_run: false }
    }

    /// The tunnel and its options.
    ///
    /// # Errors
    ///
    /// If one of them does not follow the grammar.
    pub fn request(&self) -> Result<(TunnelRef, OptionSettings), Refusal> {
        Ok((parse("tunnel", &self.tunnel)?, parse("settings", &self.settings.join(" "))?))
    }
}

/// Reads the tunnels of one call.
pub(super) fn read_specs(specs: &[String]) -> Result<Vec<TunnelSpec>, Refusal> {
    if specs.len() > TUNNELS_MAX {
        let (given, most) = (specs.len(), TUNNELS_MAX);
        let message = format!("{given} tunnels in one call; {most} are the most");
        return Err(Refusal::new(Code::TooManyTunnels, message));
    }
    let read = |(index, text): (usize, &String)| {
        parse("specs", text).map_err(|refusal| refusal.of_item(index))
    };
    specs.iter().enumerate().map(read).collect()
}
