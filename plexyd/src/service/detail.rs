//! `detail`: one tunnel in full.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use plexy_shared::info::{BackendInfo, OptionInfo, TunnelInfo};
use plexy_shared::spec::{BackendAddr, OPTIONS, TunnelRef};

use super::status::{traffic, tunnel_status};
use super::{Service, ServiceError};
use crate::backend::{Backend, Target};
use crate::tunnel::Tunnel;

impl Service {
    /// One tunnel in full.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel.
    pub async fn detail(&self, wanted: &TunnelRef) -> Result<TunnelInfo, ServiceError> {
        let tunnel = self.find(wanted).await?;
        Ok(self.engine.workers.read(|tables| {
            let entries = tables.iter().flat_map(|table| table.entries());
            let mut live = (0, 0);
            let mut live_of: HashMap<*const Backend, (u64, u64)> = HashMap::new();
            for entry in entries.filter(|entry| entry.tunnel.id == tunnel.id) {
                let (bytes_in, bytes_out) = entry.flow.bytes();
                live = (live.0 + bytes_in, live.1 + bytes_out);
                if let Some(backend) = entry.backend.get() {
                    let sum = live_of.entry(Arc::as_ptr(backend)).or_default();
                    *sum = (sum.0 + bytes_in, sum.1 + bytes_out);
                }
            }
            let of = |it: &Arc<Backend>| live_of.get(&Arc::as_ptr(it)).copied().unwrap_or_default();
            describe(&tunnel, live, of)
        }))
    }
}

fn describe(
    tunnel: &Tunnel,
    live: (u64, u64),
    live_of: impl Fn(&Arc<Backend>) -> (u64, u64),
) -> TunnelInfo {
    let route = tunnel.route();
    let options =
        OPTIONS.iter().map(|row| OptionInfo { key: row.key, value: row.value_in(&route.options) });
    TunnelInfo {
        status: tunnel_status(tunnel, live),
        spec: tunnel.spec().to_string(),
        origin: tunnel.origin,
        revision: route.revision,
        age_seconds: tunnel.opened.elapsed().as_secs(),
        options: options.collect(),
        ended: tunnel.ended(),
        backend_list: route.backends.iter().map(|it| backend_info(it, live_of(it))).collect(),
    }
}

fn backend_info(backend: &Backend, live: (u64, u64)) -> BackendInfo {
    let condition = backend.condition();
    let now = Instant::now();
    let next_ms = condition.next.map(|next| next.saturating_duration_since(now).as_millis());
    let addresses = match backend.spec.addr {
        BackendAddr::Name(..) => backend.targets(),
        BackendAddr::Ip(_) | BackendAddr::Unix(_) => Vec::new(),
    };
    let show = |target: &Target| match target {
        Target::Tcp(addr) => addr.to_string(),
        Target::Unix(path) => path.to_string(),
    };
    BackendInfo {
        addr: backend.spec.addr.to_string(),
        state: condition.state,
        state_seconds: condition.since.elapsed().as_secs(),
        cause: condition.cause,
        next_ms: next_ms.and_then(|next| u64::try_from(next).ok()),
        weight: backend.spec.options.weight,
        backup: backend.spec.options.backup,
        traffic: traffic(&backend.totals, live),
        attempts_failed: backend.attempts_failed.load(Ordering::Relaxed),
        addresses: addresses.iter().map(show).collect(),
    }
}
