//! `subscribeOverview`: what somebody sees who watches, again and again. It is made when the client
//! takes it, so that who reads slowly gets the newest, and who does not read costs nothing.

use std::sync::Arc;

use futures_util::{Stream, stream};
use plexy_shared::overview::OverviewQuery;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;
use tracing::error;

use crate::service::{Service, Watcher};

/// The overview that is asked for, again and again.
pub(super) fn watch(
    service: Arc<Service>,
    query: OverviewQuery,
) -> impl Stream<Item = Arc<RawValue>> + Send {
    let mut ticks = interval(query.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watcher = Watcher::every(query.every);
    let begin = (service, query, watcher, ticks);
    stream::unfold(begin, |(service, query, watcher, mut ticks)| async move {
        ticks.tick().await;
        // In a task of its own: who is busy with other things does not come back to this for a while, and
        // others would wait for the name that it has begun to ask for.
        let begin = (Arc::clone(&service), query.clone(), watcher.clone());
        let written = AbortOnDropHandle::new(tokio::spawn(write(begin))).await;
        let text = written.unwrap_or_else(|error| failed(&error))?;
        Some((text, (service, query, watcher, ticks)))
    })
}

async fn write(
    (service, query, watcher): (Arc<Service>, OverviewQuery, Watcher),
) -> Option<Arc<RawValue>> {
    match service.watched(&query, &watcher, |overview| to_raw_value(&overview)).await {
        Ok((Ok(text), _)) => Some(text.into()),
        Ok((Err(error), _)) => failed(&error),
        Err(error) => failed(&error),
    }
}

fn failed<T>(error: &dyn std::fmt::Display) -> Option<T> {
    error!(%error, "an overview cannot be told");
    None
}
