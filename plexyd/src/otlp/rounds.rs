//! Exports all metrics again and again: one round at a time, which is dropped
//! if it is not done when the next one is due.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::courier::Courier;
use super::destination::Compression;
use super::encode::Encoder;
use super::exporter::LAST_TIMEOUT;
use crate::metrics::{Exported, Metrics};

/// Parts that wait while one is sent.
const PARTS_WAITING_MAX: usize = 1;

/// What it works with.
#[derive(Debug)]
pub(super) struct Rounds {
    pub(super) interval: Duration,
    pub(super) compression: Compression,
    pub(super) metrics: Arc<Metrics>,
    pub(super) resource: Resource,
    pub(super) courier: Courier,
}

impl Rounds {
    /// The first export is due after one interval; in the end a last one is tried.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut due = Instant::now() + self.interval;
        while !stop.is_cancelled() {
            tokio::select! {
                () = sleep_until(due) => {}
                () = stop.cancelled() => break,
            }
            // Not from when it was due: a machine that has slept would be owed many.
            due = Instant::now() + self.interval;
            let exported = tokio::select! {
                exported = timeout_at(due, self.round()) => exported.ok(),
                () = stop.cancelled() => None,
            };
            let exported = exported.unwrap_or(Exported::Dropped);
            self.metrics.count_export(exported);
            self.courier.hang_up();
            self.courier.done(exported);
        }
        // A short one, since tunnels are closed by now.
        let exported = timeout(LAST_TIMEOUT, self.round()).await.unwrap_or(Exported::Dropped);
        self.metrics.count_export(exported);
        if exported != Exported::Success {
            self.courier.tell_of_last();
        }
    }

    /// All metrics, part by part.
    async fn round(&mut self) -> Exported {
        // What is told is as it is when it can be sent.
        self.courier.ready().await;
        let (send, mut parts) = mpsc::channel::<Bytes>(PARTS_WAITING_MAX);
        let (metrics, resource) = (Arc::clone(&self.metrics), self.resource.clone());
        let compression = self.compression;
        // It ends as soon as nobody takes its parts any more.
        let encoding = tokio::task::spawn_blocking(move || {
            let mut emit = |part| send.blocking_send(compression.apply(part)).is_ok();
            let mut encoder = Encoder::new(resource, metrics.started(), &mut emit);
            metrics.tell(&mut encoder);
            encoder.end();
        });
        let mut exported = Exported::Success;
        while let Some(part) = parts.recv().await {
            if !self.courier.deliver(part).await {
                exported = Exported::Failure;
            }
        }
        if let Err(error) = encoding.await {
            error!(%error, "metrics cannot be encoded");
            exported = Exported::Failure;
        }
        exported
    }
}
