//! The access log: one line for each connection when it has ended, and one when it has begun where
//! that is asked for.
//!
//! Workers put a small record into a bounded queue and go on; a thread of its own makes a line of it
//! and writes that. What finds no room is dropped, counted and told, so that no reader of the lines
//! can hold up a connection. Where it is off, all that is left of it is one look at an `Option`.

mod line;
mod output;
mod writer;

use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use plexy_shared::info::{Reason, TlsHandshake};
use tracing::warn;

use crate::backend::Backend;
use crate::fold::tell_growth;
use crate::introduction::Introduction;
use crate::sample::Sample;
use crate::socket::ClientAddr;
use crate::tunnel::Tunnel;
use output::Output;
use writer::Writer;

/// Records that wait to be written.
const QUEUE_RECORDS: usize = 16 * 1024;

/// How long the lines that are left may take to be written in the end.
const FINISH_TIMEOUT: Duration = Duration::from_secs(1);

/// Ends that are told whatever the sample says: who looks for them looks for each.
const ALWAYS_TOLD: [Reason; 5] =
    [Reason::ConnectFailed, Reason::Tls, Reason::Refused, Reason::Limit, Reason::Error];

/// What the access log is asked to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogConfig {
    /// How its lines are written.
    pub format: AccessFormat,
    /// What is told.
    pub events: AccessEvents,
    /// One connection in so many is told.
    pub sample: NonZeroU32,
    /// Where to; standard error if there is none.
    pub file: Option<PathBuf>,
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessFormat {
    /// `key=value` and blanks.
    Text,
    /// One object.
    Json,
}

/// What of a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AccessEvents {
    /// That it has ended
    End,
    /// That a backend carries it, and that it has ended
    Both,
}

/// What there is to tell of a connection.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) connection: u64,
    pub(crate) tunnel: Arc<Tunnel>,
    pub(crate) client: ClientAddr,
    pub(crate) backend: Option<Arc<Backend>>,
    /// What its client has told of itself.
    pub(crate) introduction: Option<Arc<Introduction>>,
    /// Its handshake, where TLS is terminated.
    pub(crate) handshake: Option<TlsHandshake>,
    pub(crate) attempts: u8,
    /// From its acceptance until a backend carried it.
    pub(crate) connect_time: Option<Duration>,
    pub(crate) moment: Moment,
}

/// When it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A backend carries it.
    Started,
    /// It is over.
    Ended { reason: Reason, bytes_in: u64, bytes_out: u64, lifetime: Duration },
}

/// The access log, or none.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccessLog {
    queue: Option<Arc<Queue>>,
}

/// Where records wait.
pub(crate) struct Queue {
    events: AccessEvents,
    sample: Sample,
    has_file: bool,
    messages: SyncSender<Message>,
    told: Arc<Told>,
    /// Nothing ever comes: it breaks when the writer has ended.
    ended: Mutex<Receiver<()>>,
}

/// What goes through the queue.
#[derive(Debug)]
enum Message {
    Record(SystemTime, Record),
    /// There is something in [`Told`].
    Look,
}

/// What the writer is told beside the queue, which may be full, and tells.
#[derive(Debug, Default)]
struct Told {
    reopen: AtomicBool,
    finish: AtomicBool,
    /// Lines that were not written.
    dropped: AtomicU64,
}

impl AccessLog {
    /// Begins to write, if anything is to be written.
    ///
    /// # Errors
    ///
    /// If its file cannot be opened.
    pub(crate) fn start(config: Option<AccessLogConfig>) -> io::Result<Self> {
        let Some(AccessLogConfig { format, events, sample, file }) = config else {
            return Ok(Self::default());
        };
        let has_file = file.is_some();
        let output = Output::open(file)?;
        let (messages, taken) = sync_channel(QUEUE_RECORDS);
        let (alive, ended) = channel();
        let told = Arc::new(Told::default());
        let writer = Writer::new(format, output, Arc::clone(&told));
        thread::Builder::new().name("access-log".to_owned()).spawn(move || {
            writer.run(&taken);
            drop(alive);
        })?;
        let (sample, ended) = (Sample::one_in(sample), Mutex::new(ended));
        let queue = Queue { events, sample, has_file, messages, told, ended };
        Ok(Self { queue: Some(Arc::new(queue)) })
    }

    /// Who is to be told that a connection has started, if it is to be told.
    pub(crate) fn of_start(&self, connection: u64) -> Option<&Queue> {
        let queue = self.queue.as_deref()?;
        let is_told = queue.events == AccessEvents::Both && queue.sample.takes(connection);
        is_told.then_some(queue)
    }

    /// The same for its end.
    pub(crate) fn of_end(&self, connection: u64, reason: Reason) -> Option<&Queue> {
        let queue = self.queue.as_deref()?;
        (ALWAYS_TOLD.contains(&reason) || queue.sample.takes(connection)).then_some(queue)
    }

    /// Tells of a client that was not let in.
    pub(crate) fn refused(
        &self,
        tunnel: &Arc<Tunnel>,
        client: ClientAddr,
        connection: u64,
        reason: Reason,
    ) {
        let Some(queue) = self.queue.as_deref() else { return };
        queue.tell(Record {
            connection,
            tunnel: Arc::clone(tunnel),
            client,
            backend: None,
            introduction: None,
            handshake: None,
            attempts: 0,
            connect_time: None,
            moment: Moment::Ended { reason, bytes_in: 0, bytes_out: 0, lifetime: Duration::ZERO },
        });
    }

    /// Lines that were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.queue.as_ref().map_or(0, |queue| queue.told.dropped.load(Ordering::Relaxed))
    }

    /// Tells of dropped lines, again and again.
    pub(crate) fn tell_of_dropped(&self) -> impl Future<Output = ()> + Send + 'static {
        let log = self.clone();
        tell_growth(
            move || log.dropped(),
            |lines, total| {
                warn!(
                    lines,
                    total, "lines of the access log were dropped: it is written too slowly"
                );
            },
        )
    }

    /// Opens the file by its name again, since somebody has given the old one another name; whether
    /// there is a file. Not a line is lost: what was told before goes into the old one.
    pub(crate) fn reopen(&self) -> bool {
        let Some(queue) = self.queue.as_deref().filter(|queue| queue.has_file) else {
            return false;
        };
        queue.told.reopen.store(true, Ordering::Release);
        queue.wake();
        true
    }

    /// Writes what is left, and ends; whether that was done in time. It blocks.
    pub(crate) fn finish(&self) -> bool {
        let Some(queue) = &self.queue else { return true };
        queue.told.finish.store(true, Ordering::Release);
        queue.wake();
        let ended = queue.ended.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(ended.recv_timeout(FINISH_TIMEOUT), Err(RecvTimeoutError::Disconnected))
    }
}

impl Queue {
    /// Has this written, unless too many wait before it. Never blocks.
    pub(crate) fn tell(&self, record: Record) {
        if self.messages.try_send(Message::Record(SystemTime::now(), record)).is_err() {
            self.told.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wake(&self) {
        // Where the queue is full the writer does not sleep, and looks by itself.
        self.messages.try_send(Message::Look).ok();
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("told", &self.told).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_small() {
        assert!(size_of::<Message>() <= 160, "{}", size_of::<Message>());
    }
}
