//! The tasks that export, one for each signal, so that what goes wrong with one is nothing to the
//! other.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::batches::Batches;
use super::courier::Courier;
use super::destination::Destination;
use super::resource::resource;
use super::rounds::Rounds;
use super::settings::OtlpSettings;
use crate::metrics::Metrics;
use crate::resolver::Resolver;
use crate::service::Service;
use crate::trace::Spans;

/// How long the last export may take, for which the daemon waits.
pub(super) const LAST_TIMEOUT: Duration = Duration::from_secs(1);

/// The tasks.
#[derive(Debug)]
pub(crate) struct Exporter {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Exporter {
    /// Begins; nothing is sent before some time has passed.
    pub(crate) fn start(
        settings: OtlpSettings,
        service: &Service,
        metrics: Arc<Metrics>,
        resolver: &Arc<Resolver>,
        spans: Option<Spans>,
    ) -> Self {
        let OtlpSettings { metrics: of_metrics, traces, resource: of_user } = settings;
        let resource = resource(&service.hello(), &of_user);
        let courier =
            |destination: Destination| Courier::new(Arc::new(destination), Arc::clone(resolver));
        let (stop, mut tasks) = (CancellationToken::new(), Vec::new());
        if let Some(settings) = of_metrics {
            let endpoint = &settings.destination.endpoint;
            info!(
                collector = %endpoint.authority,
                path = endpoint.target(),
                interval_ms = settings.interval.as_millis(),
                "metrics are exported"
            );
            metrics.begin_exports();
            let rounds = Rounds {
                interval: settings.interval,
                compression: settings.destination.compression,
                metrics,
                resource: resource.clone(),
                courier: courier(settings.destination),
            };
            tasks.push(tokio::spawn(rounds.run(stop.clone())));
        }
        if let Some((settings, spans)) = traces.zip(spans) {
            let endpoint = &settings.destination.endpoint;
            info!(
                collector = %endpoint.authority,
                path = endpoint.target(),
                part = settings.tracing.sample.part(),
                "spans of connections are exported"
            );
            let (delay, timeout) = (settings.delay, settings.timeout);
            let compression = settings.destination.compression;
            let courier = courier(settings.destination);
            let batches = Batches::new(spans, delay, timeout, compression, resource, courier);
            tasks.push(tokio::spawn(batches.run(stop.clone())));
        }
        Self { stop, tasks }
    }

    /// Tries a last export of each, and ends.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                error!(%error, "an exporter has failed");
            }
        }
    }
}
