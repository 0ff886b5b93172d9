//! What has happened: the newest [`EVENTS_MAX`] of it in a ring that every door
//! reads. The log says the same in the same words, so nothing is told twice in
//! different ways.

use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use plexy_shared::event::{EVENTS_MAX, Event, EventKind, EventRange, Severity};
use tokio::sync::watch;
use tracing::{info, warn};

/// How many events one change may be.
const TOLD_EACH_MAX: usize = 16;

/// Longest detail, in bytes.
const DETAIL_BYTES_MAX: usize = 1_024;

/// All that happens in one daemon.
#[derive(Debug, Default)]
pub(crate) struct Events {
    ring: Mutex<Ring>,
    /// The number of the newest one, for those who wait for more.
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    /// In their order, without a gap.
    events: VecDeque<Arc<Event>>,
    newest: u64,
}

/// What one change does: each by itself if that is not much, else together, so that it does not push
/// out everything before it. Each has its line in the log. Nothing is held meanwhile: of ten
/// thousand tunnels that would be a hole in memory beside each.
#[derive(Debug)]
pub(crate) struct Telling<'a> {
    events: &'a Events,
    is_each: bool,
}

/// Something that happens.
#[derive(Debug)]
pub(crate) struct Happening {
    kind: EventKind,
    tunnel: Option<String>,
    backend: Option<String>,
    detail: Option<String>,
    actor: Option<String>,
    revision: Option<u64>,
}

/// Some of the events.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The number of the newest event there is.
    pub(crate) newest: u64,
    /// How many of those asked for are gone.
    pub(crate) missed: u64,
    pub(crate) events: Vec<Arc<Event>>,
}

impl Events {
    /// Notes what happens, and logs it.
    pub(crate) fn tell(&self, happening: Happening) {
        let mut ring = self.ring();
        ring.newest += 1;
        happening.log(Some(ring.newest));
        let event = happening.numbered(ring.newest);
        if ring.events.len() >= EVENTS_MAX {
            ring.events.pop_front();
        }
        ring.events.push_back(Arc::new(event));
        // Under the lock, so that this number never falls.
        self.newest.send_replace(ring.newest);
    }

    /// Begins to note what one change does to so many things.
    pub(crate) fn telling(&self, count: usize) -> Telling<'_> {
        Telling { events: self, is_each: count <= TOLD_EACH_MAX }
    }

    /// Those of a range.
    pub(crate) fn of(&self, range: EventRange) -> Batch {
        let ring = self.ring();
        let oldest = ring.newest - ring.events.len() as u64;
        // A number that was never given is one of another instance, of which nothing is known.
        let after = range.after.filter(|after| *after <= ring.newest).unwrap_or(0);
        let missed = oldest.saturating_sub(after);
        let first = usize::try_from(after.saturating_sub(oldest)).unwrap_or(usize::MAX);
        let unwanted = ring.events.len().saturating_sub(range.last.unwrap_or(usize::MAX));
        let events = ring.events.iter().skip(first.max(unwanted)).cloned().collect();
        // Who asks for the newest ones only does not ask for those that are gone.
        let missed = if range.after.is_some() && range.last.is_none() { missed } else { 0 };
        Batch { newest: ring.newest, missed, events }
    }

    /// Waits until there is one behind that number.
    pub(crate) async fn behind(&self, number: u64) {
        let mut newest = self.newest.subscribe();
        // The sender is as old as this, so there is always one.
        if newest.wait_for(|newest| *newest > number).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Telling<'_> {
    /// One of it.
    pub(crate) fn note(&self, happening: Happening) {
        if self.is_each {
            self.events.tell(happening);
        } else {
            happening.log(None);
        }
    }

    /// All of it, where that was too much to tell each.
    pub(crate) fn end(self, together: impl FnOnce() -> Happening) {
        if !self.is_each {
            self.events.tell(together());
        }
    }
}

impl Happening {
    pub(crate) fn new(kind: EventKind) -> Self {
        Self { kind, tunnel: None, backend: None, detail: None, actor: None, revision: None }
    }

    /// To which tunnel.
    pub(crate) fn of_tunnel(self, label: impl Into<String>) -> Self {
        Self { tunnel: Some(label.into()), ..self }
    }

    /// To which backend.
    pub(crate) fn of_backend(self, backend: &impl Display) -> Self {
        Self { backend: Some(backend.to_string()), ..self }
    }

    /// What else there is to say. A specification may be long, and a thousand events are kept:
    /// `history` and `detail` have the whole of it.
    pub(crate) fn detail(self, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if detail.len() > DETAIL_BYTES_MAX {
            detail.truncate(detail.floor_char_boundary(DETAIL_BYTES_MAX));
            detail.push('…');
        }
        Self { detail: Some(detail), ..self }
    }

    /// Who asked for it, and what it made of the daemon.
    pub(crate) fn by(self, actor: &impl Display, revision: u64) -> Self {
        Self { actor: Some(actor.to_string()), revision: Some(revision), ..self }
    }

    /// Who asked for it, where no tunnel has changed.
    pub(crate) fn asked_by(self, actor: &impl Display) -> Self {
        Self { actor: Some(actor.to_string()), ..self }
    }

    /// Logs it; without a number it is a part of an event.
    pub(crate) fn log(&self, event: Option<u64>) {
        let what = self.kind.as_str().replace('-', " ");
        let (tunnel, backend) = (self.tunnel.as_deref(), self.backend.as_ref().map(shown));
        let (detail, actor) = (self.detail.as_deref(), self.actor.as_ref().map(shown));
        let revision = self.revision;
        match self.kind.severity() {
            Severity::Info => {
                info!(event, tunnel, backend, actor, revision, detail, "{what}");
            }
            Severity::Warning => {
                warn!(event, tunnel, backend, actor, revision, detail, "{what}");
            }
        }
    }

    fn numbered(self, seq: u64) -> Event {
        let Self { kind, tunnel, backend, detail, actor, revision } = self;
        let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let severity = kind.severity().into();
        Event { seq, time, severity, kind: kind.into(), tunnel, backend, detail, actor, revision }
    }
}

fn shown(text: &String) -> tracing::field::DisplayValue<&String> {
    tracing::field::display(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(count: usize) -> Events {
        let events = Events::default();
        for number in 0..count {
            events.tell(Happening::new(EventKind::BackendUp).detail(number.to_string()));
        }
        events
    }

    fn of(events: &Events, after: Option<u64>, last: Option<usize>) -> (u64, Vec<u64>) {
        let batch = events.of(EventRange { after, last });
        (batch.missed, batch.events.iter().map(|event| event.seq).collect())
    }

    #[test]
    fn events_are_numbered_from_one_and_read_from_a_number_on() {
        let events = told(5);
        assert_eq!(of(&events, None, None), (0, vec![1, 2, 3, 4, 5]));
        assert_eq!(of(&events, Some(3), None), (0, vec![4, 5]));
        assert_eq!(of(&events, Some(5), None), (0, vec![]));
        assert_eq!(of(&events, None, Some(2)), (0, vec![4, 5]));
        assert_eq!(of(&events, Some(1), Some(2)), (0, vec![4, 5]));
        assert_eq!(of(&events, Some(4), Some(2)), (0, vec![5]));
    }

    #[test]
    fn a_number_of_another_instance_is_none() {
        assert_eq!(of(&told(2), Some(70), None), (0, vec![1, 2]));
        assert_eq!(of(&told(0), Some(70), None), (0, vec![]));
    }

    #[test]
    fn the_ring_is_bounded_and_says_what_is_gone() {
        let events = told(EVENTS_MAX + 10);
        let (missed, kept) = of(&events, Some(0), None);
        assert_eq!((missed, kept.len(), kept[0]), (10, EVENTS_MAX, 11));
        assert_eq!(of(&events, Some(4), None).0, 6);
        assert_eq!(of(&events, Some(10), None).0, 0);
        assert_eq!(of(&events, None, None).0, 0);
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_the_next_one() {
        let events = told(1);
        events.behind(0).await;
        let next = async { events.tell(Happening::new(EventKind::DaemonReady)) };
        tokio::join!(events.behind(1), next);
    }
}
