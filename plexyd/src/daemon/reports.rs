//! What the service manager hears while the daemon runs: a line for `systemctl
//! status`, and a sign of life that has gone through the data path.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tracing::error;

use crate::service::Service;
use crate::systemd::Systemd;
use crate::worker::Heart;

/// How often the line is looked at; it is told when it has changed.
const STATUS_INTERVAL: Duration = Duration::from_secs(2);

/// Reports for as long as this lives.
#[derive(Debug, Default)]
pub(super) struct Reports {
    _tasks: JoinSet<()>,
}

impl Reports {
    /// Begins to report, if there is somebody to report to.
    pub(super) fn begin(
        systemd: &Arc<Systemd>,
        service: &Arc<Service>,
        hearts: Vec<Heart>,
    ) -> Self {
        let mut tasks = JoinSet::new();
        if systemd.is_there() {
            tasks.spawn(keep_telling_status(Arc::clone(systemd), Arc::clone(service)));
        }
        if let Some(watchdog) = systemd.watchdog() {
            tasks.spawn(keep_alive(Arc::clone(systemd), hearts, watchdog));
        }
        Self { _tasks: tasks }
    }
}

async fn keep_telling_status(systemd: Arc<Systemd>, service: Arc<Service>) {
    let mut ticks = interval(STATUS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = String::new();
    loop {
        ticks.tick().await;
        let status = service.summary();
        if status != told {
            systemd.status(status.clone());
            told = status;
        }
    }
}

/// Whenever every worker has answered, four times in what the watchdog gives: one that is late is
/// waited for, and told of at once when it comes.
async fn keep_alive(systemd: Arc<Systemd>, hearts: Vec<Heart>, watchdog: Duration) {
    let mut ticks = interval(watchdog / 4);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let beats = join_all(hearts.iter().map(Heart::beat));
        if tokio::time::timeout(watchdog, beats).await.is_ok() {
            systemd.alive();
        } else {
            error!("a worker does not turn, so the watchdog is not told that we live");
        }
    }
}
