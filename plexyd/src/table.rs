//! The live connections of one worker.
//!
//! The lock is taken when a connection begins, when it ends, and by whoever
//! reads or sweeps; never while bytes move.

mod cells;
mod clock;
mod handshake;
mod pace;
mod sight;
mod silence;
mod tries;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwapOption;
use plexy_shared::connection::Phase;
use plexy_shared::info::Reason;
use slab::Slab;
use tokio::sync::Notify;
use tracing::debug;

use crate::access_log::{AccessLog, Moment, Record};
use crate::backend::{Backend, Lease};
use crate::histogram::{CONNECT_TIMES, Histogram, LIFETIMES};
use crate::introduction::Introduction;
use crate::socket::ClientAddr;
use crate::stop::Stop;
use crate::trace::{End, Trace, Traces};
use crate::traffic::Totals;
use crate::tunnel::{Seat, Tunnel, TunnelId};
pub(crate) use cells::Cell;
use cells::Cells;
use clock::Clock;
use handshake::Handshake;
use pace::Pace;
pub(crate) use pace::Rates;
pub(crate) use sight::Sight;
use silence::{Finding, SILENT_PAUSE_MAX, Silence, Timeouts};
use tries::Tries;

/// Connections that are asked something before others get their turn, for so long at least.
const ASKED_MAX: usize = 256;
const PART_PAUSE: Duration = Duration::from_millis(1);

/// What stands for [`Entry::unsent_bytes`] before it was first looked for.
const NEVER_ASKED: u32 = u32::MAX;

/// One live connection, as others see it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) tunnel: Arc<Tunnel>,
    pub(crate) client: ClientAddr,
    pub(crate) started: Instant,
    pub(crate) flow: Cell,
    pub(crate) stop: Stop,
    /// Set once one direction has ended.
    pub(crate) half_closed: AtomicBool,
    /// Set once a backend carries it: silence counts from then on.
    pub(crate) backend: OnceLock<Arc<Backend>>,
    pub(crate) tries: Tries,
    /// What its client has told of itself, once that is known and where it is wanted: one word here,
    /// since most connections have none.
    introduction: ArcSwapOption<Introduction>,
    /// The handshake of its client, where TLS is terminated.
    pub(crate) handshake: Handshake,
    /// Whether it is counted among the connections of its source.
    pub(crate) is_counted: bool,
    /// Bytes written that the peers had not taken when it was last [asked](Stop::pause).
    unsent_bytes: AtomicU32,
}

impl Entry {
    pub(crate) fn new(id: u64, tunnel: Arc<Tunnel>, client: ClientAddr, flow: Cell) -> Self {
        Self {
            id,
            tunnel,
            client,
            started: Instant::now(),
            flow,
            stop: Stop::default(),
            half_closed: AtomicBool::new(false),
            backend: OnceLock::new(),
            tries: Tries::default(),
            introduction: ArcSwapOption::empty(),
            handshake: Handshake::default(),
            is_counted: false,
            unsent_bytes: AtomicU32::new(NEVER_ASKED),
        }
    }

    /// Its client has told this of itself, or nothing.
    pub(crate) fn introduce(&self, introduction: Option<Introduction>) {
        self.introduction.store(introduction.map(Arc::new));
    }

    /// What its client has told of itself.
    pub(crate) fn introduction(&self) -> Option<Arc<Introduction>> {
        self.introduction.load_full()
    }

    /// Notes how much the peers have not taken; whether it is the first time.
    pub(crate) fn note_unsent(&self, bytes: usize) -> bool {
        let bytes = u32::try_from(bytes).unwrap_or(NEVER_ASKED).min(NEVER_ASKED - 1);
        self.unsent_bytes.swap(bytes, Ordering::Relaxed) == NEVER_ASKED
    }

    /// How far it has come.
    pub(crate) fn phase(&self) -> Phase {
        let backend = self.backend.get();
        let is_left = !self.tunnel.is_open() || backend.is_some_and(|backend| backend.has_left());
        match backend {
            _ if is_left || self.stop.is_ordered() => Phase::Closing,
            None if self.is_parked() => Phase::Parked,
            None => Phase::Connecting,
            Some(_) if self.half_closed.load(Ordering::Relaxed) => Phase::HalfClosed,
            Some(_) => Phase::Relaying,
        }
    }

    fn is_parked(&self) -> bool {
        self.tunnel.gate().is_some_and(|gate| gate.queue.has(self.id))
    }

    /// What the access log tells of it.
    fn record(&self, moment: Moment) -> Record {
        Record {
            connection: self.id,
            tunnel: Arc::clone(&self.tunnel),
            client: self.client,
            backend: self.backend.get().cloned(),
            introduction: self.introduction(),
            handshake: self.handshake.done(),
            attempts: self.tries.number(),
            connect_time: self.tries.time(),
            moment,
        }
    }

    /// How many milliseconds it may be silent now.
    fn silence_max_ms(&self) -> Option<u64> {
        self.backend.get()?;
        let timeouts = Timeouts::of(&self.tunnel.route().options);
        timeouts.silence_max_ms(self.half_closed.load(Ordering::Relaxed))
    }
}

/// An entry, and what those remember who have looked at it. What is in it need not be followed into
/// memory that is in no cache.
#[derive(Debug)]
struct Slot {
    entry: Arc<Entry>,
    id: u64,
    tunnel: TunnelId,
    /// That of the entry, once somebody has seen it there.
    backend: Option<Arc<Backend>>,
    silence: Silence,
    pace: Pace,
}

/// All that stands behind the lock.
#[derive(Debug, Default)]
struct Slots {
    slab: Slab<Slot>,
    /// At the same places.
    cells: Cells,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Table {
    slots: Mutex<Slots>,
    clock: Clock,
    /// All that was in it, whatever became of its tunnel.
    totals: Totals,
    /// How long it took to connect to the backends of those, and how long they have lived.
    connect_times: Histogram,
    lifetimes: Histogram,
    /// Wakes the sweep when a connection with a shorter pause has come.
    sooner: Notify,
    /// Of all connections.
    shortest_pause: Mutex<Duration>,
    access_log: AccessLog,
    traces: Traces,
}

/// A connection's place in the table; it is taken out on drop, and what it has
/// counted goes to its tunnel and its backend in the same step.
#[derive(Debug)]
pub(crate) struct Registered {
    table: Arc<Table>,
    key: usize,
    pub(crate) entry: Arc<Entry>,
    reason: Option<Reason>,
    /// What a connection holds of others, given back with its counts.
    pub(crate) lease: Option<Lease>,
    seat: Option<Seat>,
    /// Whether it has had one: who was only parked was never let in.
    was_let_in: bool,
    /// Where it is sampled.
    pub(crate) trace: Option<Box<Trace>>,
}

impl Table {
    pub(crate) fn new(access_log: AccessLog, traces: Traces) -> Self {
        Self {
            slots: Mutex::default(),
            clock: Clock::since(Instant::now()),
            totals: Totals::default(),
            connect_times: Histogram::default(),
            lifetimes: Histogram::default(),
            sooner: Notify::new(),
            shortest_pause: Mutex::new(SILENT_PAUSE_MAX),
            access_log,
            traces,
        }
    }

    /// Takes in the connection that is made around its counts. Without a seat it is parked.
    pub(crate) fn register(
        self: &Arc<Self>,
        entry: impl FnOnce(Cell) -> Entry,
        seat: Option<Seat>,
    ) -> Registered {
        let (key, entry, pause) = {
            let mut slots = self.lock();
            let key = slots.slab.vacant_key();
            let entry = Arc::new(entry(slots.cells.begin(key)));
            let began = self.clock.ms(entry.started);
            let silence = Silence::of(&entry, began);
            let (pause, pace) = (silence.pause(), Pace::beginning(began));
            slots.slab.insert(Slot {
                id: entry.id,
                tunnel: entry.tunnel.id,
                backend: None,
                silence,
                pace,
                entry: Arc::clone(&entry),
            });
            (key, entry, pause)
        };
        let was_let_in = seat.is_some();
        if was_let_in {
            self.count(&entry);
        }
        let trace = self.traces.begin(entry.id, &entry.tunnel, entry.client, entry.started);
        self.sweep_at_least_every(pause);
        Registered {
            table: Arc::clone(self),
            key,
            entry,
            reason: None,
            lease: None,
            seat,
            was_let_in,
            trace,
        }
    }

    /// One that is let in.
    fn count(&self, entry: &Entry) {
        self.totals.count();
        entry.tunnel.totals.count();
    }

    fn sweep_at_least_every(&self, pause: Duration) {
        let mut shortest = self.lock_shortest_pause();
        if pause < *shortest {
            *shortest = pause;
            self.sooner.notify_one();
        }
    }

    fn lock_shortest_pause(&self) -> MutexGuard<'_, Duration> {
        self.shortest_pause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connections in it.
    pub(crate) fn len(&self) -> usize {
        self.lock().slab.len()
    }

    /// How long it took to connect to the backends of all that were in it, since the beginning.
    pub(crate) fn connect_times(&self) -> &Histogram {
        &self.connect_times
    }

    /// How long those have lived that were let in and have ended.
    pub(crate) fn lifetimes(&self) -> &Histogram {
        &self.lifetimes
    }

    /// Holds everything still, for a consistent look.
    pub(crate) fn freeze(&self) -> Frozen<'_> {
        Frozen { slots: self.lock(), totals: &self.totals }
    }

    /// Ends connections that were silent for too long or are too old, again and again.
    pub(crate) async fn keep_sweeping(&self) {
        loop {
            let pause = *self.lock_shortest_pause();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.sooner.notified() => continue,
            }
            let mut next = self.sweep(self.clock.now_ms(), 0);
            while let Some(from) = next {
                tokio::time::sleep(PART_PAUSE).await;
                next = self.sweep(self.clock.now_ms(), from);
            }
        }
    }

    /// The time-outs of a tunnel, or how old its connections may be, have changed: they are looked at in
    /// time for that.
    pub(crate) fn retime(&self, tunnel: TunnelId) {
        let (now, mut shortest) = (self.clock.now_ms(), SILENT_PAUSE_MAX);
        for (_, slot) in &mut self.lock().slab {
            if slot.entry.tunnel.id == tunnel {
                slot.silence.hurry(&slot.entry, now, self.clock);
                shortest = shortest.min(slot.silence.pause());
            }
        }
        self.sweep_at_least_every(shortest);
    }

    /// Looks at the connections from this place on, until enough of them were asked: where to go on,
    /// if some are left.
    fn sweep(&self, now: u64, from: usize) -> Option<usize> {
        let mut slots = self.lock();
        let (mut shortest, mut asked) = (SILENT_PAUSE_MAX, 0);
        for place in from..slots.slab.capacity() {
            let bytes = slots.cells.bytes(place);
            let Some(slot) = slots.slab.get_mut(place) else { continue };
            let finding = slot.silence.look(&slot.entry, bytes.0 + bytes.1, now, self.clock);
            if slot.silence.was_looked_at(now) {
                slot.pace.look(bytes, now);
            }
            shortest = shortest.min(slot.silence.pause());
            match finding {
                Finding::Fine => {}
                Finding::Ask => {
                    slot.entry.stop.pause();
                    asked += 1;
                }
                Finding::Over(reason) => {
                    slot.entry.stop.order(reason);
                }
            }
            if asked == ASKED_MAX {
                return Some(place + 1);
            }
        }
        // Where all were looked at under one lock, so that no newcomer is overlooked.
        if from == 0 {
            *self.lock_shortest_pause() = shortest;
        }
        None
    }
}

/// A table that holds still.
#[derive(Debug)]
pub(crate) struct Frozen<'a> {
    slots: MutexGuard<'a, Slots>,
    totals: &'a Totals,
}

impl Frozen<'_> {
    /// Tells of every connection its tunnel, the backend that carries it, and its bytes in and out.
    pub(crate) fn each_flow(
        &mut self,
        mut each: impl FnMut(TunnelId, Option<&Arc<Backend>>, (u64, u64)),
    ) {
        let Slots { slab, cells } = &mut *self.slots;
        for (place, slot) in slab {
            if slot.backend.is_none() {
                slot.backend = slot.entry.backend.get().cloned();
            }
            each(slot.tunnel, slot.backend.as_ref(), cells.bytes(place));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.slab.len()
    }

    /// What has been in the table and has ended.
    pub(crate) fn totals(&self) -> &Totals {
        self.totals
    }
}

impl Registered {
    pub(crate) fn has_seat(&self) -> bool {
        self.seat.is_some()
    }

    /// Lets it in that was parked, for the first time or once more.
    pub(crate) fn let_in(&mut self, seat: Seat) {
        self.seat = Some(seat);
        if !self.was_let_in {
            self.was_let_in = true;
            self.table.count(&self.entry);
        }
    }

    /// Gives its seat to others, since it is parked.
    pub(crate) fn stand_up(&mut self) {
        self.seat = None;
    }

    /// It has taken so long to connect to its backend.
    pub(crate) fn has_connected_in(&self, took: Duration) {
        self.table.connect_times.observe(&CONNECT_TIMES, took);
    }

    /// Says that a backend carries it.
    pub(crate) fn started(&self) {
        if let Some(log) = self.table.access_log.of_start(self.entry.id) {
            log.tell(self.entry.record(Moment::Started));
        }
    }

    /// Says why it ended.
    pub(crate) fn end(mut self, reason: Reason) {
        self.reason = Some(reason);
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let entry = &self.entry;
        let reason = self.reason.unwrap_or(Reason::Error);
        let ended = Instant::now();
        let lifetime = ended - entry.started;
        if self.was_let_in {
            self.table.lifetimes.observe(&LIFETIMES, lifetime);
            entry.tunnel.lifetimes.observe(&LIFETIMES, lifetime);
        }
        if let Some(backend) = entry.backend.get() {
            backend.lifetimes.observe(&LIFETIMES, lifetime);
        }
        let (bytes_in, bytes_out) = {
            // In one step: whoever reads sees it live, or its bytes once, here or there.
            let mut slots = self.table.lock();
            self.table.totals.keep(&entry.flow);
            entry.tunnel.totals.keep(&entry.flow);
            if let Some(backend) = entry.backend.get() {
                backend.totals.keep(&entry.flow);
            }
            if self.was_let_in {
                entry.tunnel.ended.count(reason);
            } else {
                entry.tunnel.count_rejected(reason);
            }
            (self.lease, self.seat) = (None, None);
            // Then they are another connection's.
            let bytes = entry.flow.bytes();
            if slots.slab.contains(self.key) {
                slots.slab.remove(self.key);
            }
            bytes
        };
        if let Some(gate) = entry.tunnel.gate() {
            if entry.is_counted {
                gate.sources.leave(entry.client);
            }
            if !self.was_let_in {
                // Where its task has come to nothing.
                gate.queue.leave(entry.id);
            }
        }
        if let Some(log) = self.table.access_log.of_end(entry.id, reason) {
            log.tell(entry.record(Moment::Ended { reason, bytes_in, bytes_out, lifetime }));
        }
        if let Some(trace) = self.trace.take() {
            let (backend, at) = (entry.backend.get().cloned(), (ended, SystemTime::now()));
            let (introduction, handshake) = (entry.introduction(), entry.handshake.done());
            let end = End { reason, backend, introduction, handshake, bytes_in, bytes_out, at };
            self.table.traces.end(trace, end);
        }
        debug!(
            connection = entry.id,
            tunnel = %entry.tunnel.listen,
            client = %entry.client,
            backend = entry.backend.get().map(|backend| tracing::field::display(&backend.addr)),
            bytes_in,
            bytes_out,
            seconds = lifetime.as_secs_f32(),
            %reason,
            "connection ended"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each idle connection has here, besides 16 bytes in a page of cells.
    #[test]
    fn what_stands_in_the_table_is_small() {
        assert!(size_of::<Slot>() <= 112, "{}", size_of::<Slot>());
        assert!(size_of::<Entry>() <= 152, "{}", size_of::<Entry>());
    }
}
