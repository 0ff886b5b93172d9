//! What a histogram held when somebody looked before, so that the newest minute of it can be told. It
//! is noted every ten seconds while somebody looks, and only where it has changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::histogram::{Bounds, Distribution};

/// How far the newest of it goes back.
const SPAN: Duration = Duration::from_secs(60);

/// How often it is noted what there is.
const STEP: Duration = Duration::from_secs(10);

/// When it was noted, the same for all histograms of a look.
#[derive(Debug, Clone)]
pub(super) struct Notes {
    at: Instant,
    /// Rising; those that are still of use.
    times: Vec<Instant>,
    /// Whether this look notes what it finds.
    is_due: bool,
}

/// What was noted of one histogram.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    /// Since when it has held what, the oldest first. Nothing, if it has never held anything.
    noted: Option<Arc<[(Instant, Distribution)]>>,
    /// Whether nothing can have come to it since then: it is not worth a look.
    is_settled: bool,
}

impl Notes {
    /// Of a look behind another one, if there was one.
    pub(super) fn new(before: Option<&Self>, at: Instant) -> Self {
        let Some(before) = before else {
            return Self { at, times: vec![at], is_due: true };
        };
        let mut times = before.times.clone();
        let age = |time: &Instant| at.saturating_duration_since(*time);
        let is_due = times.last().is_none_or(|last| age(last) >= STEP);
        // One stays, however old.
        while times.len() > 1 && times.first().is_some_and(|first| age(first) > SPAN) {
            times.remove(0);
        }
        if is_due {
            times.push(at);
        }
        Self { at, times, is_due }
    }

    /// What is recent has come since then.
    fn from(&self) -> Instant {
        self.times.first().copied().unwrap_or(self.at)
    }

    /// How long that is.
    pub(super) fn lasts(&self) -> Duration {
        self.at.saturating_duration_since(self.from())
    }
}

impl Past {
    /// Notes what is `held`, if it is due that this look does. `is_astir` is whether something may have
    /// come to it since the look before, or may yet of what that one has found; where that was so at
    /// none since the last note, nobody has to look what is held.
    pub(super) fn note(
        &mut self,
        notes: &Notes,
        is_astir: bool,
        held: impl FnOnce() -> Option<Distribution>,
    ) {
        self.is_settled &= !is_astir;
        if !notes.is_due || self.is_settled {
            return;
        }
        self.is_settled = !is_astir;
        let Some(held) = held() else { return };
        let old = self.noted.as_deref().unwrap_or_default();
        if old.last().is_some_and(|(_, last)| last.count() == held.count()) {
            return;
        }
        let is_needed = |place: usize| old.get(place + 1).is_none_or(|(at, _)| *at > notes.from());
        let kept = old.iter().enumerate().filter(|(place, _)| is_needed(*place));
        let kept = kept.map(|(_, noted)| noted.clone());
        self.noted = Some(kept.chain([(notes.at, held)]).collect());
    }

    /// Something may have come to it of which no look will tell that it is astir.
    pub(super) fn unsettle(&mut self) {
        self.is_settled = false;
    }

    /// What has come to what is `held` in the time that is recent.
    pub(super) fn recent(
        &self,
        held: &Distribution,
        notes: &Notes,
        bounds: &Bounds,
    ) -> Distribution {
        let noted = self.noted.as_deref().unwrap_or_default();
        let then = noted.iter().rev().find(|(at, _)| *at <= notes.from());
        match then {
            Some((_, then)) => held.since(then, bounds),
            None => held.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::{CONNECT_TIMES, Histogram};

    const SECOND: Duration = Duration::from_secs(1);

    /// Looks at these times, in seconds, each time after so many more observations: how many are
    /// recent, how many seconds that is, and how many notes there are.
    fn looks(looks: &[(u32, u32)]) -> Vec<(u64, u64, usize)> {
        let begin = Instant::now();
        let (mut notes, mut past) = (None, Past::default());
        let histogram = Histogram::default();
        let look = |&(second, more): &(u32, u32)| {
            (0..more).for_each(|_| histogram.observe(&CONNECT_TIMES, SECOND));
            let next = Notes::new(notes.as_ref(), begin + second * SECOND);
            past.note(&next, more > 0, || histogram.distribution());
            let held = histogram.distribution().unwrap_or_default();
            let recent = past.recent(&held, &next, &CONNECT_TIMES).count();
            let count = past.noted.as_ref().map_or(0, |notes| notes.len());
            let seen = (recent, next.lasts().as_secs(), count);
            notes = Some(next);
            seen
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn what_was_there_at_the_first_look_is_not_recent() {
        assert_eq!(looks(&[(0, 5), (1, 0), (2, 2)]), [(0, 0, 1), (0, 1, 1), (2, 2, 1)]);
    }

    #[test]
    fn what_is_older_than_a_minute_is_recent_no_more() {
        let steps: Vec<_> = (0..=14).map(|step| (step * 10, 1)).collect();
        let seen = looks(&steps);
        assert_eq!(seen[3], (3, 30, 4));
        for late in &seen[7..] {
            assert_eq!(*late, (6, 60, 7));
        }
    }

    #[test]
    fn nothing_is_noted_where_nothing_changes_or_too_soon() {
        let seen = looks(&[(0, 1), (10, 0), (20, 0), (25, 1), (29, 1), (30, 1), (100, 0)]);
        assert_eq!(seen[2], (0, 20, 1));
        assert_eq!(seen[4], (2, 29, 1));
        assert_eq!(seen[5], (3, 30, 2));
        assert_eq!(seen[6], (0, 70, 2), "the last note is the oldest that is left");
    }

    #[test]
    fn what_nothing_can_have_come_to_is_not_looked_at() {
        let begin = Instant::now();
        let (mut notes, mut past, mut asked) = (None, Past::default(), Vec::new());
        // The look that notes may come before what it has found is held.
        for (second, is_astir) in [(0, false), (10, false), (15, true), (20, false), (30, true)] {
            let next = Notes::new(notes.as_ref(), begin + second * SECOND);
            past.note(&next, is_astir, || {
                asked.push(second);
                None
            });
            notes = Some(next);
        }
        let next = Notes::new(notes.as_ref(), begin + 40 * SECOND);
        past.note(&next, false, || {
            asked.push(40);
            None
        });
        assert_eq!(asked, [0, 20, 30, 40]);
    }

    #[test]
    fn who_looks_seldom_is_told_what_has_come_since_the_look_before() {
        let seen = looks(&[(0, 1), (600, 7), (1_200, 9)]);
        assert_eq!((seen[1].0, seen[1].1), (7, 600));
        assert_eq!((seen[2].0, seen[2].1), (9, 600));
    }

    #[test]
    fn what_begins_between_two_looks_is_recent_as_a_whole() {
        assert_eq!(looks(&[(0, 0), (5, 4), (10, 0)])[1..], [(4, 5, 0), (4, 10, 1)]);
    }
}
