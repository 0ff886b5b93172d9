//! What all tunnels share on the data path.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use plexy_shared::event::EventKind;

use crate::access_log::AccessLog;
use crate::descriptors::Descriptors;
use crate::events::{Events, Happening};
use crate::health::Health;
use crate::hops::Hops;
use crate::refusal::Limit;
use crate::trace::Traces;
use crate::tunnel::Tunnel;
use crate::worker::Workers;

/// Bits of a connection's number that count; the ones above are the microsecond in which the
/// process started. What overflows runs into those: numbers of two processes differ as long as the
/// first takes less than 4 096 connections in each microsecond of its life.
const COUNTER_BITS: u32 = 12;

/// Made once by the daemon, and handed to every listener and connection.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) workers: Workers,
    pub(crate) descriptors: Arc<Descriptors>,
    pub(crate) hops: Arc<Hops>,
    pub(crate) health: Arc<Health>,
    pub(crate) access_log: AccessLog,
    pub(crate) traces: Traces,
    pub(crate) events: Arc<Events>,
    next_connection: AtomicU64,
}

impl Engine {
    pub(crate) fn new(
        workers: Workers,
        descriptors: Arc<Descriptors>,
        hops: Arc<Hops>,
        health: Arc<Health>,
        access_log: AccessLog,
        traces: Traces,
        events: Arc<Events>,
    ) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let epoch = since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(0));
        let next_connection = AtomicU64::new(epoch << COUNTER_BITS);
        Self { workers, descriptors, hops, health, access_log, traces, events, next_connection }
    }

    /// A limit of a tunnel is met.
    pub(crate) fn meets(&self, tunnel: &Tunnel, limit: Limit) {
        if tunnel.gate().is_some_and(|gate| gate.meets(limit)) {
            let reached = Happening::new(EventKind::LimitReached).of_tunnel(tunnel.label());
            self.events.tell(reached.detail(limit.to_string()));
        }
    }

    /// A number that no other connection has.
    pub(crate) fn connection_id(&self) -> u64 {
        self.next_connection.fetch_add(1, Ordering::Relaxed)
    }
}
