//! What the kernel tells of folders (inotify(7)).

use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use rustix::fs::inotify::{
    CreateFlags, Event, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch,
};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::sys;

/// All by which a file may come to say something else. One that is written in place does so when its
/// writer closes it; one whose mode has changed may be readable now.
const WANTED: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::CREATE)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// What is read at once: some hundred events.
const BUFFER_BYTES: usize = 16 * 1024;

/// The folders that the kernel watches, by the numbers it has given them.
#[derive(Debug)]
pub(super) struct Inotify {
    fd: AsyncFd<OwnedFd>,
}

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Noticed {
    /// To that entry of a folder.
    Entry(i32, OsString),
    /// The folder itself has gone elsewhere.
    Moved(i32),
    /// The folder is watched no more: it was removed, or its file system was.
    Gone(i32),
    /// More than the kernel keeps.
    Lost,
}

impl Inotify {
    /// Must be called on a runtime.
    pub(super) fn new() -> io::Result<Self> {
        let fd = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let fd = sys::watch(fd, Interest::READABLE).map_err(|(_, error)| error)?;
        Ok(Self { fd })
    }

    /// Watches a folder. Of one that is watched already the number is the same.
    pub(super) fn add(&self, folder: &Path) -> io::Result<i32> {
        Ok(add_watch(self.fd.get_ref(), folder, WANTED)?)
    }

    pub(super) fn remove(&self, number: i32) {
        // It may be gone already, and then that is what was wanted.
        remove_watch(self.fd.get_ref(), number).ok();
    }

    /// Waits for news. Those that were told are told once.
    pub(super) async fn next(&self) -> io::Result<Vec<Noticed>> {
        loop {
            let mut guard = self.fd.readable().await?;
            if let Ok(noticed) = guard.try_io(|fd| read(fd.get_ref())) {
                return noticed;
            }
        }
    }
}

/// All that is there.
fn read(fd: &OwnedFd) -> io::Result<Vec<Noticed>> {
    let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES];
    let mut reader = Reader::new(fd, &mut buffer);
    let mut noticed = Vec::new();
    loop {
        match reader.next() {
            Ok(event) => noticed.extend(of(&event)),
            Err(Errno::AGAIN) if !noticed.is_empty() => return Ok(noticed),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn of(event: &Event<'_>) -> Option<Noticed> {
    let (number, flags) = (event.wd(), event.events());
    if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
        Some(Noticed::Lost)
    } else if flags.contains(ReadFlags::IGNORED) {
        Some(Noticed::Gone(number))
    } else if flags.contains(ReadFlags::MOVE_SELF) {
        Some(Noticed::Moved(number))
    } else {
        let name = event.file_name()?;
        Some(Noticed::Entry(number, OsString::from_vec(name.to_bytes().to_vec())))
    }
}
