//! Names and addresses that are taken, and by whom: what cannot stand beside
//! what is found without a look at everything.

use std::collections::HashMap;

use plexy_shared::spec::{BoundAddr, TunnelName};

/// Who has which name and listens where.
#[derive(Debug)]
pub(crate) struct Places<T> {
    /// In lower case: the line protocol cares for no case.
    by_name: HashMap<String, T>,
    by_addr: HashMap<BoundAddr, T>,
    /// Those on each port, since only they can overlap.
    by_port: HashMap<u16, OnPort>,
}

/// How many listen on a port, and those of them that do so on several
/// addresses.
#[derive(Debug, Default)]
struct OnPort {
    all: Vec<BoundAddr>,
    wide: Vec<BoundAddr>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        let (by_name, by_addr, by_port) = Default::default();
        Self { by_name, by_addr, by_port }
    }
}

impl<T: Copy> Places<T> {
    pub(crate) fn take(&mut self, name: Option<&TunnelName>, addr: &BoundAddr, who: T) {
        if let Some(name) = name {
            self.by_name.insert(folded(name), who);
        }
        self.by_addr.insert(addr.clone(), who);
        if let Some(port) = addr.port() {
            let on_port = self.by_port.entry(port).or_default();
            on_port.all.push(addr.clone());
            if is_wide(addr) {
                on_port.wide.push(addr.clone());
            }
        }
    }

    pub(crate) fn leave(&mut self, name: Option<&TunnelName>, addr: &BoundAddr) {
        if let Some(name) = name {
            self.by_name.remove(&folded(name));
        }
        self.by_addr.remove(addr);
        let Some(port) = addr.port() else { return };
        if let Some(on_port) = self.by_port.get_mut(&port) {
            on_port.wide.retain(|known| known != addr);
            if let Some(place) = on_port.all.iter().position(|known| known == addr) {
                on_port.all.swap_remove(place);
            }
            if on_port.all.is_empty() {
                self.by_port.remove(&port);
            }
        }
    }

    pub(crate) fn named(&self, name: &TunnelName) -> Option<T> {
        self.by_name.get(&folded(name)).copied()
    }

    pub(crate) fn on(&self, addr: &BoundAddr) -> Option<T> {
        self.by_addr.get(addr).copied()
    }

    /// Somebody beside whom nobody can listen on `addr`.
    pub(crate) fn overlapping(&self, addr: &BoundAddr) -> Option<T> {
        if let Some(who) = self.on(addr) {
            return Some(who);
        }
        let on_port = self.by_port.get(&addr.port()?)?;
        // What is not wide overlaps with its equal and with what is wide.
        let candidates = if is_wide(addr) { &on_port.all } else { &on_port.wide };
        candidates.iter().find(|known| known.overlaps(addr)).and_then(|known| self.on(known))
    }
}

/// Whether it stands for several addresses.
fn is_wide(addr: &BoundAddr) -> bool {
    match addr {
        BoundAddr::Any(_) => true,
        BoundAddr::Ip(addr) => addr.ip().is_unspecified(),
        BoundAddr::Unix(_) => false,
    }
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
            places.take(None, &addr(taken), who);
        }
        assert_eq!(places.overlapping(&addr(wanted)), expected, "{wanted} beside {taken:?}");
        for taken in taken {
            places.leave(None, &addr(taken));
        }
        assert_eq!(places.overlapping(&addr(wanted)), None, "{wanted} alone");
        assert!(places.by_port.is_empty());
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
