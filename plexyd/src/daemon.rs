//! What starts and stops, and in which order.

mod certificates;
mod doors;
mod program;
mod reports;
mod signals;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use plexy_shared::command::Detail;
use plexy_shared::event::EventKind;
use plexy_shared::info::Reason;
use plexy_shared::spec::{BoundAddr, TunnelSpec};
use plexy_shared::units::counted;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, info, warn};

use crate::access_log::AccessLog;
use crate::args::Files;
use crate::config::Config;
use crate::connection::DESCRIPTORS;
use crate::descriptors::{Descriptors, RESERVE, raise_limit};
use crate::engine::Engine;
use crate::events::Events;
use crate::health::Health;
use crate::hops::Hops;
use crate::log::Control;
use crate::metrics::Metrics;
use crate::otlp::{Exporter, OtlpSettings};
use crate::process::descriptors_open;
use crate::relay::{PIPE_BYTES_MAX, Pipes};
use crate::resolver::Resolver;
use crate::service::{Actor, LogControl, Newcomers, Parts, Service, ServiceError};
use crate::state::{Kept, State};
use crate::systemd::{Inherited, Systemd};
use crate::trace::Traces;
use crate::watch::Watches;
use crate::worker::Workers;
use doors::{Doors, Sockets};
use reports::Reports;

pub use program::main;

/// How long connections that were told to end may take to do so.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// How long systemd may take to hear the last of it.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// How much longer systemd is to wait for a daemon that drains, again and again: its own time-out
/// knows nothing of ours.
const EXTENSION: Duration = Duration::from_secs(20);

/// A daemon that runs.
#[derive(Debug)]
pub struct Daemon {
    engine: Arc<Engine>,
    service: Arc<Service>,
    doors: Doors,
    exporter: Option<Exporter>,
    systemd: Arc<Systemd>,
    reports: Reports,
}

/// What surrounds a daemon that is a program of its own.
struct Host {
    /// The log, whose level may change.
    log: Arc<dyn LogControl>,
    systemd: Arc<Systemd>,
    /// Sockets that were open before the process.
    inherited: Inherited,
}

impl Host {
    /// Nothing, for one that is a part of another program.
    fn none() -> Self {
        Self {
            log: Arc::new(Control::of_nothing()),
            systemd: Arc::default(),
            inherited: Inherited::default(),
        }
    }
}

impl Daemon {
    /// Starts everything, or nothing: when this returns, all tunnels and doors
    /// accept.
    ///
    /// # Errors
    ///
    /// Whatever is missing; of the tunnels, all that cannot be opened.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        Self::start_on(Host::none(), config).await
    }

    /// The same with what surrounds a program.
    async fn start_on(host: Host, mut config: Config) -> anyhow::Result<Self> {
        let Host { log, systemd, mut inherited } = host;
        let limit = raise_limit().context("cannot raise the limit of open files")?;
        info!(descriptors = limit, workers = config.workers.get(), "plexyd starts");

        let resolver = Arc::new(Resolver::new(config.name_servers));
        let sockets = Sockets::bind(&config, &resolver, &mut inherited).await?;

        let access_log = AccessLog::start(config.access_log.take());
        let access_log = access_log.context("cannot open the access log")?;
        let (traces, spans) = Traces::start(config.otlp.as_ref().and_then(OtlpSettings::tracing));
        let workers = Workers::start(config.workers.get(), &access_log, &traces);
        let workers = workers.context("cannot start the workers")?;
        let (state, kept) = match config.state.clone() {
            None => (State::default(), Kept::default()),
            Some(path) => tokio::task::spawn_blocking(move || State::open(&path)).await??,
        };
        let hearts = systemd.watchdog().map(|_| workers.hearts()).transpose();
        let hearts = hearts.context("cannot show that the workers live")?;
        // The sockets of tunnels are counted when those are opened, also where they are open already.
        let open = descriptors_open().saturating_sub(inherited.len() as u64);
        // Both ends of what every worker is asked at once.
        let beats = hearts.as_ref().map_or(0, |hearts| 2 * hearts.len() as u64);
        let left = limit.saturating_sub(open + beats);
        let usable = config.descriptors_max.unwrap_or(left);
        let tunnels = config.file_tunnels.len() + config.tunnels.len() + kept.rows.len();
        let wanted = RESERVE + tunnels as u64 + u64::from(DESCRIPTORS);
        ensure!(
            usable >= wanted,
            "the limit of {limit} open files is too low: {} more are needed for {tunnels} tunnels",
            wanted - usable,
        );
        let (events, hops) = (Arc::new(Events::default()), Arc::new(Hops::default()));
        let descriptors = Arc::new(Descriptors::new(usable, Arc::clone(&events)));
        workers.serve_pipes(&Pipes::new(Arc::clone(&descriptors), PIPE_BYTES_MAX));
        let (health, turned) = Health::new(
            Arc::clone(&descriptors),
            Arc::clone(&hops),
            Arc::clone(&resolver),
            Arc::clone(&events),
        );
        let health = Arc::new(health);
        let engine = Arc::new(Engine::new(
            workers,
            descriptors,
            hops,
            health,
            access_log,
            traces,
            Arc::clone(&events),
        ));
        let (watches, watcher) = Watches::new();
        let service = Arc::new(Service::new(Parts {
            engine: Arc::clone(&engine),
            resolver: Arc::clone(&resolver),
            events,
            state,
            files: Arc::new(Files::new(config.source.take())),
            systemd: Arc::clone(&systemd),
            log,
            doors: sockets.addrs(),
            door_certificate: sockets.certificate(),
            watches,
        }));
        service.heed(turned);
        service.heed_files(watcher);

        let metrics = Arc::new(Metrics::new(Arc::clone(&service)));
        let doors = Doors::new(&service, &metrics, &sockets);
        let reports = Reports::default();
        let mut daemon = Self { engine, service, doors, exporter: None, systemd, reports };

        let (file, args) = (&config.file_tunnels, &config.tunnels);
        let opened = daemon.open_tunnels(file, args, kept, inherited).await;
        // Only then, so that nobody changes what is not there yet.
        if let Err(error) = opened.and_then(|()| daemon.doors.serve(sockets)) {
            daemon.end(Duration::ZERO).await;
            return Err(error);
        }
        let (systemd, service) = (&daemon.systemd, &daemon.service);
        daemon.reports = Reports::begin(systemd, service, hearts.unwrap_or_default());
        daemon.systemd.ready();
        let tunnels = daemon.service.status(Detail::Count).tunnels;
        daemon.service.tell(EventKind::DaemonReady, counted(tunnels as u64, "tunnel"));
        daemon.exporter = config
            .otlp
            .map(|settings| Exporter::start(settings, &daemon.service, metrics, &resolver, spans));
        Ok(daemon)
    }

    async fn open_tunnels(
        &self,
        file: &[TunnelSpec],
        args: &[TunnelSpec],
        kept: Kept,
        inherited: Inherited,
    ) -> anyhow::Result<()> {
        let restored = self.service.restore(file, args, kept, inherited).await;
        let failed = restored.err().unwrap_or_default();
        ensure!(failed.is_empty(), "cannot open every tunnel:\n  {}", failed.join("\n  "));
        Ok(())
    }

    /// Makes the tunnels of the configuration file what they are there now; the log tells why not.
    /// Signals are not to wait for it.
    fn reload(&self) {
        let (service, systemd) = (Arc::clone(&self.service), Arc::clone(&self.systemd));
        tokio::spawn(async move {
            systemd.reloading();
            // Everything else is an event.
            if let Err(ServiceError::NoConfig) = service.reload(&Actor::File.into()).await {
                warn!(
                    "SIGHUP ignored: there is neither a configuration file nor a certificate to reload"
                );
            }
            systemd.ready();
        });
    }

    /// Opens log files by their names again.
    fn reopen(&self) {
        if !self.engine.access_log.reopen() {
            warn!("SIGUSR1 ignored: there is no log file to open again");
        }
    }

    /// What can be asked of it.
    #[must_use]
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Where the line protocol listens.
    #[must_use]
    pub fn control_addrs(&self) -> &[BoundAddr] {
        &self.doors.control_addrs
    }

    /// Where JSON-RPC listens.
    #[must_use]
    pub fn rpc_addrs(&self) -> &[BoundAddr] {
        &self.doors.rpc_addrs
    }

    /// Where it speaks TLS.
    #[must_use]
    pub fn rpc_tls_addrs(&self) -> &[BoundAddr] {
        &self.doors.rpc_tls_addrs
    }

    /// Where metrics and probes are answered.
    #[must_use]
    pub fn prometheus_addrs(&self) -> &[BoundAddr] {
        &self.doors.prometheus_addrs
    }

    /// Stops accepting, lets connections finish for so long, resets the rest,
    /// and ends. Control sockets answer to the end.
    pub async fn end(self, deadline: Duration) {
        self.drain(Some(deadline)).await;
        self.finish().await;
    }

    /// Stops accepting, and waits for the connections to finish. Without a deadline there is nobody to
    /// come after us, for whom newcomers could wait.
    async fn drain(&self, deadline: Option<Duration>) {
        self.systemd.stopping();
        let connections = self.service.connections();
        self.service.tell(EventKind::DaemonEnding, counted(connections as u64, "connection"));
        let newcomers = if deadline.is_some() { Newcomers::Wait } else { Newcomers::Refused };
        let until = deadline.map(|deadline| Instant::now() + deadline);
        // A change that does not end keeps nobody longer than connections may.
        let most = deadline.map(|deadline| deadline.max(END_TIMEOUT));
        let begun = async {
            tokio::select! {
                () = self.service.begin_shutdown(newcomers, most) => {}
                () = keep_extending(&self.systemd) => {}
            }
        };
        match most {
            None => begun.await,
            Some(most) => {
                if tokio::time::timeout(most + END_TIMEOUT, begun).await.is_err() {
                    return;
                }
            }
        }
        let connections = self.service.connections();
        let seconds = deadline.map(|deadline| deadline.as_secs());
        if connections > 0 && deadline != Some(Duration::ZERO) {
            info!(connections, seconds, "draining");
        }
        let drained = async {
            tokio::select! {
                () = self.engine.workers.drained() => {}
                () = keep_extending(&self.systemd) => {}
            }
        };
        let Some(until) = until else { return drained.await };
        if tokio::time::timeout_at(until, drained).await.is_err() {
            warn!(connections = self.service.connections(), "the deadline has passed; resetting");
        }
    }

    /// Resets what is left and ends.
    async fn finish(mut self) {
        // A worker that has ended is none that does not turn.
        self.reports = Reports::default();
        let systemd = Arc::clone(&self.systemd);
        let extending = AbortOnDropHandle::new(tokio::spawn(async move {
            keep_extending(&systemd).await;
        }));
        // Again if the drain was cut short: it does not take twice. A change that does not end is no
        // reason to live for ever.
        let shut = self.service.begin_shutdown(Newcomers::Wait, Some(END_TIMEOUT));
        if tokio::time::timeout(2 * END_TIMEOUT, shut).await.is_err() {
            error!("some tunnels do not close; ending without them");
        }
        self.engine.workers.order(Reason::Shutdown, |_, _| true);
        if tokio::time::timeout(END_TIMEOUT, self.engine.workers.drained()).await.is_err() {
            error!("some connections did not end");
        }
        // Not after the doors, which wait for their last guest.
        let last_export = async {
            if let Some(exporter) = self.exporter {
                exporter.end().await;
            }
        };
        let last_answers = async {
            // Those to changes that do not end are none.
            if tokio::time::timeout(END_TIMEOUT, self.doors.stop()).await.is_err() {
                error!("some callers are left without an answer");
            }
        };
        tokio::join!(last_answers, last_export);
        self.engine.health.stop().await;
        let engine = Arc::clone(&self.engine);
        let stopped = tokio::task::spawn_blocking(move || engine.workers.stop()).await;
        if let Err(error) = stopped {
            error!(%error, "the workers could not be stopped");
        }
        // Once the last connection was told.
        let access_log = self.engine.access_log.clone();
        if !tokio::task::spawn_blocking(move || access_log.finish()).await.unwrap_or(false) {
            warn!("the last lines of the access log could not be written in time");
        }
        drop(extending);
        let systemd = Arc::clone(&self.systemd);
        let told = tokio::task::spawn_blocking(move || systemd.flush(FLUSH_TIMEOUT)).await;
        if let Err(error) = told {
            error!(%error, "systemd could not be told everything");
        }
        info!("plexyd ends");
    }
}

/// Has systemd wait for the end as long as that takes.
async fn keep_extending(systemd: &Systemd) {
    let mut ticks = tokio::time::interval(EXTENSION / 2);
    loop {
        ticks.tick().await;
        systemd.extend(EXTENSION);
    }
}
