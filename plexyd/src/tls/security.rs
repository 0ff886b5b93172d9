//! All TLS of a tunnel, as its route carries it.

use std::sync::Arc;

use super::{Live, Originate, Renewable, Terminate};

/// What a tunnel speaks TLS with: at least one of both. Most tunnels have no such thing.
#[derive(Debug)]
pub(crate) struct Security {
    /// With its clients.
    pub(crate) terminate: Option<Arc<Live<Terminate>>>,
    /// With its backends.
    pub(crate) originate: Option<Arc<Live<Originate>>>,
}

impl Security {
    /// What is kept as its files say.
    pub(crate) fn live(&self) -> impl Iterator<Item = Arc<dyn Renewable>> {
        let terminate = self.terminate.clone().map(|live| live as Arc<dyn Renewable>);
        let originate = self.originate.clone().map(|live| live as Arc<dyn Renewable>);
        terminate.into_iter().chain(originate)
    }
}
