//! Exports spans in batches, as soon as there is a whole one or the first has waited long enough.
//!
//! While a collector does not take them they wait where they are, and what finds no room there is
//! dropped: besides the queue one batch is held, and one part.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::courier::Courier;
use super::destination::Compression;
use super::exporter::LAST_TIMEOUT;
use super::span::part;
use crate::fold::Fold;
use crate::metrics::Exported;
use crate::trace::{Fate, Span, Spans};

/// What it works with.
#[derive(Debug)]
pub(super) struct Batches {
    spans: Spans,
    delay: Duration,
    timeout: Duration,
    compression: Compression,
    resource: Resource,
    courier: Courier,
    /// What is not encoded yet.
    batch: VecDeque<Span>,
    /// What is; it is sent as it is, so that a collector who gets it twice can tell.
    underway: Option<Part>,
    /// Spans that were dropped, when that was looked at last, and messages about them.
    dropped: u64,
    drops: Fold,
}

/// A request.
#[derive(Debug)]
struct Part {
    bytes: Bytes,
    spans: usize,
}

impl Batches {
    pub(super) fn new(
        spans: Spans,
        delay: Duration,
        timeout: Duration,
        compression: Compression,
        resource: Resource,
        courier: Courier,
    ) -> Self {
        Self {
            spans,
            delay,
            timeout,
            compression,
            resource,
            courier,
            batch: VecDeque::new(),
            underway: None,
            dropped: 0,
            drops: Fold::default(),
        }
    }

    /// Exports until it is told to end; then all that is left is tried.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if !self.spans.has_batch() {
                self.courier.hang_up();
            }
            tokio::select! {
                () = self.spans.wait(self.delay) => {}
                () = stop.cancelled() => break,
            }
            self.export(&stop).await;
        }
        let rest = async {
            while self.left() > 0 {
                self.export(&CancellationToken::new()).await;
            }
        };
        timeout(LAST_TIMEOUT, rest).await.ok();
        let left = self.left();
        if left > 0 {
            self.spans.count(Fate::Dropped, left);
            self.courier.tell_of_last();
        }
    }

    /// Spans that were neither taken nor given up.
    fn left(&self) -> usize {
        let underway = self.underway.as_ref().map_or(0, |part| part.spans);
        underway + self.batch.len() + self.spans.len()
    }

    /// Sends a batch, part by part. What is underway when it is told to stop stays there.
    async fn export(&mut self, stop: &CancellationToken) {
        if self.batch.is_empty() {
            self.batch = self.spans.take().into();
        }
        while let Some((bytes, spans)) = self.part().await {
            let delivered = tokio::select! {
                delivered = timeout(self.timeout, self.courier.deliver(bytes)) => delivered,
                () = stop.cancelled() => return,
            };
            self.underway = None;
            let (exported, fate) = match delivered {
                Ok(true) => (Exported::Success, Fate::Exported),
                Ok(false) => (Exported::Failure, Fate::Refused),
                Err(_) => (Exported::Dropped, Fate::Dropped),
            };
            self.courier.done(exported);
            self.spans.count(fate, spans);
            self.tell_of_dropped(exported);
        }
    }

    /// What is to be sent next, of this batch.
    async fn part(&mut self) -> Option<(Bytes, usize)> {
        if self.underway.is_none() && !self.batch.is_empty() {
            self.encode().await;
        }
        self.underway.as_ref().map(|part| (part.bytes.clone(), part.spans))
    }

    async fn encode(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        let (spans, resource, compression) = (batch.len(), self.resource.clone(), self.compression);
        let encoding = tokio::task::spawn_blocking(move || {
            let before = batch.len();
            let bytes = compression.apply(part(resource, &mut batch));
            (Part { bytes, spans: before - batch.len() }, batch)
        });
        match encoding.await {
            Ok((part, batch)) => {
                self.batch = batch;
                self.underway = Some(part);
            }
            Err(error) => {
                error!(%error, "spans cannot be encoded");
                self.spans.count(Fate::Dropped, spans);
            }
        }
    }

    /// Tells that the queue was full although the collector takes what it gets. Where it does not,
    /// that is told already.
    fn tell_of_dropped(&mut self, exported: Exported) {
        let dropped = self.spans.dropped();
        let new = dropped - std::mem::replace(&mut self.dropped, dropped);
        if exported == Exported::Success
            && new > 0
            && self.drops.admits(|| "spans were dropped".to_owned())
        {
            warn!(spans = new, "spans were dropped: there are more than the collector takes");
        }
    }
}
