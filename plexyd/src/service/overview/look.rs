//! A look at all tunnels and backends: what is counted, how fast that goes, and how each is. It is
//! what rows are found, sorted and cut in; those that are shown are written by others.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use plexy_shared::info::{Attempt, Traffic};
use plexy_shared::overview::{Health, RatesInfo};

use super::face::{Face, rank};
use super::health::{self, Condition};
use super::latency::Latency;
use super::pace::{Counts, Pace, Window};
use super::recent::{Notes, Past};
use crate::backend::Member;
use crate::histogram::{CONNECT_TIMES, Distribution, Histogram, LIFETIMES};
use crate::service::survey::{Survey, TunnelSurvey};
use crate::tunnel::TunnelId;

/// Everything at one moment.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) at: Instant,
    pub(super) time: Timestamp,
    pub(super) revision: u64,
    pub(super) window: Window,
    pub(super) notes: Notes,
    pub(super) traffic: Traffic,
    /// What has failed and was not let in since the first of these looks, and all before that of the
    /// tunnels that were open then: what is closed takes nothing away.
    failed: u64,
    rejected: u64,
    pace: Pace,
    connect_times: (Distribution, Past),
    lifetimes: (Distribution, Past),
    /// In order of opening, so that their numbers rise.
    pub(super) tunnels: Vec<TunnelLook>,
    /// Those of the first tunnel first.
    backends: Vec<BackendLook>,
}

/// One tunnel.
#[derive(Debug)]
pub(super) struct TunnelLook {
    pub(super) survey: TunnelSurvey,
    pub(super) face: Arc<Face>,
    /// Its place among all when they are sorted by what they are called.
    pub(super) rank: usize,
    pub(super) condition: Condition,
    pub(super) failed: u64,
    pub(super) rejected: u64,
    pub(super) parked: u64,
    /// When the first of its certificates ends, in seconds since 1970.
    pub(super) not_after: Option<i64>,
    pub(super) pace: Pace,
    pub(super) lifetimes: Past,
    backends: Range<usize>,
}

/// One backend.
#[derive(Debug)]
pub(super) struct BackendLook {
    pub(super) health: Health,
    pub(super) failed: u64,
    pub(super) pace: Pace,
    pub(super) connect_times: Past,
    pub(super) lifetimes: Past,
}

/// A backend with what belongs to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct BackendSight<'a> {
    pub(super) tunnel: &'a TunnelLook,
    /// Which one of its tunnel it is.
    pub(super) place: usize,
    pub(super) member: &'a Member,
    pub(super) traffic: Traffic,
    pub(super) look: &'a BackendLook,
}

impl Look {
    /// At what was counted, behind another look if there was one not long ago.
    pub(super) fn new(
        survey: Survey,
        (connect_times, lifetimes): (Distribution, Distribution),
        revision: u64,
        before: Option<&Self>,
    ) -> Self {
        let at = Instant::now();
        let window = Window::new(before.map(|look| look.window), at);
        let notes = Notes::new(before.map(|look| &look.notes), at);
        let noted = |held: Distribution, before| {
            let past = Past::noted(before, &notes, || Some(held.clone()));
            (held, past)
        };
        let mut look = Self {
            at,
            time: Timestamp::now(),
            revision,
            window,
            connect_times: noted(connect_times, before.map(|look| &look.connect_times.1)),
            lifetimes: noted(lifetimes, before.map(|look| &look.lifetimes.1)),
            notes,
            traffic: survey.daemon,
            failed: before.map_or(0, |look| look.failed),
            rejected: before.map_or(0, |look| look.rejected),
            pace: Pace::default(),
            tunnels: Vec::with_capacity(survey.tunnels.len()),
            backends: Vec::with_capacity(before.map_or(0, |look| look.backends.len())),
        };
        let mut known = before.into_iter().flat_map(|look| &look.tunnels).peekable();
        for survey in survey.tunnels {
            while known.next_if(|it| it.survey.tunnel.id < survey.tunnel.id).is_some() {}
            let known = known.next_if(|it| it.survey.tunnel.id == survey.tunnel.id);
            let backends_known = known.and_then(|it| before?.backends.get(it.backends.clone()));
            let tunnel = look.tunnel(survey, known, backends_known.unwrap_or_default());
            look.failed += tunnel.failed.saturating_sub(known.map_or(0, |it| it.failed));
            look.rejected += tunnel.rejected.saturating_sub(known.map_or(0, |it| it.rejected));
            look.tunnels.push(tunnel);
        }
        let counts = Counts::of(look.traffic, look.failed, look.rejected);
        look.pace = Pace::look(before.map(|look| look.pace), counts, window);
        rank(&mut look.tunnels, before.map_or(0, |look| look.tunnels.len()));
        look
    }

    fn tunnel(
        &mut self,
        survey: TunnelSurvey,
        known: Option<&TunnelLook>,
        backends_known: &[BackendLook],
    ) -> TunnelLook {
        let is_same = known.filter(|it| Arc::ptr_eq(&it.survey.route, &survey.route));
        let first = self.backends.len();
        let mut failed = 0;
        for (place, (member, traffic)) in
            survey.route.backends.iter().zip(&survey.backends).enumerate()
        {
            let place_known = match (is_same, known) {
                (Some(_), _) => Some(place),
                (None, Some(known)) => {
                    known.survey.route.backends.iter().position(|it| it.is_same(member))
                }
                (None, None) => None,
            };
            let look_known = place_known.and_then(|place| backends_known.get(place));
            let backend = BackendLook::new(member, *traffic, look_known, self);
            failed += backend.failed;
            self.backends.push(backend);
        }
        let tunnel = &survey.tunnel;
        let rejected = tunnel.rejected.counts().map(|(_, count)| count).sum();
        let counts = Counts::of(survey.traffic, failed, rejected);
        TunnelLook {
            face: is_same.map_or_else(|| Arc::new(Face::of(&survey)), |it| Arc::clone(&it.face)),
            rank: is_same.map_or(usize::MAX, |it| it.rank),
            condition: health::of_tunnel(&survey.route),
            failed,
            rejected,
            parked: tunnel.parked(),
            not_after: first_end(&survey),
            pace: Pace::look(known.map(|it| it.pace), counts, self.window),
            lifetimes: Past::noted(known.map(|it| &it.lifetimes), &self.notes, || {
                tunnel.lifetimes.distribution()
            }),
            backends: first..self.backends.len(),
            survey,
        }
    }

    /// The backends of a tunnel.
    pub(super) fn backends<'a>(
        &'a self,
        tunnel: &'a TunnelLook,
    ) -> impl Iterator<Item = BackendSight<'a>> {
        let looks = self.backends.get(tunnel.backends.clone()).unwrap_or_default();
        let survey = &tunnel.survey;
        let all = survey.route.backends.iter().zip(&survey.backends).zip(looks).enumerate();
        all.map(|(place, ((member, traffic), look))| BackendSight {
            tunnel,
            place,
            member,
            traffic: *traffic,
            look,
        })
    }

    /// The tunnel of that number, if it is open.
    pub(super) fn of(&self, id: TunnelId) -> Option<&TunnelLook> {
        let place = self.tunnels.binary_search_by_key(&id, |it| it.survey.tunnel.id).ok()?;
        self.tunnels.get(place)
    }

    /// Seconds until a time that is told in seconds since 1970.
    pub(super) fn seconds_until(&self, time: i64) -> i64 {
        time.saturating_sub(self.time.as_second())
    }

    /// How long it takes to connect to backends, and how long connections live.
    pub(super) fn latencies(&self) -> (Latency, Latency) {
        let of = |(held, past): &(Distribution, Past), bounds| {
            Latency::new(held.clone(), past, &self.notes, bounds)
        };
        (of(&self.connect_times, CONNECT_TIMES), of(&self.lifetimes, LIFETIMES))
    }

    /// How fast all of it goes.
    pub(super) fn rates(&self) -> RatesInfo {
        self.pace.rates
    }
}

impl<'a> BackendSight<'a> {
    /// Its address, as its tunnel has it.
    pub(super) fn addr(&self) -> &'a str {
        self.tunnel.face.backend(self.place)
    }
}

impl BackendLook {
    fn new(member: &Member, traffic: Traffic, known: Option<&Self>, look: &Look) -> Self {
        let backend = &member.backend;
        let failed = backend.attempts.of(&[Attempt::Failure, Attempt::Timeout]);
        let counts = Counts::of(traffic, failed, 0);
        let noted = |known, histogram: &Histogram| {
            Past::noted(known, &look.notes, || histogram.distribution())
        };
        Self {
            health: health::of_backend(member),
            failed,
            pace: Pace::look(known.map(|it| it.pace), counts, look.window),
            connect_times: noted(known.map(|it| &it.connect_times), &backend.connect_times),
            lifetimes: noted(known.map(|it| &it.lifetimes), &backend.lifetimes),
        }
    }
}

/// When the first certificate ends that a tunnel shows, in seconds since 1970.
fn first_end(survey: &TunnelSurvey) -> Option<i64> {
    let mut first = None;
    for live in survey.route.live() {
        live.visit(&mut |shown| {
            let end = shown.certificate.not_after;
            first = Some(first.map_or(end, |first: i64| first.min(end)));
        });
    }
    first
}
