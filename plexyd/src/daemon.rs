//! What starts and stops, and in which order.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Parser;
use plexy_shared::error::Refusal;
use plexy_shared::info::{Origin, Reason};
use plexy_shared::spec::{BoundAddr, ListenAddr};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use crate::args::{Args, help_tunnel};
use crate::bind::bind;
use crate::config::Config;
use crate::control::line::{BACKLOG, Line, SOCKET_MODE};
use crate::control::token::Token;
use crate::descriptors::{Descriptors, RESERVE, open_now, raise_limit};
use crate::engine::Engine;
use crate::health::Health;
use crate::hops::Hops;
use crate::log::{self, Log};
use crate::resolver::Resolver;
use crate::service::{Actor, Service};
use crate::worker::Workers;

/// Threads of the control runtime: doors, health and names. Not the data path.
const CONTROL_THREADS: usize = 2;

/// Descriptors of one connection: with fewer left, no tunnel is of any use.
const CONNECTION_DESCRIPTORS: u64 = 2;

/// How long connections that were told to end may take to do so.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// A daemon that runs.
#[derive(Debug)]
pub struct Daemon {
    engine: Arc<Engine>,
    service: Arc<Service>,
    line: Arc<Line>,
    control_addrs: Vec<BoundAddr>,
}

impl Daemon {
    /// Starts everything, or nothing: when this returns, all tunnels and
    /// control sockets accept.
    ///
    /// # Errors
    ///
    /// Whatever is missing; of the tunnels, all that cannot be opened.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let token = config.token_file.as_deref().map(Token::read).transpose()?;
        let limit = raise_limit().context("cannot raise the limit of open files")?;
        info!(descriptors = limit, workers = config.workers.get(), "plexyd starts");

        let resolver = Arc::new(Resolver::new(config.name_servers));
        let mut control = Vec::new();
        for socket in &config.control_sockets {
            control.push(bind_control(socket, &resolver, token.is_some()).await?);
        }
        let control_addrs: Vec<_> = control.iter().map(|bound| bound.addr.clone()).collect();

        let workers = Workers::start(config.workers.get()).context("cannot start the workers")?;
        let usable = config.descriptors_max.unwrap_or_else(|| limit.saturating_sub(open_now()));
        let wanted = RESERVE + config.tunnels.len() as u64 + CONNECTION_DESCRIPTORS;
        ensure!(
            usable >= wanted,
            "the limit of {limit} open files is too low: {} more are needed for {} tunnels",
            wanted - usable,
            config.tunnels.len()
        );
        let (descriptors, hops) = (Arc::new(Descriptors::new(usable)), Arc::new(Hops::default()));
        let health = Arc::new(Health::new(
            Arc::clone(&descriptors),
            Arc::clone(&hops),
            Arc::clone(&resolver),
        ));
        let engine = Arc::new(Engine::new(workers, descriptors, hops, health));
        let service = Arc::new(Service::new(Arc::clone(&engine), resolver, control_addrs.clone()));
        let line = Arc::new(Line::new(Arc::clone(&service), token));
        let daemon = Self { engine, service, line, control_addrs };

        if let Err(error) = daemon.open_tunnels(&config).await {
            daemon.end(Duration::ZERO).await;
            return Err(error);
        }
        for bound in control {
            daemon.line.serve(bound).context("cannot serve a control socket")?;
        }
        Ok(daemon)
    }

    async fn open_tunnels(&self, config: &Config) -> anyhow::Result<()> {
        let mut failed = Vec::new();
        for spec in &config.tunnels {
            if let Err(error) = self.service.open(spec, Origin::Args, &Actor::Args).await {
                failed.push(format!("{spec}: {}", Refusal::from(error)));
            }
        }
        ensure!(failed.is_empty(), "cannot open every tunnel:\n  {}", failed.join("\n  "));
        Ok(())
    }

    /// What can be asked of it.
    #[must_use]
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Where the line protocol listens.
    #[must_use]
    pub fn control_addrs(&self) -> &[BoundAddr] {
        &self.control_addrs
    }

    /// Stops accepting, lets connections finish for so long, resets the rest,
    /// and ends. Control sockets answer to the end.
    pub async fn end(self, deadline: Duration) {
        self.drain(deadline).await;
        self.finish().await;
    }

    /// Stops accepting, and waits for the connections to finish.
    async fn drain(&self, deadline: Duration) {
        self.service.begin_shutdown().await;
        let connections = self.service.connections();
        if connections > 0 && !deadline.is_zero() {
            info!(connections, seconds = deadline.as_secs(), "draining");
        }
        if tokio::time::timeout(deadline, self.engine.workers.drained()).await.is_err() {
            warn!(connections = self.service.connections(), "the deadline has passed; resetting");
        }
    }

    /// Resets what is left and ends.
    async fn finish(&self) {
        // Again if the drain was cut short: it does not take twice.
        self.service.begin_shutdown().await;
        self.engine.workers.order(Reason::Shutdown, |_| true);
        if tokio::time::timeout(END_TIMEOUT, self.engine.workers.drained()).await.is_err() {
            error!("some connections did not end");
        }
        self.line.stop().await;
        self.engine.health.stop().await;
        let engine = Arc::clone(&self.engine);
        let stopped = tokio::task::spawn_blocking(move || engine.workers.stop()).await;
        if let Err(error) = stopped {
            error!(%error, "the workers could not be stopped");
        }
        info!("plexyd ends");
    }
}

/// Beyond loopback a TCP door is refused without a token.
async fn bind_control(
    socket: &ListenAddr,
    resolver: &Resolver,
    has_token: bool,
) -> anyhow::Result<crate::bind::Bound> {
    let context = || format!("cannot open the control socket `{socket}`");
    let addr = resolver.resolve_listen(socket).await.with_context(context)?;
    let is_open_to_others = match &addr {
        BoundAddr::Unix(_) => false,
        BoundAddr::Ip(addr) => !addr.ip().is_loopback(),
        BoundAddr::Any(_) => true,
    };
    if is_open_to_others && !has_token {
        bail!("control socket `{socket}` is reachable beyond this machine: it needs --token-file");
    }
    bind(&addr, BACKLOG, Some(SOCKET_MODE)).with_context(context)
}

/// The program: everything from the command line to the exit code.
///
/// Exit codes: 0 when told to end, 1 when it cannot start, 2 for a command line
/// that is no good.
#[must_use]
#[allow(clippy::print_stderr, reason = "before and after there is a log")]
pub fn main() -> ExitCode {
    let args = Args::parse();
    if args.help_tunnel {
        // A reader who has seen enough has closed the pipe: no reason to complain.
        return match std::io::stdout().write_all(help_tunnel().as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => ExitCode::FAILURE,
            _ => ExitCode::SUCCESS,
        };
    }
    let (level, format) = (args.log_level, args.log_format);
    let config = match args.into_config() {
        Ok(config) => config,
        Err(errors) => {
            for error in errors {
                eprintln!("error: {error}");
            }
            eprintln!("\n`plexyd --help-tunnel` explains the grammar");
            return ExitCode::from(2);
        }
    };
    let log = log::start(level, format);
    let ended = run(config, &log);
    drop(log);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: Config, log: &Log) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build()
        .context("cannot start the control runtime")?;
    runtime.spawn(log.tell_of_dropped());
    runtime.block_on(async {
        let mut signals = Signals::new().context("cannot catch signals")?;
        let deadline = config.shutdown_deadline;
        let daemon = tokio::select! {
            daemon = Daemon::start(config) => daemon?,
            () = signals.told_to_end() => return Ok(()),
        };
        if daemon.control_addrs.is_empty() {
            info!("no --control-socket: tunnels cannot be changed while this runs");
        }
        info!("ready");
        signals.told_to_end().await;
        tokio::select! {
            () = daemon.drain(deadline) => {}
            () = signals.told_to_end() => warn!("told to end a second time; resetting"),
        }
        daemon.finish().await;
        Ok(())
    })
}

/// The signals of an operator.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
    usr1: Signal,
    usr2: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
            usr1: signal(SignalKind::user_defined1())?,
            usr2: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for TERM or INT; those that mean nothing yet are logged.
    async fn told_to_end(&mut self) {
        loop {
            let (name, would) = tokio::select! {
                _ = self.term.recv() => return info!("SIGTERM: ending"),
                _ = self.int.recv() => return info!("SIGINT: ending"),
                _ = self.hup.recv() => ("SIGHUP", "reload the configuration"),
                _ = self.usr1.recv() => ("SIGUSR1", "reopen log files"),
                _ = self.usr2.recv() => ("SIGUSR2", "upgrade the program"),
            };
            warn!("{name} ignored: plexyd cannot {would} yet");
        }
    }
}
