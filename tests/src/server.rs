//! Real servers, as Debian packages them, on free ports of 127.0.0.1 and in folders of their own.
//!
//! A [`Kind`] says how one is set up, started and asked whether it answers; a [`Server`] is the
//! process, which can be killed and started again on the same port and dies when it is dropped. A
//! further server is one more file with one more `Kind`.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::eventually::Deadline;
use crate::port::Port;
use crate::tool::Tool;

mod nginx;
mod postgres;
mod prometheus;
mod redis;

pub use self::nginx::Nginx;
pub use self::postgres::Postgres;
pub use self::prometheus::Prometheus;
pub use self::redis::Redis;

/// How long a server may take until it answers: a database on a busy machine takes seconds.
const START: Duration = Duration::from_secs(30);

/// How long a server may take to end by itself before it is killed the hard way.
const END: Duration = Duration::from_secs(5);

/// The pause between two looks at a process that ends.
const POLL: Duration = Duration::from_millis(2);

/// One sort of server.
pub trait Kind: Send + Sync {
    /// Finds the program, or skips as [`Tool::find`] does.
    fn find(&self) -> Option<Tool>;

    /// Fills the server's folder (configuration, data) before its first start. An error ends the
    /// test.
    fn prepare(&self, _site: &Site) -> io::Result<()> {
        Ok(())
    }

    /// The command that runs it in the foreground, as one process with its children.
    fn command(&self, site: &Site) -> Command;

    /// Whether it serves: an answer of the server itself, not only a connection that stands.
    fn answers(&self, site: &Site) -> impl Future<Output = bool> + Send;

    /// What makes it end at once. One that cleans up after itself (shared memory, children) needs
    /// a milder signal than the usual one.
    fn signal(&self) -> Signal {
        Signal::KILL
    }
}

/// Where a server stands: its program, its folder and its address.
#[derive(Debug)]
pub struct Site {
    tool: Tool,
    home: TempDir,
    port: Port,
}

impl Site {
    /// The program.
    #[must_use]
    pub fn tool(&self) -> &Tool {
        &self.tool
    }

    /// The folder, which is removed at the end.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The address on which it is to listen.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    fn log_path(&self) -> PathBuf {
        self.home().join("output.log")
    }
}

/// A running server of the kind `K`. Dropped, it is ended by its own process id.
#[derive(Debug)]
pub struct Server<K: Kind> {
    kind: K,
    process: Option<Child>,
    site: Site,
}

impl<K: Kind> Server<K> {
    /// Starts one and waits until it answers; nothing where its program is not installed.
    pub async fn start(kind: K) -> Option<Self> {
        let tool = kind.find()?;
        let home =
            tempfile::Builder::new().prefix("plexy-").tempdir().expect("a folder can be made");
        let site = Site { tool, home, port: Port::reserve() };
        if let Err(error) = kind.prepare(&site) {
            panic!("{} cannot be set up: {error}", site.tool.path().display());
        }
        let mut server = Self { kind, process: None, site };
        server.run().await;
        Some(server)
    }

    /// The address on which it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.site.addr()
    }

    /// Its program, folder and address.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// What this server was made of.
    #[must_use]
    pub fn kind(&self) -> &K {
        &self.kind
    }

    /// The process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// All it wrote so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.site.log_path()).unwrap_or_default()
    }

    /// Ends it at once, as a crash does; its port refuses and stays reserved until the restart.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            end(&mut process, self.kind.signal());
        }
    }

    /// Starts it again, on the same port and with the same data, killing it first where it runs.
    pub async fn restart(&mut self) {
        self.kill();
        self.run().await;
    }

    /// Starts the process and waits until it answers.
    async fn run(&mut self) {
        let log = File::options().create(true).append(true).open(self.site.log_path());
        let log = log.expect("the folder is ours");
        let process = self
            .kind
            .command(&self.site)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", self.name()));
        self.process = Some(process);

        let deadline = Deadline::after(START);
        while !deadline.holds(self.kind.answers(&self.site)).await {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().ok().flatten());
            if let Some(status) = ended {
                panic!("{} ended at its start ({status}):\n{}", self.name(), self.log());
            }
            assert!(!deadline.has_passed(), "{} does not answer:\n{}", self.name(), self.log());
            deadline.pause().await;
        }
    }

    fn name(&self) -> String {
        self.site.tool.path().display().to_string()
    }
}

impl<K: Kind> Drop for Server<K> {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Signals a child and waits for its end; it is killed where it does not come. This blocks, so that
/// it can stand in a `Drop`.
fn end(process: &mut Child, signal: Signal) {
    let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid.filter(|_| matches!(process.try_wait(), Ok(None))) {
        // It may end by itself in between; it has not been awaited, so the id is still its own.
        kill_process(pid, signal).ok();
    }
    let deadline = Instant::now() + END;
    while matches!(process.try_wait(), Ok(None)) && Instant::now() < deadline {
        std::thread::sleep(POLL);
    }
    // Both do nothing where it has ended.
    process.kill().ok();
    process.wait().ok();
}

/// Sends `question` and reads until `answer` would be complete; whether it was that. For
/// [`Kind::answers`].
async fn asks(addr: SocketAddr, question: &[u8], answer: &[u8]) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(addr).await?;
        stream.write_all(question).await?;
        let mut read = vec![0; answer.len()];
        stream.read_exact(&mut read).await?;
        io::Result::Ok(read)
    };
    ask.await.is_ok_and(|read| read == answer)
}
