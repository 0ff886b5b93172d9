//! The journal of systemd: an entry is one datagram of fields
//! (systemd.io/JOURNAL_NATIVE_PROTOCOL).
//!
//! Not by tracing-journald, which writes into the socket on the thread that logs, and so blocks it
//! while the journal is slow. Here an entry is a text of lines `FIELD=value` like any other line of
//! the log, and only the thread behind the queue touches the socket.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::net::{
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, sendmsg_addr,
};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::fields::Escaped;

/// What stands before the name of a field of ours, so that nobody else's is meant.
const PREFIX: &str = "PLEXY_";

/// An event as an entry. Its message holds the fields too, since that is all that `journalctl` shows
/// by itself; and each field is one of the entry, to be asked for: `journalctl PLEXY_TUNNEL=db`.
#[derive(Debug)]
pub(super) struct JournalEntry;

impl<S, N> FormatEvent<S, N> for JournalEntry
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut entry = EntryVisitor::default();
        event.record(&mut entry);
        // syslog(3).
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            Level::DEBUG | Level::TRACE => 7,
        };
        let EntryVisitor { message, shown, fields } = entry;
        let identifier = "SYSLOG_IDENTIFIER=plexyd";
        write!(writer, "MESSAGE={message}{shown}\nPRIORITY={priority}\n{identifier}\n{fields}")
    }
}

#[derive(Default)]
struct EntryVisitor {
    message: String,
    /// Behind the message.
    shown: String,
    /// Those of the entry.
    fields: String,
}

impl EntryVisitor {
    /// A string is written into the message as it would be in a program.
    fn note(&mut self, field: &Field, shown: &dyn fmt::Debug, value: fmt::Arguments<'_>) {
        let name = field.name();
        // Into a text nothing fails to be written.
        let written = if name == "message" {
            write!(Escaped(&mut self.message), "{value}")
        } else {
            write!(Escaped(&mut self.shown), " {name}={shown:?}").and_then(|()| {
                let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
                self.fields.push_str(PREFIX);
                self.fields.extend(name.chars().map(|c| letter(c).to_ascii_uppercase()));
                self.fields.push('=');
                write!(Escaped(&mut self.fields), "{value}")?;
                self.fields.write_char('\n')
            })
        };
        debug_assert!(written.is_ok(), "a text takes all");
    }
}

impl Visit for EntryVisitor {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, &value, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(field, value, format_args!("{value:?}"));
    }
}

/// The socket of the journal. It is found by its path each time, so that a journal that was started
/// again is found too.
#[derive(Debug)]
pub(super) struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
    /// Entries that it did not take.
    lost: Arc<AtomicU64>,
}

impl Journal {
    /// The one there.
    ///
    /// # Errors
    ///
    /// If nobody takes entries there.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        UnixDatagram::unbound()?.connect(path)?;
        let (socket, lost) = (UnixDatagram::unbound()?, Arc::default());
        Ok(Self { socket, path: path.to_owned(), lost })
    }

    /// The count of entries that it did not take.
    pub(super) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }

    fn send(&self, entry: &[u8]) -> io::Result<()> {
        match self.socket.send_to(entry, &self.path) {
            Err(error) if error.raw_os_error() == Some(Errno::MSGSIZE.raw_os_error()) => {
                self.send_as_file(entry)
            }
            sent => sent.map(drop),
        }
    }

    /// What is too long for a datagram goes as a file that nobody can change any more.
    fn send_as_file(&self, entry: &[u8]) -> io::Result<()> {
        let file = memfd_create("plexyd-log", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut file = File::from(file);
        file.write_all(entry)?;
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let files = [file.as_fd()];
        if !control.push(SendAncillaryMessage::ScmRights(&files)) {
            return Err(Errno::NOBUFS.into());
        }
        let journal = SocketAddrUnix::new(&self.path)?;
        let nothing: [IoSlice<'_>; 0] = [];
        sendmsg_addr(&self.socket, &journal, &nothing, &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

/// Each write is one entry.
impl Write for Journal {
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        // One that is lost is counted, and the next is tried: the journal may be back by then.
        if self.send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{IoSliceMut, Read, Seek};
    use std::os::fd::OwnedFd;

    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Logs into a journal of the test, and what arrives there.
    fn journal(log: impl FnOnce()) -> UnixDatagram {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let taken = UnixDatagram::bind(&path).unwrap();
        let journal = std::sync::Mutex::new(Journal::at(&path).unwrap());
        let layer = tracing_subscriber::fmt::layer().event_format(JournalEntry);
        let layer = layer.with_writer(journal);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        taken
    }

    #[test]
    fn fields_arrive_by_their_names_and_nothing_breaks_out_of_them() {
        let taken = journal(|| {
            let detail = "a\nPRIORITY=0\n\u{1b}[31m";
            tracing::warn!(tunnel = "db", seconds = 10, error = %detail, "backend ejected");
        });
        let mut entry = [0; 4096];
        let bytes = taken.recv(&mut entry).unwrap();
        let escaped = r"a\u{a}PRIORITY=0\u{a}\u{1b}[31m";
        let expected = format!(
            "MESSAGE=backend ejected tunnel=\"db\" seconds=10 error={escaped}\nPRIORITY=4\n\
             SYSLOG_IDENTIFIER=plexyd\nPLEXY_TUNNEL=db\nPLEXY_SECONDS=10\nPLEXY_ERROR={escaped}\n"
        );
        assert_eq!(std::str::from_utf8(&entry[..bytes]).unwrap(), expected);
    }

    #[test]
    fn an_entry_for_a_journal_that_has_gone_is_counted_and_one_that_is_back_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let first = UnixDatagram::bind(&path).unwrap();
        let mut journal = Journal::at(&path).unwrap();
        let lost = journal.lost();
        drop(first);
        journal.write_all(b"MESSAGE=one\n").unwrap();
        assert_eq!(lost.load(Ordering::Relaxed), 1);
        std::fs::remove_file(&path).unwrap();
        let second = UnixDatagram::bind(&path).unwrap();
        journal.write_all(b"MESSAGE=two\n").unwrap();
        let mut entry = [0; 100];
        let bytes = second.recv(&mut entry).unwrap();
        assert_eq!(&entry[..bytes], b"MESSAGE=two\n");
        assert_eq!(lost.load(Ordering::Relaxed), 1);
        assert!(Journal::at(&folder.path().join("none")).is_err());
    }

    #[test]
    fn an_entry_beyond_a_datagram_arrives_as_a_file() {
        let long = "x".repeat(1_000_000);
        let taken = journal(|| tracing::info!(detail = long, "tunnel opened"));
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut nothing = [0; 16];
        let into = &mut [IoSliceMut::new(&mut nothing)];
        assert_eq!(recvmsg(&taken, into, &mut control, RecvFlags::empty()).unwrap().bytes, 0);
        let files: Vec<OwnedFd> = control
            .drain()
            .flat_map(|message| match message {
                RecvAncillaryMessage::ScmRights(files) => files.collect(),
                _ => Vec::new(),
            })
            .collect();
        let [file] = <[OwnedFd; 1]>::try_from(files).unwrap();
        let (mut file, mut entry) = (File::from(file), String::new());
        file.rewind().unwrap();
        file.read_to_string(&mut entry).unwrap();
        assert!(entry.starts_with("MESSAGE=tunnel opened detail="));
        assert!(entry.ends_with(&format!("\nPLEXY_DETAIL={long}\n")));
        assert!(file.write_all(b"x").is_err(), "it is sealed");
    }
}
