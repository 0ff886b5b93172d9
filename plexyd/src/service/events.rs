//! `events`: what has happened.

use plexy_shared::event::{Event, EventRange, EventsReply};

use super::Service;

impl Service {
    /// The events of a range, of those that are kept.
    #[must_use]
    pub fn events(&self, range: EventRange) -> EventsReply {
        let batch = self.events.of(range);
        let events: Vec<Event> = batch.events.iter().map(|event| (**event).clone()).collect();
        let instance = self.instance.clone();
        EventsReply { instance, newest: batch.newest, missed: batch.missed, events }
    }

    /// Waits until there is an event behind that number.
    pub(crate) async fn event_behind(&self, number: u64) {
        self.events.behind(number).await;
    }
}
