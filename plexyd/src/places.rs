//! Names and addresses that are taken, and by whom: what cannot stand beside
//! what is found without a look at everything.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use plexy_shared::spec::{BoundAddr, TunnelName};

/// Who has which name and listens where.
#[derive(Debug)]
pub(crate) struct Places<T> {
    /// In lower case: the line protocol cares for no case.
    by_name: HashMap<String, T>,
    /// In order of ports, since only what is on one port can overlap.
    by_addr: BTreeMap<(Option<u16>, BoundAddr), T>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { by_name: HashMap::default(), by_addr: BTreeMap::default() }
    }
}

impl<T: Copy> Places<T> {
    pub(crate) fn take(&mut self, name: Option<&TunnelName>, addr: Option<&BoundAddr>, who: T) {
        if let Some(name) = name {
            self.by_name.insert(folded(name), who);
        }
        if let Some(addr) = addr {
            self.by_addr.insert(key(addr.clone()), who);
        }
    }

    pub(crate) fn leave(&mut self, name: Option<&TunnelName>, addr: &BoundAddr) {
        if let Some(name) = name {
            self.by_name.remove(&folded(name));
        }
        self.by_addr.remove(&key(addr.clone()));
    }

    pub(crate) fn named(&self, name: &TunnelName) -> Option<T> {
        self.by_name.get(&folded(name)).copied()
    }

    /// Every name that is taken, in lower case.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(crate) fn on(&self, addr: &BoundAddr) -> Option<T> {
        self.by_addr.get(&key(addr.clone())).copied()
    }

    /// Somebody beside whom nobody can listen on `addr`.
    pub(crate) fn overlapping(&self, addr: &BoundAddr) -> Option<T> {
        let Some(port) = addr.port() else { return self.on(addr) };
        let wide = wide(port);
        if wide.contains(addr) {
            let rest = self.by_addr.range((Some(port), FIRST)..);
            let mut on_port = rest.take_while(|((other, _), _)| *other == Some(port));
            return on_port.find(|((_, other), _)| other.overlaps(addr)).map(|(_, who)| *who);
        }
        // Beside its equal only what is wide can be in the way.
        let others = std::iter::once(addr).chain(&wide).filter(|other| other.overlaps(addr));
        others.into_iter().find_map(|other| self.on(other))
    }
}

/// The lowest of all addresses.
const FIRST: BoundAddr = BoundAddr::Any(0);

fn key(addr: BoundAddr) -> (Option<u16>, BoundAddr) {
    (addr.port(), addr)
}

/// The addresses of a port that more than one IP address belongs to.
fn wide(port: u16) -> [BoundAddr; 3] {
    [
        BoundAddr::Any(port),
        BoundAddr::Ip(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
        BoundAddr::Ip(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))),
    ]
}

fn folded(name: &TunnelName) -> String {
    name.as_str().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> BoundAddr {
        text.parse::<plexy_shared::spec::ListenAddr>().unwrap().bound().unwrap()
    }

    #[track_caller]
    fn check(taken: &[&str], wanted: &str, expected: Option<usize>) {
        let mut places = Places::default();
        for (who, taken) in taken.iter().enumerate() {
            places.take(None, Some(&addr(taken)), who);
        }
        assert_eq!(places.overlapping(&addr(wanted)), expected, "{wanted} beside {taken:?}");
        for taken in taken {
            places.leave(None, &addr(taken));
        }
        assert_eq!(places.overlapping(&addr(wanted)), None, "{wanted} alone");
        assert!(places.by_addr.is_empty());
    }

    #[test]
    fn what_overlaps_is_found_and_nothing_else_is() {
        check(&["80", "10.0.0.1:80"], "10.0.0.1:80", Some(1));
        check(&["80", "10.0.0.1:80"], "10.0.0.2:80", None);
        check(&["80", "10.0.0.1:81"], "*:81", Some(1));
        check(&["*:80"], "10.0.0.1:80", Some(0));
        check(&["0.0.0.0:80"], "[::1]:80", None);
        check(&["0.0.0.0:80"], "[::]:80", None);
        check(&["[::]:80"], "*:80", Some(0));
        check(&["unix:/a", "unix:/b"], "unix:/b", Some(1));
        check(&["unix:/a"], "unix:/b", None);
    }
}
