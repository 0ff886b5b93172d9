//! How long it takes to connect, and how long connections live: in quantiles.

use plexy_shared::overview::Quantiles;

use crate::backend::Member;
use crate::histogram::{CONNECT_TIMES, Distribution, Histogram, LIFETIMES};
use crate::service::survey::TunnelSurvey;
use crate::worker::Workers;

/// How long it takes to connect to the backends of a tunnel.
pub(super) fn connect(survey: &TunnelSurvey) -> Quantiles {
    sum(survey.route.backends.iter().map(|it| &it.backend.connect_times)).quantiles(&CONNECT_TIMES)
}

/// How long it takes to connect to a backend.
pub(super) fn connect_of(member: &Member) -> Quantiles {
    let observed = member.backend.connect_times.distribution();
    observed.map_or_else(Quantiles::default, |it| it.quantiles(&CONNECT_TIMES))
}

/// How long connections have lived.
pub(super) fn lifetime(lifetimes: &Histogram) -> Quantiles {
    let observed = lifetimes.distribution();
    observed.map_or_else(Quantiles::default, |it| it.quantiles(&LIFETIMES))
}

/// All that was ever observed, tunnels closed since included.
pub(super) fn of_daemon(workers: &Workers) -> (Quantiles, Quantiles) {
    let connect = sum(workers.tables().map(|table| table.connect_times()));
    let lifetime = sum(workers.tables().map(|table| table.lifetimes()));
    (connect.quantiles(&CONNECT_TIMES), lifetime.quantiles(&LIFETIMES))
}

/// What several of the same kind hold together.
pub(super) fn sum<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Distribution {
    let mut sum = Distribution::default();
    for observed in histograms.filter_map(Histogram::distribution) {
        sum.add(&observed);
    }
    sum
}
