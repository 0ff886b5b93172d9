//! The program: from the command line to the exit code.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use plexy_shared::spec::grammar;
use plexy_shared::units::counted;
use tracing::warn;

use super::certificates::Findings;
use super::signals::{Drain, Signals, Told};
use super::{Daemon, END_TIMEOUT, Host, doors};
use crate::args::{Args, manual};
use crate::config::Config;
use crate::log::{self, Log};
use crate::sys::tune_allocator;
use crate::systemd::{Inherited, Systemd};

/// Threads of the control runtime: doors, health and names. Not the data path.
const CONTROL_THREADS: usize = 2;

/// The exit code for a command line that is no good, as clap has it.
const BAD_COMMAND_LINE: u8 = 2;

/// The exit code for a configuration that is no good (`EX_CONFIG` of sysexits.h): a service manager
/// need not try again.
const BAD_CONFIGURATION: u8 = 78;

/// The program: everything from the command line to the exit code.
///
/// Exit codes: 0 when told to end, 1 when it cannot start, 2 for a command line
/// that is no good, 78 for such a configuration file.
#[must_use]
#[allow(clippy::print_stderr, reason = "before and after there is a log")]
pub fn main() -> ExitCode {
    // Before anything else opens a descriptor.
    let inherited = Inherited::of_process();
    tune_allocator();
    let args = match Args::read(std::env::args_os()) {
        Ok(args) => args,
        Err(mistakes) => return complain(&mistakes, BAD_CONFIGURATION),
    };
    if args.help_tunnel {
        return say(&grammar());
    }
    if args.man {
        return manual().map_or(ExitCode::FAILURE, |page| say(&page));
    }
    let (level, format, check) = (args.log_level, args.log_format, args.check);
    let source = args.source(std::env::args_os());
    let places = args.places().to_vec();
    let config = match args.into_config() {
        Ok(config) => Config { source, ..config },
        Err(mistakes) => {
            let code = if check { BAD_CONFIGURATION } else { BAD_COMMAND_LINE };
            return complain(&mistakes, code);
        }
    };
    if check {
        let Findings { mistakes, warnings } = Findings::of(&config, &places);
        let mistakes = [config.conflicts(), doors::mistakes(&config), mistakes].concat();
        if !mistakes.is_empty() {
            return complain(&mistakes, BAD_CONFIGURATION);
        }
        warn_of(&warnings);
        let tunnels = config.file_tunnels.len() + config.tunnels.len();
        let tunnels = counted(tunnels as u64, "tunnel");
        return say(&format!("the configuration is good: {tunnels}\n"));
    }
    let ended = log::start(level, format).context("cannot log to the journal of systemd");
    // The log ends with it.
    let ended = ended.and_then(|log| run(config, inherited, &log));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Writes to standard output. A reader who has seen enough has closed the pipe: no reason to
/// complain.
fn say(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

#[allow(clippy::print_stderr, reason = "there is no log")]
fn warn_of(warnings: &[String]) {
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
}

#[allow(clippy::print_stderr, reason = "there is no log yet")]
fn complain(mistakes: &[String], code: u8) -> ExitCode {
    for mistake in mistakes {
        eprintln!("error: {mistake}");
    }
    eprintln!("\n`plexyd --help` and `plexyd --help-tunnel` explain what there is");
    ExitCode::from(code)
}

fn run(config: Config, mut inherited: Inherited, log: &Log) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build()
        .context("cannot start the control runtime")?;
    runtime.spawn(log.tell_of_dropped());
    inherited.complain();
    let systemd = Arc::new(Systemd::of_process());
    let host = Host { log: Arc::new(log.control()), systemd, inherited };
    let ended = runtime.block_on(async {
        let mut signals = Signals::new().context("cannot catch signals")?;
        let deadline = config.shutdown_deadline;
        let daemon = tokio::select! {
            daemon = Daemon::start_on(host, config) => daemon?,
            () = signals.told_to_end() => return Ok(()),
        };
        tokio::spawn(daemon.engine.access_log.tell_of_dropped());
        let deadline = loop {
            match signals.told().await {
                Told::Reload => daemon.reload(),
                Told::Reopen => daemon.reopen(),
                Told::End(Drain::Bounded) => break Some(deadline),
                Told::End(Drain::Unbounded) => break None,
            }
        };
        tokio::select! {
            () = daemon.drain(deadline) => {}
            () = signals.told_to_end() => warn!("told to end a second time; resetting"),
        }
        daemon.finish().await;
        Ok(())
    });
    // Something that was begun on a thread may never end, as a file of a network that is gone.
    runtime.shutdown_timeout(END_TIMEOUT);
    ended
}
