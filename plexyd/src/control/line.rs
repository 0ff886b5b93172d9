//! The line protocol, for `nc` and telnet: one command a line.
//!
//! This module listens and counts sessions; [`session`] talks, [`framing`]
//! cuts bytes into lines, [`answer`] writes what comes back.

mod answer;
mod framing;
mod session;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plexy_shared::spec::BoundAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::bind::{Bound, SocketFile};
use crate::control::token::Token;
use crate::fold::Fold;
use crate::service::{Actor, Service};
use session::{Leaving, Session};

/// Sessions at once; one more ends the one that has been idle longest.
pub(crate) const SESSIONS_MAX: usize = 64;

/// Clients that may wait to be accepted.
pub(crate) const BACKLOG: u32 = 128;

/// The mode of a Unix control socket: its user and its group.
pub(crate) const SOCKET_MODE: u32 = 0o660;

/// The pause after an error of `accept`.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// All sessions of all control sockets.
#[derive(Debug)]
pub(crate) struct Line {
    service: Arc<Service>,
    token: Option<Token>,
    sessions: Mutex<BTreeMap<u64, Arc<Presence>>>,
    next: AtomicU64,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// What the others know of a session.
#[derive(Debug)]
pub(crate) struct Presence {
    /// Rises with every line of any session: the lowest one is idle longest.
    last_line: AtomicU64,
    /// Whether it may ask for things: a stranger makes room first.
    is_trusted: AtomicBool,
    /// Cancelled when it has to make room.
    evicted: CancellationToken,
}

/// A control socket.
enum Door {
    Tcp(TcpListener),
    Unix(UnixListener, Option<SocketFile>),
}

impl Line {
    pub(crate) fn new(service: Arc<Service>, token: Option<Token>) -> Self {
        Self {
            service,
            token,
            sessions: Mutex::default(),
            next: AtomicU64::new(0),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Begins to serve a control socket.
    pub(crate) fn serve(self: &Arc<Self>, bound: Bound) -> std::io::Result<()> {
        let addr = bound.addr;
        let door = match &addr {
            BoundAddr::Unix(_) => {
                Door::Unix(UnixListener::from_std(bound.listener.into())?, bound.file)
            }
            BoundAddr::Any(_) | BoundAddr::Ip(_) => {
                Door::Tcp(TcpListener::from_std(bound.listener.into())?)
            }
        };
        if matches!(door, Door::Tcp(_)) && self.token.is_none() {
            warn!(socket = %addr, "every user of this machine can control plexyd here; --token-file closes it");
        }
        info!(socket = %addr, "control socket open");
        let line = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = line.stop.cancelled() => {}
                () = line.accept_all(&door) => {}
            }
        });
        Ok(())
    }

    async fn accept_all(self: &Arc<Self>, door: &Door) {
        let errors = Arc::new(Fold::default());
        loop {
            let accepted = match door {
                Door::Tcp(listener) => listener.accept().await.map(|(stream, peer)| {
                    self.begin(stream, Actor::LineTcp(canonical(peer)), self.token.as_ref());
                }),
                // Whoever can open the file may: that is what its mode is for.
                Door::Unix(listener, _file) => listener.accept().await.map(|(stream, _)| {
                    let actor = unix_actor(&stream);
                    self.begin(stream, actor, None);
                }),
            };
            if let Err(error) = accepted {
                if errors.admits(|| "control socket: cannot accept".to_owned()) {
                    warn!(%error, "cannot accept on a control socket");
                }
                tokio::time::sleep(ERROR_PAUSE).await;
            }
        }
    }

    fn begin<S>(self: &Arc<Self>, stream: S, actor: Actor, token: Option<&Token>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (line, token) = (Arc::clone(self), token.cloned());
        let (id, presence) = self.enter(token.is_none());
        self.tasks.spawn(async move {
            let session = Session::new(Arc::clone(&line), Arc::clone(&presence), actor, token);
            let (stop, evicted) = (line.stop.clone(), presence.evicted.clone());
            session.run(stream, &Leaving { stop, evicted }).await;
            line.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        });
    }

    /// Lets a session in, at the cost of the one that has been idle longest; of
    /// one that has not given the token yet, if there is any.
    fn enter(&self, is_trusted: bool) -> (u64, Arc<Presence>) {
        let id = self.tick();
        let presence = Arc::new(Presence {
            last_line: AtomicU64::new(id),
            is_trusted: AtomicBool::new(is_trusted),
            evicted: CancellationToken::new(),
        });
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS_MAX {
            let idlest = sessions
                .iter()
                .min_by_key(|(_, it)| {
                    let is_trusted = it.is_trusted.load(Ordering::Relaxed);
                    (is_trusted, it.last_line.load(Ordering::Relaxed))
                })
                .map(|(id, _)| *id);
            // Out of the list at once: the next newcomer takes the next one.
            if let Some(evicted) = idlest.and_then(|id| sessions.remove(&id)) {
                evicted.evicted.cancel();
            }
        }
        sessions.insert(id, Arc::clone(&presence));
        (id, presence)
    }

    fn tick(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// A session has had a line.
    pub(crate) fn touch(&self, presence: &Presence) {
        presence.last_line.store(self.tick(), Ordering::Relaxed);
    }

    /// A session has given the token.
    pub(crate) fn trust(&self, presence: &Presence) {
        presence.is_trusted.store(true, Ordering::Relaxed);
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// Ends every session and every control socket.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn canonical(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), peer.port())
}

fn unix_actor(stream: &UnixStream) -> Actor {
    let peer = rustix::net::sockopt::socket_peercred(stream.as_fd()).ok();
    Actor::LineUnix {
        uid: peer.as_ref().map(|peer| peer.uid.as_raw()),
        pid: peer.map(|peer| peer.pid.as_raw_nonzero().get()),
    }
}
