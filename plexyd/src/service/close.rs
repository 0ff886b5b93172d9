//! `close`: stops listening, and ends the connections or lets them finish.

use std::sync::Arc;
use std::time::Duration;

use plexy_shared::command::CloseMode;
use plexy_shared::event::EventKind;
use plexy_shared::info::{CloseReply, Reason};
use plexy_shared::spec::TunnelRef;
use plexy_shared::units::counted;
use tokio::time::Instant;

use super::{Caller, Service, ServiceError};
use crate::events::Happening;
use crate::listener::Waiting;
use crate::tunnel::Tunnel;

/// How often a drain with a deadline looks whether it is over before.
const DRAIN_LOOK: Duration = Duration::from_secs(1);

impl Service {
    /// Stops listening. The address is free when this returns.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel, or if the change cannot be saved.
    pub async fn close(
        &self,
        wanted: &TunnelRef,
        connections: CloseMode,
        caller: &Caller,
    ) -> Result<CloseReply, ServiceError> {
        let (mut turn, found) = self.begin_change(wanted, caller).await?;
        turn.keep(caller, self.edit_of(&found, None), Vec::new()).await?;
        let taken = self.registry().remove(found.id);
        let open = taken.ok_or_else(|| self.not_found(wanted))?;
        let tunnel = open.tunnel;
        let waiting = match connections {
            CloseMode::Reset => Waiting::Reset,
            CloseMode::Drain { .. } => Waiting::Accept,
        };
        open.listener.close(waiting).await;
        self.systemd.forget(&tunnel.listen);
        for backend in &tunnel.route().backends {
            backend.removed.cancel();
        }
        let (ended, draining) = match connections {
            CloseMode::Reset => (self.end_connections(&tunnel, Reason::TunnelClosed), 0),
            CloseMode::Drain { deadline } => {
                // Counted before the deadline may end some.
                let draining = tunnel.totals.live();
                if let Some(deadline) = deadline {
                    self.end_drain(Arc::clone(&tunnel), deadline);
                }
                (0, draining)
            }
        };
        let revision = turn.revision();
        self.events.tell(closed(&tunnel, ended, draining).by(&caller.actor, revision));
        turn.done().await;
        Ok(CloseReply { listen: tunnel.listen.to_string(), ended, draining, revision })
    }

    fn end_connections(&self, tunnel: &Tunnel, reason: Reason) -> u64 {
        self.engine.workers.order(reason, |entry| entry.tunnel.id == tunnel.id)
    }

    /// Ends what is left of a drain at its deadline.
    fn end_drain(&self, tunnel: Arc<Tunnel>, deadline: Duration) {
        let engine = Arc::clone(&self.engine);
        let (events, stopping) = (Arc::clone(&self.events), self.stopping.clone());
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
            let drained = Happening::new(EventKind::TunnelDrained).of_tunnel(tunnel.label());
            events.tell(drained.detail(format!("{} reset", counted(ended, "connection"))));
        });
    }
}

/// What is told of a tunnel that listens no more.
pub(super) fn closed(tunnel: &Tunnel, ended: u64, draining: u64) -> Happening {
    let detail = match (ended, draining) {
        (_, 0) => format!("{} reset", counted(ended, "connection")),
        (_, draining) => goes_on(draining),
    };
    Happening::new(EventKind::TunnelClosed).of_tunnel(tunnel.label()).detail(detail)
}

/// What becomes of so many connections that are left alone.
pub(super) fn goes_on(count: u64) -> String {
    format!("{} {}", counted(count, "connection"), if count == 1 { "goes on" } else { "go on" })
}
