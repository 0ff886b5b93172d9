//! Ejection: the plain decisions, as functions of what happened and when.
//!
//! `max-fails` failed attempts in a row eject a backend. A probe that succeeds
//! ends it, or a client's attempt, made because nothing else was left. Where
//! no probe can run it ends after `fail-timeout`, doubled each time up to
//! [`FAIL_TIMEOUT_MAX`], back to the start after one `fail-timeout` without a
//! failure.

use std::time::{Duration, Instant};

use plexy_shared::spec::TunnelOptions;

/// Longest ejection without a probe.
const FAIL_TIMEOUT_MAX: Duration = Duration::from_secs(300);

/// The options that decide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) max_fails: u32,
    pub(crate) fail_timeout: Duration,
}

impl From<&TunnelOptions> for Rules {
    fn from(options: &TunnelOptions) -> Self {
        Self { max_fails: options.max_fails, fail_timeout: options.fail_timeout }
    }
}

/// What an event has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Ejected,
    Restored,
}

/// Whether one backend is ejected, and why.
#[derive(Debug)]
pub(crate) struct Ejection {
    fails_in_row: u32,
    /// When it ends without a probe.
    until: Option<Instant>,
    next_probe: Option<Instant>,
    since: Instant,
    cause: Option<String>,
    /// Ejections of which each came within one fail-timeout of the one before.
    repeated: u32,
    last_failure: Option<Instant>,
}

impl Ejection {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            fails_in_row: 0,
            until: None,
            next_probe: None,
            since: now,
            cause: None,
            repeated: 0,
            last_failure: None,
        }
    }

    /// Whether it is ejected, or has failed since the last success.
    pub(crate) fn has_failed(&self) -> bool {
        self.is_ejected() || self.fails_in_row > 0
    }

    pub(crate) fn is_ejected(&self) -> bool {
        self.until.is_some()
    }

    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// When something is tried about it.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.until.map(|until| self.next_probe.unwrap_or(until))
    }

    /// Whether that is a probe.
    pub(crate) fn is_probed(&self) -> bool {
        self.next_probe.is_some()
    }

    pub(crate) fn expect_probe(&mut self, at: Option<Instant>) {
        self.next_probe = at;
    }

    pub(crate) fn failed(&mut self, now: Instant, cause: &str, rules: &Rules) -> Change {
        // The time of an ejection itself is no time without failure: it counts
        // from its end.
        let quiet_since = self.last_failure.map(|at| at.max(self.since));
        let was_quiet = quiet_since
            .is_none_or(|since| now.saturating_duration_since(since) >= rules.fail_timeout);
        if was_quiet && !self.is_ejected() {
            self.repeated = 0;
        }
        self.last_failure = Some(now);
        self.cause = Some(cause.to_owned());
        self.fails_in_row = self.fails_in_row.saturating_add(1);
        if self.is_ejected() || self.fails_in_row < rules.max_fails {
            return Change::None;
        }
        let doubled = rules.fail_timeout.saturating_mul(1 << self.repeated.min(16));
        self.repeated += 1;
        self.until = Some(now + doubled.min(FAIL_TIMEOUT_MAX));
        self.since = now;
        Change::Ejected
    }

    pub(crate) fn succeeded(&mut self, now: Instant) -> Change {
        self.fails_in_row = 0;
        self.restore(now)
    }

    /// Ends it if its time has passed.
    pub(crate) fn expired(&mut self, now: Instant) -> Change {
        if self.until.is_some_and(|until| until <= now) {
            // One more failure ejects it again: nothing has worked since.
            self.fails_in_row = self.fails_in_row.saturating_sub(1);
            self.restore(now)
        } else {
            Change::None
        }
    }

    fn restore(&mut self, now: Instant) -> Change {
        self.next_probe = None;
        if self.until.take().is_none() {
            return Change::None;
        }
        self.since = now;
        self.cause = None;
        Change::Restored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { max_fails: 2, fail_timeout: Duration::from_secs(10) };

    fn seconds(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn only_failures_in_a_row_eject() {
        let start = Instant::now();
        let mut ejection = Ejection::new(start);
        assert_eq!(ejection.failed(start, "refused", &RULES), Change::None);
        assert_eq!(ejection.succeeded(start), Change::None);
        assert_eq!(ejection.failed(start, "refused", &RULES), Change::None);
        assert_eq!(ejection.failed(start, "refused", &RULES), Change::Ejected);
        assert_eq!(ejection.failed(start, "refused", &RULES), Change::None);
        assert!(ejection.is_ejected());
        assert_eq!(ejection.cause(), Some("refused"));
    }

    #[test]
    fn a_success_ends_it() {
        let start = Instant::now();
        let mut ejection = Ejection::new(start);
        let rules = Rules { max_fails: 1, ..RULES };
        assert_eq!(ejection.failed(start, "refused", &rules), Change::Ejected);
        assert_eq!(ejection.succeeded(start), Change::Restored);
        assert!(!ejection.is_ejected());
    }

    #[test]
    fn without_a_probe_it_lasts_twice_as_long_each_time_up_to_five_minutes() {
        let mut now = Instant::now();
        let mut ejection = Ejection::new(now);
        let rules = Rules { max_fails: 1, ..RULES };
        for lasts in [10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(ejection.failed(now, "refused", &rules), Change::Ejected);
            assert_eq!(ejection.until(), Some(seconds(now, lasts)));
            assert_eq!(ejection.expired(seconds(now, lasts - 1)), Change::None);
            now = seconds(now, lasts);
            assert_eq!(ejection.expired(now), Change::Restored);
        }
    }

    #[test]
    fn one_quiet_fail_timeout_brings_the_doubling_back_to_the_start() {
        let start = Instant::now();
        let mut ejection = Ejection::new(start);
        let rules = Rules { max_fails: 1, ..RULES };
        ejection.failed(start, "refused", &rules);
        assert_eq!(ejection.expired(seconds(start, 10)), Change::Restored);
        ejection.failed(seconds(start, 20), "refused", &rules);
        assert_eq!(ejection.until(), Some(seconds(start, 30)));
    }

    #[test]
    fn after_an_expired_ejection_one_failure_is_enough() {
        let start = Instant::now();
        let mut ejection = Ejection::new(start);
        ejection.failed(start, "refused", &RULES);
        ejection.failed(start, "refused", &RULES);
        assert_eq!(ejection.expired(seconds(start, 10)), Change::Restored);
        assert_eq!(ejection.failed(seconds(start, 11), "refused", &RULES), Change::Ejected);
    }
}
