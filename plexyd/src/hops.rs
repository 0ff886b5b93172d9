//! Loops of tunnels: how many tunnels of this daemon a connection has been
//! through.
//!
//! A tunnel may lead to another tunnel of the same daemon, but A to B to A
//! would dial itself until no descriptor is left. So a connection that dials
//! an address on which we listen is remembered by the address it dials from,
//! and the client who arrives from that address has come one hop further.
//! Dialling anything else costs one atomic load.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use plexy_shared::spec::BoundAddr;

/// Tunnels of one daemon that a connection may go through.
pub(crate) const HOPS_MAX: u8 = 8;

/// How a connection of ours is known at its other end: by both its addresses,
/// since a local port may serve several destinations, or by the abstract name
/// that the kernel gave a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    Tcp { from: (IpAddr, u16), to: (IpAddr, u16) },
    Abstract(Vec<u8>),
}

/// Where we listen, and the connections that dial there.
#[derive(Debug)]
pub(crate) struct Hops {
    /// Listeners on each port.
    ports: Box<[AtomicU16]>,
    unix_listeners: AtomicUsize,
    underway: Mutex<HashMap<Origin, u8>>,
    underway_count: AtomicUsize,
}

/// Remembers that we listen on an address, until it is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    hops: Arc<Hops>,
    port: Option<u16>,
}

/// Remembers a connection that dials one of our addresses, until it is dropped.
#[derive(Debug)]
pub(crate) struct Underway {
    hops: Arc<Hops>,
    origin: Origin,
}

impl Origin {
    /// A TCP connection between these two addresses.
    pub(crate) fn tcp(from: SocketAddr, to: SocketAddr) -> Self {
        let plain = |addr: SocketAddr| (addr.ip().to_canonical(), addr.port());
        Self::Tcp { from: plain(from), to: plain(to) }
    }
}

impl Default for Hops {
    fn default() -> Self {
        Self {
            ports: (0..=u16::MAX).map(|_| AtomicU16::new(0)).collect(),
            unix_listeners: AtomicUsize::new(0),
            underway: Mutex::default(),
            underway_count: AtomicUsize::new(0),
        }
    }
}

impl Hops {
    pub(crate) fn listening(self: &Arc<Self>, addr: &BoundAddr) -> Listening {
        match self.port(addr.port()) {
            Some(count) => count.fetch_add(1, Ordering::Relaxed),
            None => {
                self.unix_listeners.fetch_add(1, Ordering::Relaxed);
                0
            }
        };
        Listening { hops: Arc::clone(self), port: addr.port() }
    }

    fn port(&self, port: Option<u16>) -> Option<&AtomicU16> {
        self.ports.get(usize::from(port?))
    }

    /// Whether a connection to this port may arrive at one of our tunnels.
    pub(crate) fn listens_on_port(&self, port: u16) -> bool {
        self.port(Some(port)).is_some_and(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// Whether a connection to a Unix socket may arrive at one of our tunnels.
    pub(crate) fn listens_on_unix(&self) -> bool {
        self.unix_listeners.load(Ordering::Relaxed) > 0
    }

    /// A connection that came `hops` far dials on, if `dial` finds that it may
    /// arrive at one of our tunnels, and tells from where. It may arrive before
    /// `dial` returns, so whoever looks it up waits for this.
    pub(crate) fn depart(
        self: &Arc<Self>,
        hops: u8,
        dial: impl FnOnce() -> io::Result<Option<Origin>>,
    ) -> io::Result<Option<Underway>> {
        let mut underway = self.underway.lock().unwrap_or_else(PoisonError::into_inner);
        self.underway_count.store(underway.len() + 1, Ordering::Release);
        let dialled = dial();
        if let Ok(Some(origin)) = &dialled {
            underway.insert(origin.clone(), hops.saturating_add(1));
        }
        self.underway_count.store(underway.len(), Ordering::Release);
        Ok(dialled?.map(|origin| Underway { hops: Arc::clone(self), origin }))
    }

    /// How many tunnels of ours the client at `peer`, who connected to
    /// `local`, has been through.
    pub(crate) fn arrived(
        &self,
        peer: SocketAddr,
        local: impl FnOnce() -> Option<SocketAddr>,
    ) -> u8 {
        if self.underway_count.load(Ordering::Acquire) == 0 {
            return 0;
        }
        local().map_or(0, |local| self.hops_of(&Origin::tcp(peer, local)))
    }

    /// The same for a Unix socket, whose client has an abstract name.
    pub(crate) fn arrived_unix(&self, name: Option<&[u8]>) -> u8 {
        name.map_or(0, |name| self.hops_of(&Origin::Abstract(name.to_vec())))
    }

    fn hops_of(&self, origin: &Origin) -> u8 {
        let underway = self.underway.lock().unwrap_or_else(PoisonError::into_inner);
        underway.get(origin).copied().unwrap_or(0)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        match self.hops.port(self.port) {
            Some(count) => {
                count.fetch_sub(1, Ordering::Relaxed);
            }
            None => {
                self.hops.unix_listeners.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let mut underway = self.hops.underway.lock().unwrap_or_else(PoisonError::into_inner);
        underway.remove(&self.origin);
        self.hops.underway_count.store(underway.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().expect(text)
    }

    #[test]
    fn a_client_that_is_our_own_connection_has_come_one_hop_further() {
        let hops = Arc::new(Hops::default());
        let from = addr("127.0.0.1:40000");
        let to = |text| Some(addr(text));
        let dial = || Ok(to("127.0.0.1:80").map(|to| Origin::tcp(from, to)));
        let underway = hops.depart(2, dial).expect("it dials");
        assert_eq!(hops.arrived(from, || to("127.0.0.1:80")), 3);
        assert_eq!(hops.arrived(from, || to("[::ffff:127.0.0.1]:80")), 3);
        // The same port to another destination is another connection.
        assert_eq!(hops.arrived(from, || to("127.0.0.1:81")), 0);
        assert_eq!(hops.arrived(addr("127.0.0.1:40001"), || to("127.0.0.1:80")), 0);
        drop(underway);
        assert_eq!(hops.arrived(from, || to("127.0.0.1:80")), 0);
    }

    #[test]
    fn ports_are_known_while_they_are_listened_on() {
        let hops = Arc::new(Hops::default());
        let one = hops.listening(&BoundAddr::Ip(addr("127.0.0.1:80")));
        let two = hops.listening(&BoundAddr::Ip(addr("127.0.0.2:80")));
        drop(one);
        assert!(hops.listens_on_port(80));
        drop(two);
        assert!(!hops.listens_on_port(80));
    }
}
