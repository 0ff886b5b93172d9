//! Sockets that were open before this process: those that systemd listens on
//! for us, by name, and those that it has kept through a restart.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use plexy_shared::spec::{BoundAddr, ListenAddr};
use rustix::net::sockopt::socket_acceptconn;
use socket2::SockRef;
use tracing::warn;

use super::TUNNEL;
use crate::sys::inherited_sockets;

/// Sockets that nobody has taken yet.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    sockets: Vec<Socket>,
}

#[derive(Debug)]
struct Socket {
    name: String,
    addr: BoundAddr,
    listener: OwnedFd,
}

impl Inherited {
    /// Those of the process, which must have no other thread yet.
    pub(super) fn of_process() -> Self {
        let mut sockets = Vec::new();
        for (listener, name) in inherited_sockets() {
            match addr_of(&listener) {
                Some(addr) => sockets.push(Socket { name, addr, listener }),
                None => warn!(name, "a descriptor was passed that is no listening socket"),
            }
        }
        Self { sockets }
    }

    /// The one that listens there.
    pub(crate) fn take(&mut self, addr: &BoundAddr) -> Option<OwnedFd> {
        let place = self.sockets.iter().position(|socket| socket.addr == *addr)?;
        Some(self.sockets.swap_remove(place).listener)
    }

    /// All of that name.
    pub(crate) fn take_named(&mut self, name: &str) -> Vec<(BoundAddr, OwnedFd)> {
        let named: Vec<_> = self.sockets.extract_if(.., |socket| socket.name == name).collect();
        named.into_iter().map(|socket| (socket.addr, socket.listener)).collect()
    }

    /// Whether one of that name is a Unix socket.
    pub(crate) fn has_unix(&self, name: &str) -> bool {
        let is_unix = |socket: &Socket| matches!(socket.addr, BoundAddr::Unix(_));
        self.sockets.iter().any(|socket| socket.name == name && is_unix(socket))
    }

    /// Closes those that nobody wants: where tunnels listened that are no more.
    pub(crate) fn close_rest(&mut self) -> Vec<BoundAddr> {
        let rest = std::mem::take(&mut self.sockets).into_iter().map(|socket| {
            let Socket { name, addr, .. } = socket;
            if !name.starts_with(TUNNEL) {
                warn!(name, %addr, "a socket was passed, and nothing is there that would use it");
            }
            addr
        });
        rest.collect()
    }
}

/// Where a socket listens, if it does.
fn addr_of(listener: &OwnedFd) -> Option<BoundAddr> {
    if !socket_acceptconn(listener).unwrap_or(false) {
        return None;
    }
    let addr = SockRef::from(listener).local_addr().ok()?;
    if let Some(path) = addr.as_pathname() {
        let text = format!("\"unix:{}\"", path.to_str()?);
        return text.parse::<ListenAddr>().ok()?.bound();
    }
    Some(match addr.as_socket()? {
        SocketAddr::V6(ip) if ip.ip().is_unspecified() && is_dual(listener) => {
            BoundAddr::Any(ip.port())
        }
        ip => BoundAddr::Ip(ip),
    })
}

fn is_dual(listener: &OwnedFd) -> bool {
    SockRef::from(listener).only_v6().is_ok_and(|only| !only)
}
