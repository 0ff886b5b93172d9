//! A small stand-in for systemd: it is notified, keeps descriptors through a restart, and passes
//! sockets by name. What it does follows sd_notify(3), sd_listen_fds(3) and systemd.service(5).

use std::io::IoSliceMut;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, RecvMsg, recvmsg, sockopt,
};
use tempfile::TempDir;

use crate::daemon::Process;
use crate::eventually;

/// The first descriptor that is passed, `SD_LISTEN_FDS_START`.
const FIRST: i32 = 3;

/// Longest message, and the most descriptors in one.
const MESSAGE_BYTES: usize = 4_096;

/// How often it looks whether it hears again.
const DEAF_LOOK: Duration = Duration::from_millis(5);

/// A descriptor with its name.
type Named = (String, Arc<OwnedFd>);

/// A manager of one service.
#[derive(Debug)]
pub struct Systemd {
    heard: Arc<Mutex<Heard>>,
    path: PathBuf,
    _folder: TempDir,
}

#[derive(Debug, Default)]
struct Heard {
    /// Every line that it was told.
    lines: Vec<String>,
    /// What it keeps.
    store: Vec<Named>,
    is_deaf: bool,
}

impl Systemd {
    /// One that listens.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("it can be notified");
        // So that its thread ends with it.
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time-out can be set");
        let heard = Arc::new(Mutex::new(Heard::default()));
        let listening = Arc::downgrade(&heard);
        thread::spawn(move || {
            while let Some(heard) = listening.upgrade() {
                if lock(&heard).is_deaf {
                    thread::sleep(DEAF_LOOK);
                } else if let Some((text, sockets)) = receive(&socket) {
                    lock(&heard).take(&text, sockets);
                }
            }
        });
        Self { heard, path, _folder: folder }
    }

    /// Starts the service with what is kept, and these sockets.
    pub fn spawn(
        &self,
        program: impl AsRef<Path>,
        arguments: &[&str],
        sockets: &[(&str, &dyn AsFd)],
        variables: &[(&str, &str)],
    ) -> Process {
        let kept = lock(&self.heard).store.clone();
        let copy = |socket: &dyn AsFd| socket.as_fd().try_clone_to_owned().expect("it is open");
        let kept = kept.iter().map(|(name, socket)| (name.clone(), copy(socket)));
        let given = sockets.iter().map(|(name, socket)| ((*name).to_owned(), copy(*socket)));
        let passed: Vec<_> = given.chain(kept).collect();
        let names: Vec<_> = passed.iter().map(|(name, _)| name.as_str()).collect();
        // `LISTEN_PID` is that of the process itself.
        let mut command = Command::new("sh");
        command
            .args(["-c", "LISTEN_PID=$$ exec \"$@\"", "sh"])
            .arg(program.as_ref())
            .args(arguments)
            .envs(variables.iter().copied())
            .env("NOTIFY_SOCKET", &self.path)
            .env("LISTEN_FDS", passed.len().to_string())
            .env("LISTEN_FDNAMES", names.join(":"));
        let mapping = |(place, (_, parent_fd)): (usize, (String, OwnedFd))| FdMapping {
            parent_fd,
            child_fd: FIRST + i32::try_from(place).expect("there are few of them"),
        };
        let mappings = passed.into_iter().enumerate().map(mapping).collect();
        command.fd_mappings(mappings).expect("every descriptor has its number");
        Process::spawn_command(command)
    }

    /// Starts the service, and waits until it says that it is ready.
    pub async fn start_service(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Process {
        let ready = self.count("READY=1");
        let process = self.spawn(program, arguments, &[], &[]);
        eventually!(self.count("READY=1") > ready, "plexyd is not ready: {}", process.log());
        // What it logs is read a little later.
        process.ready().await;
        process
    }

    /// How often it was told that line.
    #[must_use]
    pub fn count(&self, line: &str) -> usize {
        lock(&self.heard).lines.iter().filter(|told| *told == line).count()
    }

    /// The last line that begins so.
    #[must_use]
    pub fn last(&self, begin: &str) -> Option<String> {
        lock(&self.heard).lines.iter().rfind(|line| line.starts_with(begin)).cloned()
    }

    /// Hears nothing from now on, or all again that was said meanwhile.
    pub fn be_deaf(&self, is_deaf: bool) {
        lock(&self.heard).is_deaf = is_deaf;
    }

    /// How many of the sockets that it keeps listen.
    #[must_use]
    pub fn kept_listening(&self) -> usize {
        let listens = |socket: &OwnedFd| sockopt::socket_acceptconn(socket).unwrap_or(false);
        lock(&self.heard).store.iter().filter(|(_, socket)| listens(socket)).count()
    }

    /// The names of what it keeps.
    #[must_use]
    pub fn kept(&self) -> Vec<String> {
        lock(&self.heard).store.iter().map(|(name, _)| name.clone()).collect()
    }
}

impl Heard {
    fn take(&mut self, text: &str, sockets: Vec<OwnedFd>) {
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let has = |wanted: &str| lines.iter().any(|line| line == wanted);
        let name = lines.iter().find_map(|line| line.strip_prefix("FDNAME=")).unwrap_or("stored");
        if has("FDSTORE=1") {
            // The same one again is no news; another one of that name is kept too.
            for socket in sockets {
                if !self.store.iter().any(|(_, known)| inode(known) == inode(&socket)) {
                    self.store.push((name.to_owned(), Arc::new(socket)));
                }
            }
        }
        if has("FDSTOREREMOVE=1") {
            self.store.retain(|(known, _)| known != name);
        }
        self.lines.extend(lines);
    }
}

fn inode(socket: &OwnedFd) -> u64 {
    rustix::fs::fstat(socket).expect("it is open").st_ino
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn receive(socket: &UnixDatagram) -> Option<(String, Vec<OwnedFd>)> {
    let mut bytes = [0; MESSAGE_BYTES];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let RecvMsg { bytes: length, .. } =
        recvmsg(socket, &mut slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC).ok()?;
    let mut sockets = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            sockets.extend(passed);
        }
    }
    Some((String::from_utf8_lossy(&bytes[..length]).into_owned(), sockets))
}
