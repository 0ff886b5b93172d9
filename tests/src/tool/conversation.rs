//! Talking with a program over pipes, as a person at its keyboard does: type, read the answer, type
//! the next.

use std::ffi::OsStr;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::eventually::PATIENCE;

use super::Output;

/// The time between two keys of [`Conversation::type_slowly`]: long enough that each byte travels
/// in a segment of its own, which is what such a scene is about.
const KEY: Duration = Duration::from_millis(5);

/// A program that runs, with its input open and its output gathered while it comes. It is killed
/// when this is dropped.
#[derive(Debug)]
pub struct Conversation {
    program: PathBuf,
    child: Child,
    input: Option<ChildStdin>,
    stdout: Gatherer,
    stderr: Gatherer,
    /// How much of the standard output was answered as lines.
    read: usize,
}

impl Conversation {
    pub(super) fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display()));
        Self {
            program: program.to_owned(),
            input: child.stdin.take(),
            stdout: Gatherer::start(child.stdout.take().expect("it was piped above")),
            stderr: Gatherer::start(child.stderr.take().expect("it was piped above")),
            child,
            read: 0,
        }
    }

    /// The id of the process, while it has not been awaited.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Types a line and the newline after it.
    pub async fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\n").as_bytes()).await;
    }

    /// Types a line and the newline key by key.
    pub async fn type_slowly(&mut self, line: &str) {
        for key in format!("{line}\n").bytes() {
            self.send_bytes(&[key]).await;
            sleep(KEY).await;
        }
    }

    /// Types these bytes and nothing after them.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("the input was closed before");
        let sent = async {
            input.write_all(bytes).await?;
            input.flush().await
        };
        match timeout(PATIENCE, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("{} takes no input any more: {error}", self.transcript()),
            Err(_) => panic!("{} took no input for {PATIENCE:?}", self.transcript()),
        }
    }

    /// Closes its input, as Ctrl-D does.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits for the next line of its standard output, without its end (LF or CRLF). A last line
    /// without newline is one too; nothing where the output has ended.
    #[track_caller]
    pub fn line(&mut self) -> impl Future<Output = Option<String>> {
        let caller = Location::caller();
        async move {
            match timeout(PATIENCE, self.stdout.line(self.read)).await {
                Ok(None) => None,
                Ok(Some(raw)) => {
                    self.read += raw.len();
                    let text = String::from_utf8_lossy(&raw);
                    Some(text.trim_end_matches('\n').trim_end_matches('\r').to_owned())
                }
                Err(_) => {
                    panic!("{} wrote no line for {PATIENCE:?}, at {caller}", self.transcript())
                }
            }
        }
    }

    /// Waits for the next line and panics where it is not `expected`.
    #[track_caller]
    pub fn expect_line(&mut self, expected: &str) -> impl Future<Output = ()> {
        let caller = Location::caller();
        async move {
            let line = self.line().await;
            assert!(
                line.as_deref() == Some(expected),
                "{} should have written {expected:?} and wrote {line:?}, at {caller}",
                self.transcript()
            );
        }
    }

    /// Passes over lines until one contains `text`, and answers that one.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> impl Future<Output = String> {
        let caller = Location::caller();
        async move {
            loop {
                match self.line().await {
                    Some(line) if line.contains(text) => return line,
                    Some(_) => {}
                    None => panic!("{} ended without {text:?}, at {caller}", self.transcript()),
                }
            }
        }
    }

    /// Waits for the program to end by itself, its input still open, and answers all it wrote.
    #[track_caller]
    pub fn ended(mut self) -> impl Future<Output = Output> {
        let caller = Location::caller();
        async move {
            match timeout(PATIENCE, self.end()).await {
                Ok(status) => {
                    Output { status, stdout: self.stdout.bytes(), stderr: self.stderr.bytes() }
                }
                Err(_) => {
                    panic!("{} did not end within {PATIENCE:?}, at {caller}", self.transcript())
                }
            }
        }
    }

    /// Closes its input, waits for its end, and answers all it wrote.
    #[track_caller]
    pub fn finish(mut self) -> impl Future<Output = Output> {
        self.close_input();
        self.ended()
    }

    async fn end(&mut self) -> ExitStatus {
        // Read to their ends first: what was written before the exit belongs to the output.
        self.stdout.end().await;
        self.stderr.end().await;
        self.child.wait().await.expect("a child of ours can be awaited")
    }

    /// The program and all it wrote so far, for messages.
    fn transcript(&self) -> String {
        format!(
            "`{}` (stdout {:?}, stderr {:?})",
            self.program.display(),
            String::from_utf8_lossy(&self.stdout.bytes()),
            String::from_utf8_lossy(&self.stderr.bytes())
        )
    }
}

/// Reads one pipe in the background, so that the program never waits for its reader.
#[derive(Debug)]
struct Gatherer {
    bytes: watch::Receiver<Vec<u8>>,
    task: JoinHandle<()>,
}

impl Gatherer {
    fn start(mut pipe: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (sender, bytes) = watch::channel(Vec::new());
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 4096];
            // The sender is dropped at the end, which the receivers see as the end of the output.
            while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
                sender.send_modify(|bytes: &mut Vec<u8>| bytes.extend_from_slice(&buffer[..read]));
            }
        });
        Self { bytes, task }
    }

    fn bytes(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }

    /// The line that begins at `start`, with its newline, or what is there at the end of the pipe.
    async fn line(&mut self, start: usize) -> Option<Vec<u8>> {
        let has_line = |bytes: &Vec<u8>| bytes[start..].contains(&b'\n');
        let ended = self.bytes.wait_for(has_line).await.is_err();
        let bytes = self.bytes.borrow();
        let rest = &bytes[start..];
        let line = match rest.iter().position(|byte| *byte == b'\n') {
            Some(newline) => &rest[..=newline],
            None => rest,
        };
        (!ended || !line.is_empty()).then(|| line.to_vec())
    }

    /// Waits until the pipe is closed on the other side.
    async fn end(&mut self) {
        while self.bytes.changed().await.is_ok() {}
    }
}

impl Drop for Gatherer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use crate::backend::{Echo, Greeter};
    use crate::tool::Tool;

    #[tokio::test]
    async fn lines_are_answered_one_by_one_and_all_is_kept() {
        let sh = Tool::find("sh", "dash").unwrap();
        let script = "while read -r x; do printf 'got %s\\r\\n' \"$x\"; done; printf end; exit 4";
        let mut talk = sh.converse(["-c", script]);
        talk.send("one").await;
        talk.expect_line("got one").await;
        talk.type_slowly("two").await;
        talk.expect_line("got two").await;
        talk.close_input();
        talk.expect_line("end").await;
        assert_eq!(talk.line().await, None);
        let output = talk.ended().await;
        assert_eq!(output.text(), "got one\r\ngot two\r\nend");
        assert_eq!(output.status.code(), Some(4));
    }

    #[tokio::test]
    async fn telnet_talks_with_an_echo() {
        let Some(telnet) = Tool::find("telnet", "inetutils-telnet") else {
            return;
        };
        let greeter = Greeter::start("welcome\r\n");
        let mut talk = telnet.converse(["127.0.0.1", &greeter.addr().port().to_string()]);
        talk.wait_for("welcome").await;
        talk.send("hello").await;
        talk.wait_for("hello").await;
    }

    #[tokio::test]
    async fn every_netcat_talks_with_an_echo() {
        let echo = Echo::start();
        let port = echo.addr().port().to_string();
        let address = format!("TCP:127.0.0.1:{port}");
        let clients: [(&str, &str, &[&str]); 4] = [
            ("nc.openbsd", "netcat-openbsd", &["127.0.0.1", &port]),
            ("ncat", "ncat", &["127.0.0.1", &port]),
            ("busybox", "busybox", &["nc", "127.0.0.1", &port]),
            ("socat", "socat", &["-", &address]),
        ];
        for (program, package, arguments) in clients {
            let Some(tool) = Tool::find(program, package) else {
                continue;
            };
            let mut talk = tool.converse(arguments);
            talk.type_slowly("hello").await;
            talk.expect_line("hello").await;
        }
    }
}
