//! `subscribeStats`: the counts, again and again. The newest wins: who reads
//! slowly misses some, and costs nothing while it does not read.

use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::server::{SubscriptionSink, TrySendError};
use plexy_shared::command::Detail;
use plexy_shared::rpc::{Method, SubscribeStats, Subscription};
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

use super::calls::{Visitor, error_object};
use super::methods::{Registrar, read};
use crate::service::Service;

pub(super) fn register(registrar: &mut Registrar) {
    let service = Arc::clone(&registrar.service);
    let registered = registrar.module.register_subscription(
        SubscribeStats::NAME,
        SubscribeStats::NOTIFICATION,
        SubscribeStats::UNSUBSCRIBE,
        move |params, pending, _, extensions| {
            let service = Arc::clone(&service);
            async move {
                let wanted = read::<SubscribeStats>(&params).and_then(|params| params.request());
                let (every, detail) = match wanted {
                    Ok(wanted) => wanted,
                    Err(refusal) => return pending.reject(error_object(refusal)).await,
                };
                // A subscriber is no idle guest.
                let visitor = extensions.get::<Arc<Visitor>>();
                let _busy = visitor.map(|visitor| visitor.guest.busy());
                match pending.accept().await {
                    Ok(sink) => tell(&service, sink, every, detail).await,
                    Err(error) => debug!(%error, "a subscriber has left at once"),
                }
            }
        },
    );
    registered.expect("every method of the table has a name of its own");
}

async fn tell(service: &Service, mut sink: SubscriptionSink, every: Duration, detail: Detail) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = sink.closed() => return,
            _ = ticks.tick() => {}
        }
        // Something waits to be read still: this one would only wait behind it.
        if sink.capacity() < sink.max_capacity() {
            continue;
        }
        let message = match serde_json::value::to_raw_value(&service.stats(detail)) {
            Ok(message) => message,
            Err(error) => return debug!(%error, "counts cannot be written"),
        };
        match sink.try_send(message) {
            Ok(()) | Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Closed(_)) => return,
        }
    }
}
