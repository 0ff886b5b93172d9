//! Which tunnels exist, and by what they are found: this alone decides it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use plexy_shared::spec::{BoundAddr, TunnelName};

use crate::listener::Listener;
use crate::tunnel::{Tunnel, TunnelId};

/// An open tunnel: what its connections see, and its listener.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) tunnel: Arc<Tunnel>,
    pub(crate) listener: Listener,
}

/// All open tunnels.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// In order of opening.
    tunnels: BTreeMap<TunnelId, Open>,
    /// In lower case: the line protocol cares for no case.
    by_name: HashMap<String, TunnelId>,
    /// Those that listen on a port, or on no port, since only they can overlap.
    by_port: HashMap<Option<u16>, Vec<TunnelId>>,
    last_id: u64,
}

impl Registry {
    /// A number that no tunnel has had.
    pub(crate) fn next_id(&mut self) -> TunnelId {
        self.last_id += 1;
        TunnelId(self.last_id)
    }

    pub(crate) fn insert(&mut self, open: Open) {
        let tunnel = &open.tunnel;
        if let Some(name) = &tunnel.route().options.name {
            self.by_name.insert(folded(name), tunnel.id);
        }
        self.by_port.entry(tunnel.listen.port()).or_default().push(tunnel.id);
        self.tunnels.insert(tunnel.id, open);
    }

    pub(crate) fn remove(&mut self, id: TunnelId) -> Option<Open> {
        let open = self.tunnels.remove(&id)?;
        if let Some(name) = &open.tunnel.route().options.name {
            self.by_name.remove(&folded(name));
        }
        let port = open.tunnel.listen.port();
        if let Some(ids) = self.by_port.get_mut(&port) {
            ids.retain(|known| *known != id);
            if ids.is_empty() {
                self.by_port.remove(&port);
            }
        }
        Some(open)
    }

    pub(crate) fn named(&self, name: &TunnelName) -> Option<&Arc<Tunnel>> {
        self.tunnel(*self.by_name.get(&folded(name))?)
    }

    pub(crate) fn listening_on(&self, addr: &BoundAddr) -> Option<&Arc<Tunnel>> {
        self.on_port_of(addr).find(|tunnel| tunnel.listen == *addr)
    }

    /// A tunnel that cannot listen beside `addr`.
    pub(crate) fn overlapping(&self, addr: &BoundAddr) -> Option<&Arc<Tunnel>> {
        self.on_port_of(addr).find(|tunnel| tunnel.listen.overlaps(addr))
    }

    fn on_port_of(&self, addr: &BoundAddr) -> impl Iterator<Item = &Arc<Tunnel>> {
        let ids = self.by_port.get(&addr.port()).map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(|id| self.tunnel(*id))
    }

    fn tunnel(&self, id: TunnelId) -> Option<&Arc<Tunnel>> {
        self.tunnels.get(&id).map(|open| &open.tunnel)
    }

    /// Every tunnel in order of opening.
    pub(crate) fn tunnels(&self) -> impl Iterator<Item = &Arc<Tunnel>> {
        self.tunnels.values().map(|open| &open.tunnel)
    }

    pub(crate) fn len(&self) -> usize {
        self.tunnels.len()
    }

    /// Takes all of them.
    pub(crate) fn take_all(&mut self) -> Vec<Open> {
        let taken = std::mem::take(&mut self.tunnels);
        self.by_name.clear();
        self.by_port.clear();
        taken.into_values().collect()
    }
}

fn folded(name: &TunnelName) -> String {
    name.as_str().to_ascii_lowercase()
}
