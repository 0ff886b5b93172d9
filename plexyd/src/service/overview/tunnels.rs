//! The rows of tunnels: which are found, which come first, and what each says.

use std::borrow::Cow;
use std::cmp::Ordering;

use plexy_shared::overview::{Order, Rows, RowsReply, TunnelColumn, TunnelRow};
use plexy_shared::spec::BoundAddr;

use super::look::Look;
use super::sheet::TunnelLook;
use super::{health, latency};
use crate::service::cut::Part;
use crate::service::detail::admin_info;
use crate::service::status::tunnel_status;

/// A tunnel, and what it is sorted by.
#[derive(Debug)]
struct Ranked<'a> {
    rank: Rank<'a>,
    tunnel: &'a TunnelLook,
}

/// All of one list are of the same kind.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank<'a> {
    Number(u64),
    Address(&'a BoundAddr),
    Text(Cow<'a, str>),
}

/// Those that are wanted.
pub(super) fn rows(look: &Look, wanted: &Rows<TunnelColumn, u64>) -> RowsReply<TunnelRow> {
    let Order { column, is_descending } = wanted.order;
    let is_found = |tunnel: &&TunnelLook| wanted.find.matches(|column| text(look, tunnel, column));
    let found = look.tunnels().iter().filter(is_found);
    let ranked = found.map(|tunnel| Ranked { rank: rank(look, tunnel, column), tunnel }).collect();
    let part = Part { skip: wanted.skip, limit: wanted.limit };
    let is_wanted = |it: &Ranked<'_>| Some(it.tunnel.tunnel.id.0) == wanted.around;
    let cut = part.of(ranked, |one, other| compare(one, other, is_descending), is_wanted);
    RowsReply {
        total: look.tunnels().len() as u64,
        matched: cut.matched,
        skipped: cut.skipped,
        rows: cut.rows.iter().map(|it| row(look, it.tunnel)).collect(),
    }
}

/// Those that are equal stand by what they are called, in either direction.
fn compare(one: &Ranked<'_>, other: &Ranked<'_>, is_descending: bool) -> Ordering {
    let by_rank = one.rank.cmp(&other.rank);
    let by_rank = if is_descending { by_rank.reverse() } else { by_rank };
    by_rank.then(one.tunnel.rank.cmp(&other.tunnel.rank))
}

fn rank<'a>(look: &Look, tunnel: &'a TunnelLook, column: TunnelColumn) -> Rank<'a> {
    let rates = &tunnel.pace.rates;
    Rank::Number(match column {
        TunnelColumn::Health => tunnel.condition.health as u64,
        TunnelColumn::Name => tunnel.rank as u64,
        TunnelColumn::Listen => return Rank::Address(&tunnel.tunnel.listen),
        TunnelColumn::Up => tunnel.condition.up.into(),
        TunnelColumn::Conns => tunnel.traffic.connections,
        // None is more than any.
        TunnelColumn::Limit => tunnel.route.options.max_conns.map_or(u64::MAX, u64::from),
        TunnelColumn::New => rates.new_per_1000s,
        TunnelColumn::In => rates.rate_in,
        TunnelColumn::Out => rates.rate_out,
        TunnelColumn::Errors => rates.failed_per_1000s,
        TunnelColumn::P99 => latency::connect(look, tunnel).quantiles().p99_us,
        TunnelColumn::Opened => tunnel.tunnel.id.0,
        TunnelColumn::Strategy | TunnelColumn::Tls => {
            return Rank::Text(text(look, tunnel, column));
        }
    })
}

/// What a tunnel says in a column; rates in whole units per second, durations in microseconds.
fn text<'a>(look: &Look, tunnel: &'a TunnelLook, column: TunnelColumn) -> Cow<'a, str> {
    let (route, rates) = (&tunnel.route, &tunnel.pace.rates);
    let text = match column {
        TunnelColumn::Name => return Cow::from(&*tunnel.face.label),
        TunnelColumn::Listen => return Cow::from(&*tunnel.face.listen),
        TunnelColumn::Health => return tunnel.condition.health.as_str().into(),
        TunnelColumn::Tls => return route.tls().unwrap_or("none").into(),
        TunnelColumn::Strategy => route.options.strategy.to_string(),
        TunnelColumn::Up => format!("{}/{}", tunnel.condition.up, route.backends.len()),
        TunnelColumn::Conns => tunnel.traffic.connections.to_string(),
        TunnelColumn::Limit => route.options.max_conns.map_or("none".into(), |it| it.to_string()),
        TunnelColumn::New => (rates.new_per_1000s / 1_000).to_string(),
        TunnelColumn::In => rates.rate_in.to_string(),
        TunnelColumn::Out => rates.rate_out.to_string(),
        TunnelColumn::Errors => (rates.failed_per_1000s / 1_000).to_string(),
        TunnelColumn::P99 => latency::connect(look, tunnel).quantiles().p99_us.to_string(),
        TunnelColumn::Opened => tunnel.tunnel.opened.elapsed().as_secs().to_string(),
    };
    text.into()
}

/// All of one.
pub(super) fn row(look: &Look, tunnel: &TunnelLook) -> TunnelRow {
    let (it, route) = (&tunnel.tunnel, &tunnel.route);
    let health = tunnel.condition.health;
    let since = health::since(it, route, health);
    TunnelRow {
        id: it.id.0,
        status: tunnel_status(&look.survey(tunnel)),
        health: health.into(),
        health_seconds: Some(look.at.saturating_duration_since(since).as_secs()),
        deadline_ms: admin_info(route.options.admin, &it.admin, it.opened).deadline_ms,
        max_conns: route.options.max_conns,
        parked: tunnel.parked,
        attempts_failed: tunnel.failed,
        rejected: tunnel.rejected,
        rates: tunnel.pace.rates,
        connect: latency::connect(look, tunnel).quantiles(),
        lifetime: latency::lifetime(look, tunnel).quantiles(),
        strategy: route.options.strategy.to_string(),
        tls: route.tls().map(str::to_owned),
        backend_tls: route.originate().is_some(),
        certificate_seconds: tunnel.not_after.map(|end| look.seconds_until(end)),
    }
}
