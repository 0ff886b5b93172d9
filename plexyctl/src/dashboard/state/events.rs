//! What has happened, as far back as somebody may scroll.

use std::collections::VecDeque;

use plexy_shared::event::{EVENTS_MAX, Event, EventsReply, Severity};

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
    instance: Option<String>,
    newest: u64,
    /// Events that came since somebody looked.
    pub(crate) unread: usize,
    /// Whether the newest ones are not shown as they come.
    pub(crate) is_frozen: bool,
    /// Whether only those are shown that somebody should look at.
    pub(crate) has_warnings_only: bool,
}

impl EventLog {
    /// Takes what was told.
    pub(crate) fn told(&mut self, reply: EventsReply) {
        let EventsReply { instance, newest, missed, events } = reply;
        if self.instance.as_ref().is_some_and(|known| *known != instance) {
            self.push(EventLine::Restarted);
        }
        self.instance = Some(instance);
        self.newest = newest;
        if missed > 0 {
            self.push(EventLine::Missed(missed));
        }
        for event in events {
            self.unread += 1;
            self.push(EventLine::Event(event));
        }
    }

    fn push(&mut self, line: EventLine) {
        while self.lines.len() >= EVENTS_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The lines that are wanted, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &EventLine> {
        self.lines.iter().rev().filter(|line| match line {
            EventLine::Event(event) => {
                !self.has_warnings_only || event.severity == Severity::Warning
            }
            EventLine::Missed(_) | EventLine::Restarted => true,
        })
    }
}
