//! What happens, told above the line that somebody types.

use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use plexy_shared::event::{Event, Severity};

use crate::output::notice;

/// Most notices in a second: who reads more of them reads `events`.
const NOTICES_MAX: usize = 5;
/// That second.
const SECOND: Duration = Duration::from_secs(1);

/// Ends a line on a terminal that shows something else there already, as a menu.
const CLEAR: &str = "\x1b[K";

/// Where they go, and how many there were.
#[derive(Debug, Default)]
pub(super) struct Notices(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    wanted: Wanted,
    lines: Option<SyncSender<String>>,
    /// What each of them ends with.
    end: &'static str,
    /// Since when they are counted, and how many there were.
    second: Option<Instant>,
    told: usize,
    skipped: u64,
}

/// Which of them are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Wanted {
    /// All.
    On,
    /// What somebody should look at.
    #[default]
    Warn,
    /// None.
    Off,
}

impl Notices {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on they go there.
    pub(super) fn go_to(&self, lines: SyncSender<String>) {
        let mut state = self.state();
        (state.lines, state.end) = (Some(lines), "");
    }

    /// The same, where a line may be shown above what stands there already.
    pub(super) fn go_above(&self, lines: SyncSender<String>) {
        let mut state = self.state();
        (state.lines, state.end) = (Some(lines), CLEAR);
    }

    /// From now on those are told.
    pub(super) fn want(&self, wanted: Wanted) {
        self.state().wanted = wanted;
    }

    /// Tells of an event, unless that is not wanted, or too much.
    pub(super) fn tell(&self, event: &Event) {
        let mut state = self.state();
        let is_wanted = match state.wanted {
            Wanted::On => true,
            Wanted::Warn => event.severity.known() != Some(Severity::Info),
            Wanted::Off => false,
        };
        if is_wanted && !(state.has_room() && state.write(notice(event))) {
            state.skipped += 1;
        }
    }

    /// Tells how many were too many, if any.
    pub(super) fn tell_skipped(&self) {
        let mut state = self.state();
        let skipped = state.skipped;
        if skipped > 0 && state.write(format!("… {skipped} more events: `events` tells them")) {
            state.skipped = 0;
        }
    }
}

impl State {
    fn has_room(&mut self) -> bool {
        if self.second.is_none_or(|second| second.elapsed() >= SECOND) {
            (self.second, self.told) = (Some(Instant::now()), 0);
        }
        self.told += 1;
        self.told <= NOTICES_MAX
    }

    /// Whether it could be written: nobody waits for a reader.
    fn write(&mut self, mut line: String) -> bool {
        line.push_str(self.end);
        self.lines.as_ref().is_some_and(|lines| lines.try_send(line).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    fn event(severity: Severity, kind: &str) -> Event {
        let json = format!(
            r#"{{"seq": 7, "time": "2026-11-27T12:00:00.000Z", "severity": "{severity}",
                "kind": "{kind}", "tunnel": "db"}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn what_is_wanted_is_told_and_what_is_too_much_is_counted() {
        let (lines, told) = sync_channel(20);
        let notices = Notices::default();
        notices.go_to(lines);
        notices.tell(&event(Severity::Info, "tunnel-opened"));
        assert!(told.try_recv().is_err());
        notices.want(Wanted::On);
        notices.tell(&event(Severity::Info, "tunnel-opened"));
        assert!(told.try_recv().unwrap().contains("tunnel-opened, tunnel db"));
        notices.want(Wanted::Off);
        notices.tell(&event(Severity::Warning, "backend-down"));
        assert!(told.try_recv().is_err());

        notices.want(Wanted::Warn);
        (0..20).for_each(|_| notices.tell(&event(Severity::Warning, "backend-down")));
        notices.tell_skipped();
        notices.tell_skipped();
        let lines: Vec<_> = told.try_iter().collect();
        assert!(lines.last().unwrap().contains("more events"), "{lines:?}");
        assert!((NOTICES_MAX - 1..=NOTICES_MAX + 1).contains(&lines.len()), "{lines:?}");
    }

    #[test]
    fn a_reader_that_takes_nothing_holds_up_nobody() {
        let (lines, told) = sync_channel(1);
        let notices = Notices::default();
        notices.go_to(lines);
        (0..100).for_each(|_| notices.tell(&event(Severity::Warning, "backend-down")));
        notices.tell_skipped();
        assert_eq!(told.try_iter().count(), 1);
        notices.tell_skipped();
        assert!(told.try_recv().unwrap().contains("… 99 more events"));
    }
}
