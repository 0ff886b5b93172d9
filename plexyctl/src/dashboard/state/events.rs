//! What has happened, as far back as somebody may scroll. The newest ones are shown as they come, until
//! somebody scrolls or freezes them: then what is shown stays where it is, whatever comes.

use std::collections::VecDeque;

use plexy_shared::event::{EVENTS_MAX, Event, EventsReply, Severity};

use super::level::Scope;

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EventLine {
    /// An event.
    Event(Event),
    /// So many that nobody has any more.
    Missed(u64),
    /// Another daemon begins to count.
    Restarted,
}

/// All that is known of it.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    lines: VecDeque<EventLine>,
    /// Lines that came before the first one here, and are no more.
    dropped: u64,
    instance: Option<String>,
    newest: u64,
    /// Events that came since somebody looked.
    pub(crate) unread: usize,
    /// So many lines had come when what is shown was frozen, the last of them on top; none while the
    /// newest ones are shown as they come.
    frozen: Option<u64>,
    /// Whether only those are shown that somebody should look at.
    pub(crate) has_warnings_only: bool,
}

impl EventLog {
    /// Takes what was told.
    pub(crate) fn told(&mut self, reply: EventsReply) {
        let EventsReply { instance, newest, missed, events } = reply;
        // What had happened before somebody began to look is no news.
        let is_first = self.instance.is_none();
        if self.instance.as_ref().is_some_and(|known| *known != instance) {
            self.push(EventLine::Restarted);
        }
        self.instance = Some(instance);
        self.newest = newest;
        if missed > 0 {
            self.push(EventLine::Missed(missed));
        }
        for event in events {
            self.unread += usize::from(!is_first);
            self.push(EventLine::Event(event));
        }
    }

    fn push(&mut self, line: EventLine) {
        while self.lines.len() >= EVENTS_MAX {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back(line);
    }

    /// Whether the newest ones are not shown as they come.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// Shows the newest ones as they come, or not any more.
    pub(crate) fn set_frozen(&mut self, is_frozen: bool) {
        self.frozen = is_frozen.then(|| self.come());
    }

    /// Lines that have come, those included that are no more.
    fn come(&self) -> u64 {
        self.dropped + self.lines.len() as u64
    }

    /// The lines about something, the newest first, of which so many are seen.
    pub(crate) fn seen(&self, scope: &Scope, height: usize) -> Vec<&EventLine> {
        let lines = self.about(scope);
        let top = self.top(&lines, height);
        lines.into_iter().skip(top).take(height).map(|(_, line)| line).collect()
    }

    /// How many of the lines about something came since what is shown was frozen, or scrolled.
    pub(crate) fn newer(&self, scope: &Scope, height: usize) -> usize {
        self.top(&self.about(scope), height)
    }

    /// How many lines about something there are.
    pub(crate) fn count(&self, scope: &Scope) -> usize {
        self.about(scope).len()
    }

    /// Goes elsewhere among the lines about something, of which so many are seen: from the number of the
    /// first one that is seen to another. The newest one of all is followed.
    pub(crate) fn scroll(
        &mut self,
        scope: &Scope,
        height: usize,
        elsewhere: impl FnOnce(usize) -> usize,
    ) {
        let lines = self.about(scope);
        let last = lines.len().saturating_sub(height);
        let top = elsewhere(self.top(&lines, height)).min(last);
        self.frozen = lines.get(top).filter(|_| top > 0).map(|(number, _)| *number);
    }

    /// The number of the first line that is seen.
    fn top(&self, lines: &[(u64, &EventLine)], height: usize) -> usize {
        let Some(frozen) = self.frozen else { return 0 };
        let top = lines.iter().take_while(|(number, _)| *number > frozen).count();
        // Where it was frozen is no more: the oldest ones that are.
        let is_lost = frozen <= self.dropped;
        if is_lost { top.min(lines.len().saturating_sub(height)) } else { top }
    }

    /// The lines about something that are wanted, the newest first, each with its number: the first one
    /// of all has 1.
    fn about(&self, scope: &Scope) -> Vec<(u64, &EventLine)> {
        let numbered = (self.dropped + 1..=self.come()).rev().zip(self.lines.iter().rev());
        let is_wanted = |(_, line): &(u64, &EventLine)| match line {
            EventLine::Event(event) => self.is_wanted(event, scope),
            EventLine::Missed(_) | EventLine::Restarted => true,
        };
        numbered.filter(is_wanted).collect()
    }

    fn is_wanted(&self, event: &Event, scope: &Scope) -> bool {
        let is_it = |said: &Option<String>, it: &str| said.as_deref() == Some(it);
        let is_about = match scope {
            Scope::All => true,
            Scope::Tunnel(tunnel) => is_it(&event.tunnel, &tunnel.label),
            Scope::Backend(tunnel, backend) => {
                is_it(&event.tunnel, &tunnel.label) && is_it(&event.backend, backend)
            }
        };
        is_about && (!self.has_warnings_only || event.severity == Severity::Warning)
    }
}

#[cfg(test)]
mod tests {
    use plexy_shared::event::EventKind;

    use super::super::level::TunnelName;
    use super::*;

    fn event(seq: u64, kind: EventKind, tunnel: Option<&str>) -> Event {
        Event {
            seq,
            time: String::new(),
            severity: kind.severity().into(),
            kind: kind.into(),
            tunnel: tunnel.map(str::to_owned),
            backend: None,
            detail: None,
            actor: None,
            revision: None,
        }
    }

    /// Told of these, one more than the last.
    fn told(log: &mut EventLog, numbers: std::ops::RangeInclusive<u64>) {
        let events = numbers.map(|seq| event(seq, EventKind::TunnelOpened, None)).collect();
        log.told(EventsReply { instance: "a".to_owned(), newest: 0, missed: 0, events });
    }

    fn seen(log: &EventLog, height: usize) -> Vec<u64> {
        let number = |line: &&EventLine| match line {
            EventLine::Event(event) => event.seq,
            EventLine::Missed(_) | EventLine::Restarted => 0,
        };
        log.seen(&Scope::All, height).iter().map(number).collect()
    }

    #[test]
    fn the_newest_ones_are_followed_until_somebody_freezes_them() {
        let mut log = EventLog::default();
        told(&mut log, 1..=5);
        assert_eq!((seen(&log, 2), log.unread), (vec![5, 4], 0), "what was before is no news");
        told(&mut log, 6..=6);
        assert_eq!((seen(&log, 2), log.unread), (vec![6, 5], 1));
        log.set_frozen(true);
        told(&mut log, 7..=9);
        assert_eq!((seen(&log, 2), log.newer(&Scope::All, 2)), (vec![6, 5], 3));
        log.set_frozen(false);
        assert_eq!(seen(&log, 2), [9, 8]);
    }

    #[test]
    fn what_is_scrolled_to_stays_while_others_come() {
        let mut log = EventLog::default();
        told(&mut log, 1..=10);
        log.scroll(&Scope::All, 3, |at| at + 2);
        assert_eq!(seen(&log, 3), [8, 7, 6]);
        told(&mut log, 11..=20);
        assert_eq!(seen(&log, 3), [8, 7, 6]);
        log.scroll(&Scope::All, 3, |at| at + 100);
        assert_eq!(seen(&log, 3), [3, 2, 1], "the last page is a whole one");
        log.scroll(&Scope::All, 3, |_| 0);
        assert!(!log.is_frozen(), "whoever is back at the newest one follows it");
    }

    #[test]
    fn what_was_frozen_and_is_no_more_shows_the_oldest_that_are() {
        let mut log = EventLog::default();
        told(&mut log, 1..=4);
        log.set_frozen(true);
        told(&mut log, 5..=4 + EVENTS_MAX as u64);
        assert_eq!(seen(&log, 2), [6, 5]);
    }

    #[test]
    fn a_tunnel_has_its_own() {
        let mut log = EventLog::default();
        let events = vec![
            event(1, EventKind::BackendEjected, Some("web")),
            event(2, EventKind::TunnelOpened, Some("web")),
            event(3, EventKind::BackendDown, Some("db")),
        ];
        log.told(EventsReply { instance: "a".to_owned(), newest: 3, missed: 7, events });
        let label = "web".to_owned();
        let web = Scope::Tunnel(TunnelName { id: 1, label, listen: String::new() });
        assert_eq!(log.count(&Scope::All), 4, "the gap is one");
        assert_eq!(log.count(&web), 3);
        log.has_warnings_only = true;
        assert!(matches!(log.seen(&web, 5)[..], [EventLine::Event(_), EventLine::Missed(7)]));
    }
}
