//! Files that are asked for within a time. The file system that one is on may be of the network, and
//! gone: whoever asks it then waits for ever, where neither a signal nor a deadline reaches. So another
//! thread asks, and is left behind where it does not come back.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// How long files of one asker may be silent, all together: longer than a disk that has to be woken up,
/// and short enough for whoever waits for a change.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long each may be silent all the same: those that are there come sooner.
const GRACE: Duration = Duration::from_millis(100);

/// How often it is looked whether something has come.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How many threads are left behind at most, by all askers.
const LEFT_BEHIND_MAX: usize = 256;

/// The files that somebody is still waiting for, and whether he is.
static LEFT_BEHIND: Mutex<Vec<(PathBuf, Weak<()>)>> = Mutex::new(Vec::new());

/// One that has nothing to do: ten thousand tunnels, opened one by one, need no more.
static IDLE: Mutex<Option<Helper>> = Mutex::new(None);

/// Who asks for files, one after the other. Not for a control thread: it waits.
#[derive(Debug)]
pub(crate) struct Asker {
    /// How long it goes on waiting.
    left: Duration,
    grace: Duration,
    helper: Option<Helper>,
}

/// The thread that asks, until it is dropped and what was asked last has come.
#[derive(Debug)]
struct Helper {
    jobs: Sender<Job>,
    waits: Weak<()>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Default for Asker {
    fn default() -> Self {
        Self { left: PATIENCE, grace: GRACE, helper: None }
    }
}

impl Asker {
    /// Asks for one file.
    ///
    /// # Errors
    ///
    /// If nothing comes for 5 seconds, or nothing has since somebody else asked in vain; nor is it waited
    /// for as long for a file behind one for which that was done.
    pub(crate) fn one<T: Send + 'static>(
        &mut self,
        file: &Path,
        ask: impl Fn(&Path) -> T + Clone + Send + 'static,
    ) -> io::Result<T> {
        let mut asked = self.each(vec![file.to_owned()], ask);
        asked.pop().unwrap_or_else(|| Err(silence()))
    }

    /// Asks for each of them in turn, as for one.
    pub(crate) fn each<T: Send + 'static>(
        &mut self,
        files: Vec<PathBuf>,
        ask: impl Fn(&Path) -> T + Clone + Send + 'static,
    ) -> Vec<io::Result<T>> {
        let files: Arc<[PathBuf]> = files.into();
        let mut asked = Vec::with_capacity(files.len());
        while let Some(first) = files.get(asked.len()) {
            if let Err(error) = may_ask(first) {
                asked.push(Err(error));
                continue;
            }
            let idle = self.helper.take().or_else(|| lock(&IDLE).take());
            let helper = match idle.map_or_else(Helper::start, Ok) {
                Ok(helper) => helper,
                Err(error) => {
                    asked.push(Err(error));
                    continue;
                }
            };
            let told = Arc::new(Mutex::new(Vec::new()));
            let (works, ends) = channel();
            let (ask, all, from, tells) =
                (ask.clone(), Arc::clone(&files), asked.len(), Arc::clone(&told));
            helper.has(move || {
                let _works = works;
                let rest = all.iter().skip(from).enumerate();
                // Whoever is known to be silent is left to the asker.
                for (_, file) in rest.take_while(|(at, file)| *at == 0 || may_ask(file).is_ok()) {
                    let answer = ask(file);
                    // Nobody hears it any more where this was left behind.
                    if Arc::strong_count(&tells) == 1 {
                        return;
                    }
                    lock(&tells).push(answer);
                }
            });
            self.hear(helper, &told, &ends, &files, &mut asked);
        }
        asked
    }

    /// Hears what the helper tells of these files, until it ends or is left behind. It is looked at now
    /// and then: to be woken for each would cost more than a file does.
    fn hear<T>(
        &mut self,
        helper: Helper,
        told: &Mutex<Vec<T>>,
        ends: &Receiver<Infallible>,
        files: &[PathBuf],
        asked: &mut Vec<io::Result<T>>,
    ) {
        let (before, mut last) = (asked.len(), Instant::now());
        loop {
            let ended = ends.recv_timeout(LOOK_EVERY);
            let news = std::mem::take(&mut *lock(told));
            if !news.is_empty() {
                last = Instant::now();
                asked.extend(news.into_iter().map(Ok));
            }
            let is_silent = last.elapsed() >= self.left.max(self.grace);
            match ended {
                Err(RecvTimeoutError::Timeout) if is_silent => {
                    self.left = self.left.saturating_sub(last.elapsed());
                    if let Some(silent) = files.get(asked.len()) {
                        left_behind().push((silent.clone(), helper.waits));
                    }
                    asked.push(Err(silence()));
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {}
                _ if asked.len() == files.len() => {
                    self.helper = Some(helper);
                    return;
                }
                // The next is silent, or it has panicked at it.
                _ if asked.len() > before => return,
                // It has panicked at the first, and the log tells of that.
                _ => {
                    asked.push(Err(io::Error::other("asking for it has failed")));
                    return;
                }
            }
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        if let Some(helper) = self.helper.take() {
            lock(&IDLE).get_or_insert(helper);
        }
    }
}

impl Helper {
    fn start() -> io::Result<Self> {
        let (jobs, wanted) = channel::<Job>();
        let waiting = Arc::new(());
        let waits = Arc::downgrade(&waiting);
        let work = move || {
            wanted.iter().for_each(|job| job());
            drop(waiting);
        };
        thread::Builder::new().name("plexyd-file".to_owned()).spawn(work)?;
        Ok(Self { jobs, waits })
    }

    fn has(&self, job: impl FnOnce() + Send + 'static) {
        // Where it has panicked, nothing is told.
        self.jobs.send(Box::new(job)).unwrap_or_default();
    }
}

/// Whether somebody waits for that file in vain, or so many do for others that nobody else is to.
fn may_ask(file: &Path) -> io::Result<()> {
    let mut left_behind = left_behind();
    left_behind.retain(|(_, waits)| waits.strong_count() > 0);
    if left_behind.iter().any(|(other, _)| other == file) {
        return Err(silence());
    }
    if left_behind.len() >= LEFT_BEHIND_MAX {
        let words = format!("it was not asked for: {LEFT_BEHIND_MAX} other files do not come");
        return Err(io::Error::new(ErrorKind::TimedOut, words));
    }
    Ok(())
}

fn left_behind() -> MutexGuard<'static, Vec<(PathBuf, Weak<()>)>> {
    lock(&LEFT_BEHIND)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn silence() -> io::Error {
    let words = "nothing of it comes: see to the file system that it is on";
    io::Error::new(ErrorKind::TimedOut, words)
}

#[cfg(test)]
mod tests {
    use std::sync::Condvar;

    use super::*;

    /// Something for which is waited, until somebody lets it go.
    #[derive(Debug, Clone, Default)]
    struct Silence(Arc<(Mutex<bool>, Condvar)>);

    impl Silence {
        fn wait(&self) {
            let (is_over, told) = &*self.0;
            drop(told.wait_while(is_over.lock().unwrap(), |is_over| !*is_over).unwrap());
        }

        fn end(&self) {
            *self.0.0.lock().unwrap() = true;
            self.0.1.notify_all();
        }
    }

    fn impatient() -> Asker {
        // Longer than a busy machine takes for a thread.
        Asker { left: Duration::ZERO, grace: Duration::from_secs(1), helper: None }
    }

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn files_that_do_not_come_are_waited_for_once_and_others_come() {
        let silence = Silence::default();
        let ask = {
            let silence = silence.clone();
            move |file: &Path| {
                if file.starts_with("/gone") {
                    silence.wait();
                }
                file.display().to_string()
            }
        };
        let all = paths(&["/a", "/gone/1", "/b", "/gone/2", "/c"]);
        let told = |asked: Vec<io::Result<String>>| {
            let told =
                asked.into_iter().map(|it| it.unwrap_or_else(|error| error.kind().to_string()));
            told.collect::<Vec<_>>()
        };
        let expected = ["/a", "timed out", "/b", "timed out", "/c"];
        assert_eq!(told(impatient().each(all.clone(), ask.clone())), expected);
        // It is not waited for again.
        let count = || {
            let left_behind = left_behind();
            left_behind.iter().filter(|(file, _)| file.starts_with("/gone")).count()
        };
        assert_eq!(count(), 2);
        assert_eq!(told(Asker::default().each(all.clone(), ask.clone())), expected);
        assert_eq!(count(), 2);

        silence.end();
        let begun = Instant::now();
        while Asker::default().one(Path::new("/gone/2"), ask.clone()).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "it is silent for ever");
            thread::yield_now();
        }
    }

    #[test]
    fn a_failure_is_that_of_one_file() {
        let ask = |file: &Path| {
            assert!(file != Path::new("/bad"));
            7
        };
        let asked = Asker::default().each(paths(&["/a", "/bad", "/b"]), ask);
        let told: Vec<_> = asked.into_iter().map(|it| it.map_err(|error| error.kind())).collect();
        assert_eq!(told, [Ok(7), Err(ErrorKind::Other), Ok(7)]);
    }
}
