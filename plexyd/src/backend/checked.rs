//! What checks say of a backend: the plain decisions, as functions of what came
//! out and when. Nothing of it exists where there are no checks.
//!
//! `fall` failed checks in a row make a backend down, `rise` good ones up again.
//! Before the first one it takes connections, and that one decides alone: a
//! client who comes early is served, and a backend that is dead at the start
//! costs only those.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;
use plexy_shared::info::{CheckOutcome, CheckState};
use plexy_shared::spec::Check;

use crate::tally::Tally;

/// The options that decide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thresholds {
    pub(crate) fall: u32,
    pub(crate) rise: u32,
}

impl From<&Check> for Thresholds {
    fn from(check: &Check) -> Self {
        Self { fall: check.fall, rise: check.rise }
    }
}

/// What a check has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    None,
    Up,
    Down,
}

/// When a check comes, and which of those that come then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    pub(crate) due: Instant,
    pub(crate) number: u64,
}

/// Differs each time that checks begin anew: what comes out of an earlier one counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Round(u32);

/// How one check has ended.
#[derive(Debug)]
pub(crate) struct CheckResult {
    pub(crate) outcome: CheckOutcome,
    /// What was wrong, unless it is a success.
    pub(crate) failure: Option<String>,
    pub(crate) took: Duration,
}

/// All that is known from the checks of one backend.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// Told without a lock: every client asks.
    is_down: AtomicBool,
    book: OnceBox<Book>,
}

#[derive(Debug)]
struct Book {
    outcomes: Tally<CheckOutcome>,
    record: Mutex<Record>,
}

#[derive(Debug)]
struct Record {
    round: Round,
    /// Whether there are checks now.
    is_on: bool,
    ticket: Option<Ticket>,
    verdict: Verdict,
}

/// What the checks since the beginning of a round say.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) state: CheckState,
    pub(crate) since: Instant,
    /// Checks in a row that have ended like the last one.
    pub(crate) streak: u32,
    /// What was wrong with the last one.
    pub(crate) failure: Option<String>,
    /// How long the last one took.
    pub(crate) took: Option<Duration>,
}

/// A verdict, for whoever reports it.
#[derive(Debug)]
pub(crate) struct CheckReport {
    pub(crate) verdict: Verdict,
    /// When the next one comes; past while one is under way.
    pub(crate) next: Option<Instant>,
}

impl Verdict {
    fn new(now: Instant) -> Self {
        Self { state: CheckState::Pending, since: now, streak: 0, failure: None, took: None }
    }

    /// Takes the result of one more check, unless that says nothing of the backend.
    fn take(&mut self, now: Instant, result: CheckResult, thresholds: Thresholds) -> Turn {
        if result.outcome == CheckOutcome::Local {
            return Turn::None;
        }
        let has_failed = result.outcome != CheckOutcome::Success;
        let is_alike = self.failure.is_some() == has_failed;
        self.streak = if is_alike { self.streak.saturating_add(1) } else { 1 };
        self.failure = result.failure.filter(|_| has_failed);
        self.took = Some(result.took);
        let (before, after) = match (self.state, has_failed) {
            (before @ CheckState::Pending, false) => (before, CheckState::Up),
            (before @ CheckState::Pending, true) => (before, CheckState::Down),
            (before @ CheckState::Up, true) if self.streak >= thresholds.fall => {
                (before, CheckState::Down)
            }
            (before @ CheckState::Down, false) if self.streak >= thresholds.rise => {
                (before, CheckState::Up)
            }
            (before, _) => (before, before),
        };
        if after != before {
            (self.state, self.since) = (after, now);
        }
        match (before, after) {
            (CheckState::Pending | CheckState::Up, CheckState::Down) => Turn::Down,
            (CheckState::Down, CheckState::Up) => Turn::Up,
            _ => Turn::None,
        }
    }
}

impl Checked {
    pub(crate) fn is_down(&self) -> bool {
        self.is_down.load(Ordering::Relaxed)
    }

    /// Checks begin, unless there are some already; `plan` enters the first one.
    pub(crate) fn begin(&self, plan: impl FnOnce(Round) -> Ticket) {
        let book = self.book.get_or_init(|| Box::new(Book::new(Instant::now())));
        let mut record = book.record();
        if !record.is_on {
            record.is_on = true;
            record.round = Round(record.round.0.wrapping_add(1));
            record.verdict = Verdict::new(Instant::now());
            record.ticket = Some(plan(record.round));
        }
    }

    /// There are no more checks, and what they have said is forgotten. Tells the next one, which is
    /// not to come, and what has changed by that.
    pub(super) fn end(&self) -> (Option<Ticket>, Turn) {
        let Some(mut record) = self.record() else { return (None, Turn::None) };
        record.is_on = false;
        let was_down = self.is_down.swap(false, Ordering::Relaxed);
        (record.ticket.take(), if was_down { Turn::Up } else { Turn::None })
    }

    /// Takes the result of a check, if its round goes on; `plan` enters the next one.
    pub(super) fn take(
        &self,
        round: Round,
        result: CheckResult,
        thresholds: Thresholds,
        plan: impl FnOnce() -> Ticket,
    ) -> Turn {
        let Some(book) = self.book.get() else { return Turn::None };
        let mut record = book.record();
        if !record.is_on || record.round != round {
            return Turn::None;
        }
        book.outcomes.count(result.outcome);
        let turn = record.verdict.take(Instant::now(), result, thresholds);
        let is_down = record.verdict.state == CheckState::Down;
        self.is_down.store(is_down, Ordering::Relaxed);
        record.ticket = Some(plan());
        turn
    }

    /// What the checks say, where there are some.
    pub(crate) fn report(&self) -> Option<CheckReport> {
        let record = self.record()?;
        let next = record.ticket.map(|ticket| ticket.due);
        record.is_on.then(|| CheckReport { verdict: record.verdict.clone(), next })
    }

    /// How checks have ended, and how often; those of the past count too.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (CheckOutcome, u64)> {
        self.book.get().into_iter().flat_map(|book| book.outcomes.counts())
    }

    fn record(&self) -> Option<MutexGuard<'_, Record>> {
        Some(self.book.get()?.record())
    }
}

impl Book {
    fn new(now: Instant) -> Self {
        let (round, verdict) = (Round(0), Verdict::new(now));
        let record = Record { round, is_on: false, ticket: None, verdict };
        Self { outcomes: Tally::default(), record: Mutex::new(record) }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLDS: Thresholds = Thresholds { fall: 3, rise: 2 };

    fn result(outcome: CheckOutcome) -> CheckResult {
        CheckResult { outcome, failure: Some("refused".to_owned()), took: Duration::ZERO }
    }

    /// The turns that these outcomes bring, and the state and streak at the end.
    #[track_caller]
    fn check(outcomes: &[CheckOutcome], turns: &[Turn], state: CheckState, streak: u32) {
        let mut verdict = Verdict::new(Instant::now());
        let mut take =
            |outcome: &CheckOutcome| verdict.take(Instant::now(), result(*outcome), THRESHOLDS);
        assert_eq!(outcomes.iter().map(&mut take).collect::<Vec<_>>(), turns);
        assert_eq!((verdict.state, verdict.streak), (state, streak));
    }

    #[test]
    fn the_first_check_decides_alone() {
        use CheckOutcome::{Success, Timeout};
        check(&[], &[], CheckState::Pending, 0);
        check(&[Success], &[Turn::None], CheckState::Up, 1);
        check(&[Timeout], &[Turn::Down], CheckState::Down, 1);
    }

    #[test]
    fn only_checks_in_a_row_turn_it() {
        use CheckOutcome::{Failure, Success, WrongAnswer};
        let none = [Turn::None; 6];
        let mixed = [Success, Failure, WrongAnswer, Success, Failure, Failure];
        check(&mixed, &none, CheckState::Up, 2);
        let falls = [&none[..6], &[Turn::Down, Turn::None]].concat();
        check(&[&mixed[..], &[Failure, Failure]].concat(), &falls, CheckState::Down, 4);
        let turns = [Turn::Down, Turn::None, Turn::None, Turn::None, Turn::Up];
        check(&[Failure, Success, Failure, Success, Success], &turns, CheckState::Up, 2);
    }

    #[test]
    fn what_was_our_own_fault_says_nothing() {
        use CheckOutcome::{Failure, Local, Success};
        check(&[Local], &[Turn::None], CheckState::Pending, 0);
        let turns = [Turn::None, Turn::None, Turn::None, Turn::None, Turn::Down];
        check(&[Success, Failure, Failure, Local, Failure], &turns, CheckState::Down, 3);
    }

    #[test]
    fn what_comes_out_after_the_end_counts_no_more() {
        let (checked, ticket) = (Checked::default(), Ticket { due: Instant::now(), number: 1 });
        let mut rounds = Vec::new();
        for _ in 0..2 {
            checked.begin(|round| {
                rounds.push(round);
                ticket
            });
            checked.begin(|_| panic!("it has begun"));
            let failed = result(CheckOutcome::Failure);
            assert_eq!(
                checked.take(rounds[0], failed, THRESHOLDS, || ticket),
                match rounds.len() {
                    1 => Turn::Down,
                    _ => Turn::None,
                }
            );
            assert_eq!(checked.is_down(), rounds.len() == 1);
            checked.end();
            assert!(!checked.is_down() && checked.report().is_none());
        }
        let late = result(CheckOutcome::Failure);
        checked.take(rounds[1], late, THRESHOLDS, || panic!("there is no next one"));
        assert_eq!(checked.outcomes().collect::<Vec<_>>(), [(CheckOutcome::Failure, 1)]);
    }
}
