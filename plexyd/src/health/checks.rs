//! The checks of all tunnels: one task that waits for the next, and one for each
//! that is under way, of which there are [`CHECKS_MAX`] at most. A backend that
//! waits for its check costs a place in a queue. One that finds too many under
//! way is late, and so may those behind it be, but none is left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use plexy_shared::event::EventKind;
use plexy_shared::info::CheckOutcome;
use plexy_shared::spec::AdminState;
use rustix::io::Errno;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::debug;

use super::check::{CheckError, check};
use super::schedule::{Entry, Schedule};
use super::{Health, Turned, happening, jittered};
use crate::backend::Backend;
use crate::backend::checked::{CheckResult, Thresholds, Turn};
use crate::descriptors::Descriptors;
use crate::dial::DialError;
use crate::tunnel::{Route, Tunnel};

/// Checks at once. Each holds a descriptor and some 3 KB for as long as its backend takes to answer: of
/// ten thousand dead ones there shall be enough left for clients.
const CHECKS_MAX: usize = 1_000;

/// Which part of the descriptors they take at most, where that is less.
const DESCRIPTORS_PART: usize = 8;

/// Within which time the first check comes, if the interval is not shorter: soon, and of ten thousand
/// tunnels that are opened at once not together.
const FIRST_WITHIN: Duration = Duration::from_secs(5);

/// All checks of a daemon.
#[derive(Debug)]
pub(super) struct Checks {
    schedule: Schedule,
    permits: Arc<Semaphore>,
    late: AtomicU64,
    is_running: AtomicBool,
}

impl Checks {
    /// None yet, and never more than these descriptors allow.
    pub(super) fn new(descriptors: &Descriptors) -> Self {
        let count = (descriptors.total() / DESCRIPTORS_PART).clamp(1, CHECKS_MAX);
        Self {
            schedule: Schedule::default(),
            permits: Arc::new(Semaphore::new(count)),
            late: AtomicU64::new(0),
            is_running: AtomicBool::new(false),
        }
    }

    /// Checks that had to wait, since as many as may be were under way.
    pub(super) fn late(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        self.late.fetch_add(1, Ordering::Relaxed);
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }
}

impl Health {
    /// Sees to it that the backends of a tunnel are checked as it asks for, after a change of its
    /// route too. Those that are checked already go on as they were, from their next check on by the
    /// new options.
    pub(crate) fn recheck(self: &Arc<Self>, tunnel: &Arc<Tunnel>) {
        let route = tunnel.route();
        for backend in &route.backends {
            self.begin_or_end_checks(tunnel, &route, backend);
        }
    }

    pub(super) fn begin_or_end_checks(
        self: &Arc<Self>,
        tunnel: &Arc<Tunnel>,
        route: &Route,
        backend: &Arc<Backend>,
    ) {
        let is_disabled = route.admin(backend) == Some(AdminState::Disabled);
        if route.options.check.is_none() || is_disabled {
            // Of one that is out of service nothing is known, and nothing told.
            if self.end_checks(backend) != Turn::None && !is_disabled {
                let label = tunnel.label_of(route);
                self.report_check(&label, backend, Turn::Up, "checked no more");
            }
            return;
        }
        if !self.checks.is_running.swap(true, Ordering::Relaxed) {
            let health = Arc::clone(self);
            self.spawn(async move { health.keep_checking().await });
        }
        backend.checked.begin(|round| {
            let within = route.options.check_interval.min(FIRST_WITHIN);
            let due = Instant::now() + within.mul_f64(fastrand::f64());
            let (tunnel, backend) = (Arc::clone(tunnel), Arc::clone(backend));
            self.checks.schedule.enter(due, Entry { tunnel, backend, round })
        });
    }

    pub(super) fn end_checks(&self, backend: &Backend) -> Turn {
        let (ticket, turn) = backend.end_checks();
        if let Some(ticket) = ticket {
            self.checks.schedule.leave(ticket);
        }
        turn
    }

    async fn keep_checking(self: &Arc<Self>) {
        loop {
            let entry = self.checks.schedule.next().await;
            let Some(permit) = self.checks.permit().await else { return };
            let health = Arc::clone(self);
            self.spawn(async move {
                health.check(entry).await;
                drop(permit);
            });
        }
    }

    /// Checks a backend once, and enters its next check. What is removed meanwhile is left at once.
    async fn check(&self, entry: Entry) {
        let Entry { tunnel, backend, round } = &entry;
        let route = tunnel.route();
        let Some(wanted) = &route.options.check else { return };
        let begun = Instant::now();
        let checked = tokio::select! {
            biased;
            () = backend.removed.cancelled() => return,
            checked = async {
                let Some(_taken) = self.descriptors.try_take(1) else {
                    let error = DialError::Exhausted(Errno::MFILE.into());
                    return Err(CheckError::Dial(error));
                };
                check(backend, wanted, &route, &self.hops).await
            } => checked,
        };
        let outcome = checked.as_ref().map_or_else(CheckError::outcome, |()| CheckOutcome::Success);
        let failure = checked.err().map(|error| error.to_string());
        let label = || tunnel.label_of(&route);
        if let Some(error) = &failure {
            debug!(tunnel = label(), backend = %backend.addr, error, "check failed");
        }
        let result = CheckResult { outcome, failure, took: begun.elapsed() };
        // Counted from its beginning, so that a slow answer does not make checks rare.
        let due = (begun + jittered(route.options.check_interval)).max(Instant::now());
        let plan = || self.checks.schedule.enter(due, entry.clone());
        let turn = backend.note_check(*round, result, Thresholds::from(&**wanted), plan);
        if turn != Turn::None {
            self.report_check(&label(), backend, turn, "check passed");
            // There is nobody to hear it only once the daemon ends.
            self.turns.send(Turned { tunnel: entry.tunnel, backend: entry.backend, turn }).ok();
        }
    }

    /// One event per change of a backend.
    fn report_check(&self, tunnel: &str, backend: &Backend, turn: Turn, why_up: &str) {
        let what = match turn {
            Turn::None => return,
            Turn::Up => happening(EventKind::BackendUp, tunnel, backend).detail(why_up),
            Turn::Down => {
                let report = backend.checked.report();
                let failure = report.and_then(|report| report.verdict.failure);
                let what = happening(EventKind::BackendDown, tunnel, backend);
                what.detail(failure.unwrap_or_default())
            }
        };
        self.events.tell(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of<A, B, F>(_: impl Fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    /// What each of a thousand checks holds that wait for an answer.
    #[test]
    fn a_check_under_way_is_small() {
        let bytes = bytes_of(Health::check);
        assert!(bytes <= 3_072, "{bytes}");
    }
}
