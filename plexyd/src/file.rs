//! Files that are read within a time. The file system that one is on may be of the network, and gone:
//! whoever reads from it then waits for ever, where neither a signal nor a deadline reaches. So another
//! thread reads, and is left behind where it does not come back.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

/// How long a file may take: longer than a disk that has to be woken up, and short enough for whoever
/// waits for a change.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many threads are left behind at most; each has one folder.
const LEFT_BEHIND_MAX: usize = 256;

/// The folders that somebody is still waiting for, and whether he is.
static LEFT_BEHIND: Mutex<Vec<(PathBuf, Weak<()>)>> = Mutex::new(Vec::new());

/// Reads from a file, unless its folder is known not to answer. Not for a control thread: it waits.
///
/// # Errors
///
/// If nothing has come within 5 seconds, or has since somebody else waited in vain for that folder.
pub(crate) fn within_time<T: Send + 'static>(
    file: &Path,
    read: impl FnOnce(&Path) -> T + Send + 'static,
) -> io::Result<T> {
    within(PATIENCE, file, read)
}

fn within<T: Send + 'static>(
    patience: Duration,
    file: &Path,
    read: impl FnOnce(&Path) -> T + Send + 'static,
) -> io::Result<T> {
    let folder = file.parent().unwrap_or(file);
    if is_silent(folder) {
        return Err(silence());
    }
    let (file, waiting) = (file.to_owned(), Arc::new(()));
    let waits = Arc::downgrade(&waiting);
    let (tell, told) = sync_channel(1);
    let reader = move || {
        tell.send(read(&file)).unwrap_or_default();
        drop(waiting);
    };
    thread::Builder::new().name("plexyd-file".to_owned()).spawn(reader)?;
    told.recv_timeout(patience).map_err(|error| match error {
        RecvTimeoutError::Timeout => {
            left_behind().push((folder.to_owned(), waits));
            silence()
        }
        RecvTimeoutError::Disconnected => io::Error::other("reading it has failed"),
    })
}

/// Whether somebody waits for that folder in vain, or so many do that nobody else is to.
fn is_silent(folder: &Path) -> bool {
    let mut left_behind = left_behind();
    left_behind.retain(|(_, waits)| waits.strong_count() > 0);
    left_behind.len() >= LEFT_BEHIND_MAX || left_behind.iter().any(|(other, _)| other == folder)
}

fn left_behind() -> MutexGuard<'static, Vec<(PathBuf, Weak<()>)>> {
    LEFT_BEHIND.lock().unwrap_or_else(PoisonError::into_inner)
}

fn silence() -> io::Error {
    let seconds = PATIENCE.as_secs();
    let words =
        format!("nothing of it came within {seconds} s: see to the file system that it is on");
    io::Error::new(ErrorKind::TimedOut, words)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_folder_that_is_silent_is_waited_for_once_until_it_answers() {
        let (answers, waits) = channel::<()>();
        let silent = move |_: &Path| waits.recv().unwrap_or_default();
        let error = within(Duration::from_millis(20), Path::new("/gone/a"), silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        // Nobody else waits for it, and others are read.
        let never = |_: &Path| unreachable!();
        let error = within_time::<()>(Path::new("/gone/b"), never).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(
            within_time(Path::new("/there/b"), Path::to_owned).unwrap(),
            Path::new("/there/b")
        );
        drop(answers);
        let (read, begun) = (|| within_time(Path::new("/gone/b"), |_| 7), Instant::now());
        while read().is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "it is silent for ever");
            thread::yield_now();
        }
    }
}
