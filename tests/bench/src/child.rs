//! A process of ours that ends with the value that stands for it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::cpus::Cpus;
use crate::{interrupt, launch};

/// The longest that is waited without looking whether we are interrupted.
const LOOK: Duration = Duration::from_millis(50);

/// What of a log is shown in an error.
const LOG_LINES: usize = 20;

/// How a process is to be started.
#[derive(Debug)]
pub(crate) struct Launch {
    name: String,
    home: PathBuf,
    cpus: Cpus,
    words: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    speaks: bool,
}

impl Launch {
    /// A program, called `name` in errors, whose log is written into `home`.
    pub(crate) fn new(name: &str, program: &Path, home: &Path, cpus: &Cpus) -> Self {
        Self {
            name: name.to_owned(),
            home: home.to_owned(),
            cpus: cpus.clone(),
            words: vec![program.into()],
            environment: Vec::new(),
            speaks: false,
        }
    }

    /// This program, as something else.
    pub(crate) fn this_program(name: &str, home: &Path, cpus: &Cpus) -> Self {
        Self::new(name, Path::new(SELF), home, cpus)
    }

    /// With these words before the program.
    #[must_use]
    pub(crate) fn under(mut self, words: &[OsString]) -> Self {
        self.words.splice(..0, words.iter().cloned());
        self
    }

    /// With one more argument.
    #[must_use]
    pub(crate) fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.words.push(argument.into());
        self
    }

    /// With this variable in its environment.
    #[must_use]
    pub(crate) fn env(mut self, key: impl Into<OsString>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((key.into(), value.as_ref().into()));
        self
    }

    /// It says something on standard output: [`Child::line`].
    #[must_use]
    pub(crate) fn speaks(mut self) -> Self {
        self.speaks = true;
        self
    }
}

/// This program, whichever file it is.
const SELF: &str = "/proc/self/exe";

/// A process; killed by its own id when this is dropped, or when we die.
#[derive(Debug)]
pub(crate) struct Child {
    name: String,
    process: process::Child,
    log: PathBuf,
    lines: Option<Receiver<String>>,
}

impl Child {
    /// Starts it.
    pub(crate) fn start(launch: Launch) -> anyhow::Result<Self> {
        let Launch { name, home, cpus, words, environment, speaks } = launch;
        let log = home.join(format!("{name}.log"));
        let mut process = Command::new(SELF)
            .args(launch::words(&cpus))
            .args(words)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(if speaks { Stdio::piped() } else { Stdio::null() })
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let lines = process.stdout.take().map(|stdout| {
            let (sender, lines) = mpsc::channel();
            thread::spawn(move || {
                let read = BufReader::new(stdout).lines().map_while(Result::ok);
                // Who no longer listens does not want the rest.
                read.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
            });
            lines
        });
        Ok(Self { name, process, log, lines })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The next line it says.
    pub(crate) fn line(&mut self, within: Duration) -> anyhow::Result<String> {
        let Some(lines) = &self.lines else { bail!("{} was not to say anything", self.name) };
        let until = Instant::now() + within;
        loop {
            match lines.recv_timeout(LOOK) {
                Ok(line) => return Ok(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) if Instant::now() > until => {
                    bail!("{} says nothing for {within:?}: {}", self.name, self.log());
                }
                Err(RecvTimeoutError::Timeout) => interrupt::check()?,
            }
        }
        interrupt::check()?;
        bail!("{} has ended: {}", self.name, self.log())
    }

    /// Waits until something is so, while the process lives.
    pub(crate) fn until(
        &mut self,
        what: &str,
        within: Duration,
        mut is_so: impl FnMut() -> bool,
    ) -> anyhow::Result<()> {
        let until = Instant::now() + within;
        while !is_so() {
            interrupt::check()?;
            if let Some(status) = self.process.try_wait()? {
                bail!("{} ended with {status}: {}", self.name, self.log());
            }
            if Instant::now() > until {
                bail!("{what}: not within {within:?}: {}", self.log());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(&mut self, within: Duration) -> anyhow::Result<()> {
        let pid = Pid::from_child(&self.process);
        kill_process(pid, Signal::TERM)?;
        let until = Instant::now() + within;
        while self.process.try_wait()?.is_none() {
            interrupt::check()?;
            if Instant::now() > until {
                bail!("{} has not ended within {within:?}: {}", self.name, self.log());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// The last lines of its log.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        let last = lines.len().saturating_sub(LOG_LINES);
        lines.get(last..).unwrap_or_default().join("\n")
    }
}

impl Drop for Child {
    /// Waits too, so that whatever comes next does not share the machine with its end.
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
