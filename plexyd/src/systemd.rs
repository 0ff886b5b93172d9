//! The service manager: what systemd is told, and the sockets that it has kept
//! or opened for us. Without systemd nothing of it does anything.
//!
//! It is told from a thread of its own, so that a manager that does not listen
//! holds up nobody.

mod inherited;

use std::fmt::Write as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plexy_shared::spec::BoundAddr;
use sd_notify::{NotifyState, notify, notify_with_fds};
use tokio::sync::mpsc;
use tracing::{debug, warn};

pub(crate) use inherited::Inherited;

/// What waits to be told; each socket among it is a descriptor.
const WAITING_MAX: usize = 64;

/// How long somebody waits for room in that.
const PATIENCE: Duration = Duration::from_secs(1);

/// How the sockets of tunnels are called in the descriptor store; their address follows in
/// hexadecimal digits, since a name may hold no colon.
const TUNNEL: &str = "tunnel-";

/// The service manager, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Systemd {
    told: Option<mpsc::Sender<Told>>,
    /// It has not listened once, so nobody waits for it any more.
    is_deaf: AtomicBool,
    /// How often it wants a sign of life.
    watchdog: Option<Duration>,
}

/// Something to be told.
#[derive(Debug)]
enum Told {
    Ready,
    Reloading,
    Stopping,
    Status(String),
    Alive,
    Keep(OwnedFd, String),
    Forget(String),
}

impl Systemd {
    /// The one that has started this process, which must have no other thread yet.
    pub(crate) fn of_process() -> (Self, Inherited) {
        let inherited = Inherited::of_process();
        if std::env::var_os("NOTIFY_SOCKET").is_none() {
            return (Self::default(), inherited);
        }
        let (told, mut waiting) = mpsc::channel(WAITING_MAX);
        let tell_all = move || {
            while let Some(told) = waiting.blocking_recv() {
                tell(&told);
            }
        };
        let thread = std::thread::Builder::new().name("systemd".to_owned()).spawn(tell_all);
        if let Err(error) = thread {
            warn!(%error, "systemd is told nothing");
            return (Self::default(), inherited);
        }
        let watchdog = sd_notify::watchdog_enabled();
        (Self { told: Some(told), is_deaf: AtomicBool::new(false), watchdog }, inherited)
    }

    /// How often it wants a sign of life, if it does.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Whether there is anybody to tell anything.
    pub(crate) fn is_there(&self) -> bool {
        self.told.is_some()
    }

    /// All is open and served.
    pub(crate) async fn ready(&self) {
        self.tell(Told::Ready).await;
    }

    /// The configuration is read again; [`Systemd::ready`] ends it.
    pub(crate) async fn reloading(&self) {
        self.tell(Told::Reloading).await;
    }

    /// The end has begun.
    pub(crate) async fn stopping(&self) {
        self.tell(Told::Stopping).await;
    }

    /// What `systemctl status` shows.
    pub(crate) async fn status(&self, text: String) {
        self.tell(Told::Status(text)).await;
    }

    /// A sign of life.
    pub(crate) async fn alive(&self) {
        self.tell(Told::Alive).await;
    }

    /// Has the socket of a tunnel kept through a restart.
    pub(crate) async fn keep(&self, listener: impl AsFd, addr: &BoundAddr) {
        if !self.is_there() {
            return;
        }
        match listener.as_fd().try_clone_to_owned() {
            Ok(socket) => self.tell(Told::Keep(socket, name_of(addr))).await,
            Err(error) => warn!(%addr, %error, "the socket is not kept through a restart"),
        }
    }

    /// The socket of a tunnel that is no more.
    pub(crate) async fn forget(&self, addr: &BoundAddr) {
        self.tell(Told::Forget(name_of(addr))).await;
    }

    async fn tell(&self, told: Told) {
        let Some(waiting) = &self.told else { return };
        let patience = if self.is_deaf.load(Ordering::Relaxed) { Duration::ZERO } else { PATIENCE };
        let is_told = waiting.send_timeout(told, patience).await.is_ok();
        if !is_told && !self.is_deaf.swap(true, Ordering::Relaxed) {
            warn!("systemd does not listen: its status, its watchdog and its store are behind");
        } else if is_told {
            self.is_deaf.store(false, Ordering::Relaxed);
        }
    }
}

fn tell(told: &Told) {
    let done = match told {
        Told::Ready => notify(&[NotifyState::Ready]),
        // Both, since systemd 253 ends a unit of type notify-reload that leaves the time out.
        Told::Reloading => {
            NotifyState::monotonic_usec_now().and_then(|now| notify(&[NotifyState::Reloading, now]))
        }
        Told::Stopping => notify(&[NotifyState::Stopping]),
        Told::Status(text) => notify(&[NotifyState::Status(text)]),
        Told::Alive => notify(&[NotifyState::Watchdog]),
        Told::Keep(socket, name) => {
            let state = [NotifyState::FdStore, NotifyState::FdName(name)];
            let sockets: [BorrowedFd<'_>; 1] = [socket.as_fd()];
            notify_with_fds(&state, &sockets)
        }
        Told::Forget(name) => notify(&[NotifyState::FdStoreRemove, NotifyState::FdName(name)]),
    };
    if let Err(error) = done {
        debug!(%error, "systemd was not told");
    }
}

/// The name of a tunnel's socket in the store.
fn name_of(addr: &BoundAddr) -> String {
    let mut name = TUNNEL.to_owned();
    for byte in addr.to_string().bytes() {
        write!(name, "{byte:02x}").expect("a string takes whatever is written");
    }
    name
}
