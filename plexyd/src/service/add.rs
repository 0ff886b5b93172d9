//! `add`: one more backend.

use plexy_shared::event::EventKind;
use plexy_shared::info::{BackendReply, Change};
use plexy_shared::spec::{BACKENDS_MAX, BackendSpec, TunnelRef};

use super::{Caller, Service, ServiceError, check_own_backends};
use crate::backend::Member;
use crate::events::Happening;
use crate::tunnel::Route;

impl Service {
    /// Adds a backend; the same one again changes nothing.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel, if it has that backend with other
    /// attributes, if it is full, if the
    /// backend is the tunnel itself, or if the change cannot be saved.
    pub async fn add(
        &self,
        wanted: &TunnelRef,
        spec: &BackendSpec,
        caller: &Caller,
    ) -> Result<BackendReply, ServiceError> {
        let (mut turn, tunnel) = self.begin_change(wanted, caller).await?;
        let (route, label) = (tunnel.route(), tunnel.label());
        if let Some(known) = route.backend(&spec.addr) {
            if known.spec() != *spec {
                let backend = spec.addr.clone();
                return Err(ServiceError::BackendExists { tunnel: label, backend });
            }
            return Ok(BackendReply {
                result: Change::Unchanged.into(),
                listen: tunnel.listen.to_string(),
                backend: spec.to_string(),
                kept: known.totals.live(),
                revision: self.revision(),
            });
        }
        if route.backends.len() >= BACKENDS_MAX {
            return Err(ServiceError::TooManyBackends { tunnel: label, max: BACKENDS_MAX });
        }
        check_own_backends(&tunnel.listen, std::slice::from_ref(spec))?;
        let mut after = tunnel.spec();
        after.backends.push(spec.clone());
        turn.keep(caller, self.edit_of(&tunnel, Some(after)), Vec::new()).await?;
        let backend = Member::new(spec.clone());
        self.engine.health.watch(&label, &backend);
        let mut backends = route.backends.to_vec();
        backends.push(backend);
        tunnel.reroute(Route::new(route.options.clone(), backends, turn.revision()));
        let revision = turn.revision();
        let added = Happening::new(EventKind::BackendAdded).of_tunnel(label).of_backend(spec);
        self.events.tell(added.by(&caller.actor, revision));
        turn.done().await;
        Ok(BackendReply {
            result: Change::Added.into(),
            listen: tunnel.listen.to_string(),
            backend: spec.to_string(),
            kept: 0,
            revision,
        })
    }
}
