//! plexyd as a process of its own.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::eventually;

/// How long it may take to stop, on a busy machine.
const STOPPING: Duration = Duration::from_secs(20);

/// A process that runs plexyd; killed on drop. `program` is
/// `env!("CARGO_BIN_EXE_plexyd-under-test")`, which only a test binary knows.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Where its JSON-RPC socket is, unless an argument says otherwise.
    home: TempDir,
    log: Arc<Mutex<Vec<String>>>,
    /// Reads the log to its end.
    reader: JoinHandle<()>,
}

impl Process {
    /// Starts it and waits until it is ready.
    pub async fn start(program: impl AsRef<Path>, arguments: &[&str]) -> Self {
        Self::start_with(program, arguments, &[]).await
    }

    /// The same with these variables in its environment.
    pub async fn start_with(
        program: impl AsRef<Path>,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let process = Self::spawn_with(program, arguments, variables);
        process.ready().await;
        process
    }

    /// Waits until it is ready.
    pub async fn ready(&self) {
        eventually!(self.says("ready"), "plexyd is not ready: {}", self.log());
    }

    /// Starts it, to watch how that goes.
    pub fn spawn(program: impl AsRef<Path>, arguments: &[&str]) -> Self {
        Self::spawn_with(program, arguments, &[])
    }

    fn spawn_with(
        program: impl AsRef<Path>,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(program.as_ref());
        command.args(arguments).envs(variables.iter().copied());
        Self::spawn_command(command)
    }

    /// Runs a command that becomes plexyd.
    pub fn spawn_command(mut command: Command) -> Self {
        let home = tempfile::Builder::new().prefix("plexy-").tempdir();
        let home = home.expect("a folder can be made");
        // Some run it as another user.
        let everybody = Permissions::from_mode(0o777);
        fs::set_permissions(home.path(), everybody).expect("the folder is ours");
        let mut child = command
            .env("RUNTIME_DIRECTORY", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("plexyd can be started");
        let stderr = child.stderr.take().expect("its standard error is a pipe");
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { child, home, log, reader }
    }

    /// All that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Whether it has logged that.
    #[must_use]
    pub fn says(&self, text: &str) -> bool {
        self.log().contains(text)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its first TCP control socket listens, as its log says.
    #[must_use]
    pub fn control_addr(&self) -> SocketAddr {
        self.addr_of("control socket open")
    }

    fn addr_of(&self, opened: &str) -> SocketAddr {
        let log = self.log();
        let lines = log.lines().filter(|line| line.contains(opened));
        let mut addrs = lines.filter_map(|line| line.split_once("socket=")?.1.trim().parse().ok());
        addrs.next().expect("it has such a TCP socket")
    }

    /// The socket of its JSON-RPC.
    #[must_use]
    pub fn rpc_socket(&self) -> PathBuf {
        self.home.path().join("rpc.sock")
    }

    /// Where it answers metrics and probes, as its log says.
    #[must_use]
    pub fn metrics_addr(&self) -> SocketAddr {
        self.addr_of("metrics socket open")
    }

    /// Where its first TCP socket of JSON-RPC listens, as its log says.
    #[must_use]
    pub fn rpc_addr(&self) -> SocketAddr {
        self.addr_of("rpc socket open")
    }

    /// Where its first socket of JSON-RPC with TLS listens, as its log says.
    #[must_use]
    pub fn rpc_tls_addr(&self) -> SocketAddr {
        self.addr_of("rpc socket with TLS open")
    }

    /// Sends it a signal. Where that stops it, it has stopped when this returns: each of its threads may go
    /// on for a moment.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("it has a pid"), signal).expect("it can be signalled");
        let sent = Instant::now();
        while signal == Signal::STOP && !self.is_stopped() {
            assert!(sent.elapsed() < STOPPING, "plexyd goes on: {}", self.log());
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn is_stopped(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let status = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("status"));
        let mut states = threads.expect("it has threads").map(|thread| thread.and_then(status));
        // One that has just ended is none that goes on.
        states.all(|status| status.map_or(true, |status| status.contains("State:\tT")))
    }

    /// Its exit code, once it has ended.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it can be waited for")
    }

    /// Waits until it has ended, and all that it has logged was read.
    pub async fn ended(&mut self) -> ExitStatus {
        eventually!(within Duration::from_secs(40), self.child.try_wait().is_ok_and(|status| status.is_some()), "plexyd goes on: {}", self.log());
        eventually!(self.reader.is_finished());
        self.exit_status().expect("it has ended")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.kill().is_ok() && self.child.wait().is_err() {
            eprintln!("plexyd ({}) cannot be waited for", self.child.id());
        }
    }
}
