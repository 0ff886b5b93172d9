//! The log: to standard error, through a queue, so that a reader who stalls
//! blocks nobody. What does not fit into the queue is dropped.

use std::io::{IsTerminal, stderr};

use clap::ValueEnum;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that wait to be written.
const QUEUE_LINES: usize = 16 * 1024;

/// What is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Auto,
    Text,
    Json,
}

/// Begins to log; the guard writes what is left when it is dropped.
pub(crate) fn start(level: LogLevel, format: LogFormat) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUE_LINES)
        .lossy(true)
        .thread_name("log")
        .finish(stderr());
    let level = format!("{level:?}").to_lowercase();
    // Libraries speak only when something is wrong.
    let own = format!("error,plexyd={level}");
    let filter = match level.as_str() {
        "off" => EnvFilter::new("off"),
        _ => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(own)),
    };
    let subscriber = tracing_subscriber::fmt().with_writer(writer).with_env_filter(filter);
    let subscriber = subscriber.with_target(false);
    match format {
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
        LogFormat::Text => subscriber.with_ansi(false).init(),
        LogFormat::Auto => subscriber.with_ansi(stderr().is_terminal()).init(),
    }
    guard
}
