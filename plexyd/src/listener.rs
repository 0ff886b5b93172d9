//! Accepting clients of one tunnel, and nothing else: what takes time happens
//! in the connection's own task.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    Shutdown, SocketAddrAny, SocketAddrUnix, SocketFlags, acceptfrom_with, listen, shutdown,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{debug, error, warn};

use crate::bind::{Bound, SocketFile, local_addr};
use crate::connection::{Accepted, DESCRIPTORS, carry, carry_secured};
use crate::descriptors::Taken;
use crate::engine::Engine;
use crate::hops::{HOPS_MAX, Listening};
use crate::refusal::Refusal;
use crate::socket::{ClientAddr, break_after, reset_on_close};
use crate::sys;
use crate::table::Entry;
use crate::tunnel::{Admission, Tunnel};

/// Clients accepted in a row before others get their turn.
const BATCH: u32 = 64;

/// The pause after an error of `accept`.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// What clients get who wait to be accepted when a listener closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// A reset, by the kernel.
    Reset,
    /// They are still let in.
    Accept,
    /// They are let in too, and those who come later wait for the process that goes on with this
    /// socket.
    HandOn,
    /// All of them wait for the process that goes on with this socket.
    Leave,
}

/// A listener that runs. It stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    close: oneshot::Sender<Waiting>,
    task: JoinHandle<()>,
    /// While the task has it.
    socket: Weak<OwnedFd>,
}

impl Listener {
    /// Begins to accept, on one of the workers. The service manager may keep a copy of the socket.
    pub(crate) fn start(
        tunnel: Arc<Tunnel>,
        bound: Bound,
        taken: Taken,
        is_kept: bool,
        engine: &Arc<Engine>,
    ) -> Self {
        let (close, closing) = oneshot::channel();
        let listening = engine.hops.listening(&bound.addr);
        let door = Door {
            tunnel,
            engine: Arc::clone(engine),
            file: bound.file.map(Box::new),
            is_kept,
            _listening: listening,
            _taken: taken,
        };
        let worker = engine.workers.next();
        let listener = Arc::new(bound.listener);
        let socket = Arc::downgrade(&listener);
        let task = match watch(listener, &worker.handle) {
            Ok(listener) => worker.handle.spawn(door.run(listener, closing)),
            Err(error) => {
                error!(tunnel = door.tunnel.label(), %error, "cannot watch the listener");
                worker.handle.spawn(std::future::ready(()))
            }
        };
        Self { close, task, socket }
    }

    /// Lets so many clients wait to be accepted from now on (listen(2): it may be called again).
    pub(crate) fn set_backlog(&self, backlog: u32) {
        let Some(socket) = self.socket.upgrade() else { return };
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        if let Err(error) = listen(&*socket, backlog) {
            warn!(%error, "the backlog of a listener stays as it is");
        }
    }

    /// Stops accepting; the address is free when this returns.
    pub(crate) async fn close(self, waiting: Waiting) {
        if self.close.send(waiting).is_err() {
            debug!("the listener has ended before");
        }
        if let Err(error) = self.task.await {
            error!(%error, "a listener has failed");
        }
    }
}

/// What a listener is made of.
struct Door {
    tunnel: Arc<Tunnel>,
    engine: Arc<Engine>,
    /// In a box, since few listen on a Unix socket.
    file: Option<Box<SocketFile>>,
    is_kept: bool,
    _listening: Listening,
    _taken: Taken,
}

/// What a batch of clients has come to.
#[derive(Debug)]
enum Batch {
    /// Others may wait.
    Full,
    /// Nobody waits any more.
    Drained,
    /// Somebody waits, but no descriptors are left.
    Starved,
    Failed(io::Error),
}

/// What comes next.
#[derive(Debug)]
enum Next {
    Batch(Batch),
    /// It closes, for whoever said how, or has gone.
    Close(Option<Waiting>),
}

impl Door {
    /// Accepts until it is told to close.
    ///
    /// Most tunnels wait for clients most of the time, so what this future holds meanwhile is what a
    /// tunnel costs: it borrows, and what is rare is a box.
    #[expect(clippy::manual_async_fn, reason = "an `async fn` holds its arguments twice")]
    fn run(
        mut self,
        listener: AsyncFd<Arc<OwnedFd>>,
        mut closing: oneshot::Receiver<Waiting>,
    ) -> impl Future<Output = ()> {
        async move {
            let dropped = if self.is_kept { Waiting::Leave } else { Waiting::Reset };
            let told = loop {
                match poll_fn(|cx| self.poll_next(&listener, &mut closing, cx)).await {
                    Next::Close(told) => break told,
                    Next::Batch(Batch::Drained) => {}
                    Next::Batch(Batch::Full) => tokio::task::yield_now().await,
                    Next::Batch(stopped) => {
                        let pause = self.pause_after(stopped, &listener, &mut closing);
                        if let Some(told) = Box::pin(pause).await {
                            break told;
                        }
                    }
                }
            };
            // Who drops it wants nothing to go on here, and says nothing of who comes after us.
            let waiting = told.unwrap_or(dropped);
            // Before the socket, so that nobody finds a path that nobody serves.
            match (waiting, self.file.take()) {
                (Waiting::HandOn | Waiting::Leave, Some(file)) => file.leave(),
                (_, file) => drop(file),
            }
            if matches!(waiting, Waiting::Accept | Waiting::HandOn) {
                self.accept_waiting(&listener);
            }
            // Whoever keeps a copy for us would go on listening.
            if matches!(waiting, Waiting::Reset | Waiting::Accept)
                && self.is_kept
                && let Err(error) = shutdown(listener.get_ref(), Shutdown::Both)
            {
                debug!(%error, "a kept socket cannot be shut down");
            }
        }
    }

    /// Waits for clients, and lets them in; to be closed comes first.
    fn poll_next(
        &self,
        listener: &AsyncFd<Arc<OwnedFd>>,
        closing: &mut oneshot::Receiver<Waiting>,
        cx: &mut Context<'_>,
    ) -> Poll<Next> {
        if let Poll::Ready(told) = Pin::new(closing).poll(cx) {
            return Poll::Ready(Next::Close(told.ok()));
        }
        Poll::Ready(match ready!(listener.poll_read_ready(cx)) {
            Ok(_) => Next::Batch(self.accept_batch(listener, true)),
            // The runtime has ended.
            Err(_) => Next::Close(Some(Waiting::Reset)),
        })
    }

    /// Waits until it may go on after a batch that was stopped; or until it is closed, and tells how.
    async fn pause_after(
        &self,
        stopped: Batch,
        listener: &AsyncFd<Arc<OwnedFd>>,
        closing: &mut oneshot::Receiver<Waiting>,
    ) -> Option<Option<Waiting>> {
        let pause = async {
            match stopped {
                Batch::Starved => self.wait_for_descriptors(listener).await,
                Batch::Failed(error) => self.pause_after_error(error).await,
                Batch::Full | Batch::Drained => {}
            }
        };
        tokio::select! {
            biased;
            told = closing => Some(told.ok()),
            () = pause => None,
        }
    }

    /// Lets clients in who wait. If descriptors run out, those who are left wait on where there is
    /// patience, and are refused where it is over.
    fn accept_batch(&self, listener: &AsyncFd<Arc<OwnedFd>>, is_patient: bool) -> Batch {
        for _ in 0..BATCH {
            let taken = self.engine.descriptors.try_take(DESCRIPTORS);
            // In both cases: where nobody waits, the kernel is to say when somebody does.
            if taken.is_none() && is_patient {
                let waits = listener.try_io(Interest::READABLE, somebody_waits);
                return if waits.is_ok() { Batch::Starved } else { Batch::Drained };
            }
            match listener.try_io(Interest::READABLE, accept) {
                Ok((fd, peer)) => self.admit(fd, peer, taken),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Batch::Drained,
                Err(error) => return Batch::Failed(error),
            }
        }
        Batch::Full
    }

    /// Waits for descriptors. Where none come in time, all who wait beside the first one have waited
    /// too, and are told.
    async fn wait_for_descriptors(&self, listener: &AsyncFd<Arc<OwnedFd>>) {
        if let Some(taken) = self.engine.descriptors.take(DESCRIPTORS).await {
            if let Ok((fd, peer)) = accept(listener.get_ref()) {
                self.admit(fd, peer, Some(taken));
            }
            return;
        }
        while matches!(self.accept_batch(listener, false), Batch::Full) {
            tokio::task::yield_now().await;
        }
    }

    /// Lets in who waits now, as far as descriptors go: no more than the queue
    /// holds, since newcomers could keep this going.
    fn accept_waiting(&self, listener: &AsyncFd<Arc<OwnedFd>>) {
        for _ in 0..self.tunnel.route().options.backlog {
            let Some(taken) = self.engine.descriptors.try_take(DESCRIPTORS) else { return };
            match accept(listener.get_ref()) {
                Ok((fd, peer)) => self.admit(fd, peer, Some(taken)),
                Err(error) if is_of_client(&error) => {}
                Err(_) => return,
            }
        }
    }

    /// An error of `accept` is not the end of a listener.
    async fn pause_after_error(&self, error: io::Error) {
        if is_of_client(&error) {
            debug!(tunnel = self.tunnel.label(), %error, "a client left before it was accepted");
            return;
        }
        self.warn_folded(|| format!("cannot accept a client: {error}"));
        tokio::time::sleep(ERROR_PAUSE).await;
    }

    /// Lets a client in, or parks it, or resets it.
    fn admit(&self, fd: OwnedFd, peer: Option<SocketAddrAny>, taken: Option<Taken>) {
        let (client, hops) = self.identify(&fd, peer);
        let id = self.engine.connection_id();
        let Some(mut taken) = taken else {
            return self.refuse(&fd, client, id, Refusal::Descriptors);
        };
        if hops >= HOPS_MAX {
            return self.refuse(&fd, client, id, Refusal::Loop);
        }
        let route = self.tunnel.route();
        let Admission { seat, is_counted } = match self.tunnel.admit(&route, client, id) {
            Ok(admission) => admission,
            Err(refusal) => return self.refuse(&fd, client, id, refusal),
        };
        if seat.is_none() {
            // Its backend needs none before it goes on.
            taken.shrink();
            self.engine.meets(&self.tunnel, self.tunnel.limit_met(&route));
        }
        if let ClientAddr::Ip(_) = client {
            break_after(&fd, route.options.limits().tcp_user_timeout);
        }
        let tunnel = Arc::clone(&self.tunnel);
        let worker = self.engine.workers.least_loaded();
        let entry = |flow| {
            let mut entry = Entry::new(id, tunnel, client, flow);
            entry.is_counted = is_counted;
            entry
        };
        let registered = worker.table.register(entry, seat);
        let accepted = Accepted { fd, registered, hops, taken };
        let engine = Arc::clone(&self.engine);
        match (route.terminate(), &route.options.tls) {
            (Some(terminate), Some(tls)) => {
                let terminate = Arc::clone(terminate);
                let carried = carry_secured(accepted, terminate, tls.handshake_timeout, engine);
                worker.tasks.spawn_on(carried, &worker.handle);
            }
            _ => {
                worker.tasks.spawn_on(carry(accepted, engine), &worker.handle);
            }
        }
    }

    fn identify(&self, fd: &OwnedFd, peer: Option<SocketAddrAny>) -> (ClientAddr, u8) {
        let ip = peer.as_ref().and_then(|peer| SocketAddr::try_from(peer.clone()).ok());
        match ip {
            Some(ip) => {
                let ip = SocketAddr::new(ip.ip().to_canonical(), ip.port());
                (ClientAddr::Ip(ip), self.engine.hops.arrived(ip, || local_addr(fd)))
            }
            None => {
                let unix = peer.and_then(|peer| SocketAddrUnix::try_from(peer).ok());
                let name = unix.as_ref().and_then(SocketAddrUnix::abstract_name);
                (ClientAddr::Unix, self.engine.hops.arrived_unix(name))
            }
        }
    }

    fn refuse(&self, fd: &OwnedFd, client: ClientAddr, id: u64, refusal: Refusal) {
        reset_on_close(fd);
        let reason = refusal.reason();
        self.tunnel.count_rejected(reason);
        self.engine.access_log.refused(&self.tunnel, client, id, reason);
        self.engine.traces.refused(&self.tunnel, client, id, reason);
        if let Refusal::Limit(limit) = refusal {
            self.engine.meets(&self.tunnel, limit);
        }
        let refusals = &self.tunnel.gate_to_refuse().refusals;
        let tunnel = Arc::clone(&self.tunnel);
        refusals.tell(refusal, &client, &self.engine.events, move || tunnel.label());
    }

    fn warn_folded(&self, message: impl FnOnce() -> String) {
        let tunnel = self.tunnel.label();
        if self.tunnel.refusals.admits(|| format!("tunnel {tunnel}: client not accepted")) {
            warn!(tunnel, "{}", message());
        }
    }
}

/// Watches a listener for a worker. What the runtime notes of it is allocated by the thread that calls,
/// beside the rest of the tunnel: in the memory of a worker, which makes nothing else for a tunnel, there
/// would be a hole beside each.
fn watch(listener: Arc<OwnedFd>, worker: &Handle) -> io::Result<AsyncFd<Arc<OwnedFd>>> {
    let _on_worker = worker.enter();
    sys::watch(listener, Interest::READABLE).map_err(|(_, error)| error)
}

/// Whether it is that of one client, which left while it waited, or whose network has failed (accept(2),
/// "Error handling"): it says nothing about the next one.
fn is_of_client(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(
            Errno::CONNABORTED
                | Errno::INTR
                | Errno::NETDOWN
                | Errno::PROTO
                | Errno::NOPROTOOPT
                | Errno::HOSTDOWN
                | Errno::NONET
                | Errno::HOSTUNREACH
                | Errno::OPNOTSUPP
                | Errno::NETUNREACH
                | Errno::PERM
        )
    )
}

/// An error of the kind `WouldBlock` where nobody waits to be accepted.
fn somebody_waits(listener: &Arc<OwnedFd>) -> io::Result<()> {
    let mut listener = [PollFd::new(listener, PollFlags::IN)];
    match poll(&mut listener, Some(&Timespec::default()))? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    }
}

fn accept(listener: &Arc<OwnedFd>) -> io::Result<(OwnedFd, Option<SocketAddrAny>)> {
    Ok(acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of<A, B, C, F>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// What each listening tunnel holds while nobody comes: with what the runtime adds to it a task has
    /// 256 bytes then, and else 128 more.
    #[test]
    fn a_listener_that_waits_is_small() {
        let bytes = bytes_of(Door::run);
        assert!(bytes <= 152, "{bytes}");
    }
}
