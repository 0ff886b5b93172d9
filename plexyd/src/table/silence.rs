//! Whether a connection is silent, and for how long, or too old: what the sweep remembers of it, and
//! when it looks again. Decisions only: the sweep acts.

use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use plexy_shared::info::Reason;
use plexy_shared::spec::TunnelOptions;

use super::{Clock, Entry};

/// Shortest pause between two sweeps, and so between two looks at a connection.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// Longest pause between two looks at a connection that moves bytes.
const LIVELY_PAUSE_MAX: Duration = Duration::from_secs(10);

/// Longest pause between two looks at a connection that is silent. What it has for itself is in no
/// cache any more after seconds, so that a look costs 4 µs: idle connections are to cost nothing.
pub(super) const SILENT_PAUSE_MAX: Duration = Duration::from_secs(120);

/// A time-out is looked at so many times before it passes. One look finds the silence, another one
/// its length, and each waits for its sweep: it is exceeded by a quarter at most.
const LOOKS_PER_TIMEOUT: u32 = 16;

/// How exactly the age of a connection is looked at: one part in so many of what it may be, or this
/// long if that is less. Look and sweep may both be late by so much, so that it gets older than it
/// may by a 16th or by 2 s.
const AGE_PARTS: u32 = 32;
const AGE_PART_MAX: Duration = Duration::from_secs(1);

/// What the sweep remembers of a connection, in milliseconds of the table's clock.
#[derive(Debug)]
pub(super) struct Silence {
    /// The sum of its bytes when somebody last saw it change.
    bytes_seen: u64,
    since: u64,
    /// When it is looked at next, and how long after the last time that is.
    next_look: u64,
    pause_ms: u32,
    unsent: Unsent,
    was_half_closed: bool,
    was_connecting: bool,
}

/// In milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    idle: Option<NonZeroU32>,
    half_close: Option<NonZeroU32>,
}

impl Timeouts {
    pub(super) fn of(options: &TunnelOptions) -> Self {
        let ms = |time: Duration| NonZeroU32::new(in_ms(time)).unwrap_or(NonZeroU32::MIN);
        Self {
            idle: options.idle_timeout.map(ms),
            half_close: options.half_close_timeout().map(ms),
        }
    }

    /// How many milliseconds a connection may be silent.
    pub(super) fn silence_max_ms(self, half_closed: bool) -> Option<u64> {
        let max = if half_closed { self.half_close } else { self.idle };
        max.map(|ms| u64::from(ms.get()))
    }

    /// The pause between two looks while it is silent.
    fn silent_pause(self) -> Duration {
        let shortest = [self.idle, self.half_close].into_iter().flatten().min();
        shortest
            .map_or(SILENT_PAUSE_MAX, |it| in_time(it) / LOOKS_PER_TIMEOUT)
            .clamp(PAUSE_MIN, SILENT_PAUSE_MAX)
    }
}

/// The pause while it is not silent, or not known to be: its silence is to be found in time for its
/// keepalive, with which the kernel begins to ask the backend whether it is still there.
fn lively_pause(options: &TunnelOptions) -> Duration {
    let keepalive = options.keepalive.map_or(LIVELY_PAUSE_MAX, |it| it.idle / LOOKS_PER_TIMEOUT);
    let silent = Timeouts::of(options).silent_pause();
    silent.min(keepalive).clamp(PAUSE_MIN, LIVELY_PAUSE_MAX)
}

/// The pause, or a shorter one after which a connection of that age may be too old.
fn until_old(pause: Duration, options: &TunnelOptions, age: Duration) -> Duration {
    let Some(max) = options.limits().max_duration else { return pause };
    let part = (max / AGE_PARTS).clamp(PAUSE_MIN, AGE_PART_MAX);
    pause.min(max.saturating_sub(age).max(part))
}

/// How old a connection is now.
fn age(entry: &Entry, now: u64, clock: Clock) -> Duration {
    Duration::from_millis(now.saturating_sub(clock.ms(entry.started)))
}

fn in_ms(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn in_time(ms: NonZeroU32) -> Duration {
    Duration::from_millis(ms.get().into())
}

/// What is known of the send queues of a connection that moves no bytes. While its peers take what
/// was written before it is not silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unsent {
    /// It moves bytes.
    Unknown,
    /// It was asked for the first time in this silence.
    Asked,
    /// So many bytes were in them.
    Bytes(u32),
}

/// What a look at a connection has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    Fine,
    /// It is to tell what its peers have not taken.
    Ask,
    /// It was silent for longer than it may, or is too old.
    Over(Reason),
}

impl Silence {
    /// Of a connection that begins now.
    pub(super) fn of(entry: &Entry, now: u64) -> Self {
        let options = &entry.tunnel.route().options;
        let pause_ms = in_ms(until_old(lively_pause(options), options, Duration::ZERO));
        Self {
            bytes_seen: 0,
            since: now,
            next_look: now + u64::from(pause_ms),
            pause_ms,
            unsent: Unsent::Unknown,
            was_half_closed: false,
            was_connecting: false,
        }
    }

    /// The time-outs have changed: it is looked at as soon as if it had just begun, or as its age asks
    /// for.
    pub(super) fn hurry(&mut self, entry: &Entry, now: u64, clock: Clock) {
        let options = &entry.tunnel.route().options;
        let pause = until_old(lively_pause(options), options, age(entry, now, clock));
        self.pause_ms = self.pause_ms.min(in_ms(pause));
        self.next_look = self.next_look.min(now + u64::from(self.pause_ms));
    }

    /// The pause between two looks.
    pub(super) fn pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms.into())
    }

    /// Looks whether it was silent for longer than it may, or is too old, if it is time for that, and
    /// when to look again.
    pub(super) fn look(&mut self, entry: &Entry, bytes: u64, now: u64, clock: Clock) -> Finding {
        if now < self.next_look {
            return Finding::Fine;
        }
        let route = entry.tunnel.route();
        let options = &route.options;
        let age = age(entry, now, clock);
        let is_too_old = options.limits().max_duration.is_some_and(|max| age >= max);
        let finding = if is_too_old {
            // Told again and again, in case it does not hear.
            Finding::Over(Reason::MaxDuration)
        } else {
            self.find(entry, bytes, now)
        };
        let is_silent = self.unsent == Unsent::Bytes(0);
        let silent_pause = || Timeouts::of(options).silent_pause();
        let pause = if is_silent { silent_pause() } else { lively_pause(options) };
        self.pause_ms = in_ms(until_old(pause, options, age));
        self.next_look = now + u64::from(self.pause_ms);
        finding
    }

    /// Whether it was time for that.
    pub(super) fn was_looked_at(&self, now: u64) -> bool {
        self.next_look == now + u64::from(self.pause_ms)
    }

    /// Somebody else looks, and sees so many bytes: if that is news, it was not silent.
    pub(super) fn saw(&mut self, bytes: u64, now: u64) {
        if bytes != self.bytes_seen {
            self.bytes_seen = bytes;
            self.since = now;
            self.unsent = Unsent::Unknown;
        }
    }

    /// For how long it is silent, as far as that is known: it may be more.
    pub(super) fn lasts_ms(&self, now: u64) -> u64 {
        now.saturating_sub(self.since)
    }

    /// The byte counts tell it: the data path never looks at a clock.
    fn find(&mut self, entry: &Entry, bytes: u64, now: u64) -> Finding {
        let half_closed = entry.half_closed.load(Ordering::Relaxed);
        if entry.backend.get().is_none() {
            self.was_connecting = true;
            return Finding::Fine;
        }
        let is_news = half_closed != self.was_half_closed || self.was_connecting;
        if bytes != self.bytes_seen || is_news {
            self.bytes_seen = bytes;
            self.was_half_closed = half_closed;
            self.was_connecting = false;
            self.since = now;
            self.unsent = Unsent::Unknown;
            return Finding::Fine;
        }
        let unsent = entry.unsent_bytes.load(Ordering::Relaxed);
        match self.unsent {
            Unsent::Unknown => {
                self.unsent = Unsent::Asked;
                return Finding::Ask;
            }
            Unsent::Bytes(before) if unsent < before => self.since = now,
            Unsent::Asked | Unsent::Bytes(_) => {}
        }
        self.unsent = Unsent::Bytes(unsent);
        match entry.silence_max_ms() {
            Some(max) if self.lasts_ms(now) >= max => Finding::Over(Reason::Idle),
            _ if unsent > 0 => Finding::Ask,
            _ => Finding::Fine,
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    use crate::socket::ClientAddr;
    use crate::table::cells::Cells;
    use crate::traffic::Direction;
    use crate::tunnel::Tunnel;

    /// A connection that a backend carries.
    fn entry_of(spec: &str) -> Entry {
        let (tunnel, backend) = Tunnel::of(spec);
        let flow = Cells::default().begin(0);
        let entry = Entry::new(1, tunnel, ClientAddr::Unix, flow);
        entry.backend.set(backend).unwrap();
        entry
    }

    #[test]
    fn a_connection_is_over_when_it_is_as_old_as_it_may_be_whatever_it_does() {
        let entry = entry_of("3000=4000[max-duration=32s]");
        let clock = Clock::since(entry.started);
        let mut silence = Silence::of(&entry, 0);
        let mut look = |tenth: u64| {
            let finding = silence.look(&entry, tenth, tenth * 100, clock);
            (finding, silence.pause())
        };
        let looks: Vec<_> = (1..=320).map(&mut look).collect();
        let over = looks.iter().position(|(it, _)| *it == Finding::Over(Reason::MaxDuration));
        assert_eq!(over, Some(319));
        // Looked at no more often than it takes to notice.
        assert!(looks.iter().all(|(_, pause)| *pause >= AGE_PART_MAX), "{looks:?}");
    }

    /// What the looks of each second after the first bytes come to, up to the end; with each, the
    /// connection tells `unsent` of that second.
    ///
    /// It may be silent for 16 s, and so is looked at every second.
    fn looks(unsent: impl Fn(u64) -> usize) -> Vec<Finding> {
        let entry = entry_of("3000=4000[idle-timeout=16s]");
        let clock = Clock::since(entry.started);
        let mut silence = Silence::of(&entry, 0);
        entry.flow.count(Direction::In, 1);
        let look = |second: u64| {
            let finding = silence.look(&entry, entry.flow.bytes().0, second * 1_000, clock);
            entry.note_unsent(unsent(second));
            finding
        };
        (1..=60).map(look).collect()
    }

    #[test]
    fn silence_is_over_when_it_has_lasted_for_the_time_out_and_no_sooner() {
        let looks = looks(|_| 0);
        // Found at once, and asked what is left: nothing.
        assert_eq!(looks[..3], [Finding::Fine, Finding::Ask, Finding::Fine]);
        let over = looks.iter().position(|it| *it == Finding::Over(Reason::Idle));
        assert_eq!(over, Some(16), "the first look saw bytes, and 16 s later is the 17th");
    }

    #[test]
    fn a_peer_that_still_takes_is_not_silent_and_one_that_has_ceased_to_is() {
        // It takes a byte each second up to the 30th, and then nothing more.
        let looks = looks(|second| 100 - usize::try_from(second.min(30)).unwrap());
        let over = looks.iter().position(|it| *it == Finding::Over(Reason::Idle));
        assert!(over.is_some_and(|at| (45..=48).contains(&at)), "{over:?}");
        assert!(looks[1..45].iter().all(|it| *it == Finding::Ask), "{looks:?}");
    }
}
