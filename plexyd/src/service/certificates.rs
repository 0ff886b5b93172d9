//! Certificates that change while they are in use: their files are read again when they may say
//! something else, and what they say is swapped in one step for whoever begins from then on.
//!
//! Nothing else of a tunnel changes by that, its revision included: its specification is what it was.

mod news;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use plexy_shared::event::EventKind;
use tokio::sync::mpsc::channel;
use tokio::time::{MissedTickBehavior, interval, sleep_until};
use tracing::error;

use super::expiry::Expiries;
use super::{Actor, Service};
use crate::tls::{Cry, Reading, Renewable, Renewal};
use crate::tunnel::Tunnel;
use crate::watch::{WatchId, Watcher, Watches};
use news::News;
pub(super) use news::date;

/// For how long files may be no good before that is told: they are replaced one after the other.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many are read at once: a disk may be slow, and a file of the network may not come at all.
const READERS_MAX: usize = 4;

/// From how many on they are read by several.
const READ_BY_ONE: usize = 64;

/// How many there are twice at once, as they were and as they are to be.
const RENEWED_AT_ONCE: usize = 256;

/// How often it is looked whose time runs out; and whether files that were no good are by now, since a
/// file system that comes back is no news for who watches its files.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// All that is made of files, wherever it is in use.
#[derive(Debug)]
pub(super) struct Certificates {
    watches: Watches,
    kept: Mutex<HashMap<WatchId, Weak<dyn Renewable>>>,
    /// Held from when files are read until what they say is in use, so that what was read last is.
    renewing: tokio::sync::Mutex<()>,
    pub(super) expiries: Mutex<Expiries>,
}

/// Something that was read, and what came of it.
type Read = (Arc<dyn Renewable>, Result<Option<Renewal>, String>);

impl Certificates {
    /// At first there is what the doors show.
    pub(super) fn of(watches: Watches, door: Option<&Arc<dyn Renewable>>) -> Self {
        let certificates = Self {
            watches,
            kept: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
            expiries: Mutex::default(),
        };
        door.into_iter().for_each(|door| certificates.keep(door));
        certificates
    }

    /// Keeps what a tunnel speaks TLS with as its files say.
    pub(super) fn keep_of(&self, tunnel: &Tunnel) {
        tunnel.route().live().for_each(|live| self.keep(&live));
    }

    /// Keeps it so for as long as somebody uses it.
    fn keep(&self, live: &Arc<dyn Renewable>) {
        let id = live.watch(&self.watches);
        self.kept().insert(id, Arc::downgrade(live));
    }

    /// All that are in use.
    pub(super) fn all(&self) -> Vec<Arc<dyn Renewable>> {
        let mut kept = self.kept();
        kept.retain(|_, live| live.strong_count() > 0);
        kept.values().filter_map(Weak::upgrade).collect()
    }

    /// Those whose files are no good.
    fn bad(&self) -> HashSet<WatchId> {
        let bad = self.all().into_iter().filter(|live| live.standing().bad().is_some());
        bad.filter_map(|live| live.watch_id()).collect()
    }

    fn those(&self, ids: &HashSet<WatchId>) -> Vec<Arc<dyn Renewable>> {
        let kept = self.kept();
        ids.iter().filter_map(|id| kept.get(id)?.upgrade()).collect()
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<WatchId, Weak<dyn Renewable>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Keeps certificates as their files say, until the daemon ends.
    pub(crate) fn heed_files(self: &Arc<Self>, watcher: Watcher) {
        let (told, mut changed) = channel(1);
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move { stopping.run_until_cancelled(watcher.run(told)).await });
        let (service, stopping) = (Arc::clone(self), self.stopping.clone());
        self.tasks.spawn(async move {
            let mut again = HashMap::new();
            let mut ticks = interval(LOOK_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let ids = tokio::select! {
                    () = stopping.cancelled() => return,
                    Some(ids) = changed.recv() => ids,
                    ids = due(&mut again) => ids,
                    _ = ticks.tick() => service.certificates.bad(),
                };
                again.retain(|id, _| !ids.contains(id));
                let renewed = stopping.run_until_cancelled(service.renew(&ids)).await;
                again.extend(renewed.unwrap_or_default());
                service.tell_expiring();
            }
        });
    }

    /// Reads what these were made of, and has it in use where it is good: which ones to look at again,
    /// and when.
    async fn renew(&self, ids: &HashSet<WatchId>) -> HashMap<WatchId, Instant> {
        let _renewing = self.certificates.renewing.lock().await;
        let (mut changed, mut refused) = (News::default(), News::default());
        let mut again = HashMap::new();
        let those = self.certificates.those(ids);
        for part in those.chunks(RENEWED_AT_ONCE) {
            for (live, read) in read_all(part.to_vec()).await {
                match read {
                    Ok(None) if live.standing().mend() => {
                        changed.good_again(&*live);
                    }
                    Ok(None) => {}
                    Ok(Some(renewal)) => changed.taken(renewal, &*live),
                    Err(why) => match live.standing().fail(&why, PATIENCE, Instant::now()) {
                        Cry::Now => refused.add(why, &*live),
                        Cry::Later(at) => again.extend(live.watch_id().map(|id| (id, at))),
                        Cry::Known => {}
                    },
                }
            }
        }
        self.tell_certificates(EventKind::CertificateChanged, changed, None);
        self.tell_certificates(EventKind::CertificateRefused, refused, None);
        again
    }

    /// Reads all of these again, to be taken by [`Service::take`], or tells all that is wrong.
    pub(super) async fn read_again(
        &self,
        wanted: Vec<Arc<dyn Renewable>>,
        actor: &Actor,
    ) -> Result<Again<'_>, Vec<String>> {
        let renewing = self.certificates.renewing.lock().await;
        let (mut good, mut refused, mut all) = (Vec::new(), News::default(), News::default());
        for (live, read) in read_all(wanted).await {
            match read {
                Ok(renewal) => good.push((live, renewal)),
                Err(why) => {
                    all.add(why.clone(), &*live);
                    // Who has asked does not wait whether it lasts.
                    if live.standing().fail(&why, Duration::ZERO, Instant::now()) == Cry::Now {
                        refused.add(why, &*live);
                    }
                }
            }
        }
        self.tell_certificates(EventKind::CertificateRefused, refused, Some(actor));
        if all.of.is_empty() {
            return Ok(Again { good, _renewing: renewing });
        }
        let owners = self.owners();
        Err(all.of.iter().map(|(why, of)| owners.sentence(why, of)).collect())
    }

    /// How many of the files of these say something else, or all that is wrong; nobody is told, and
    /// nothing of it is in use.
    pub(super) async fn changed_files(
        &self,
        wanted: Vec<Arc<dyn Renewable>>,
    ) -> Result<usize, Vec<String>> {
        let _renewing = self.certificates.renewing.lock().await;
        let (mut files, mut refused) = (BTreeSet::new(), News::default());
        for (live, read) in read_all(wanted).await {
            match read {
                Ok(renewal) => files.extend(renewal.into_iter().flat_map(|it| it.files)),
                Err(why) => refused.add(why, &*live),
            }
        }
        if refused.of.is_empty() {
            return Ok(files.len());
        }
        let owners = self.owners();
        Err(refused.of.iter().map(|(why, of)| owners.sentence(why, of)).collect())
    }

    /// Has in use what was read: how many files say something else.
    pub(super) fn take(&self, again: Again<'_>, actor: &Actor) -> usize {
        let (mut changed, mut files) = (News::default(), BTreeSet::new());
        for (live, renewal) in again.good {
            if let Some(renewal) = renewal {
                files.extend(renewal.files.iter().cloned());
                changed.taken(renewal, &*live);
            } else if live.standing().mend() {
                changed.good_again(&*live);
            }
        }
        self.tell_certificates(EventKind::CertificateChanged, changed, Some(actor));
        files.len()
    }
}

/// What was read again and is all good; nobody else reads anything until it is taken.
#[derive(Debug)]
pub(super) struct Again<'a> {
    good: Vec<(Arc<dyn Renewable>, Option<Renewal>)>,
    _renewing: tokio::sync::MutexGuard<'a, ()>,
}

/// Waits until the first of them is due, and takes all that are.
async fn due(again: &mut HashMap<WatchId, Instant>) -> HashSet<WatchId> {
    let Some(first) = again.values().min().copied() else { return std::future::pending().await };
    sleep_until(first.into()).await;
    let now = Instant::now();
    again.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id).collect()
}

/// Reads what these were made of, a bounded number at once, and not on a control thread.
async fn read_all(all: Vec<Arc<dyn Renewable>>) -> Vec<Read> {
    let by_one = all.len().div_ceil(READERS_MAX).max(READ_BY_ONE);
    let read = |part: &[Arc<dyn Renewable>]| {
        let part = part.to_vec();
        tokio::task::spawn_blocking(move || {
            let mut reading = Reading::default();
            reading.fetch(part.iter().flat_map(|live| live.files().to_vec()));
            let mut read = |live: Arc<dyn Renewable>| (Arc::clone(&live), live.read(&mut reading));
            part.into_iter().map(&mut read).collect::<Vec<_>>()
        })
    };
    let parts = join_all(all.chunks(by_one).map(read)).await;
    let part = |read: Result<Vec<Read>, _>| {
        read.unwrap_or_else(|error| {
            error!(%error, "reading certificates has failed");
            Vec::new()
        })
    };
    parts.into_iter().flat_map(part).collect()
}
