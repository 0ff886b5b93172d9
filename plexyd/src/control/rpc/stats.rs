//! `subscribeStats`: the counts, again and again. All subscribers share what
//! was counted last, and who reads slowly gets the newest when they read.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, stream};
use plexy_shared::command::Detail;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;
use tracing::error;

use crate::service::Service;

/// How long a count may be told again: less than the shortest interval, so that
/// nobody is told the same twice for it.
const FRESH_MIN: Duration = Duration::from_millis(50);

/// A count that took long is told again for so many times as long: counting
/// takes a tenth of one CPU at most, whoever wants it how often.
const FRESH_FACTOR: u32 = 10;

/// Counts for all subscribers.
#[derive(Debug)]
pub(super) struct Counter {
    service: Arc<Service>,
    sums: Mutex<Option<Count>>,
    tunnels: Mutex<Option<Count>>,
}

/// What was counted last.
#[derive(Debug)]
struct Count {
    /// The item of the subscription.
    text: Arc<RawValue>,
    fresh_until: Instant,
}

impl Counter {
    pub(super) fn new(service: &Arc<Service>) -> Self {
        let (sums, tunnels) = Default::default();
        Self { service: Arc::clone(service), sums, tunnels }
    }

    /// The counts, again and again; a tick without a new count is left out.
    pub(super) fn subscribe(
        self: Arc<Self>,
        every: Duration,
        detail: Detail,
    ) -> impl Stream<Item = Arc<RawValue>> + Send {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let begin = (self, ticks, None::<Arc<RawValue>>);
        stream::unfold(begin, move |(counter, mut ticks, mut told)| async move {
            loop {
                ticks.tick().await;
                // In a task of its own: this one is not polled while its client is told something else, and
                // the others would wait for what it has begun.
                let newest = Arc::clone(&counter).newest(detail);
                let newest = AbortOnDropHandle::new(tokio::spawn(newest)).await;
                let newest = newest.unwrap_or_else(|error| failed(&error))?;
                if told.as_ref().is_none_or(|told| !Arc::ptr_eq(told, &newest)) {
                    told = Some(Arc::clone(&newest));
                    return Some((newest, (counter, ticks, told)));
                }
            }
        })
    }

    async fn newest(self: Arc<Self>, detail: Detail) -> Option<Arc<RawValue>> {
        let last = match detail {
            Detail::Count => &self.sums,
            Detail::Full => &self.tunnels,
        };
        // Held while one counts: the others want just that count.
        let mut last = last.lock().await;
        if let Some(count) = last.as_ref().filter(|count| Instant::now() < count.fresh_until) {
            return Some(Arc::clone(&count.text));
        }
        let begun = Instant::now();
        let service = Arc::clone(&self.service);
        let count = move || to_raw_value(&service.stats(detail));
        let counted = match detail {
            Detail::Count => Ok(count()),
            Detail::Full => tokio::task::spawn_blocking(count).await,
        };
        let text: Arc<RawValue> = match counted {
            Ok(Ok(text)) => text.into(),
            Ok(Err(error)) => return failed(&error),
            Err(error) => return failed(&error),
        };
        let fresh = FRESH_MIN.max(begun.elapsed() * FRESH_FACTOR);
        *last = Some(Count { text: Arc::clone(&text), fresh_until: Instant::now() + fresh });
        Some(text)
    }
}

fn failed<T>(error: &dyn std::fmt::Display) -> Option<T> {
    error!(%error, "counts cannot be told");
    None
}
