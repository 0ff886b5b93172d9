//! The live connections of one worker.
//!
//! The lock is taken when a connection begins, when it ends, and by whoever
//! reads or sweeps; never while bytes move.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use plexy_shared::info::Reason;
use plexy_shared::spec::TunnelOptions;
use slab::Slab;
use tokio::sync::Notify;
use tracing::debug;

use crate::backend::{Backend, Lease};
use crate::histogram::LIFETIMES;
use crate::socket::ClientAddr;
use crate::stop::Stop;
use crate::traffic::{Flow, Totals};
use crate::tunnel::{Seat, Tunnel};

/// Longest pause between two sweeps.
const SWEEP_MAX: Duration = Duration::from_secs(10);

/// Shortest pause between two sweeps.
const SWEEP_MIN: Duration = Duration::from_millis(10);

/// A time-out is looked at so many times before it passes. One look finds the
/// silence, another one its length: it is exceeded by two pauses at most.
const SWEEPS_PER_TIMEOUT: u32 = 8;

/// One live connection, as others see it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) tunnel: Arc<Tunnel>,
    pub(crate) client: ClientAddr,
    pub(crate) started: Instant,
    pub(crate) flow: Flow,
    pub(crate) stop: Stop,
    /// Set once one direction has ended.
    pub(crate) half_closed: AtomicBool,
    /// Set once a backend carries it: silence counts from then on.
    pub(crate) backend: OnceLock<Arc<Backend>>,
    timeouts: Timeouts,
}

#[derive(Debug, Clone, Copy)]
struct Timeouts {
    idle: Option<Duration>,
    half_close: Option<Duration>,
    /// Silence after which the kernel begins to ask the backend whether it is still there.
    keepalive: Option<Duration>,
}

impl Timeouts {
    fn of(options: &TunnelOptions) -> Self {
        Self {
            idle: options.idle_timeout,
            half_close: options.half_close_timeout(),
            keepalive: options.keepalive.map(|keepalive| keepalive.idle),
        }
    }

    fn shortest(self) -> Option<Duration> {
        [self.idle, self.half_close, self.keepalive].into_iter().flatten().min()
    }
}

impl Entry {
    pub(crate) fn new(
        id: u64,
        tunnel: Arc<Tunnel>,
        client: ClientAddr,
        options: &TunnelOptions,
    ) -> Self {
        Self {
            id,
            tunnel,
            client,
            started: Instant::now(),
            flow: Flow::default(),
            stop: Stop::default(),
            half_closed: AtomicBool::new(false),
            backend: OnceLock::new(),
            timeouts: Timeouts::of(options),
        }
    }

    /// How long it may be silent now.
    fn silence_max(&self) -> Option<Duration> {
        self.backend.get()?;
        if self.half_closed.load(Ordering::Relaxed) {
            self.timeouts.half_close
        } else {
            self.timeouts.idle
        }
    }
}

/// An entry, and what the sweep remembers of it.
#[derive(Debug)]
struct Slot {
    entry: Arc<Entry>,
    /// The sum of its bytes when the sweep last saw it change.
    bytes_seen: u64,
    was_half_closed: bool,
    silent_since: Instant,
    /// Whether it has yet to be [paused](Stop::pause) so that its backend gets its keepalive: four
    /// calls that most connections do not live long enough to need.
    needs_keepalive: bool,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    slots: Mutex<Slab<Slot>>,
    /// All that was in it, whatever became of its tunnel.
    totals: Totals,
    /// Wakes the sweep when a connection with a shorter time-out has come.
    sooner: Notify,
    shortest: Mutex<Option<Duration>>,
}

/// A connection's place in the table; it is taken out on drop, and what it has
/// counted goes to its tunnel and its backend in the same step.
#[derive(Debug)]
pub(crate) struct Registered {
    table: Arc<Table>,
    key: usize,
    pub(crate) entry: Arc<Entry>,
    reason: Option<Reason>,
    /// What a connection holds of others, given back after its counts.
    pub(crate) lease: Option<Lease>,
    _seat: Seat,
}

impl Table {
    pub(crate) fn register(self: &Arc<Self>, entry: Entry, seat: Seat) -> Registered {
        let entry = Arc::new(entry);
        let timeouts = entry.timeouts;
        let slot = Slot {
            entry: Arc::clone(&entry),
            bytes_seen: 0,
            was_half_closed: false,
            silent_since: entry.started,
            needs_keepalive: timeouts.keepalive.is_some(),
        };
        self.totals.count();
        let key = self.lock().insert(slot);
        self.sweep_at_least_every(timeouts.shortest());
        Registered { table: Arc::clone(self), key, entry, reason: None, lease: None, _seat: seat }
    }

    fn sweep_at_least_every(&self, timeout: Option<Duration>) {
        let Some(timeout) = timeout else { return };
        let mut shortest = self.shortest.lock().unwrap_or_else(PoisonError::into_inner);
        if shortest.is_none_or(|shortest| timeout < shortest) {
            *shortest = Some(timeout);
            self.sooner.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slab<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connections in it.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Holds everything still, for a consistent look.
    pub(crate) fn freeze(&self) -> Frozen<'_> {
        Frozen { slots: self.lock(), totals: &self.totals }
    }

    /// Ends connections that were silent for too long, and pauses each that stays once, again and
    /// again.
    pub(crate) async fn keep_sweeping(&self) {
        loop {
            let shortest = *self.shortest.lock().unwrap_or_else(PoisonError::into_inner);
            let pause = shortest.map_or(SWEEP_MAX, |it| it / SWEEPS_PER_TIMEOUT);
            tokio::select! {
                () = tokio::time::sleep(pause.clamp(SWEEP_MIN, SWEEP_MAX)) => {}
                () = self.sooner.notified() => continue,
            }
            self.sweep(Instant::now());
        }
    }

    fn sweep(&self, now: Instant) {
        let mut slots = self.lock();
        let mut shortest: Option<Duration> = None;
        for (_, slot) in slots.iter_mut() {
            shortest = shortest.into_iter().chain(slot.entry.timeouts.shortest()).min();
            if slot.needs_keepalive && slot.entry.backend.get().is_some() {
                slot.needs_keepalive = false;
                slot.entry.stop.pause();
            }
            if slot.silent_for(now) {
                slot.entry.stop.order(Reason::Idle);
            }
        }
        // Under the lock of the slots, so that no newcomer is overlooked.
        *self.shortest.lock().unwrap_or_else(PoisonError::into_inner) = shortest;
    }
}

impl Slot {
    /// Whether it was silent for longer than it may. The byte counts tell it:
    /// the data path never looks at a clock.
    fn silent_for(&mut self, now: Instant) -> bool {
        let (bytes_in, bytes_out) = self.entry.flow.bytes();
        let bytes = bytes_in + bytes_out;
        let half_closed = self.entry.half_closed.load(Ordering::Relaxed);
        let is_connecting = self.entry.backend.get().is_none();
        if bytes != self.bytes_seen || half_closed != self.was_half_closed || is_connecting {
            self.bytes_seen = bytes;
            self.was_half_closed = half_closed;
            self.silent_since = now;
            return false;
        }
        let silence = now.saturating_duration_since(self.silent_since);
        self.entry.silence_max().is_some_and(|max| silence >= max)
    }
}

/// A table that holds still.
#[derive(Debug)]
pub(crate) struct Frozen<'a> {
    slots: MutexGuard<'a, Slab<Slot>>,
    totals: &'a Totals,
}

impl Frozen<'_> {
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.slots.iter().map(|(_, slot)| &slot.entry)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// What has been in the table and has ended.
    pub(crate) fn totals(&self) -> &Totals {
        self.totals
    }
}

impl Registered {
    /// Says why it ended.
    pub(crate) fn end(mut self, reason: Reason) {
        self.reason = Some(reason);
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let entry = &self.entry;
        let reason = self.reason.unwrap_or(Reason::Error);
        let lifetime = entry.started.elapsed();
        entry.tunnel.lifetimes.observe(&LIFETIMES, lifetime);
        {
            // In one step: whoever reads sees its bytes once, here or there.
            let mut slots = self.table.lock();
            self.table.totals.keep(&entry.flow);
            entry.tunnel.totals.keep(&entry.flow);
            if let Some(backend) = entry.backend.get() {
                backend.totals.keep(&entry.flow);
            }
            entry.tunnel.ended.count(reason);
            if slots.contains(self.key) {
                slots.remove(self.key);
            }
        }
        let (bytes_in, bytes_out) = entry.flow.bytes();
        debug!(
            connection = entry.id,
            tunnel = %entry.tunnel.listen,
            client = %entry.client,
            backend = entry.backend.get().map(|backend| tracing::field::display(&backend.spec.addr)),
            bytes_in,
            bytes_out,
            seconds = lifetime.as_secs_f32(),
            %reason,
            "connection ended"
        );
    }
}
