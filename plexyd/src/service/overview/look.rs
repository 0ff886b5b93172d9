//! A look at all of it: what is counted, how fast that goes, and how each tunnel and backend is. It is
//! what rows are found, sorted and cut in; those that are shown are written by others.

use std::time::Instant;

use jiff::Timestamp;
use plexy_shared::info::Traffic;
use plexy_shared::overview::RatesInfo;

use super::latency::Latency;
use super::pace::{Counts, Pace, Window};
use super::recent::{Notes, Past};
use super::sheet::{BackendSight, Sheet, TunnelLook};
use crate::histogram::{CONNECT_TIMES, Distribution, LIFETIMES};
use crate::service::survey::TunnelSurvey;
use crate::tunnel::TunnelId;

/// Everything at one moment.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) at: Instant,
    pub(super) time: Timestamp,
    pub(super) revision: u64,
    pub(super) window: Window,
    pub(super) notes: Notes,
    pub(super) traffic: Traffic,
    known: Known,
}

/// All that went through the daemon, tunnels closed since included.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) traffic: Traffic,
    pub(super) connect_times: Distribution,
    pub(super) lifetimes: Distribution,
}

/// What one look leaves to the next.
#[derive(Debug, Clone, Default)]
struct Known {
    /// What has failed and was not let in since the first of these looks, and all before that of the
    /// tunnels that were open then: what is closed takes nothing away.
    failed: u64,
    rejected: u64,
    pace: Pace,
    connect_times: (Distribution, Past),
    lifetimes: (Distribution, Past),
    sheet: Sheet,
}

impl Look {
    /// The next one, behind another one if there was one not long ago; `count` puts down what has been
    /// counted by now.
    pub(super) fn next(
        before: Option<Self>,
        revision: u64,
        count: impl FnOnce(&mut Sheet) -> Counted,
    ) -> Self {
        let (window, notes, mut known) = match before {
            Some(before) => (Some(before.window), Some(before.notes), before.known),
            None => (None, None, Known::default()),
        };
        let counted = count(&mut known.sheet);
        let at = Instant::now();
        let (window, notes) = (Window::new(window, at), Notes::new(notes.as_ref(), at));
        let traffic = counted.traffic;
        known.update(counted, window, &notes);
        Self { at, time: Timestamp::now(), revision, window, notes, traffic, known }
    }

    /// All tunnels, in order of opening.
    pub(super) fn tunnels(&self) -> &[TunnelLook] {
        self.known.sheet.tunnels()
    }

    /// The backends of a tunnel.
    pub(super) fn backends<'a>(
        &'a self,
        tunnel: &'a TunnelLook,
    ) -> impl Iterator<Item = BackendSight<'a>> {
        self.known.sheet.backends(tunnel)
    }

    /// The tunnel of that number, if it is open.
    pub(super) fn of(&self, id: TunnelId) -> Option<&TunnelLook> {
        self.known.sheet.of(id)
    }

    /// A tunnel for who tells all of it.
    pub(super) fn survey(&self, tunnel: &TunnelLook) -> TunnelSurvey {
        let backends = self.backends(tunnel).map(|sight| sight.look.traffic);
        tunnel.survey(backends.collect())
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
        let Known { connect_times, lifetimes, .. } = &self.known;
        (of(connect_times, CONNECT_TIMES), of(lifetimes, LIFETIMES))
    }

    /// How fast all of it goes.
    pub(super) fn rates(&self) -> RatesInfo {
        self.known.pace.rates
    }
}

impl Known {
    fn update(&mut self, counted: Counted, window: Window, notes: &Notes) {
        let news = self.sheet.update(window, notes);
        self.failed += news.failed;
        self.rejected += news.rejected;
        self.pace = self.pace.look(Counts::of(counted.traffic, self.failed, self.rejected), window);
        let note = |(held, past): &mut (Distribution, Past), now: Distribution| {
            past.note(notes, true, || Some(now.clone()));
            *held = now;
        };
        note(&mut self.connect_times, counted.connect_times);
        note(&mut self.lifetimes, counted.lifetimes);
    }
}
