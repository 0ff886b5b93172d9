//! Who asks for a change, and on what terms.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use plexy_shared::plan::{Rehearsal, TunnelDifference};
use plexy_shared::rpc::Terms;

/// Who asks, for the audit line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The daemon's own arguments.
    Args,
    /// Its configuration file.
    File,
    /// What was kept from the time before it started.
    State,
    /// Somebody at a door.
    Peer(Door, Peer),
}

/// A way in for people and programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The line protocol.
    Line,
    /// JSON-RPC.
    Rpc,
}

/// Who is at the other end of a door's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// Over TCP, from this address.
    Tcp(SocketAddr),
    /// Over TLS.
    Tls {
        /// From this address.
        addr: SocketAddr,
        /// By whose certificate the client is known, if it has shown one: quoted and escaped.
        subject: Option<Arc<str>>,
    },
    /// Over a Unix socket.
    Unix {
        /// The user's number, where the system tells it.
        uid: Option<u32>,
        /// The process, where the system tells it.
        pid: Option<i32>,
    },
}

/// Who asks, and on what terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// The revision that the daemon has to be at, if that matters.
    pub expected_revision: Option<u64>,
    /// Whether nothing is to be done, and only told what would be.
    pub dry_run: bool,
}

impl Caller {
    /// Somebody, on these terms.
    #[must_use]
    pub fn new(actor: Actor, terms: Terms) -> Self {
        let Terms { expected_revision, dry_run } = terms;
        Self { actor, expected_revision, dry_run }
    }

    /// What an answer says besides where nothing was done; nothing where it was.
    pub(super) fn rehearsal(&self, differences: Vec<TunnelDifference>) -> Rehearsal {
        if self.dry_run { Rehearsal { dry_run: true, differences } } else { Rehearsal::default() }
    }
}

impl From<Actor> for Caller {
    fn from(actor: Actor) -> Self {
        Self::new(actor, Terms::default())
    }
}

impl Actor {
    /// Through which door, and who that is, where somebody is.
    pub(crate) fn door_and_peer(&self) -> (String, Option<String>) {
        match self {
            Self::Peer(door, peer) => (door.to_string(), Some(peer.to_string())),
            Self::Args | Self::File | Self::State => (self.to_string(), None),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Args => f.write_str("args"),
            Self::File => f.write_str("file"),
            Self::State => f.write_str("state"),
            Self::Peer(door, peer) => write!(f, "{door} {peer}"),
        }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "line",
            Self::Rpc => "rpc",
        })
    }
}

impl Peer {
    /// The same over TLS.
    pub(crate) fn secured(self, subject: Option<Arc<str>>) -> Self {
        match self {
            Self::Tcp(addr) | Self::Tls { addr, .. } => Self::Tls { addr, subject },
            Self::Unix { .. } => self,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls { addr, subject: Some(subject) } => write!(f, "{addr} {subject}"),
            Self::Tcp(addr) | Self::Tls { addr, subject: None } => write!(f, "{addr}"),
            Self::Unix { uid: Some(uid), pid: Some(pid) } => write!(f, "uid={uid} pid={pid}"),
            Self::Unix { uid: Some(uid), pid: None } => write!(f, "uid={uid}"),
            Self::Unix { .. } => f.write_str("unix"),
        }
    }
}
