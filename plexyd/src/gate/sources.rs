//! How many connections each source has: a number per IP address, as long as it is not zero.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::socket::ClientAddr;

/// Where connections come from: an address, or the machine itself.
type Source = Option<IpAddr>;

/// The sources of one tunnel, those that were counted. The lock is taken where that is limited, when
/// a connection begins and when it ends.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    connections: Mutex<HashMap<Source, u32>>,
}

/// One more connection of a source. It is none any more when this is dropped, unless it
/// [stays](Self::stay).
#[derive(Debug)]
pub(crate) struct Arrival<'a> {
    sources: Option<&'a Sources>,
    client: ClientAddr,
}

impl Sources {
    /// Counts one more connection of the client's source; nothing if `max` are there.
    pub(crate) fn enter(&self, client: ClientAddr, max: u32) -> Option<Arrival<'_>> {
        let mut connections = self.lock();
        let count = connections.entry(source(client)).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Arrival { sources: Some(self), client })
    }

    /// How many connections of the client's source are counted.
    pub(crate) fn count(&self, client: ClientAddr) -> u32 {
        self.lock().get(&source(client)).copied().unwrap_or_default()
    }

    /// A connection of the client's source that was counted has ended.
    pub(crate) fn leave(&self, client: ClientAddr) {
        let mut connections = self.lock();
        if let Entry::Occupied(mut count) = connections.entry(source(client)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Source, u32>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival<'_> {
    /// It goes on, and says itself when it [leaves](Sources::leave).
    pub(crate) fn stay(mut self) {
        self.sources = None;
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        if let Some(sources) = self.sources {
            sources.leave(self.client);
        }
    }
}

fn source(client: ClientAddr) -> Source {
    match client {
        ClientAddr::Ip(addr) => Some(addr.ip()),
        ClientAddr::Unix => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_own_count_and_none_is_left_at_zero() {
        let sources = Sources::default();
        let client = |text: &str| ClientAddr::Ip(text.parse().unwrap());
        let (first, again) = (client("192.0.2.1:1"), client("192.0.2.1:2"));
        sources.enter(first, 1).unwrap().stay();
        assert!(sources.enter(again, 1).is_none());
        assert!(sources.enter(client("192.0.2.2:1"), 1).is_some(), "and it is gone again");
        assert!(sources.enter(ClientAddr::Unix, 1).is_some());
        assert_eq!(sources.lock().len(), 1);

        sources.leave(first);

        assert!(sources.lock().is_empty());
        assert!(sources.enter(again, 1).is_some());
    }
}
