//! What somebody wants to see of an overview, and what that means.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BackendColumn, Column, Find, Order, TunnelColumn};
use crate::connection::ConnectionId;
use crate::error::Refusal;
use crate::filter::{Filter, Key};
use crate::rpc::{bad_value, interval, number_of, parse};
use crate::spec::TunnelRef;

/// How many rows one look shows.
pub const ROWS_RANGE: RangeInclusive<usize> = 1..=500;

/// How many it shows if nobody says.
const ROWS_DEFAULT: usize = 100;

/// What to show, and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverviewParams {
    /// From `100ms` to `1h`; `1s` if not given. One look has no use for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// Rows of tunnels, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnels: Option<TunnelRowsParams>,
    /// Rows of backends, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backends: Option<BackendRowsParams>,
    /// Rows of connections, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<ConnectionRowsParams>,
    /// One tunnel in full: its name, or its listen address in any spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
}

/// Which tunnels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TunnelRowsParams {
    /// What a row has to have: `[!][column:][~]text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub find: Option<String>,
    /// A column; behind a `-`, the largest first. `health` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// So many of the first ones are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<usize>,
    /// From 1 to 500; 100 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The number of a tunnel that shall be among them, in the middle where that can be; where it
    /// matches, `skip` does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around: Option<u64>,
}

/// Which backends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackendRowsParams {
    /// Those of this tunnel: its name, or its listen address in any spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
    /// What a row has to have: `[!][column:][~]text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub find: Option<String>,
    /// A column; behind a `-`, the largest first. `health` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// So many of the first ones are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<usize>,
    /// From 1 to 500; 100 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// A backend that shall be among them, in the middle where that can be; where it matches, `skip`
    /// does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around: Option<BackendId>,
}

/// Which connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionRowsParams {
    /// Those of this tunnel: its name, or its listen address in any spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
    /// Those that pass this filter, in the grammar of `conns`.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// What a row has to have: `[!][column:][~]text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub find: Option<String>,
    /// A key of `conns`; behind a `-`, the largest first. `id` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// So many of the first ones are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<usize>,
    /// From 1 to 500; 100 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The id of a connection that shall be among them, in the middle where that can be; where it
    /// matches, `skip` does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around: Option<String>,
}

/// A backend of a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackendId {
    /// The number of its tunnel.
    pub tunnel_id: u64,
    /// Its address, as its tunnel has it.
    pub backend: String,
}

/// What all of that means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverviewQuery {
    /// How often.
    pub every: Duration,
    /// Which tunnels.
    pub tunnels: Option<Rows<TunnelColumn, u64>>,
    /// Which backends, of one tunnel or of all.
    pub backends: Option<(Option<TunnelRef>, Rows<BackendColumn, BackendId>)>,
    /// Which connections, of one tunnel or of all, and what they have to pass.
    pub connections: Option<ConnectionRows>,
    /// Which tunnel in full.
    pub tunnel: Option<TunnelRef>,
}

/// Connections of one tunnel or of all, what they have to pass, and the part of them.
pub type ConnectionRows = (Option<TunnelRef>, Filter, Rows<Key, ConnectionId>);

/// A part of all rows of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<C, I> {
    /// Those that match.
    pub find: Find<C>,
    /// In this order.
    pub order: Order<C>,
    /// Without so many of the first ones.
    pub skip: usize,
    /// So many at most, of [`ROWS_RANGE`].
    pub limit: usize,
    /// So that this one is among them.
    pub around: Option<I>,
}

/// What parameters of one kind of rows are called in an error.
#[derive(Debug, Clone, Copy)]
struct Names {
    sort: &'static str,
    limit: &'static str,
}

impl<C: Column, I> Rows<C, I> {
    fn read(
        names: Names,
        (find, sort): (Option<&str>, Option<&str>),
        default: C,
        (skip, limit): (Option<usize>, Option<usize>),
        around: Option<I>,
    ) -> Result<Self, Refusal> {
        let limit = number_of(names.limit, limit, ROWS_DEFAULT, &ROWS_RANGE)?;
        let order = match sort {
            None => Order { column: default, is_descending: false },
            Some(text) => text.parse().map_err(|error| bad_value(names.sort, &error))?,
        };
        let find = find.map(Find::read).unwrap_or_default();
        Ok(Self { find, order, skip: skip.unwrap_or_default(), limit, around })
    }
}

impl OverviewParams {
    /// What they mean.
    ///
    /// # Errors
    ///
    /// If something is no tunnel, order, filter, duration or number of rows.
    pub fn query(&self) -> Result<OverviewQuery, Refusal> {
        Ok(OverviewQuery {
            every: interval(self.interval.as_deref())?,
            tunnels: self.tunnels.as_ref().map(TunnelRowsParams::rows).transpose()?,
            backends: self.backends.as_ref().map(BackendRowsParams::rows).transpose()?,
            connections: self.connections.as_ref().map(ConnectionRowsParams::rows).transpose()?,
            tunnel: tunnel("tunnel", self.tunnel.as_deref())?,
        })
    }
}

impl TunnelRowsParams {
    fn rows(&self) -> Result<Rows<TunnelColumn, u64>, Refusal> {
        let names = Names { sort: "tunnels.sort", limit: "tunnels.limit" };
        let text = (self.find.as_deref(), self.sort.as_deref());
        Rows::read(names, text, TunnelColumn::Health, (self.skip, self.limit), self.around)
    }
}

impl BackendRowsParams {
    fn rows(&self) -> Result<(Option<TunnelRef>, Rows<BackendColumn, BackendId>), Refusal> {
        let names = Names { sort: "backends.sort", limit: "backends.limit" };
        let text = (self.find.as_deref(), self.sort.as_deref());
        let (part, around) = ((self.skip, self.limit), self.around.clone());
        let rows = Rows::read(names, text, BackendColumn::Health, part, around)?;
        Ok((tunnel("backends.tunnel", self.tunnel.as_deref())?, rows))
    }
}

impl ConnectionRowsParams {
    fn rows(&self) -> Result<ConnectionRows, Refusal> {
        let names = Names { sort: "connections.sort", limit: "connections.limit" };
        let text = (self.find.as_deref(), self.sort.as_deref());
        let around = self.around.as_deref().map(str::parse::<ConnectionId>).transpose();
        let around = around.map_err(|error| bad_value("connections.around", &error))?;
        let rows = Rows::read(names, text, Key::Id, (self.skip, self.limit), around)?;
        let filter = self.filter.as_deref().map(|text| parse("connections.where", text));
        let filter = filter.transpose()?.unwrap_or_default();
        Ok((tunnel("connections.tunnel", self.tunnel.as_deref())?, filter, rows))
    }
}

fn tunnel(name: &'static str, text: Option<&str>) -> Result<Option<TunnelRef>, Refusal> {
    text.map(|text| parse(name, text)).transpose()
}
