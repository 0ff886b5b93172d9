//! The log: to standard error, through a queue, so that a reader who stalls
//! blocks nobody. What does not fit into the queue is dropped, counted and told.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use clap::ValueEnum;
use tracing::warn;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that wait to be written.
const QUEUE_LINES: usize = 16 * 1024;

/// How often it is looked whether lines were dropped.
const DROPPED_LOOK: Duration = Duration::from_secs(10);

/// The log while it is written; what is left is written when it is dropped.
pub(crate) struct Log {
    _guard: WorkerGuard,
    dropped: ErrorCounter,
}

impl Log {
    /// Tells of dropped lines, again and again, once there is room for it.
    pub(crate) fn tell_of_dropped(&self) -> impl Future<Output = ()> + Send + 'static {
        let dropped = self.dropped.clone();
        async move {
            let mut told = 0;
            loop {
                tokio::time::sleep(DROPPED_LOOK).await;
                let total = dropped.dropped_lines();
                if total > told {
                    warn!(
                        lines = total - told,
                        total, "log lines were dropped: their reader is too slow"
                    );
                    told = total;
                }
            }
        }
    }
}

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

/// Begins to log.
pub(crate) fn start(level: LogLevel, format: LogFormat) -> Log {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUE_LINES)
        .lossy(true)
        .thread_name("log")
        .finish(stderr());
    let dropped = writer.error_counter();
    let level = format!("{level:?}").to_lowercase();
    // Libraries speak only when something is wrong.
    let own = format!("error,plexyd={level}");
    let filter = match level.as_str() {
        "off" => EnvFilter::new("off"),
        _ => EnvFilter::new(own),
    };
    let subscriber = tracing_subscriber::fmt().with_writer(writer).with_env_filter(filter);
    let subscriber = subscriber.with_target(false);
    match format {
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
        LogFormat::Text => subscriber.with_ansi(false).init(),
        LogFormat::Auto => subscriber.with_ansi(stderr().is_terminal()).init(),
    }
    Log { _guard: guard, dropped }
}
