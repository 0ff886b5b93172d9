//! A backend: where it is, whether it takes connections, and what it has
//! counted. It outlives changes of the tunnel's set, and its removal too while
//! connections are left.

pub(crate) mod checked;
pub(crate) mod ejection;
mod handshakes;
mod latency;
mod member;
mod seldom;
mod standing;
mod warm_up;
mod whereabouts;

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;
use plexy_shared::info::{Attempt, BackendState};
use plexy_shared::spec::{BackendAddr, UnixPath};
use plexy_shared::weight::Weight;
use tokio_util::sync::CancellationToken;

use crate::admin::Admin;
use crate::fold::Fold;
use crate::histogram::Histogram;
use crate::ledger::Account;
use crate::queue::Queue;
use crate::resolver::{Addresses, IpVersion};
use crate::stop::Verdict;
use crate::tally::Tally;
use checked::{CheckResult, Checked, Round, Thresholds, Ticket, Turn};
use ejection::{Change, Rules};
use handshakes::Handshakes;
use latency::Latency;
pub(crate) use member::Member;
use seldom::Seldom;
use standing::{Report, Standing};
use warm_up::WarmUp;
use whereabouts::Whereabouts;

/// One place to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Tcp(SocketAddr),
    Unix(UnixPath),
}

impl Target {
    /// The same host, asked on another port; a Unix socket has none.
    pub(crate) fn with_port(self, port: u16) -> Self {
        match self {
            Self::Tcp(addr) => Self::Tcp(SocketAddr::new(addr.ip(), port)),
            Self::Unix(path) => Self::Unix(path),
        }
    }

    fn is_of(&self, version: Option<IpVersion>) -> bool {
        match self {
            Self::Tcp(SocketAddr::V4(_)) => version == Some(IpVersion::V4),
            Self::Tcp(SocketAddr::V6(_)) => version == Some(IpVersion::V6),
            Self::Unix(_) => false,
        }
    }
}

/// One backend of one tunnel.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) addr: BackendAddr,
    /// When it came to its tunnel: it has counted from zero since then.
    pub(crate) added: Instant,
    /// Its changes are those of its state, and the attempts that have failed.
    pub(crate) totals: Account,
    /// How the attempts of clients have ended.
    attempts: Tally<Attempt>,
    /// How long those took that worked.
    pub(crate) connect_times: Histogram,
    /// How long its connections have lived.
    pub(crate) lifetimes: Histogram,
    /// How often it came to be in each state; the one it began in does not count.
    pub(crate) entered: Tally<BackendState>,
    /// The state that was counted last, or the one it began in, and since when it is.
    settled: Mutex<(BackendState, Instant)>,
    /// Cancelled when it leaves its tunnel: nothing probes or resolves it any more.
    pub(crate) removed: LazyLock<CancellationToken>,
    /// Where it is, if it was given by name.
    whereabouts: Option<Box<Whereabouts>>,
    /// Whether one of its addresses was seen to be this machine's own.
    pub(crate) is_here: AtomicBool,
    /// Clients who may wait for it, where its tunnel has limits.
    waiting: OnceBox<Arc<Queue>>,
    standing: Standing,
    /// What somebody has done to it last.
    pub(crate) admin: Admin,
    /// Whether its connections are to end.
    pub(crate) verdict: Verdict,
    latency: Latency,
    warm_up: WarmUp,
    /// What its checks say, apart from what befalls clients.
    pub(crate) checked: Checked,
    seldom: OnceBox<Seldom>,
}

/// How a backend is, for whoever reports it.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) state: BackendState,
    pub(crate) since: Instant,
    pub(crate) cause: Option<String>,
    pub(crate) next: Option<Instant>,
}

/// A connection's hold on a backend: counted from the first moment of the
/// attempt until the connection has ended, by drop.
#[derive(Debug)]
pub(crate) struct Lease {
    backend: Arc<Backend>,
}

impl Backend {
    pub(crate) fn new(addr: BackendAddr) -> Self {
        let (whereabouts, state) = match &addr {
            BackendAddr::Ip(_) | BackendAddr::Unix(_) => (None, BackendState::Up),
            BackendAddr::Name(..) => (Some(Box::default()), BackendState::Unresolved),
        };
        let now = Instant::now();
        Self {
            addr,
            added: now,
            totals: Account::default(),
            attempts: Tally::default(),
            connect_times: Histogram::default(),
            lifetimes: Histogram::default(),
            entered: Tally::default(),
            settled: Mutex::new((state, now)),
            removed: LazyLock::default(),
            whereabouts,
            is_here: AtomicBool::new(false),
            waiting: OnceBox::new(),
            standing: Standing::default(),
            admin: Admin::default(),
            verdict: Verdict::default(),
            latency: Latency::default(),
            warm_up: WarmUp::default(),
            checked: Checked::default(),
            seldom: OnceBox::new(),
        }
    }

    /// One that comes to a tunnel whose others are there already: it begins with a part of its
    /// weight, where there is a slow start.
    pub(crate) fn joining(addr: BackendAddr) -> Self {
        let joining = Self::new(addr);
        joining.warm_up.begin(Duration::ZERO);
        joining
    }

    /// How the attempts of clients have ended.
    pub(crate) fn attempts(&self) -> &Tally<Attempt> {
        &self.attempts
    }

    /// An attempt of a client has ended so.
    pub(crate) fn count_attempt(&self, attempt: Attempt) {
        self.attempts.count(attempt);
        match attempt {
            Attempt::Success | Attempt::Local => {}
            Attempt::Failure | Attempt::Timeout => self.totals.note_change(),
        }
    }

    /// How many of them have failed.
    pub(crate) fn attempts_failed(&self) -> u64 {
        self.attempts.of(&[Attempt::Failure, Attempt::Timeout])
    }

    /// What came of TLS with it, if anything did.
    pub(crate) fn handshakes(&self) -> Option<&Handshakes> {
        self.seldom.get().map(|seldom| &seldom.handshakes)
    }

    /// The same to count in.
    pub(crate) fn handshakes_to_count(&self) -> &Handshakes {
        &self.seldom.get_or_init(Box::default).handshakes
    }

    /// Messages about failed attempts, folded.
    pub(crate) fn failures(&self) -> &Fold {
        &self.seldom.get_or_init(Box::default).failures
    }

    fn is_located(&self) -> bool {
        self.whereabouts.as_ref().is_none_or(|it| it.is_located())
    }

    /// The resolver has had its first answer, or none.
    pub(crate) fn mark_located(&self) {
        if let Some(whereabouts) = &self.whereabouts {
            whereabouts.mark_located();
        }
    }

    /// Waits for the first answer of the resolver, or for its giving up.
    pub(crate) async fn located(&self) {
        if let Some(whereabouts) = &self.whereabouts {
            whereabouts.located().await;
        }
    }

    /// Whether it is none of its tunnel's any more.
    pub(crate) fn has_left(&self) -> bool {
        LazyLock::get(&self.removed).is_some_and(CancellationToken::is_cancelled)
    }

    /// Whether there is anything to connect to.
    pub(crate) fn is_resolved(&self) -> bool {
        self.whereabouts.as_ref().is_none_or(|it| it.is_known())
    }

    /// Whether clients are sent to it while another one is.
    pub(crate) fn is_usable(&self) -> bool {
        self.state() == BackendState::Up
    }

    /// The first of what stands against it, or that nothing does.
    pub(crate) fn state(&self) -> BackendState {
        match () {
            () if !self.is_resolved() => BackendState::Unresolved,
            () if self.checked.is_down() => BackendState::Down,
            () if self.standing.is_ejected() => BackendState::Ejected,
            () => BackendState::Up,
        }
    }

    /// Counts the state that it has come to be in, and has those look who may wait for it; whether it
    /// takes connections only since then.
    fn settle(&self) -> bool {
        let mut settled = self.settled();
        // Asked while nobody else counts, so that who comes last counts what is.
        let state = self.state();
        let is_news = settled.0 != state;
        if is_news {
            *settled = (state, Instant::now());
            self.entered.count(state);
        }
        drop(settled);
        // In any case: who has looked meanwhile may have seen what was only for a moment.
        self.totals.note_change();
        if is_news {
            self.wake_waiting();
        }
        is_news && state == BackendState::Up
    }

    /// When it came to be in the state that it is in.
    pub(crate) fn settled_at(&self) -> Instant {
        self.settled().1
    }

    fn settled(&self) -> MutexGuard<'_, (BackendState, Instant)> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its targets, the one that worked last first.
    pub(crate) fn targets(&self) -> Vec<Target> {
        match (&self.addr, &self.whereabouts) {
            (_, Some(whereabouts)) => whereabouts.targets(),
            (BackendAddr::Ip(addr), None) => vec![Target::Tcp(*addr)],
            (BackendAddr::Unix(path), None) => vec![Target::Unix(path.clone())],
            (BackendAddr::Name(..), None) => Vec::new(),
        }
    }

    /// Remembers which target worked.
    pub(crate) fn prefer(&self, target: &Target) {
        if let Some(whereabouts) = &self.whereabouts {
            whereabouts.prefer(target);
        }
    }

    /// Takes the addresses that its name has now; whether they are others.
    pub(crate) fn resolve_to(&self, found: &Addresses, port: u16) -> bool {
        let Some(whereabouts) = &self.whereabouts else { return false };
        let at_first = || {
            // One that joins may have waited for its first answer: it takes clients only now.
            if self.is_located() || self.warm_up.has_begun() {
                self.warm_up();
            }
        };
        let is_news = whereabouts.move_to(found, port, at_first);
        if is_news && self.is_located() {
            self.settle();
        } else if is_news {
            // That is how it begins. Asked while nobody else counts, here, too.
            let mut settled = self.settled();
            *settled = (self.state(), Instant::now());
            drop(settled);
            self.totals.note_change();
            self.wake_waiting();
        }
        is_news
    }

    /// Its name has no addresses any more; whether it had some, or had none
    /// for another cause.
    pub(crate) fn unresolve(&self, cause: &str) -> bool {
        let is_news = self.whereabouts.as_ref().is_some_and(|it| it.lose(cause));
        if is_news {
            self.settle();
        }
        is_news
    }

    /// A connection that is to go to it, unless `max` do already.
    pub(crate) fn lease(self: &Arc<Self>, max: Option<u32>) -> Option<Lease> {
        self.totals.enter(max).then(|| Lease { backend: Arc::clone(self) })
    }

    /// Has these clients look for a place whenever it may have one.
    pub(crate) fn serve(&self, queue: &Arc<Queue>) {
        self.waiting.get_or_init(|| Box::new(Arc::clone(queue)));
    }

    fn wake_waiting(&self) {
        if let Some(queue) = self.waiting.get() {
            queue.wake();
        }
    }

    /// An attempt has worked.
    pub(crate) fn succeeded(&self) -> Change {
        self.noted(self.standing.succeeded())
    }

    /// An attempt has failed, and not by a fault of our own. If that ejected
    /// it, tells how to hear of the end of the ejection.
    pub(crate) fn failed(&self, cause: &str, rules: &Rules) -> Option<CancellationToken> {
        let over = self.standing.failed(self.added, cause, rules);
        self.noted(if over.is_some() { Change::Ejected } else { Change::None });
        over
    }

    /// Ends an ejection whose time has passed; whether it did.
    pub(crate) fn expire(&self) -> Change {
        self.noted(self.standing.expire())
    }

    /// Nothing is restored as long as something else stands against it.
    fn noted(&self, change: Change) -> Change {
        match change {
            Change::None => return change,
            Change::Ejected | Change::Restored => {}
        }
        let is_up_again = self.settle();
        match change {
            Change::Restored if is_up_again => self.warm_up(),
            Change::Restored => return Change::None,
            Change::None | Change::Ejected => {}
        }
        change
    }

    /// A check is over; `plan` enters the next one.
    pub(crate) fn note_check(
        &self,
        round: Round,
        result: CheckResult,
        thresholds: Thresholds,
        plan: impl FnOnce() -> Ticket,
    ) -> Turn {
        self.turned(self.checked.take(round, result, thresholds, plan))
    }

    /// It is checked no more. Tells the check that is not to come, and what has changed by that.
    pub(crate) fn end_checks(&self) -> (Option<Ticket>, Turn) {
        let (ticket, turn) = self.checked.end();
        (ticket, self.turned(turn))
    }

    /// It is not up as long as something else stands against it.
    fn turned(&self, turn: Turn) -> Turn {
        if turn == Turn::None {
            return turn;
        }
        let is_up_again = self.settle();
        match turn {
            Turn::Up if is_up_again => self.warm_up(),
            Turn::Up => return Turn::None,
            Turn::None | Turn::Down => {}
        }
        turn
    }

    /// Its ejection, or the failures before one.
    pub(crate) fn ejection(&self) -> Option<Report> {
        self.standing.report()
    }

    /// What this weight of it counts, where one that was not there before has all of it only after
    /// `slow_start`.
    pub(crate) fn weight(&self, whole: u32, slow_start: Option<Duration>, now: Instant) -> Weight {
        match slow_start {
            None => Weight::whole(whole),
            Some(length) => self.warm_up.weight(whole, length, self.age(now)),
        }
    }

    /// Clients may come to it again.
    pub(crate) fn warm_up(&self) {
        self.warm_up.begin(self.age(Instant::now()));
    }

    /// It has taken so long to connect to it.
    pub(crate) fn has_connected_in(&self, took: Duration, now: Instant) {
        self.latency.observe(took, self.age(now));
    }

    /// How long it takes to connect to it, in seconds: an estimate, once it was measured.
    pub(crate) fn connect_seconds(&self, now: Instant) -> Option<f32> {
        self.latency.estimate(self.age(now))
    }

    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.added)
    }

    /// When its ejection ends without a probe.
    pub(crate) fn ejected_until(&self) -> Option<Instant> {
        self.standing.ejected_until()
    }

    /// Says when the next probe comes.
    pub(crate) fn expect_probe(&self, at: Option<Instant>) {
        self.standing.expect_probe(at);
    }

    /// How it is. Each part of it is told apart by [`Checked::report`] and [`Backend::ejection`].
    pub(crate) fn condition(&self) -> Condition {
        let (_, since) = *self.settled();
        let state = self.state();
        let (cause, next) = match state {
            BackendState::Unresolved => (self.whereabouts.as_ref().and_then(|it| it.cause()), None),
            BackendState::Down => {
                let report = self.checked.report();
                report.map_or((None, None), |report| (report.verdict.failure, report.next))
            }
            BackendState::Ejected | BackendState::Up => {
                let report = self.standing.report();
                report.map_or((None, None), |report| (report.cause, report.next))
            }
        };
        Condition { state, since, cause, next }
    }
}

impl Lease {
    /// The backend that is held.
    pub(crate) fn backend(&self) -> Arc<Backend> {
        Arc::clone(&self.backend)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.backend.totals.leave();
        self.backend.wake_waiting();
    }
}
