//! All TLS of a tunnel, as its route carries it.

use std::path::PathBuf;
use std::sync::Arc;

use plexy_shared::spec::TunnelOptions;

use super::{FromFiles, Live, Originate, Renewable, Terminate};

/// What a tunnel speaks TLS with: at least one of both. Most tunnels have no such thing.
#[derive(Debug)]
pub(crate) struct Security {
    /// With its clients.
    pub(crate) terminate: Option<Arc<Live<Terminate>>>,
    /// With its backends.
    pub(crate) originate: Option<Arc<Live<Originate>>>,
}

impl Security {
    /// The files that it is made of.
    pub(crate) fn files(options: &TunnelOptions) -> impl Iterator<Item = PathBuf> {
        let terminate = options.tls.as_deref().map(Terminate::files);
        let originate = options.backend_tls.as_deref().map(Originate::files);
        terminate.into_iter().chain(originate).flatten()
    }

    /// What is kept as its files say.
    pub(crate) fn live(&self) -> impl Iterator<Item = Arc<dyn Renewable>> {
        let terminate = self.terminate.clone().map(|live| live as Arc<dyn Renewable>);
        let originate = self.originate.clone().map(|live| live as Arc<dyn Renewable>);
        terminate.into_iter().chain(originate)
    }
}
