//! Files that are watched: whoever watches some hears when they may say something else than before.
//! It knows nothing of what is in them.
//!
//! Every folder is watched that has a link on the way to a file, or the file itself: so it is noticed
//! when a file is written, replaced by another one, or reached by other links. One watcher serves the
//! whole daemon, with one descriptor; a folder is watched once, whoever wants a file in it, and no
//! longer than somebody does. Besides, all files are looked at by time, without being read: that finds
//! what the kernel does not tell (network file systems, a limit of inotify, a folder higher up that was
//! moved away).
//!
//! This is on inotify itself, through rustix, which is here anyway: the crate `notify` takes a thread
//! for it, and holds folders by their paths, so that of two paths to one folder (which is how secrets
//! of Kubernetes look) the one that is given up takes the watch of the other with it.

mod inotify;
mod table;
#[cfg(test)]
mod tests;
mod way;

use std::collections::HashSet;
use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};
use tracing::{error, warn};

use inotify::{Inotify, Noticed};
use table::Table;

/// For how long nothing more has to happen before what has happened is told: certificate and key are
/// two files, and a file that is written takes its time.
const QUIET: Duration = Duration::from_millis(200);

/// How long it is put off at most, for those who write all the time.
const QUIET_MAX: Duration = Duration::from_secs(1);

/// How often all files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Who watches, within the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct WatchId(u64);

/// Where watches begin.
#[derive(Debug)]
pub(crate) struct Watches {
    orders: UnboundedSender<Order>,
    last: AtomicU64,
}

/// One watch, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) id: WatchId,
    orders: UnboundedSender<Order>,
}

/// What does it.
#[derive(Debug)]
pub(crate) struct Watcher {
    orders: UnboundedReceiver<Order>,
    inotify: Option<Arc<Inotify>>,
    table: Arc<Mutex<Table>>,
    looks: Interval,
}

#[derive(Debug)]
enum Order {
    Enter(WatchId, Vec<PathBuf>),
    Leave(WatchId),
}

/// What has come together while it was waited for quiet.
#[derive(Debug, Default)]
struct Stirred {
    orders: Vec<Order>,
    files: HashSet<PathBuf>,
    is_look: bool,
}

impl Watches {
    /// The watcher begins when it is [run](Watcher::run). Must be called on a runtime.
    pub(crate) fn new() -> (Self, Watcher) {
        let inotify = Inotify::new().map(Arc::new);
        if let Err(error) = &inotify {
            let seconds = LOOK_EVERY.as_secs();
            warn!("cannot watch files ({error}): certificates are looked at every {seconds}s");
        }
        let inotify = inotify.ok();
        let (orders, received) = unbounded_channel();
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let table = Arc::new(Mutex::new(Table::new(inotify.clone())));
        (
            Self { orders, last: AtomicU64::new(0) },
            Watcher { orders: received, inotify, table, looks },
        )
    }

    /// Begins a watch of these files, given by whole paths. It is told once by itself, when the watch
    /// stands: what came before that nobody would have noticed.
    pub(crate) fn begin(&self, files: Vec<PathBuf>) -> Watch {
        let id = WatchId(self.last.fetch_add(1, Ordering::Relaxed));
        let watch = Watch { id, orders: self.orders.clone() };
        watch.order(Order::Enter(id, files));
        watch
    }
}

impl Watch {
    fn order(&self, order: Order) {
        // Where nobody takes it any more, the daemon ends.
        self.orders.send(order).ok();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.order(Order::Leave(self.id));
    }
}

impl Watcher {
    /// Watches, and tells whose files may say something else, until nobody wants to hear it.
    pub(crate) async fn run(mut self, told: Sender<HashSet<WatchId>>) {
        while let Some(stirred) = self.stirred().await {
            let table = Arc::clone(&self.table);
            let concerned = tokio::task::spawn_blocking(move || lock(&table).settle(stirred)).await;
            let concerned = concerned.unwrap_or_else(|error| {
                error!(%error, "watching files has failed");
                HashSet::new()
            });
            if !concerned.is_empty() && told.send(concerned).await.is_err() {
                return;
            }
        }
    }

    /// Waits until something may have changed, and nothing has for a moment; nothing once there are no
    /// watches any more, nor will be.
    async fn stirred(&mut self) -> Option<Stirred> {
        let mut stirred = Stirred::default();
        let mut wait: Option<(Instant, Instant)> = None;
        loop {
            let quiet = async {
                match wait {
                    Some((until, last)) => sleep_until(until.min(last)).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                order = self.orders.recv() => stirred.orders.push(order?),
                noticed = noticed(self.inotify.as_deref()) => {
                    let concerned = self.concerned(noticed);
                    // Else it has to do with other files of the same folders.
                    if concerned.is_empty() {
                        continue;
                    }
                    stirred.files.extend(concerned);
                }
                _ = self.looks.tick() => stirred.is_look = true,
                () = quiet => return Some(stirred),
            }
            let now = Instant::now();
            let last = wait.map_or(now + QUIET_MAX, |(_, last)| last);
            wait = Some((now + QUIET, last));
        }
    }

    fn concerned(&mut self, noticed: io::Result<Vec<Noticed>>) -> HashSet<PathBuf> {
        let noticed = noticed.unwrap_or_else(|error| {
            warn!("the kernel tells no more of files ({error}): they are looked at by time alone");
            self.inotify = None;
            vec![Noticed::Lost]
        });
        let mut table = lock(&self.table);
        noticed.iter().flat_map(|it| table.concerned(it)).collect()
    }
}

async fn noticed(inotify: Option<&Inotify>) -> io::Result<Vec<Noticed>> {
    match inotify {
        // Time tells alone.
        None => pending().await,
        Some(inotify) => inotify.next().await,
    }
}

impl Table {
    /// Follows all that has come: whose files are concerned.
    fn settle(&mut self, stirred: Stirred) -> HashSet<WatchId> {
        let Stirred { orders, mut files, is_look } = stirred;
        let mut concerned = HashSet::new();
        for order in orders {
            match order {
                Order::Enter(id, paths) => {
                    files.extend(self.enter(id, paths));
                    concerned.insert(id);
                }
                Order::Leave(id) => {
                    self.leave(id);
                    concerned.remove(&id);
                }
            }
        }
        if is_look {
            files.extend(self.look());
        }
        concerned.extend(self.follow(files.into_iter().collect()));
        self.rest();
        concerned
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
