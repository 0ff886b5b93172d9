//! What the service manager hears while the daemon runs: a line for `systemctl
//! status`, and a sign of life that has gone through the data path.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tracing::error;

use crate::service::Service;
use crate::systemd::Systemd;
use crate::worker::{Heart, Workers};

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
        workers: &Workers,
    ) -> io::Result<Self> {
        let mut tasks = JoinSet::new();
        if systemd.is_there() {
            tasks.spawn(keep_telling_status(Arc::clone(systemd), Arc::clone(service)));
        }
        if let Some(watchdog) = systemd.watchdog() {
            let hearts = workers.hearts()?;
            tasks.spawn(keep_alive(Arc::clone(systemd), hearts, watchdog));
        }
        Ok(Self { _tasks: tasks })
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
            systemd.status(status.clone()).await;
            told = status;
        }
    }
}

/// Twice in the time that the watchdog gives, as sd_watchdog_enabled(3) has it.
async fn keep_alive(systemd: Arc<Systemd>, hearts: Vec<Heart>, watchdog: Duration) {
    let mut ticks = interval(watchdog / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut is_alive = true;
        for (number, heart) in hearts.iter().enumerate() {
            if !heart.beats(watchdog / 4).await {
                error!(
                    worker = number,
                    "a worker does not turn; the watchdog is not told that we live"
                );
                is_alive = false;
            }
        }
        if is_alive {
            systemd.alive().await;
        }
    }
}
