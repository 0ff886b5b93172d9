//! `remove`: one backend less.

use std::sync::Arc;

use plexy_shared::info::{BackendReply, Change};
use plexy_shared::spec::{BackendSpec, TunnelRef};
use tracing::info;

use super::{Caller, Service, ServiceError};
use crate::tunnel::Route;

impl Service {
    /// Removes a backend; its live connections go on.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel or backend, or if it is the last one.
    pub async fn remove(
        &self,
        wanted: &TunnelRef,
        spec: &BackendSpec,
        caller: &Caller,
    ) -> Result<BackendReply, ServiceError> {
        let (turn, tunnel) = self.begin_change(wanted, caller).await?;
        let (route, label) = (tunnel.route(), tunnel.label());
        let addr = || spec.addr.clone();
        let Some(backend) = route.backend(spec) else {
            return Err(ServiceError::BackendNotFound { tunnel: label, backend: addr() });
        };
        if route.backends.len() == 1 {
            return Err(ServiceError::LastBackend { tunnel: label, backend: addr() });
        }
        let others = route.backends.iter().filter(|other| !Arc::ptr_eq(other, backend));
        let others = others.cloned().collect();
        tunnel.reroute(Route::new(route.options.clone(), others, turn.revision));
        let revision = turn.done();
        backend.removed.cancel();
        let kept = backend.totals.live();
        info!(tunnel = label, actor = %caller.actor, revision, backend = %spec.addr, kept, "backend removed");
        Ok(BackendReply {
            result: Change::Removed.into(),
            listen: tunnel.listen.to_string(),
            backend: spec.addr.to_string(),
            kept,
            revision,
        })
    }
}
