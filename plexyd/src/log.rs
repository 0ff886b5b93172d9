//! The log: through a queue, so that neither a reader of standard error who stalls
//! nor a journal that does blocks anybody. What does not fit into the queue is
//! dropped, counted and told.

mod fields;
mod journal;

use std::env;
use std::fmt;
use std::io::{self, IsTerminal, Write, stderr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;
use plexy_shared::info::LogLevel;
use rustix::fs::fstat;
use tracing::{error, warn};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::fold::tell_growth;
use crate::service::LogControl;
use fields::TextFields;
use journal::{Journal, JournalEntry};

/// Lines that wait to be written.
const QUEUE_LINES: usize = 16 * 1024;

/// Where the journal of systemd takes entries.
const JOURNAL: &str = "/run/systemd/journal/socket";

/// The log while it is written; what is left is written when it is dropped.
pub(crate) struct Log {
    _guard: WorkerGuard,
    dropped: ErrorCounter,
    /// What the journal did not take.
    lost: Arc<AtomicU64>,
    filter: reload::Handle<EnvFilter, Registry>,
    level: LogLevel,
}

impl Log {
    /// Tells of dropped lines, again and again, once there is room for it.
    pub(crate) fn tell_of_dropped(&self) -> impl Future<Output = ()> + Send + 'static {
        let (dropped, lost) = (self.dropped.clone(), Arc::clone(&self.lost));
        tell_growth(
            move || dropped.dropped_lines() as u64 + lost.load(Ordering::Relaxed),
            |lines, total| warn!(lines, total, "log lines were dropped: their reader is too slow"),
        )
    }

    /// What changes its level.
    pub(crate) fn control(&self) -> impl LogControl + use<> {
        Control { filter: Some(self.filter.clone()), level: self.level }
    }
}

/// Changes the level of the log.
pub(crate) struct Control {
    filter: Option<reload::Handle<EnvFilter, Registry>>,
    level: LogLevel,
}

impl Control {
    /// For a daemon that is a part of another program, whose log is none of its business.
    pub(crate) fn of_nothing() -> Self {
        Self { filter: None, level: LogLevel::Info }
    }
}

impl LogControl for Control {
    fn level(&self) -> LogLevel {
        self.level
    }

    fn set(&self, level: LogLevel) {
        let set = self.filter.as_ref().map_or(Ok(()), |it| it.reload(filter(level)));
        if let Err(error) = set {
            error!(%error, "the level of the log stays as it is");
        }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("level", &self.level).finish_non_exhaustive()
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// As `journald` where standard error is the journal's, else as `text`, in colour on a terminal.
    Auto,
    /// Lines for people.
    Text,
    /// One object a line.
    Json,
    /// Entries with fields, to the journal of systemd itself.
    Journald,
}

/// What a format comes to here.
#[derive(Debug)]
enum Style {
    Text { in_colour: bool },
    Json,
    Journal(Journal),
}

impl Style {
    fn of(format: LogFormat) -> io::Result<Self> {
        Ok(match format {
            LogFormat::Journald => Self::Journal(Journal::at(Path::new(JOURNAL))?),
            LogFormat::Json => Self::Json,
            LogFormat::Text => Self::Text { in_colour: false },
            // Whether it runs in a container is not guessed: the same pipe would get something else
            // elsewhere. The image says so.
            LogFormat::Auto => {
                let journal = is_stderr_the_journal().then(|| Journal::at(Path::new(JOURNAL)));
                match journal {
                    Some(Ok(journal)) => Self::Journal(journal),
                    Some(Err(_)) | None => Self::Text { in_colour: is_stderr_colourful() },
                }
            }
        })
    }
}

/// Begins to log.
///
/// # Errors
///
/// Where the journal is wanted and is not there.
pub(crate) fn start(level: LogLevel, format: LogFormat) -> io::Result<Log> {
    let style = Style::of(format)?;
    let (filter, handle) = reload::Layer::new(filter(level));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_target(false);
    let mut lost = Arc::default();
    let (dropped, guard, layer) = match style {
        Style::Journal(journal) => {
            lost = journal.lost();
            let (writer, guard) = queue(journal);
            (
                writer.error_counter(),
                guard,
                layer.event_format(JournalEntry).with_writer(writer).boxed(),
            )
        }
        Style::Json => {
            let (writer, guard) = queue(stderr());
            let layer = layer.json().flatten_event(true);
            (writer.error_counter(), guard, layer.with_writer(writer).boxed())
        }
        Style::Text { in_colour } => {
            let (writer, guard) = queue(stderr());
            let layer = layer.fmt_fields(TextFields).with_ansi(in_colour);
            (writer.error_counter(), guard, layer.with_writer(writer).boxed())
        }
    };
    registry.with(layer).init();
    Ok(Log { _guard: guard, dropped, lost, filter: handle, level })
}

fn queue(writer: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUE_LINES)
        .lossy(true)
        .thread_name("log")
        .finish(writer)
}

fn filter(level: LogLevel) -> EnvFilter {
    match level {
        LogLevel::Off => EnvFilter::new("off"),
        // Libraries speak only when something is wrong.
        _ => EnvFilter::new(format!("error,plexyd={level}")),
    }
}

/// Whether systemd says that it has connected standard error with its journal, and that is so still
/// (systemd.exec(5), `$JOURNAL_STREAM`).
fn is_stderr_the_journal() -> bool {
    let said = env::var("JOURNAL_STREAM").ok();
    let said = said.as_deref().and_then(|it| it.split_once(':'));
    let (Some((device, inode)), Ok(is)) = (said, fstat(stderr())) else { return false };
    device == is.st_dev.to_string() && inode == is.st_ino.to_string()
}

/// Whether there are colours, and nobody who wants none (no-color.org).
fn is_stderr_colourful() -> bool {
    stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}
