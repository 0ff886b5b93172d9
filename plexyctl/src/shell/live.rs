//! What is known of the daemon while somebody types: what there is, for completion, and whether it
//! answers. It is asked for by a task with a connection of its own: whoever types waits for none of it.

mod task;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::watch;

use super::notices::Notices;
use crate::complete::{KnownConnection, Snapshot};
use crate::link::Link;
use task::Task;

/// How old may be what completion goes by.
const FRESH: Duration = Duration::from_secs(2);
/// How long a menu may wait for what is not known yet: whoever has pressed a key goes on typing.
const AWAITED: Duration = Duration::from_secs(5);

/// What is known, for all who want to know.
#[derive(Debug)]
pub(super) struct Live {
    state: Mutex<State>,
    asks: Sender<Ask>,
    link: watch::Sender<LinkState>,
    /// What is told while somebody types.
    pub(super) notices: Notices,
}

/// What is known at some moment.
#[derive(Debug, Default)]
struct State {
    snapshot: Arc<Snapshot>,
    /// When what there is was told last.
    taken: Option<Instant>,
    /// When the live connections were.
    connections_taken: Option<Instant>,
    /// Since when an answer is awaited.
    awaited: Option<Instant>,
    /// Whether something was told that nobody has looked at.
    is_news: bool,
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// What tunnels there are, and their backends.
    Tunnels,
    /// The live connections too.
    Connections,
}

/// How the way to the daemon is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LinkState {
    /// Nobody knows yet.
    Unknown,
    /// It answers: what it is, and where.
    Online(String),
    /// It does not.
    Offline,
}

/// What became of what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// Nothing is on its way, or nobody should wait for it any longer.
    Nothing,
    /// It is on its way.
    Something,
    /// It has come.
    News,
}

impl Live {
    /// Begins to ask.
    pub(super) fn start(runtime: &Runtime, way: Link) -> Arc<Self> {
        // One waiting ask is enough: what it brings is newer than all that were asked for before.
        let (asks, asked) = channel(1);
        let (link, _) = watch::channel(LinkState::Unknown);
        let (state, notices) = (Mutex::default(), Notices::default());
        let live = Arc::new(Self { state, asks, link, notices });
        runtime.spawn(Task::new(Arc::clone(&live), way).run(asked));
        live
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is, as far as it is known.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.state().snapshot)
    }

    /// How the way to the daemon is.
    pub(super) fn link(&self) -> LinkState {
        self.link.borrow().clone()
    }

    /// The same, once it is known: whoever wants it waits for it.
    pub(super) async fn link_once_known(&self) -> LinkState {
        let mut link = self.link.subscribe();
        let known = link.wait_for(|link| *link != LinkState::Unknown).await;
        known.map_or(LinkState::Unknown, |link| link.clone())
    }

    /// Asks, if what is known of it is old: whether it was.
    pub(super) fn refresh(&self, ask: Ask) -> bool {
        let mut state = self.state();
        let taken = match ask {
            Ask::Tunnels => state.taken,
            Ask::Connections => state.connections_taken.filter(|_| state.taken.is_some()),
        };
        let is_old = taken.is_none_or(|taken| taken.elapsed() > FRESH);
        if is_old && self.asks.try_send(ask).is_ok() {
            state.awaited.get_or_insert_with(Instant::now);
        }
        is_old
    }

    /// Whether something that was asked for is on its way.
    pub(super) fn is_awaited(&self) -> bool {
        self.state().awaited.is_some_and(|since| since.elapsed() < AWAITED)
    }

    /// What became of what was asked for; news are told once.
    pub(super) fn awaited(&self) -> Awaited {
        let is_news = std::mem::take(&mut self.state().is_news);
        match is_news {
            true => Awaited::News,
            false if self.is_awaited() => Awaited::Something,
            false => Awaited::Nothing,
        }
    }

    /// A change was made, by whoever types: what is known is old.
    pub(super) fn outdate(&self) {
        self.state().taken = None;
        self.refresh(Ask::Tunnels);
    }

    /// A command was answered: where it was thought that nobody does, that is no longer so, and is asked.
    pub(super) fn has_answered(&self) {
        let was_offline = self.link.send_if_modified(|link| {
            let is_offline = *link == LinkState::Offline;
            if is_offline {
                *link = LinkState::Unknown;
            }
            is_offline
        });
        if was_offline {
            self.outdate();
        }
    }

    fn tunnels_told(&self, mut snapshot: Snapshot) {
        let mut state = self.state();
        snapshot.connections.clone_from(&state.snapshot.connections);
        state.snapshot = Arc::new(snapshot);
        state.taken = Some(Instant::now());
    }

    fn connections_told(&self, connections: Vec<KnownConnection>) {
        let mut state = self.state();
        let tunnels = state.snapshot.tunnels.clone();
        state.snapshot = Arc::new(Snapshot { tunnels, connections });
        state.connections_taken = Some(Instant::now());
    }

    /// All that was asked for has come, or will not.
    fn asked_is_done(&self) {
        let mut state = self.state();
        state.is_news = state.awaited.take().is_some();
    }
}
