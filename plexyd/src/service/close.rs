//! `close`: stops listening, and ends the connections or lets them finish.

use std::sync::Arc;
use std::time::Duration;

use plexy_shared::command::LiveChoice;
use plexy_shared::event::EventKind;
use plexy_shared::info::{CloseReply, LiveCounts, Reason};
use plexy_shared::plan::Rehearsal;
use plexy_shared::spec::{LiveAction, TunnelRef};

use super::live::{Holder, sentence, settled};
use super::transition::Closing;
use super::{Caller, Service, ServiceError};
use crate::events::Happening;
use crate::listener::Waiting;
use crate::tunnel::Tunnel;

impl Service {
    /// Stops listening. The address is free when this returns.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel, or if the change cannot be saved.
    pub async fn close(
        &self,
        wanted: &TunnelRef,
        choice: LiveChoice,
        caller: &Caller,
    ) -> Result<CloseReply, ServiceError> {
        let (mut turn, found) = self.begin_change(wanted, None, caller).await?;
        if caller.dry_run {
            let closing = Closing { tunnel: found, live: choice, configured: None };
            return Ok(self.close_reply(&closing, caller));
        }
        turn.keep(caller, self.edit_of(&found, None), Vec::new()).await?;
        let taken = self.registry().remove(found.id);
        let open = taken.ok_or_else(|| self.not_found(wanted))?;
        let tunnel = open.tunnel;
        if let Some(listener) = open.listener {
            listener.close(waiting_for(choice)).await;
        }
        self.systemd.forget(&tunnel.listen);
        let route = tunnel.route();
        for backend in &route.backends {
            self.engine.health.leave(backend);
        }
        let revision = turn.revision();
        let choice = settled(choice, &route.options);
        let holder = Holder::Tunnel(Arc::clone(&tunnel));
        let live = self.part(holder, choice, Reason::TunnelClosed, &caller.actor);
        self.events.tell(closed(&tunnel, live, choice.deadline).by(&caller.actor, revision));
        turn.done().await;
        let (listen, rehearsal) = (tunnel.listen.to_string(), Rehearsal::default());
        Ok(CloseReply { listen, live, revision, rehearsal })
    }

    /// What is answered where nothing is closed.
    fn close_reply(&self, closing: &Closing, caller: &Caller) -> CloseReply {
        let difference = closing.difference();
        let (listen, live) = (difference.listen.clone(), difference.live);
        let rehearsal = caller.rehearsal(vec![difference]);
        CloseReply { listen, live, revision: self.revision(), rehearsal }
    }
}

/// What clients get who wait to be accepted while a tunnel closes.
pub(super) fn waiting_for(live: LiveChoice) -> Waiting {
    match live.action {
        LiveAction::Kill => Waiting::Reset,
        LiveAction::Keep | LiveAction::Drain => Waiting::Accept,
    }
}

/// What is told of a tunnel that listens no more.
pub(super) fn closed(tunnel: &Tunnel, live: LiveCounts, deadline: Option<Duration>) -> Happening {
    let detail = sentence(live, deadline);
    Happening::new(EventKind::TunnelClosed).of_tunnel(tunnel.label()).detail(detail)
}
