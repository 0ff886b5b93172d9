//! The parameters of the methods that look, once or again and again, and change nothing.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{bad_value, parse, within};
use crate::command::{Detail, EVENTS_RANGE};
use crate::error::Refusal;
use crate::event::EventRange;
use crate::explanation::{read_client, read_name};
use crate::spec::{ServerName, TunnelRef};
use crate::units::parse_duration;

/// How often `subscribeStats` and `subscribeOverview` may tell.
pub const INTERVAL_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(3600);

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
        let last = self.last.map(|last| within("last", last, &EVENTS_RANGE)).transpose()?;
        Ok(EventRange { after: self.after, last })
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

/// How often something is told: once a second if nobody says.
pub(crate) fn interval(text: Option<&str>) -> Result<Duration, Refusal> {
    text.map_or(Ok(Duration::from_secs(1)), |text| {
        parse_duration(text, &INTERVAL_RANGE).map_err(|error| bad_value("interval", &error))
    })
}
