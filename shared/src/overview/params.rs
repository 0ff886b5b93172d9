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
    pub connections: Option<(Option<TunnelRef>, Filter, Rows<Key, ConnectionId>)>,
    /// Which tunnel in full.
    pub tunnel: Option<TunnelRef>,
}

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

impl<C: Column, I> Rows<C, I> {
    fn read(
        find: Option<&str>,
        sort: Option<&str>,
        default: C,
        (skip, limit): (Option<usize>, Option<usize>),
        around: Option<I>,
    ) -> Result<Self, Refusal> {
        let limit = number_of("limit", limit, ROWS_DEFAULT, &ROWS_RANGE)?;
        let order = match sort {
            None => Order { column: default, is_descending: false },
            Some(text) => text.parse().map_err(|error| bad_value("sort", &error))?,
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
        let tunnel = |text: &Option<String>| {
            text.as_deref().map(|text| parse::<TunnelRef>("tunnel", text)).transpose()
        };
        let tunnels = self.tunnels.as_ref().map(|it| {
            let (find, sort) = (it.find.as_deref(), it.sort.as_deref());
            Rows::read(find, sort, TunnelColumn::Health, (it.skip, it.limit), it.around)
        });
        let backends = self.backends.as_ref().map(|it| {
            let (find, sort) = (it.find.as_deref(), it.sort.as_deref());
            let around = it.around.clone();
            let rows = Rows::read(find, sort, BackendColumn::Health, (it.skip, it.limit), around)?;
            Ok::<_, Refusal>((tunnel(&it.tunnel)?, rows))
        });
        let connections = self.connections.as_ref().map(|it| {
            let (find, sort) = (it.find.as_deref(), it.sort.as_deref());
            let around = it.around.as_deref().map(str::parse::<ConnectionId>).transpose();
            let around = around.map_err(|error| bad_value("around", &error))?;
            let filter = it.filter.as_deref().map(|text| parse("where", text)).transpose()?;
            let rows = Rows::read(find, sort, Key::Id, (it.skip, it.limit), around)?;
            Ok::<_, Refusal>((tunnel(&it.tunnel)?, filter.unwrap_or_default(), rows))
        });
        Ok(OverviewQuery {
            every: interval(self.interval.as_deref())?,
            tunnels: tunnels.transpose()?,
            backends: backends.transpose()?,
            connections: connections.transpose()?,
            tunnel: tunnel(&self.tunnel)?,
        })
    }
}
