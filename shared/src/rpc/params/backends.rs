//! The parameters of the methods that change the set of backends of a tunnel, or one of them.

use std::fmt::Display;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::live::{read_live, written_live};
use super::parse;
use crate::command::LiveChoice;
use crate::error::Refusal;
use crate::info::is_false;
use crate::spec::{AttributeSettings, BackendAddr, BackendSpec, TunnelRef, read_backend_list};

/// A backend of a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackendParams {
    /// The tunnel's name, or its listen address in any spelling.
    pub tunnel: String,
    /// `address[+attribute ...]`
    pub backend: String,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

/// A backend to remove from a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveBackendParams {
    /// The tunnel's name, or its listen address in any spelling.
    pub tunnel: String,
    /// Its address; attributes do not matter.
    pub backend: String,
    /// What connections get whose backend goes: `keep`, `drain` or `kill`; the tunnel's `on-remove` if
    /// not given.
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

/// Attributes of a backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetBackendParams {
    /// The tunnel's name, or its listen address in any spelling.
    pub tunnel: String,
    /// Its address.
    pub backend: String,
    /// Each `key=value`; `key=` alone puts one back to its default.
    pub settings: Vec<String>,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

/// Another set of backends for a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchBackendsParams {
    /// The tunnel's name, or its listen address in any spelling.
    pub tunnel: String,
    /// Each `address[+attribute ...]`.
    pub backends: Vec<String>,
    /// What connections get whose backend goes: `keep`, `drain` or `kill`; the tunnel's `on-remove` if
    /// not given.
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

impl BackendParams {
    /// The parameters for this backend of this tunnel.
    #[must_use]
    pub fn new(tunnel: &TunnelRef, backend: &impl Display) -> Self {
        let (tunnel, backend) = (tunnel.to_string(), backend.to_string());
        Self { tunnel, backend, expected_revision: None, dry_run: false }
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

impl RemoveBackendParams {
    /// The parameters that remove this backend.
    #[must_use]
    pub fn new(tunnel: &TunnelRef, backend: &BackendAddr, live: Option<LiveChoice>) -> Self {
        let (tunnel, backend) = (tunnel.to_string(), backend.to_string());
        let (live, deadline) = written_live(live);
        Self { tunnel, backend, live, deadline, expected_revision: None, dry_run: false }
    }

    /// The tunnel, the backend, and what its connections get.
    ///
    /// # Errors
    ///
    /// If one of them does not follow the grammar.
    pub fn request(&self) -> Result<(TunnelRef, BackendSpec, Option<LiveChoice>), Refusal> {
        let live = read_live(self.live.as_deref(), self.deadline.as_deref())?;
        Ok((parse("tunnel", &self.tunnel)?, parse("backend", &self.backend)?, live))
    }
}

impl SetBackendParams {
    /// The parameters for these attributes.
    #[must_use]
    pub fn new(tunnel: &TunnelRef, backend: &BackendAddr, settings: &AttributeSettings) -> Self {
        let (tunnel, backend) = (tunnel.to_string(), backend.to_string());
        Self { tunnel, backend, settings: settings.each(), expected_revision: None, dry_run: false }
    }

    /// The tunnel, the backend and its attributes.
    ///
    /// # Errors
    ///
    /// If one of them does not follow the grammar.
    pub fn request(&self) -> Result<(TunnelRef, BackendAddr, AttributeSettings), Refusal> {
        let settings = parse("settings", &self.settings.join(" "))?;
        Ok((parse("tunnel", &self.tunnel)?, parse("backend", &self.backend)?, settings))
    }
}

impl SwitchBackendsParams {
    /// The parameters for these backends.
    #[must_use]
    pub fn new(tunnel: &TunnelRef, backends: &[BackendSpec], live: Option<LiveChoice>) -> Self {
        let (tunnel, backends) =
            (tunnel.to_string(), backends.iter().map(ToString::to_string).collect());
        let (live, deadline) = written_live(live);
        Self { tunnel, backends, live, deadline, expected_revision: None, dry_run: false }
    }

    /// The tunnel, its backends, and what connections of those get that go.
    ///
    /// # Errors
    ///
    /// If one of them does not follow the grammar.
    pub fn request(&self) -> Result<(TunnelRef, Vec<BackendSpec>, Option<LiveChoice>), Refusal> {
        let live = read_live(self.live.as_deref(), self.deadline.as_deref())?;
        let backends = read_backend_list(&self.backends.join(","));
        let backends = backends.map_err(|error| Refusal::from(error).of_parameter("backends"))?;
        Ok((parse("tunnel", &self.tunnel)?, backends, live))
    }
}
