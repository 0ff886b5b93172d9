//! The parameters of the methods about live connections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{bad_value, number_of, parse};
use crate::connection::{
    ConnectionQuery, KILL_IDS_MAX, KillOrder, LIMIT_DEFAULT, LIMIT_RANGE, Sort,
};
use crate::error::{Code, Refusal};
use crate::filter::Filter;
use crate::spec::TunnelRef;

/// Which connections to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionsParams {
    /// Those of this tunnel only: its name, or its listen address in any spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
    /// Those that pass this filter only, like `idle>10m and client=10.0.0.0/8`.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// What they are sorted by, like `bytes`, or `-bytes` for the most first; `id` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// How many at most, from 1 to 10 000; 100 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Which connections to end: either `ids` or `where`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KillParams {
    /// Those with these ids; 10 000 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
    /// All that pass this filter, like `idle>10m and client=10.0.0.0/8`.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// With `where`, those of this tunnel only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
    /// If given, nothing is ended unless the daemon is at this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// Whether nothing is done: the answer tells what would be.
    #[serde(default, skip_serializing_if = "crate::info::is_false")]
    pub dry_run: bool,
}

impl ConnectionsParams {
    /// The parameters that ask for these.
    #[must_use]
    pub fn new(query: &ConnectionQuery) -> Self {
        let ConnectionQuery { tunnel, filter, sort, limit } = query;
        Self {
            tunnel: tunnel.as_ref().map(ToString::to_string),
            filter: (!filter.is_empty()).then(|| filter.to_string()),
            sort: (*sort != Sort::default()).then(|| sort.to_string()),
            limit: (*limit != LIMIT_DEFAULT).then_some(*limit),
        }
    }

    /// Which, and in which order.
    ///
    /// # Errors
    ///
    /// If any of it does not follow its grammar, or more are wanted than are shown.
    pub fn query(&self) -> Result<ConnectionQuery, Refusal> {
        let sort = self.sort.as_deref().map(str::parse).transpose();
        let limit = number_of("limit", self.limit, LIMIT_DEFAULT, &LIMIT_RANGE)?;
        Ok(ConnectionQuery {
            tunnel: tunnel(self.tunnel.as_deref())?,
            filter: filter(self.filter.as_deref())?,
            sort: sort.map_err(|error| bad_value("sort", &error))?.unwrap_or_default(),
            limit,
        })
    }
}

impl KillParams {
    /// The parameters that ask for this.
    #[must_use]
    pub fn new(order: &KillOrder) -> Self {
        match order {
            KillOrder::Ids(ids) => {
                Self { ids: Some(ids.iter().map(ToString::to_string).collect()), ..Self::default() }
            }
            KillOrder::Where { tunnel, filter } => Self {
                filter: Some(filter.to_string()),
                tunnel: tunnel.as_ref().map(ToString::to_string),
                ..Self::default()
            },
        }
    }

    /// Which.
    ///
    /// # Errors
    ///
    /// If that is not said in one of the two ways, or does not follow its grammar.
    pub fn order(&self) -> Result<KillOrder, Refusal> {
        let refuse = |code, message: &str, parameter| {
            Err(Refusal::new(code, message).of_parameter(parameter))
        };
        match (&self.ids, &self.filter) {
            (Some(_), Some(_)) => {
                refuse(Code::UnexpectedArgument, "either `ids` or `where`, not both", "where")
            }
            (None, None) => refuse(Code::MissingArgument, "expected `ids` or `where`", "ids"),
            (Some(_), None) if self.tunnel.is_some() => {
                refuse(Code::UnexpectedArgument, "`tunnel` goes with `where` only", "tunnel")
            }
            (Some(ids), None) if ids.is_empty() => {
                refuse(Code::MissingArgument, "expected an id", "ids")
            }
            (Some(ids), None) if ids.len() > KILL_IDS_MAX => {
                let message = format!("{} ids in one call; {KILL_IDS_MAX} are the most", ids.len());
                refuse(Code::OutOfRange, &message, "ids")
            }
            (Some(ids), None) => {
                let read = |(index, id): (usize, &String)| {
                    id.parse().map_err(|error| bad_value("ids", &error).of_item(index))
                };
                ids.iter().enumerate().map(read).collect::<Result<_, _>>().map(KillOrder::Ids)
            }
            (None, Some(text)) => Ok(KillOrder::Where {
                tunnel: tunnel(self.tunnel.as_deref())?,
                filter: filter(Some(text))?,
            }),
        }
    }
}

fn tunnel(given: Option<&str>) -> Result<Option<TunnelRef>, Refusal> {
    given.map(|text| parse("tunnel", text)).transpose()
}

fn filter(given: Option<&str>) -> Result<Filter, Refusal> {
    given.map_or_else(|| Ok(Filter::default()), |text| parse("where", text))
}
