//! A connection of the asking side: plain, or with TLS.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use anyhow::{Context, ensure};
use rustix::net::{Shutdown, shutdown};
use rustls::{ClientConfig, HandshakeKind};

use super::Task;
use super::poller::Interest;
use super::session::Session;
use super::socket::{self, Discard, Got};
use crate::tls::{Handshake, Trust};

/// Opens the connections of a task.
#[derive(Debug)]
pub(super) struct Dialer {
    targets: Vec<SocketAddr>,
    tls: Option<(Handshake, Arc<ClientConfig>)>,
}

impl Dialer {
    pub(super) fn new(task: &Task) -> anyhow::Result<Self> {
        let tls = task.tls.map(|tls| anyhow::Ok((tls.handshake, tls.client(Trust::Anyone)?)));
        Ok(Self { targets: task.targets.clone(), tls: tls.transpose()? })
    }

    /// Begins to connect; the same number goes to the same target, and resumes its own session.
    pub(super) fn dial(&self, who: usize) -> anyhow::Result<Channel> {
        let target = who.checked_rem(self.targets.len()).and_then(|at| self.targets.get(at));
        let target = target.context("no target")?;
        let socket =
            socket::open(*target).with_context(|| format!("cannot connect to {target}"))?;
        let session = self.tls.as_ref().map(|(_, config)| Session::new(config, who));
        Ok(Channel { socket, session: session.transpose()?.map(Box::new) })
    }

    /// That a connection has come to its keys as the task asks.
    pub(super) fn check(&self, channel: &Channel) -> anyhow::Result<()> {
        let (Some((asked, _)), Some(session)) = (&self.tls, &channel.session) else {
            return Ok(());
        };
        let asked = match asked {
            Handshake::Full => HandshakeKind::Full,
            Handshake::Resumed => HandshakeKind::Resumed,
        };
        let was = session.handshake();
        ensure!(was == Some(asked), "a handshake was {was:?} in place of {asked:?}");
        Ok(())
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Channel {
    socket: OwnedFd,
    session: Option<Box<Session>>,
}

impl Channel {
    /// Writes what it takes. With TLS it has to be called for what answers a peer, too, were it with
    /// nothing.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.session {
            None if bytes.is_empty() => Ok(0),
            None => socket::write(&self.socket, bytes),
            Some(session) => session.write(&self.socket, bytes),
        }
    }

    /// Throws away what it receives.
    pub(super) fn discard(&mut self, discard: &mut Discard) -> io::Result<Got> {
        match &mut self.session {
            None => discard.read(&self.socket),
            Some(session) => session.discard(&self.socket, discard.buffer()),
        }
    }

    /// Ends writing, and can still receive. With TLS that is said inside of it.
    pub(super) fn end(&mut self) -> io::Result<()> {
        match &mut self.session {
            None => Ok(shutdown(&self.socket, Shutdown::Write)?),
            Some(session) => session.end(&self.socket),
        }
    }

    /// Closes it; with TLS having said so, as a client does.
    pub(super) fn close(mut self) {
        if let Some(session) = &mut self.session {
            // The peer may be gone already.
            session.end(&self.socket).ok();
        }
    }

    /// What to wait for, where more is to be written or not.
    pub(super) fn interest(&self, has_more: bool) -> Interest {
        let wants_write = match &self.session {
            None => has_more,
            Some(session) => session.wants_write() || has_more && !session.is_handshaking(),
        };
        if wants_write { Interest::Both } else { Interest::Read }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
