//! `remove`: one backend less.

use plexy_shared::command::LiveChoice;
use plexy_shared::info::{BackendReply, Change};
use plexy_shared::spec::{BackendSpec, TunnelRef};

use super::reroute::Once;
use super::{Caller, Service, ServiceError};

impl Service {
    /// Removes a backend. Its live connections get what is chosen, or else what `on-remove` of the
    /// tunnel says.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel or backend, if it is the last one, or if the
    /// change cannot be saved.
    pub async fn remove(
        &self,
        wanted: &TunnelRef,
        spec: &BackendSpec,
        live: Option<LiveChoice>,
        caller: &Caller,
    ) -> Result<BackendReply, ServiceError> {
        let (turn, tunnel) = self.begin_change(wanted, None, caller).await?;
        let mut after = tunnel.spec();
        after.backends.retain(|other| other.addr != spec.addr);
        let (label, backend) = (tunnel.label(), spec.addr.clone());
        if after.backends.len() == tunnel.route().backends.len() {
            return Err(ServiceError::BackendNotFound { tunnel: label, backend });
        }
        if after.backends.is_empty() {
            return Err(ServiceError::LastBackend { tunnel: label, backend });
        }
        let once = Once { live, ..Once::default() };
        let made = self.change(turn, &tunnel, after, once, caller).await?;
        Ok(BackendReply {
            result: Change::Removed.into(),
            listen: tunnel.listen.to_string(),
            backend: spec.addr.to_string(),
            live: made.live,
            revision: made.revision,
            rehearsal: made.rehearsal,
        })
    }
}
