//! What a tunnel is called and known by: texts that change with its route alone, so that they are not
//! written anew at every look.

use std::sync::Arc;

use super::sheet::TunnelLook;
use crate::tunnel::{Route, Tunnel};

/// The texts of one tunnel.
#[derive(Debug)]
pub(super) struct Face {
    /// Its name, or else where it listens.
    pub(super) label: Box<str>,
    pub(super) listen: Box<str>,
    /// The addresses of its backends, in their order.
    pub(super) backends: Box<[Box<str>]>,
}

impl Face {
    pub(super) fn of(tunnel: &Tunnel, route: &Route) -> Self {
        let backends = route.backends.iter();
        Self {
            label: tunnel.label_of(route).into(),
            listen: tunnel.listen.to_string().into(),
            backends: backends.map(|backend| backend.addr.to_string().into()).collect(),
        }
    }

    /// The address of one of its backends.
    pub(super) fn backend(&self, place: usize) -> &str {
        self.backends.get(place).map_or("", |addr| addr)
    }
}

/// Gives tunnels their places by what they are called, where the one or other has none yet, or some
/// of the `before` that had one are gone.
pub(super) fn rank(tunnels: &mut [TunnelLook], before: usize) {
    if tunnels.len() == before && tunnels.iter().all(|tunnel| tunnel.rank < before) {
        return;
    }
    let label = |tunnel: &TunnelLook| Arc::clone(&tunnel.face);
    let mut order: Vec<_> = tunnels.iter().map(label).enumerate().collect();
    order.sort_unstable_by(|(_, one), (_, other)| one.label.cmp(&other.label));
    for (rank, (place, _)) in order.into_iter().enumerate() {
        if let Some(tunnel) = tunnels.get_mut(place) {
            tunnel.rank = rank;
        }
    }
}
