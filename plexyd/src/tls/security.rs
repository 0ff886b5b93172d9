//! All TLS of a tunnel, as its route carries it.

use std::sync::Arc;

use super::{Originate, Terminate};

/// What a tunnel speaks TLS with: at least one of both. Most tunnels have no such thing.
#[derive(Debug)]
pub(crate) struct Security {
    /// With its clients.
    pub(crate) terminate: Option<Arc<Terminate>>,
    /// With its backends.
    pub(crate) originate: Option<Arc<Originate>>,
}
