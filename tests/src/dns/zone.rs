//! What the name server knows, and what it was asked.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hickory_proto::op::{Query, ResponseCode};
use hickory_proto::rr::{Record, RecordType};

/// The names and their addresses, behind a lock that is held only while one question is answered.
#[derive(Debug, Default)]
pub(super) struct Zone {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    names: HashMap<String, Entry>,
    asked: HashMap<(String, RecordType), usize>,
    failing: bool,
    silent: bool,
}

#[derive(Debug)]
struct Entry {
    addresses: Vec<IpAddr>,
    ttl_s: u32,
}

impl Zone {
    pub(super) fn set(&self, name: &str, addresses: Vec<IpAddr>, ttl_s: u32) {
        self.state().names.insert(key(name), Entry { addresses, ttl_s });
    }

    pub(super) fn remove(&self, name: &str) {
        self.state().names.remove(&key(name));
    }

    pub(super) fn fail(&self, failing: bool) {
        self.state().failing = failing;
    }

    pub(super) fn silent(&self, silent: bool) {
        self.state().silent = silent;
    }

    /// How many questions for `name` were of a type that `counts`.
    pub(super) fn asked(&self, name: &str, counts: impl Fn(RecordType) -> bool) -> usize {
        let name = key(name);
        let state = self.state();
        let of_name =
            state.asked.iter().filter(|((asked, kind), _)| *asked == name && counts(*kind));
        of_name.map(|(_, count)| count).sum()
    }

    /// Counts a question and answers it, by `found` where the name exists; nothing where the server
    /// is silent.
    pub(super) fn ask(
        &self,
        query: &Query,
        found: impl FnOnce(&Query, &[IpAddr], u32) -> (ResponseCode, Vec<Record>),
    ) -> Option<(ResponseCode, Vec<Record>)> {
        let name = key(&query.name().to_ascii());
        let mut state = self.state();
        *state.asked.entry((name.clone(), query.query_type())).or_default() += 1;
        if state.silent {
            return None;
        }
        if state.failing {
            return Some((ResponseCode::ServFail, Vec::new()));
        }
        Some(match state.names.get(&name) {
            Some(entry) => found(query, &entry.addresses, entry.ttl_s),
            None => (ResponseCode::NXDomain, Vec::new()),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One spelling of each name.
fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}
