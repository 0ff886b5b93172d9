//! The rows of backends: which are found, which come first, and what each says.

use std::borrow::Cow;
use std::cmp::Ordering;

use plexy_shared::overview::{BackendColumn, BackendId, BackendRow, Order, Rows, RowsReply};

use super::look::Look;
use super::sheet::BackendSight;
use super::{Of, latency};
use crate::service::cut::Part;
use crate::service::detail::backend_info;

/// A backend, and what it is sorted by.
#[derive(Debug)]
struct Ranked<'a> {
    rank: Rank<'a>,
    sight: BackendSight<'a>,
}

/// All of one list are of the same kind.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank<'a> {
    Number(u64),
    Text(Cow<'a, str>),
}

/// Those that are wanted, of one tunnel or of all.
pub(super) fn rows(
    look: &Look,
    of: Of,
    wanted: &Rows<BackendColumn, BackendId>,
) -> RowsReply<BackendRow> {
    let Order { column, is_descending } = wanted.order;
    let tunnels = look.tunnels().iter().filter(|it| of.is(it.tunnel.id));
    let all = tunnels.flat_map(|tunnel| look.backends(tunnel));
    let mut total = 0;
    let found = all.inspect(|_| total += 1).filter(|it| {
        let sight = *it;
        wanted.find.matches(|column| text(sight, column, look))
    });
    let ranked = found.map(|sight| Ranked { rank: rank(sight, column, look), sight }).collect();
    let part = Part { skip: wanted.skip, limit: wanted.limit };
    let is_wanted = |it: &Ranked<'_>| {
        let BackendSight { tunnel, place, .. } = it.sight;
        wanted.around.as_ref().is_some_and(|around| {
            around.tunnel_id == tunnel.tunnel.id.0 && *around.backend == *tunnel.face.backend(place)
        })
    };
    let cut = part.of(ranked, |one, other| compare(one, other, is_descending), is_wanted);
    RowsReply {
        total,
        matched: cut.matched,
        skipped: cut.skipped,
        rows: cut.rows.iter().map(|it| row(look, it.sight)).collect(),
    }
}

/// Those that are equal stand by tunnel and address, in either direction.
fn compare(one: &Ranked<'_>, other: &Ranked<'_>, is_descending: bool) -> Ordering {
    let by_rank = one.rank.cmp(&other.rank);
    let by_rank = if is_descending { by_rank.reverse() } else { by_rank };
    let (one, other) = (&one.sight, &other.sight);
    let by_tunnel = || one.tunnel.rank.cmp(&other.tunnel.rank);
    by_rank.then_with(by_tunnel).then_with(|| one.addr().cmp(other.addr()))
}

fn rank<'a>(sight: BackendSight<'a>, column: BackendColumn, look: &Look) -> Rank<'a> {
    let rates = &sight.look.pace.rates;
    Rank::Number(match column {
        BackendColumn::Health => sight.look.health as u64,
        BackendColumn::Tunnel => sight.tunnel.rank as u64,
        BackendColumn::For => {
            let age = look.at.saturating_duration_since(sight.member.backend.settled_at());
            u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
        }
        BackendColumn::Conns => sight.look.traffic.connections,
        BackendColumn::Weight => sight.member.options.weight.into(),
        BackendColumn::New => rates.new_per_1000s,
        BackendColumn::In => rates.rate_in,
        BackendColumn::Out => rates.rate_out,
        BackendColumn::P50 => latency::connect_of(look, sight).quantiles().p50_us,
        BackendColumn::P99 => latency::connect_of(look, sight).quantiles().p99_us,
        BackendColumn::Errors => sight.look.failed,
        BackendColumn::Backend | BackendColumn::Cause => {
            return Rank::Text(text(sight, column, look));
        }
    })
}

/// What a backend says in a column; rates in whole units per second, durations in microseconds, and
/// how long it is in its state in seconds.
fn text<'a>(sight: BackendSight<'a>, column: BackendColumn, look: &Look) -> Cow<'a, str> {
    let rates = &sight.look.pace.rates;
    let number = match column {
        BackendColumn::Health => return sight.look.health.as_str().into(),
        BackendColumn::Tunnel => return Cow::from(&*sight.tunnel.face.label),
        BackendColumn::Backend => return sight.addr().into(),
        BackendColumn::Cause => return sight.member.condition().cause.unwrap_or_default().into(),
        BackendColumn::For => {
            look.at.saturating_duration_since(sight.member.backend.settled_at()).as_secs()
        }
        BackendColumn::Conns => sight.look.traffic.connections,
        BackendColumn::Weight => sight.member.options.weight.into(),
        BackendColumn::New => rates.new_per_1000s / 1_000,
        BackendColumn::In => rates.rate_in,
        BackendColumn::Out => rates.rate_out,
        BackendColumn::P50 => latency::connect_of(look, sight).quantiles().p50_us,
        BackendColumn::P99 => latency::connect_of(look, sight).quantiles().p99_us,
        BackendColumn::Errors => sight.look.failed,
    };
    number.to_string().into()
}

fn row(look: &Look, sight: BackendSight<'_>) -> BackendRow {
    let BackendSight { tunnel, member, look: seen, .. } = sight;
    BackendRow {
        tunnel_id: tunnel.tunnel.id.0,
        tunnel: tunnel.face.label.to_string(),
        listen: tunnel.face.listen.to_string(),
        health: seen.health.into(),
        info: backend_info(&tunnel.route, member, seen.traffic),
        rates: seen.pace.rates,
        connect: latency::connect_of(look, sight).quantiles(),
        lifetime: latency::lifetime_of(look, sight).quantiles(),
    }
}
