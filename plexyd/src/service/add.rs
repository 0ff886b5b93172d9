//! `add`: one more backend.

use plexy_shared::info::{BackendReply, Change, LiveCounts};
use plexy_shared::spec::{BACKENDS_MAX, BackendSpec, TunnelRef};

use super::change::whole;
use super::reroute::Once;
use super::{Caller, Service, ServiceError};

impl Service {
    /// Adds a backend; the same one again changes nothing.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel, if it has that backend with other
    /// attributes, if it is full, if the
    /// backend is the tunnel itself or does not go with its options, or if the change cannot be saved.
    pub async fn add(
        &self,
        wanted: &TunnelRef,
        spec: &BackendSpec,
        caller: &Caller,
    ) -> Result<BackendReply, ServiceError> {
        let (turn, tunnel) = self.begin_change(wanted, None, caller).await?;
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
                live: LiveCounts { kept: known.totals.live(), ..LiveCounts::default() },
                revision: self.revision(),
                rehearsal: caller.rehearsal(Vec::new()),
            });
        }
        if route.backends.len() >= BACKENDS_MAX {
            return Err(ServiceError::TooManyBackends { tunnel: label, max: BACKENDS_MAX });
        }
        let mut after = tunnel.spec();
        after.backends.push(spec.clone());
        let after = whole(&after)?;
        let made = self.change(turn, &tunnel, after, Once::default(), caller).await?;
        Ok(BackendReply {
            result: Change::Added.into(),
            listen: tunnel.listen.to_string(),
            backend: spec.to_string(),
            live: made.live,
            revision: made.revision,
            rehearsal: made.rehearsal,
        })
    }
}
