//! `subscribeEvents`: what has happened, then what happens. Events are read from
//! the ring when the client takes them, so a slow one holds nothing, and is told
//! how many it has missed.

use std::sync::Arc;

use futures_util::{Stream, stream};
use plexy_shared::event::EventRange;
use serde_json::value::{RawValue, to_raw_value};
use tracing::error;

use crate::service::Service;

/// The events of a range, then all that come.
pub(super) fn follow(
    service: Arc<Service>,
    range: EventRange,
) -> impl Stream<Item = Arc<RawValue>> + Send {
    stream::unfold((service, range, None), |(service, range, told)| async move {
        let range = match told {
            // The first answer comes at once: it tells from where on.
            None => range,
            Some(newest) => {
                service.event_behind(newest).await;
                EventRange { after: Some(newest), last: None }
            }
        };
        let events = service.events(range);
        let newest = events.newest;
        match to_raw_value(&events) {
            Ok(text) => Some((text.into(), (service, range, Some(newest)))),
            Err(error) => {
                error!(%error, "events cannot be told");
                None
            }
        }
    })
}
