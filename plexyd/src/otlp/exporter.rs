//! Exports all metrics again and again: one round at a time, which is dropped
//! if it is not done when the next one is due.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::collector::{Collector, Fault};
use super::encode::Encoder;
use super::patience::pause;
use super::resource::resource;
use super::settings::{Compression, OtlpSettings};
use crate::fold::Fold;
use crate::metrics::{Exported, Metrics};
use crate::resolver::Resolver;
use crate::service::Service;

/// Parts that wait while one is sent.
const PARTS_WAITING_MAX: usize = 1;

/// How long the last export may take, for which the daemon waits.
const LAST_TIMEOUT: Duration = Duration::from_secs(1);

/// Failures in a row after which it is told: one alone passes now and then.
const FAILURES_TOLD: u32 = 2;

/// The cause where nothing has failed, and yet an export was not done in time.
const TOO_SLOW: &str = "it takes longer than one interval";

/// The task that exports.
#[derive(Debug)]
pub(crate) struct Exporter {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What it works with.
#[derive(Debug)]
struct Rounds {
    settings: Arc<OtlpSettings>,
    metrics: Arc<Metrics>,
    resource: Resource,
    collector: Collector,
    standing: Standing,
    /// Nothing is sent before.
    not_before: Instant,
    /// Messages about points that a collector did not want, folded.
    rejections: Fold,
}

/// Whether exporting works, as far as that was told.
#[derive(Debug, Default)]
struct Standing {
    failures: u32,
    is_told: bool,
    cause: String,
}

impl Exporter {
    /// Begins; the first export is due after one interval.
    pub(crate) fn start(
        settings: OtlpSettings,
        service: &Service,
        metrics: Arc<Metrics>,
        resolver: Arc<Resolver>,
    ) -> Self {
        let settings = Arc::new(settings);
        info!(
            collector = %settings.endpoint.authority,
            path = settings.endpoint.target(),
            interval_ms = settings.interval.as_millis(),
            "metrics are exported"
        );
        metrics.begin_exports();
        let rounds = Rounds {
            resource: resource(&service.hello(), &settings.resource),
            collector: Collector::new(Arc::clone(&settings), resolver),
            settings,
            metrics,
            standing: Standing::default(),
            not_before: Instant::now(),
            rejections: Fold::default(),
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(rounds.run(stop.clone()));
        Self { stop, task }
    }

    /// Tries a last export, and ends.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            error!(%error, "the exporter of metrics has failed");
        }
    }
}

impl Rounds {
    async fn run(mut self, stop: CancellationToken) {
        let mut due = Instant::now() + self.settings.interval;
        while !stop.is_cancelled() {
            tokio::select! {
                () = sleep_until(due) => {}
                () = stop.cancelled() => break,
            }
            // Not from when it was due: a machine that has slept would be owed many.
            due = Instant::now() + self.settings.interval;
            let exported = tokio::select! {
                exported = timeout_at(due, self.round()) => exported.ok(),
                () = stop.cancelled() => None,
            };
            self.done(exported.unwrap_or(Exported::Dropped));
        }
        // A short one, since tunnels are closed by now.
        let exported = timeout(LAST_TIMEOUT, self.round()).await.unwrap_or(Exported::Dropped);
        self.metrics.count_export(exported);
        if exported != Exported::Success && !self.standing.is_told {
            warn!(cause = self.standing.cause, "the last metrics could not be exported");
        }
    }

    fn done(&mut self, exported: Exported) {
        self.metrics.count_export(exported);
        self.collector.hang_up();
        match exported {
            Exported::Success => self.standing.succeed(),
            Exported::Failure => self.standing.tell(),
            Exported::Dropped => {
                if self.standing.cause.is_empty() {
                    TOO_SLOW.clone_into(&mut self.standing.cause);
                }
                self.standing.tell();
            }
        }
    }

    /// All metrics, part by part.
    async fn round(&mut self) -> Exported {
        // What is told is as it is when it can be sent.
        sleep_until(self.not_before).await;
        let (send, mut parts) = mpsc::channel::<Bytes>(PARTS_WAITING_MAX);
        let (metrics, resource) = (Arc::clone(&self.metrics), self.resource.clone());
        let compression = self.settings.compression;
        // It ends as soon as nobody takes its parts any more.
        let encoding = tokio::task::spawn_blocking(move || {
            let mut emit = |part| send.blocking_send(compressed(part, compression)).is_ok();
            let mut encoder = Encoder::new(resource, metrics.started(), &mut emit);
            metrics.tell(&mut encoder);
            encoder.end();
        });
        let mut exported = Exported::Success;
        while let Some(part) = parts.recv().await {
            if !self.deliver(part).await {
                exported = Exported::Failure;
            }
        }
        if let Err(error) = encoding.await {
            error!(%error, "metrics cannot be encoded");
            exported = Exported::Failure;
        }
        exported
    }

    /// Sends a part until the collector has taken it, or has refused it for good.
    async fn deliver(&mut self, part: Bytes) -> bool {
        loop {
            sleep_until(self.not_before).await;
            match self.collector.post(part.clone()).await {
                Ok(said) => {
                    self.standing.failures = 0;
                    if let Some(said) = said
                        && self.rejections.admits(|| "the collector rejects points".to_owned())
                    {
                        warn!("the collector has taken metrics, but {said}");
                    }
                    return true;
                }
                Err(Fault::Refused(cause)) => {
                    debug!(cause, "the collector refuses metrics");
                    self.standing.cause = cause;
                    return false;
                }
                Err(Fault::Passing { cause, after }) => {
                    debug!(cause, "metrics could not be sent");
                    self.standing.fail(cause);
                    let pause =
                        after.unwrap_or_else(|| pause(self.standing.failures, fastrand::f64()));
                    self.not_before = Instant::now() + pause;
                }
            }
        }
    }
}

impl Standing {
    fn fail(&mut self, cause: String) {
        self.failures = self.failures.saturating_add(1);
        self.cause = cause;
        if self.failures >= FAILURES_TOLD {
            self.tell();
        }
    }

    fn tell(&mut self) {
        if !std::mem::replace(&mut self.is_told, true) {
            warn!(cause = self.cause, "metrics cannot be exported; trying again and again");
        }
    }

    fn succeed(&mut self) {
        *self = Self { is_told: self.is_told, ..Self::default() };
        if std::mem::take(&mut self.is_told) {
            info!("metrics are exported again");
        }
    }
}

fn compressed(part: Vec<u8>, compression: Compression) -> Bytes {
    match compression {
        Compression::None => part.into(),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
            let written = encoder.write_all(&part).and_then(|()| encoder.finish());
            written.expect("a vector takes everything").into()
        }
    }
}
