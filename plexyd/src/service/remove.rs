//! `remove`: one backend less.

use plexy_shared::event::EventKind;
use plexy_shared::info::{BackendReply, Change};
use plexy_shared::spec::{BackendSpec, TunnelRef};

use super::close::goes_on;
use super::{Caller, Service, ServiceError};
use crate::events::Happening;
use crate::tunnel::Route;

impl Service {
    /// Removes a backend; its live connections go on.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel or backend, if it is the last one, or if the
    /// change cannot be saved.
    pub async fn remove(
        &self,
        wanted: &TunnelRef,
        spec: &BackendSpec,
        caller: &Caller,
    ) -> Result<BackendReply, ServiceError> {
        let (mut turn, tunnel) = self.begin_change(wanted, caller).await?;
        let (route, label) = (tunnel.route(), tunnel.label());
        let addr = || spec.addr.clone();
        let Some(backend) = route.backend(&spec.addr) else {
            return Err(ServiceError::BackendNotFound { tunnel: label, backend: addr() });
        };
        if route.backends.len() == 1 {
            return Err(ServiceError::LastBackend { tunnel: label, backend: addr() });
        }
        let mut after = tunnel.spec();
        after.backends.retain(|other| other.addr != spec.addr);
        turn.keep(caller, self.edit_of(&tunnel, Some(after)), Vec::new()).await?;
        let others = route.backends.iter().filter(|other| !other.is_same(backend));
        let others = others.cloned().collect();
        tunnel.reroute(Route::new(route.options.clone(), others, turn.revision()));
        let revision = turn.revision();
        backend.removed.cancel();
        let kept = backend.totals.live();
        let removed =
            Happening::new(EventKind::BackendRemoved).of_tunnel(label).of_backend(&spec.addr);
        let removed = removed.detail(goes_on(kept)).by(&caller.actor, revision);
        self.events.tell(removed);
        turn.done().await;
        Ok(BackendReply {
            result: Change::Removed.into(),
            listen: tunnel.listen.to_string(),
            backend: spec.addr.to_string(),
            kept,
            revision,
        })
    }
}
