//! The service manager: what systemd is told, and the sockets that it keeps for
//! us. Without systemd nothing of it does anything.
//!
//! It is told from a thread of its own, so that a manager that does not listen
//! holds up nobody: what it should know is kept until it does.

mod inherited;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use plexy_shared::spec::BoundAddr;
use sd_notify::{NotifyState, notify, notify_with_fds};
use tokio::sync::Notify;
use tracing::{info, warn};

pub(crate) use inherited::{Inherited, Socket};

use crate::bind::Bound;
use crate::descriptors::Taken;
use inherited::name_of;

/// How long is waited for it to hear all.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many sockets may wait to be kept before that is worth a word.
const BEHIND: usize = 1_000;

/// Phases that may wait to be told; where it hears none of more, only the newest matters.
const PHASES_MAX: usize = 8;

/// The service manager, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Systemd {
    shared: Option<Arc<Shared>>,
    /// How often it wants a sign of life.
    watchdog: Option<Duration>,
}

#[derive(Debug, Default)]
struct Shared {
    untold: Mutex<Untold>,
    /// There is something to be told, or all is told.
    changed: Condvar,
    all_told: Notify,
}

/// What it does not know yet.
#[derive(Debug, Default)]
struct Untold {
    phase: VecDeque<Phase>,
    status: Option<String>,
    is_alive: bool,
    /// It is to wait so much longer for the end.
    extension: Option<Duration>,
    /// By the name: of what happens to one socket meanwhile only the last counts.
    store: BTreeMap<String, Stored>,
    /// Something is being told just now.
    is_telling: bool,
    /// The names of what it keeps, or is about to.
    kept: HashMap<BoundAddr, String>,
    is_behind: bool,
    /// It was waited for, in vain.
    is_deaf: bool,
}

/// What the daemon does.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Ready,
    Reloading,
    Stopping,
}

/// A change of what it keeps.
#[derive(Debug)]
enum Stored {
    /// The socket takes a descriptor as long as it waits here.
    Keep {
        socket: OwnedFd,
        /// Another one of that name is to be forgotten first.
        replaces: bool,
        _taken: Taken,
    },
    Forget,
}

impl Systemd {
    /// The one that has started this process.
    pub(crate) fn of_process() -> Self {
        if std::env::var_os("NOTIFY_SOCKET").is_none() {
            return Self::default();
        }
        let shared = Arc::new(Shared::default());
        let teller = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("systemd".to_owned());
        if let Err(error) = thread.spawn(move || teller.keep_telling()) {
            warn!(%error, "systemd is told nothing");
            return Self::default();
        }
        // A time of zero is none (sd_watchdog_enabled(3)).
        let watchdog = sd_notify::watchdog_enabled().filter(|time| !time.is_zero());
        Self { shared: Some(shared), watchdog }
    }

    /// How often it wants a sign of life, if it does.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Whether there is anybody to tell anything, and to keep sockets through a restart.
    pub(crate) fn is_there(&self) -> bool {
        self.shared.is_some()
    }

    /// All is open and served.
    pub(crate) fn ready(&self) {
        self.tell(|untold| untold.enter(Phase::Ready));
    }

    /// The configuration is read again; [`Systemd::ready`] ends it.
    pub(crate) fn reloading(&self) {
        self.tell(|untold| untold.enter(Phase::Reloading));
    }

    /// The end has begun.
    pub(crate) fn stopping(&self) {
        self.tell(|untold| untold.enter(Phase::Stopping));
    }

    /// The end takes so much longer.
    pub(crate) fn extend(&self, by: Duration) {
        self.tell(|untold| untold.extension = Some(by));
    }

    /// What `systemctl status` shows.
    pub(crate) fn status(&self, text: String) {
        self.tell(|untold| untold.status = Some(text));
    }

    /// A sign of life.
    pub(crate) fn alive(&self) {
        self.tell(|untold| untold.is_alive = true);
    }

    /// Has the socket of a tunnel kept through a restart. It takes one descriptor until it is: where
    /// there is none, those that wait to be kept come first.
    pub(crate) async fn keep(&self, bound: &Bound, take: impl Fn() -> Option<Taken>) {
        let Some(shared) = &self.shared else { return };
        let addr = &bound.addr;
        let mut taken = take();
        if taken.is_none() {
            shared.caught_up().await;
            taken = take();
        }
        let Some(taken) = taken else {
            return warn!(%addr, "its socket is not kept through a restart: no file descriptors are left");
        };
        match bound.listener.as_fd().try_clone_to_owned() {
            Ok(socket) => self.tell(|untold| {
                let name = name_of(bound);
                untold.kept.insert(addr.clone(), name.clone());
                let replaces = untold.store.get(&name).is_some_and(Stored::forgets);
                untold.store.insert(name, Stored::Keep { socket, replaces, _taken: taken });
            }),
            Err(error) => warn!(%addr, %error, "its socket is not kept through a restart"),
        }
    }

    /// It keeps the socket there already, under this name.
    pub(crate) fn has_kept(&self, addr: &BoundAddr, name: String) {
        self.tell(|untold| {
            untold.kept.insert(addr.clone(), name);
        });
    }

    /// Nobody is to come to a socket any more that it keeps.
    pub(crate) fn give_up(&self, socket: Socket) {
        self.has_kept(&socket.addr, socket.name.clone());
        self.forget(&socket.addr);
        socket.end();
    }

    /// The tunnel there is no more.
    pub(crate) fn forget(&self, addr: &BoundAddr) {
        self.tell(|untold| {
            if let Some(name) = untold.kept.remove(addr) {
                untold.store.insert(name, Stored::Forget);
            }
        });
    }

    /// Waits until it knows everything, or the time is over. It blocks.
    pub(crate) fn flush(&self, within: Duration) {
        let Some(shared) = &self.shared else { return };
        let untold = shared.untold();
        let is_behind = |untold: &mut Untold| untold.is_telling || !untold.is_empty();
        let waited = shared.changed.wait_timeout_while(untold, within, is_behind);
        if waited.is_ok_and(|(_, timeout)| timeout.timed_out()) {
            warn!("systemd does not listen: it may not keep every socket");
        }
    }

    fn tell(&self, note: impl FnOnce(&mut Untold)) {
        let Some(shared) = &self.shared else { return };
        let mut untold = shared.untold();
        note(&mut untold);
        if untold.store.len() > BEHIND && !untold.is_behind {
            untold.is_behind = true;
            warn!("systemd does not listen: its status, its watchdog and its store are behind");
        }
        shared.changed.notify_all();
    }
}

impl Shared {
    /// Waits until it knows all: not for long, and not again while it does not listen.
    async fn caught_up(&self) {
        let mut all_told = pin!(self.all_told.notified());
        all_told.as_mut().enable();
        {
            let untold = self.untold();
            if untold.is_deaf || (untold.is_empty() && !untold.is_telling) {
                return;
            }
        }
        if tokio::time::timeout(PATIENCE, all_told).await.is_err() {
            self.untold().is_deaf = true;
        }
    }

    fn untold(&self) -> MutexGuard<'_, Untold> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_telling(&self) {
        let mut is_failing = false;
        loop {
            let mut untold = self.untold();
            untold.is_telling = false;
            if untold.is_empty() {
                if std::mem::take(&mut untold.is_behind) {
                    info!("systemd listens again, and knows all");
                }
                untold.is_deaf = false;
                self.changed.notify_all();
                self.all_told.notify_waiters();
            }
            let empty = |untold: &mut Untold| untold.is_empty();
            let mut untold =
                self.changed.wait_while(untold, empty).unwrap_or_else(PoisonError::into_inner);
            let Some(next) = untold.next() else { continue };
            untold.is_telling = true;
            drop(untold);
            let told = next.tell();
            if let Err(error) = &told
                && !is_failing
            {
                warn!(%error, "systemd cannot be told anything; NOTIFY_SOCKET says where it listens");
            }
            is_failing = told.is_err();
        }
    }
}

/// One thing to tell.
#[derive(Debug)]
enum Next {
    Phase(Phase),
    Alive,
    Extension(Duration),
    Status(String),
    Stored(String, Stored),
}

impl Stored {
    fn forgets(&self) -> bool {
        matches!(self, Self::Forget | Self::Keep { replaces: true, .. })
    }
}

impl Untold {
    fn enter(&mut self, phase: Phase) {
        if self.phase.len() >= PHASES_MAX {
            self.phase.clear();
        }
        self.phase.push_back(phase);
    }

    fn is_empty(&self) -> bool {
        self.phase.is_empty()
            && self.status.is_none()
            && !self.is_alive
            && self.extension.is_none()
            && self.store.is_empty()
    }

    /// What matters most first.
    fn next(&mut self) -> Option<Next> {
        if let Some(phase) = self.phase.pop_front() {
            return Some(Next::Phase(phase));
        }
        if std::mem::take(&mut self.is_alive) {
            return Some(Next::Alive);
        }
        if let Some(by) = self.extension.take() {
            return Some(Next::Extension(by));
        }
        match self.store.pop_first() {
            Some((name, stored)) => Some(Next::Stored(name, stored)),
            None => self.status.take().map(Next::Status),
        }
    }
}

impl Next {
    fn tell(&self) -> std::io::Result<()> {
        match self {
            Self::Phase(Phase::Ready) => notify(&[NotifyState::Ready]),
            // Both, since systemd 253 ends a unit of type notify-reload that leaves the time out.
            Self::Phase(Phase::Reloading) => NotifyState::monotonic_usec_now()
                .and_then(|now| notify(&[NotifyState::Reloading, now])),
            Self::Phase(Phase::Stopping) => notify(&[NotifyState::Stopping]),
            Self::Alive => notify(&[NotifyState::Watchdog]),
            Self::Extension(by) => {
                let microseconds = u32::try_from(by.as_micros()).unwrap_or(u32::MAX);
                notify(&[NotifyState::ExtendTimeoutUsec(microseconds)])
            }
            Self::Status(text) => notify(&[NotifyState::Status(text)]),
            Self::Stored(name, stored) => {
                let named = || NotifyState::FdName(name);
                if stored.forgets() {
                    notify(&[NotifyState::FdStoreRemove, named()])?;
                }
                let Stored::Keep { socket, .. } = stored else { return Ok(()) };
                let sockets: [BorrowedFd<'_>; 1] = [socket.as_fd()];
                notify_with_fds(&[NotifyState::FdStore, named()], &sockets)
            }
        }
    }
}
