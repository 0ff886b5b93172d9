//! `status`: how many tunnels there are, or each of them.

use std::collections::HashMap;

use plexy_shared::command::Detail;
use plexy_shared::info::{StatusReply, Traffic, TunnelStatus};

use super::Service;
use crate::traffic::Totals;
use crate::tunnel::{Tunnel, TunnelId};

/// Bytes in and out of the live connections of each tunnel.
type LiveBytes = HashMap<TunnelId, (u64, u64)>;

impl Service {
    /// How many tunnels are open, or all of them in order of opening.
    #[must_use]
    pub fn status(&self, detail: Detail) -> StatusReply {
        let tunnels: Vec<_> = {
            let registry = self.registry();
            if detail == Detail::Count {
                return StatusReply { tunnels: registry.len(), tunnel_list: None };
            }
            registry.tunnels().cloned().collect()
        };
        // Live and ended bytes in one look, so that no total ever falls.
        let list: Vec<_> = self.engine.workers.read(|tables| {
            let mut live = LiveBytes::new();
            for entry in tables.iter().flat_map(|table| table.entries()) {
                let (bytes_in, bytes_out) = entry.flow.bytes();
                let sum = live.entry(entry.tunnel.id).or_default();
                *sum = (sum.0 + bytes_in, sum.1 + bytes_out);
            }
            let of = |tunnel: &Tunnel| live.get(&tunnel.id).copied().unwrap_or_default();
            tunnels.iter().map(|tunnel| tunnel_status(tunnel, of(tunnel))).collect()
        });
        StatusReply { tunnels: list.len(), tunnel_list: Some(list) }
    }
}

/// One tunnel, with the bytes of its live connections.
pub(super) fn tunnel_status(tunnel: &Tunnel, live: (u64, u64)) -> TunnelStatus {
    let route = tunnel.route();
    TunnelStatus {
        listen: tunnel.listen.to_string(),
        name: route.options.name.as_ref().map(ToString::to_string),
        traffic: traffic(&tunnel.totals, live),
        backends_up: route.backends.iter().filter(|backend| backend.is_usable()).count(),
        backends: route.backends.len(),
    }
}

/// What has ended and what lives, together.
pub(super) fn traffic(totals: &Totals, live: (u64, u64)) -> Traffic {
    let ended = totals.bytes_ended();
    Traffic {
        connections: totals.live(),
        connections_total: totals.total(),
        bytes_in: ended.0 + live.0,
        bytes_out: ended.1 + live.1,
    }
}
