//! `close`: stops listening, and ends the connections or lets them finish.

use std::sync::Arc;
use std::time::Duration;

use plexy_shared::command::CloseMode;
use plexy_shared::info::{CloseReply, Reason};
use plexy_shared::spec::TunnelRef;
use tokio::time::Instant;
use tracing::info;

use super::{Caller, Service, ServiceError};
use crate::listener::Waiting;
use crate::tunnel::Tunnel;

/// How often a drain with a deadline looks whether it is over before.
const DRAIN_LOOK: Duration = Duration::from_secs(1);

impl Service {
    /// Stops listening. The address is free when this returns.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel.
    pub async fn close(
        &self,
        wanted: &TunnelRef,
        connections: CloseMode,
        caller: &Caller,
    ) -> Result<CloseReply, ServiceError> {
        let (turn, found) = self.begin_change(wanted, caller).await?;
        let taken = self.registry().remove(found.id);
        let open = taken.ok_or_else(|| self.not_found(wanted))?;
        let tunnel = open.tunnel;
        let waiting = match connections {
            CloseMode::Reset => Waiting::Reset,
            CloseMode::Drain { .. } => Waiting::Accept,
        };
        open.listener.close(waiting).await;
        for backend in &tunnel.route().backends {
            backend.removed.cancel();
        }
        let (ended, draining) = match connections {
            CloseMode::Reset => (self.end_connections(&tunnel, Reason::TunnelClosed), 0),
            CloseMode::Drain { deadline } => {
                if let Some(deadline) = deadline {
                    self.end_drain(Arc::clone(&tunnel), deadline);
                }
                (0, tunnel.totals.live())
            }
        };
        let revision = turn.done();
        info!(tunnel = tunnel.label(), actor = %caller.actor, revision, ended, draining, "tunnel closed");
        Ok(CloseReply { listen: tunnel.listen.to_string(), ended, draining, revision })
    }

    fn end_connections(&self, tunnel: &Tunnel, reason: Reason) -> u64 {
        self.engine.workers.order(reason, |entry| entry.tunnel.id == tunnel.id)
    }

    /// Ends what is left of a drain at its deadline.
    fn end_drain(&self, tunnel: Arc<Tunnel>, deadline: Duration) {
        let engine = Arc::clone(&self.engine);
        let stopping = self.stopping.clone();
        let deadline = Instant::now() + deadline;
        self.tasks.spawn(async move {
            while tunnel.totals.live() > 0 && Instant::now() < deadline {
                let look = deadline.min(Instant::now() + DRAIN_LOOK);
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep_until(look) => {}
                }
            }
            let of_tunnel = |entry: &crate::table::Entry| entry.tunnel.id == tunnel.id;
            let ended = engine.workers.order(Reason::DrainDeadline, of_tunnel);
            info!(tunnel = tunnel.label(), ended, "tunnel drained");
        });
    }
}
