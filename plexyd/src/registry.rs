//! Which tunnels exist, and by what they are found: this alone decides it.

use std::collections::BTreeMap;
use std::sync::Arc;

use plexy_shared::error::nearest;
use plexy_shared::spec::{BoundAddr, TunnelName, TunnelSpec};

use crate::listener::Listener;
use crate::places::Places;
use crate::tunnel::{Route, Tunnel, TunnelId};

/// An open tunnel: what its connections see, and its listener.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) tunnel: Arc<Tunnel>,
    /// None while it drains.
    pub(crate) listener: Option<Listener>,
    /// What file or arguments say of it, where they do.
    pub(crate) configured: Option<Arc<TunnelSpec>>,
    /// Its place in the order of opening, which stays over a restart.
    pub(crate) order: u64,
}

/// All open tunnels.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// In order of opening.
    tunnels: BTreeMap<TunnelId, Open>,
    places: Places<TunnelId>,
    last_id: u64,
    /// Another one whenever other tunnels are open, or one goes another way.
    edition: u64,
}

impl Registry {
    /// A number that no tunnel has had.
    pub(crate) fn next_id(&mut self) -> TunnelId {
        self.last_id += 1;
        TunnelId(self.last_id)
    }

    pub(crate) fn insert(&mut self, open: Open) {
        self.edition += 1;
        let tunnel = &open.tunnel;
        let name = &tunnel.route().options.name;
        self.places.take(name.as_ref(), Some(&tunnel.listen), tunnel.id);
        self.tunnels.insert(tunnel.id, open);
    }

    /// Numbers from now on are higher than this one.
    pub(crate) fn begin_behind(&mut self, id: u64) {
        self.last_id = self.last_id.max(id);
    }

    /// What file or arguments say of a tunnel.
    pub(crate) fn configured(&self, id: TunnelId) -> Option<Arc<TunnelSpec>> {
        self.tunnels.get(&id)?.configured.clone()
    }

    /// The place of a tunnel in the order of opening.
    pub(crate) fn order(&self, id: TunnelId) -> u64 {
        self.tunnels.get(&id).map_or(id.0, |open| open.order)
    }

    /// File or arguments say something else of it now.
    pub(crate) fn configure(&mut self, id: TunnelId, configured: Option<Arc<TunnelSpec>>) {
        if let Some(open) = self.tunnels.get_mut(&id) {
            open.configured = configured;
        }
    }

    /// Every tunnel in order of opening, with what file or arguments say of it.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Open> {
        self.tunnels.values()
    }

    /// Sends the connections of tunnels that are open another way, under the names of that: all of
    /// them leave their names before one is taken, since they may be each other's.
    pub(crate) fn reroute(&mut self, routes: Vec<(Arc<Tunnel>, Route)>) {
        self.edition += 1;
        for (tunnel, _) in &routes {
            self.places.leave(tunnel.route().options.name.as_ref(), &tunnel.listen);
        }
        for (tunnel, route) in routes {
            self.places.take(route.options.name.as_ref(), Some(&tunnel.listen), tunnel.id);
            tunnel.reroute(route);
        }
    }

    /// Takes the listener of a tunnel that is to drain.
    pub(crate) fn take_listener(&mut self, id: TunnelId) -> Option<Listener> {
        self.tunnels.get_mut(&id)?.listener.take()
    }

    /// A tunnel listens again.
    pub(crate) fn set_listener(&mut self, id: TunnelId, listener: Listener) {
        if let Some(open) = self.tunnels.get_mut(&id) {
            open.listener = Some(listener);
        }
    }

    /// The listener of a tunnel, where it has one.
    pub(crate) fn listener(&self, id: TunnelId) -> Option<&Listener> {
        self.tunnels.get(&id)?.listener.as_ref()
    }

    pub(crate) fn remove(&mut self, id: TunnelId) -> Option<Open> {
        let open = self.tunnels.remove(&id)?;
        self.edition += 1;
        let tunnel = &open.tunnel;
        tunnel.leave();
        self.places.leave(tunnel.route().options.name.as_ref(), &tunnel.listen);
        Some(open)
    }

    pub(crate) fn named(&self, name: &TunnelName) -> Option<&Arc<Tunnel>> {
        self.tunnel(self.places.named(name)?)
    }

    /// The name that a mistyped one most probably meant.
    pub(crate) fn near(&self, name: &TunnelName) -> Option<TunnelName> {
        let near = nearest(name.as_str(), self.places.names())?.parse().ok()?;
        self.named(&near)?.route().options.name.clone()
    }

    pub(crate) fn listening_on(&self, addr: &BoundAddr) -> Option<&Arc<Tunnel>> {
        self.tunnel(self.places.on(addr)?)
    }

    /// A tunnel that cannot listen beside `addr`.
    pub(crate) fn overlapping(&self, addr: &BoundAddr) -> Option<&Arc<Tunnel>> {
        self.tunnel(self.places.overlapping(addr)?)
    }

    fn tunnel(&self, id: TunnelId) -> Option<&Arc<Tunnel>> {
        self.tunnels.get(&id).map(|open| &open.tunnel)
    }

    /// Every tunnel in order of opening.
    pub(crate) fn tunnels(&self) -> impl Iterator<Item = &Arc<Tunnel>> {
        self.tunnels.values().map(|open| &open.tunnel)
    }

    /// A number that stays as long as the same tunnels are open and go the same ways.
    pub(crate) fn edition(&self) -> u64 {
        self.edition
    }

    pub(crate) fn len(&self) -> usize {
        self.tunnels.len()
    }

    /// Takes all of them.
    pub(crate) fn take_all(&mut self) -> Vec<Open> {
        self.edition += 1;
        let taken = std::mem::take(&mut self.tunnels);
        self.places = Places::default();
        taken.values().for_each(|open| open.tunnel.leave());
        taken.into_values().collect()
    }
}
