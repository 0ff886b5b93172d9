//! The parameters of the methods by which somebody lets clients come, or not.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::live::read_deadline;
use super::parse;
use crate::error::Refusal;
use crate::info::is_false;
use crate::spec::{BackendAddr, TunnelRef};
use crate::units::show_duration;

/// A tunnel, or one of its backends, that is to have no new clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrainParams {
    /// The tunnel's name, or its listen address in any spelling.
    pub tunnel: String,
    /// The address of one of its backends; all of the tunnel if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// When those that are left are reset, like `30s`; the tunnel's `drain-deadline` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

/// A tunnel, or one of its backends, that clients may come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnableParams {
    /// The tunnel's name, or its listen address in any spelling.
    pub tunnel: String,
    /// The address of one of its backends; the tunnel itself if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

/// A backend that is to be out of service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisableParams {
    /// The tunnel's name, or its listen address in any spelling.
    pub tunnel: String,
    /// Its address.
    pub backend: String,
    /// The revision that the daemon has to be at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dry_run: bool,
}

impl DrainParams {
    /// The parameters that drain this.
    #[must_use]
    pub fn new(
        tunnel: &TunnelRef,
        backend: Option<&BackendAddr>,
        deadline: Option<Duration>,
    ) -> Self {
        let (tunnel, backend) = (tunnel.to_string(), backend.map(ToString::to_string));
        Self {
            tunnel,
            backend,
            deadline: deadline.map(show_duration),
            expected_revision: None,
            dry_run: false,
        }
    }

    /// The tunnel, its backend if it is one, and the deadline.
    ///
    /// # Errors
    ///
    /// If one of them does not follow the grammar.
    pub fn request(&self) -> Result<(TunnelRef, Option<BackendAddr>, Option<Duration>), Refusal> {
        let backend = backend(self.backend.as_deref())?;
        Ok((parse("tunnel", &self.tunnel)?, backend, read_deadline(self.deadline.as_deref())?))
    }
}

impl EnableParams {
    /// The parameters that enable this.
    #[must_use]
    pub fn new(tunnel: &TunnelRef, backend: Option<&BackendAddr>) -> Self {
        let (tunnel, backend) = (tunnel.to_string(), backend.map(ToString::to_string));
        Self { tunnel, backend, expected_revision: None, dry_run: false }
    }

    /// The tunnel, and its backend if it is one.
    ///
    /// # Errors
    ///
    /// If one of them does not follow the grammar.
    pub fn request(&self) -> Result<(TunnelRef, Option<BackendAddr>), Refusal> {
        let backend = backend(self.backend.as_deref())?;
        Ok((parse("tunnel", &self.tunnel)?, backend))
    }
}

impl DisableParams {
    /// The parameters that disable this backend.
    #[must_use]
    pub fn new(tunnel: &TunnelRef, backend: &BackendAddr) -> Self {
        let (tunnel, backend) = (tunnel.to_string(), backend.to_string());
        Self { tunnel, backend, expected_revision: None, dry_run: false }
    }

    /// The tunnel and the backend.
    ///
    /// # Errors
    ///
    /// If one of them does not follow the grammar.
    pub fn request(&self) -> Result<(TunnelRef, BackendAddr), Refusal> {
        Ok((parse("tunnel", &self.tunnel)?, parse("backend", &self.backend)?))
    }
}

/// The backend, if it is about one.
fn backend(given: Option<&str>) -> Result<Option<BackendAddr>, Refusal> {
    given.map(|text| parse("backend", text)).transpose()
}
