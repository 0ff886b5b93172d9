//! One run of a program from its start to its end, with its input given beforehand.

use std::ffi::OsString;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};
use tokio::time::timeout;

use super::Output;

/// How long a run may take where nothing else is said: a benchmark with a small count is over by
/// then.
const DEADLINE: Duration = Duration::from_secs(30);

/// A run that is being prepared. The program is killed where this, or its future, is dropped.
#[derive(Debug)]
pub struct Run {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: Vec<u8>,
    deadline: Duration,
}

impl Run {
    pub(super) fn new(program: &Path, arguments: Vec<OsString>) -> Self {
        Self {
            program: program.to_owned(),
            arguments,
            environment: Vec::new(),
            input: Vec::new(),
            deadline: DEADLINE,
        }
    }

    /// Gives it this input and then the end of it; without, the input is empty.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Sets a variable of its environment (`PGPASSWORD` and the like).
    #[must_use]
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((key.into(), value.into()));
        self
    }

    /// Gives it so much time, in place of 30 s.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs it to its end. It panics, with all that was written until then, where the program
    /// cannot be started or is not over in time.
    #[track_caller]
    pub fn output(self) -> impl Future<Output = Output> {
        let caller = Location::caller();
        async move {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            match timeout(self.deadline, self.run(&mut stdout, &mut stderr)).await {
                Ok(status) => Output { status, stdout, stderr },
                Err(_) => panic!(
                    "{self} was not over within {:?}, at {caller}; it wrote:\n{}{}",
                    self.deadline,
                    String::from_utf8_lossy(&stdout),
                    String::from_utf8_lossy(&stderr)
                ),
            }
        }
    }

    async fn run(&self, stdout: &mut Vec<u8>, stderr: &mut Vec<u8>) -> std::process::ExitStatus {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{self} cannot be started: {error}"));
        let (input, output, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let ((), (), (), status) = tokio::join!(
            feed(input, &self.input),
            collect(output, stdout),
            collect(errors, stderr),
            child.wait()
        );
        status.unwrap_or_else(|error| panic!("{self} cannot be awaited: {error}"))
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}", self.program.display())?;
        for argument in &self.arguments {
            write!(f, " {}", argument.display())?;
        }
        write!(f, "`")
    }
}

/// Writes the input and closes it. A program need not read it all.
async fn feed(stdin: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut stdin) = stdin {
        stdin.write_all(input).await.ok();
    }
}

/// Reads to the end. What cannot be read is missing in the output, where the test sees it.
async fn collect(stream: Option<impl AsyncRead + Unpin>, bytes: &mut Vec<u8>) {
    if let Some(mut stream) = stream {
        stream.read_to_end(bytes).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Echo;
    use crate::tool::Tool;

    #[tokio::test]
    async fn input_goes_in_and_output_and_status_come_out() {
        let sh = Tool::find("sh", "dash").unwrap();
        let output = sh
            .run(["-c", "cat; echo $WHAT >&2; exit 3"])
            .input("in")
            .env("WHAT", "err")
            .output()
            .await;
        assert_eq!((output.text().as_str(), output.errors().as_str()), ("in", "err\n"));
        assert_eq!(output.status.code(), Some(3));
    }

    #[tokio::test]
    #[should_panic(expected = "was not over within 50ms")]
    async fn a_program_that_hangs_is_killed_and_named() {
        let sh = Tool::find("sh", "dash").unwrap();
        sh.run(["-c", "exec sleep 60"]).within(Duration::from_millis(50)).output().await;
    }

    #[tokio::test]
    async fn netcat_gets_its_echo() {
        let Some(nc) = Tool::find("nc.openbsd", "netcat-openbsd") else {
            return;
        };
        let echo = Echo::start();
        let port = echo.addr().port().to_string();
        let output = nc.run(["-N", "127.0.0.1", &port]).input("hello\n").output().await;
        assert_eq!(output.success(), "hello\n");
    }
}
