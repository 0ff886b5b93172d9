//! The parameters of the methods, and what they mean.
//!
//! Tunnels, backends and durations are text in the grammar of every other
//! door, and parsed by the same parser: the same mistake has the same code.

mod apply;
mod connections;
mod terms;

use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use apply::{ApplyTunnelsParams, Declaration, PlanTunnelsParams};
pub use connections::{ConnectionsParams, KillParams};
pub use terms::Terms;

use crate::command::{Detail, EVENTS_RANGE, HISTORY_DEFAULT, LOG_RANGE, LiveChoice, LogChange};
use crate::error::{Code, Refusal};
use crate::event::EventRange;
use crate::explanation::{read_client, read_name};
use crate::history::CHANGES_RANGE;
use crate::info::is_false;
use crate::spec::{
    AttributeSettings, BackendAddr, BackendSpec, DEADLINE_RANGE, LiveAction, OptionSettings,
    ServerName, TunnelRef, TunnelSpec, read_backend_list,
};
use crate::units::{ValueError, parse_duration, show_duration};
use crate::word::{Words, parse_word};

/// How often `subscribeStats` and `subscribeOverview` may tell.
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

/// A tunnel, and a client that may come to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainParams {
    /// The tunnel's name, or its listen address in any spelling.
    pub tunnel: String,
    /// The IP address of the client, like `10.1.2.3`; any client if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The name that the client asks for (SNI); any name, or none, if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
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

impl ExplainParams {
    /// The parameters that ask for this.
    #[must_use]
    pub fn new(tunnel: &TunnelRef, from: Option<IpAddr>, sni: Option<&ServerName>) -> Self {
        Self {
            tunnel: tunnel.to_string(),
            from: from.map(|from| from.to_string()),
            sni: sni.map(ToString::to_string),
        }
    }

    /// The tunnel, and of the client the address and the name that it asks for, as far as they are given.
    ///
    /// # Errors
    ///
    /// If one of them does not follow the grammar.
    pub fn request(&self) -> Result<(TunnelRef, Option<IpAddr>, Option<ServerName>), Refusal> {
        let tunnel = parse("tunnel", &self.tunnel)?;
        let from = self.from.as_deref().map(read_client).transpose();
        let from = from.map_err(|error| bad_value("from", &error))?;
        let sni = self.sni.as_deref().map(read_name).transpose();
        Ok((tunnel, from, sni.map_err(|error| bad_value("sni", &error))?))
    }
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
        let backend = self.backend.as_deref().map(|text| parse("backend", text)).transpose()?;
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
        let backend = self.backend.as_deref().map(|text| parse("backend", text)).transpose()?;
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
        let every = interval(self.interval.as_deref())?;
        Ok((every, if self.tunnels { Detail::Full } else { Detail::Count }))
    }
}

/// How many are wanted, where that is bounded.
pub(crate) fn number_of(
    key: &'static str,
    wanted: Option<usize>,
    default: usize,
    range: &RangeInclusive<usize>,
) -> Result<usize, Refusal> {
    let wanted = wanted.unwrap_or(default);
    if range.contains(&wanted) {
        return Ok(wanted);
    }
    let (least, most) = (range.start(), range.end());
    let message = format!("`{key}`: `{wanted}` is out of range; it may be {least} to {most}");
    Err(Refusal::new(Code::OutOfRange, message).of_parameter(key))
}

/// How often something is told: once a second if nobody says.
pub(crate) fn interval(text: Option<&str>) -> Result<Duration, Refusal> {
    text.map_or(Ok(Duration::from_secs(1)), |text| {
        parse_duration(text, &INTERVAL_RANGE).map_err(|error| bad_value("interval", &error))
    })
}

/// Reads a parameter in the grammar of every other door.
pub(crate) fn parse<T>(name: &'static str, text: &str) -> Result<T, Refusal>
where
    T: FromStr,
    Refusal: From<T::Err>,
{
    text.parse().map_err(|error| Refusal::from(error).of_parameter(name))
}

/// Reads the tunnels of one call.
fn read_specs(specs: &[String]) -> Result<Vec<TunnelSpec>, Refusal> {
    if specs.len() > super::TUNNELS_MAX {
        let (given, most) = (specs.len(), super::TUNNELS_MAX);
        let message = format!("{given} tunnels in one call; {most} are the most");
        return Err(Refusal::new(Code::TooManyTunnels, message));
    }
    let read = |(index, text): (usize, &String)| {
        parse("specs", text).map_err(|refusal| refusal.of_item(index))
    };
    specs.iter().enumerate().map(read).collect()
}

fn written_live(live: Option<LiveChoice>) -> (Option<String>, Option<String>) {
    let deadline = live.and_then(|live| live.deadline).map(show_duration);
    (live.map(|live| live.action.to_string()), deadline)
}

fn read_live(live: Option<&str>, deadline: Option<&str>) -> Result<Option<LiveChoice>, Refusal> {
    let action = live.map(|text| parse_word(text, LiveAction::ALL)).transpose();
    let action = action.map_err(|error| bad_value("live", &error))?;
    match (action, read_deadline(deadline)?) {
        (Some(action), deadline) if action == LiveAction::Drain || deadline.is_none() => {
            Ok(Some(LiveChoice { action, deadline }))
        }
        (None, None) => Ok(None),
        (_, Some(_)) | (Some(_), None) => {
            let message = "`deadline` without a drain: it says when drained connections are reset";
            Err(Refusal::new(Code::UnexpectedArgument, message).of_parameter("deadline"))
        }
    }
}

fn read_deadline(deadline: Option<&str>) -> Result<Option<Duration>, Refusal> {
    let deadline = deadline.map(|text| parse_duration(text, &DEADLINE_RANGE)).transpose();
    deadline.map_err(|error| bad_value("deadline", &error))
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

pub(crate) fn bad_value(key: &'static str, error: &ValueError) -> Refusal {
    Refusal::new(error.code(), format!("`{key}`: {error}"))
        .suggesting(error.suggestion().map(str::to_owned))
        .of_parameter(key)
}
