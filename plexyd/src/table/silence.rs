//! Whether a connection is silent, and for how long: what the sweep remembers of it, and when it
//! looks again. Decisions only: the sweep acts.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use plexy_shared::spec::TunnelOptions;

use super::Entry;

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

/// What the sweep remembers of a connection.
#[derive(Debug)]
pub(super) struct Silence {
    /// The sum of its bytes when the sweep last saw it change.
    bytes_seen: u64,
    was_half_closed: bool,
    since: Instant,
    unsent: Unsent,
    /// When it is looked at next, and how long after the last time that is.
    next_look: Instant,
    pub(super) pause: Duration,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    idle: Option<Duration>,
    half_close: Option<Duration>,
    /// Silence after which the kernel begins to ask the backend whether it is still there.
    keepalive: Option<Duration>,
}

impl Timeouts {
    pub(super) fn of(options: &TunnelOptions) -> Self {
        Self {
            idle: options.idle_timeout,
            half_close: options.half_close_timeout(),
            keepalive: options.keepalive.map(|keepalive| keepalive.idle),
        }
    }

    /// How long a connection may be silent.
    pub(super) fn silence_max(self, half_closed: bool) -> Option<Duration> {
        if half_closed { self.half_close } else { self.idle }
    }

    /// The pause between two looks while it is silent.
    fn silent_pause(self) -> Duration {
        let shortest = [self.idle, self.half_close].into_iter().flatten().min();
        shortest
            .map_or(SILENT_PAUSE_MAX, |it| it / LOOKS_PER_TIMEOUT)
            .clamp(PAUSE_MIN, SILENT_PAUSE_MAX)
    }

    /// The same while it is not, or not known to be: its silence is to be found in time for its
    /// keepalive.
    fn lively_pause(self) -> Duration {
        let keepalive = self.keepalive.map_or(LIVELY_PAUSE_MAX, |idle| idle / LOOKS_PER_TIMEOUT);
        self.silent_pause().min(keepalive).clamp(PAUSE_MIN, LIVELY_PAUSE_MAX)
    }
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
    /// It was silent for longer than it may.
    Over,
}

impl Silence {
    /// Of a connection that begins.
    pub(super) fn of(entry: &Entry) -> Self {
        let pause = Timeouts::of(&entry.tunnel.route().options).lively_pause();
        Self {
            bytes_seen: 0,
            was_half_closed: false,
            since: entry.started,
            unsent: Unsent::Unknown,
            next_look: entry.started + pause,
            pause,
        }
    }

    /// The time-outs have changed: it is looked at as soon as if it had just begun.
    pub(super) fn hurry(&mut self, entry: &Entry, now: Instant) {
        let pause = Timeouts::of(&entry.tunnel.route().options).lively_pause();
        self.pause = self.pause.min(pause);
        self.next_look = self.next_look.min(now + pause);
    }

    /// Looks whether it was silent for longer than it may, if it is time for that, and when to look
    /// again.
    pub(super) fn look(&mut self, entry: &Entry, now: Instant) -> Finding {
        if now < self.next_look {
            return Finding::Fine;
        }
        let finding = self.find(entry, now);
        let is_silent = self.unsent == Unsent::Bytes(0);
        let timeouts = Timeouts::of(&entry.tunnel.route().options);
        self.pause = if is_silent { timeouts.silent_pause() } else { timeouts.lively_pause() };
        self.next_look = now + self.pause;
        finding
    }

    /// The byte counts tell it: the data path never looks at a clock.
    fn find(&mut self, entry: &Entry, now: Instant) -> Finding {
        let (bytes_in, bytes_out) = entry.flow.bytes();
        let bytes = bytes_in + bytes_out;
        let half_closed = entry.half_closed.load(Ordering::Relaxed);
        let is_connecting = entry.backend.get().is_none();
        if bytes != self.bytes_seen || half_closed != self.was_half_closed || is_connecting {
            self.bytes_seen = bytes;
            self.was_half_closed = half_closed;
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
        let silence = now.saturating_duration_since(self.since);
        match entry.silence_max() {
            Some(max) if silence >= max => Finding::Over,
            _ if unsent > 0 => Finding::Ask,
            _ => Finding::Fine,
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    use crate::socket::ClientAddr;
    use crate::traffic::Direction;
    use crate::tunnel::Tunnel;

    /// A connection that may be silent for 16 s, and so is looked at every second.
    fn entry() -> Entry {
        let (tunnel, backend) = Tunnel::of("3000=4000[idle-timeout=16s]");
        let entry = Entry::new(1, tunnel, ClientAddr::Unix);
        entry.backend.set(backend).unwrap();
        entry
    }

    /// What the looks of each second after the first bytes come to, up to the end; with each, the
    /// connection tells `unsent` of that second.
    fn looks(unsent: impl Fn(u64) -> usize) -> Vec<Finding> {
        let entry = entry();
        let mut silence = Silence::of(&entry);
        entry.flow.count(Direction::In, 1);
        let look = |second: u64| {
            let finding = silence.look(&entry, entry.started + Duration::from_secs(second));
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
        let over = looks.iter().position(|it| *it == Finding::Over);
        assert_eq!(over, Some(16), "the first look saw bytes, and 16 s later is the 17th");
    }

    #[test]
    fn a_peer_that_still_takes_is_not_silent_and_one_that_has_ceased_to_is() {
        // It takes a byte each second up to the 30th, and then nothing more.
        let looks = looks(|second| 100 - usize::try_from(second.min(30)).unwrap());
        let over = looks.iter().position(|it| *it == Finding::Over);
        assert!(over.is_some_and(|at| (45..=48).contains(&at)), "{over:?}");
        assert!(looks[1..45].iter().all(|it| *it == Finding::Ask), "{looks:?}");
    }
}
