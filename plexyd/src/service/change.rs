//! `switch`, `set`, `drain`, `disable`, `enable`: what a tunnel that is open is to be from now on.

use std::sync::Arc;
use std::time::Duration;

use plexy_shared::command::LiveChoice;
use plexy_shared::event::EventKind;
use plexy_shared::history::TransitionReply;
use plexy_shared::info::{AppliedInfo, Change, LiveCounts, Reason, TunnelChangeReply};
use plexy_shared::plan::Rehearsal;
use plexy_shared::spec::{
    AdminState, AttributeSettings, BackendAddr, BackendOptions, BackendSpec, LiveAction,
    OptionSettings, TunnelRef, TunnelSpec,
};

use super::live::{Holder, sentence, settled};
use super::reroute::{Once, Rerouting};
use super::transition::Transition;
use super::{Caller, Service, ServiceError, Turn};
use crate::tunnel::Tunnel;

/// What one command makes of a tunnel that is open.
#[derive(Debug)]
struct Wanted {
    result: Change,
    after: TunnelSpec,
    once: Once,
    backend: Option<BackendAddr>,
    applied: Vec<AppliedInfo>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Made {
    /// What became of live connections.
    pub(super) live: LiveCounts,
    pub(super) revision: u64,
    pub(super) rehearsal: Rehearsal,
}

impl Service {
    /// Replaces all backends of a tunnel in one step. Those that stay go on counting.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel, if one of the backends is the tunnel itself or does not go with its
    /// options, or if the change cannot be saved.
    pub async fn switch(
        &self,
        wanted: &TunnelRef,
        backends: Vec<BackendSpec>,
        live: Option<LiveChoice>,
        caller: &Caller,
    ) -> Result<TunnelChangeReply, ServiceError> {
        let (turn, tunnel) = self.begin_change(wanted, None, caller).await?;
        let after = whole(&TunnelSpec { backends, ..tunnel.spec() })?;
        let once = Once { live, ..Once::default() };
        self.make(turn, &tunnel, Wanted { once, ..Wanted::of(Change::Changed, after) }, caller)
            .await
    }

    /// Changes options of a tunnel in one step.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel, if another one has the name that it is to have, if it is to listen
    /// again and cannot, or if the change cannot be saved.
    pub async fn set(
        &self,
        wanted: &TunnelRef,
        settings: &OptionSettings,
        caller: &Caller,
    ) -> Result<TunnelChangeReply, ServiceError> {
        let (turn, tunnel) = self.begin_change(wanted, Some(settings), caller).await?;
        let mut after = tunnel.spec();
        settings.apply(&mut after.options);
        let after = whole(&after)?;
        let applied = settings.applied();
        let wanted = Wanted { applied, ..Wanted::of(Change::Changed, after) };
        self.make(turn, &tunnel, wanted, caller).await
    }

    /// Changes attributes of a backend in one step.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel or backend, or if the change cannot be saved.
    pub async fn set_backend(
        &self,
        wanted: &TunnelRef,
        backend: &BackendAddr,
        settings: &AttributeSettings,
        caller: &Caller,
    ) -> Result<TunnelChangeReply, ServiceError> {
        let (turn, tunnel) = self.begin_change(wanted, None, caller).await?;
        let mut after = tunnel.spec();
        settings.apply(options_of(&mut after, &tunnel, backend)?);
        let applied = settings.applied();
        let of = Wanted::of(Change::Changed, after);
        let wanted = Wanted { applied, backend: Some(backend.clone()), ..of };
        self.make(turn, &tunnel, wanted, caller).await
    }

    /// Lets no new clients come to a backend, or to the whole tunnel, which stops listening and keeps
    /// its place. One that drains already gets the deadline.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel or backend, or if the change cannot be saved.
    pub async fn drain(
        &self,
        wanted: &TunnelRef,
        backend: Option<&BackendAddr>,
        deadline: Option<Duration>,
        caller: &Caller,
    ) -> Result<TunnelChangeReply, ServiceError> {
        let (turn, tunnel) = self.begin_change(wanted, None, caller).await?;
        let mut wanted = administered(&tunnel, backend, AdminState::Drain)?;
        wanted.once.deadline = deadline;
        if wanted.after != tunnel.spec() || deadline.is_none() {
            return self.make(turn, &tunnel, wanted, caller).await;
        }
        let route = tunnel.route();
        let holder = match backend.and_then(|addr| route.backend(addr)) {
            Some(member) => Holder::Backend(Arc::clone(&tunnel), Arc::clone(&member.backend)),
            None => Holder::Tunnel(Arc::clone(&tunnel)),
        };
        let choice = LiveChoice { action: LiveAction::Drain, deadline };
        let choice = settled(choice, &route.options);
        let live = if caller.dry_run {
            holder.forecast(choice)
        } else {
            let draining = holder.happening(EventKind::TunnelDraining, EventKind::BackendDraining);
            let live = self.part(holder, choice, Reason::DrainDeadline, &caller.actor);
            let detail = sentence(live, choice.deadline);
            self.events.tell(draining.detail(detail).asked_by(&caller.actor));
            live
        };
        let (revision, rehearsal) = (self.revision(), caller.rehearsal(Vec::new()));
        Ok(wanted.reply(&tunnel, Made { live, revision, rehearsal }))
    }

    /// Takes a backend out of service: no new clients, no checks.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel or backend, or if the change cannot be saved.
    pub async fn disable(
        &self,
        wanted: &TunnelRef,
        backend: &BackendAddr,
        caller: &Caller,
    ) -> Result<TunnelChangeReply, ServiceError> {
        let (turn, tunnel) = self.begin_change(wanted, None, caller).await?;
        let wanted = administered(&tunnel, Some(backend), AdminState::Disabled)?;
        self.make(turn, &tunnel, wanted, caller).await
    }

    /// Ends a drain, or puts a backend into service again. A tunnel listens again.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel or backend, if the tunnel cannot listen, or if the change cannot be
    /// saved.
    pub async fn enable(
        &self,
        wanted: &TunnelRef,
        backend: Option<&BackendAddr>,
        caller: &Caller,
    ) -> Result<TunnelChangeReply, ServiceError> {
        let (turn, tunnel) = self.begin_change(wanted, None, caller).await?;
        let wanted = administered(&tunnel, backend, AdminState::Ready)?;
        self.make(turn, &tunnel, wanted, caller).await
    }

    async fn make(
        &self,
        turn: Turn<'_>,
        tunnel: &Arc<Tunnel>,
        mut wanted: Wanted,
        caller: &Caller,
    ) -> Result<TunnelChangeReply, ServiceError> {
        if wanted.after == tunnel.spec() {
            wanted.result = Change::Unchanged;
            let (live, rehearsal) = (LiveCounts::default(), caller.rehearsal(Vec::new()));
            return Ok(wanted.reply(tunnel, Made { live, revision: self.revision(), rehearsal }));
        }
        let (after, once) = (wanted.after.clone(), wanted.once);
        let made = self.change(turn, tunnel, after, once, caller).await?;
        Ok(wanted.reply(tunnel, made))
    }

    /// Makes a tunnel what the specification says.
    pub(super) async fn change(
        &self,
        turn: Turn<'_>,
        tunnel: &Arc<Tunnel>,
        after: TunnelSpec,
        once: Once,
        caller: &Caller,
    ) -> Result<Made, ServiceError> {
        let configured = self.registry().configured(tunnel.id);
        let tunnel = Arc::clone(tunnel);
        let rerouting = Rerouting { index: 0, tunnel, spec: after, configured, once };
        let transition = Transition { change: vec![rerouting], ..Transition::default() };
        self.check(&transition).map_err(|error| error.error)?;
        let done = self.carry_out(turn, transition, caller).await;
        let done = done.map_err(|error| error.error)?;
        let live = done.live.first().copied().unwrap_or_default();
        let TransitionReply { revision, rehearsal, .. } = done.reply;
        Ok(Made { live, revision, rehearsal })
    }
}

impl Wanted {
    fn of(result: Change, after: TunnelSpec) -> Self {
        let (once, backend, applied) = Default::default();
        Self { result, after, once, backend, applied }
    }

    fn reply(self, tunnel: &Tunnel, made: Made) -> TunnelChangeReply {
        let Made { live, revision, rehearsal } = made;
        TunnelChangeReply {
            result: self.result.into(),
            listen: tunnel.listen.to_string(),
            backend: self.backend.map(|backend| backend.to_string()),
            spec: self.after.to_string(),
            applied: self.applied,
            live,
            revision,
            rehearsal,
        }
    }
}

/// The same, read anew: what goes together only the whole can tell.
pub(super) fn whole(spec: &TunnelSpec) -> Result<TunnelSpec, ServiceError> {
    spec.to_string().parse().map_err(ServiceError::Unfit)
}

fn administered(
    tunnel: &Tunnel,
    backend: Option<&BackendAddr>,
    admin: AdminState,
) -> Result<Wanted, ServiceError> {
    let result = match admin {
        AdminState::Ready => Change::Enabled,
        AdminState::Drain => Change::Draining,
        AdminState::Disabled => Change::Disabled,
    };
    let mut after = tunnel.spec();
    match backend {
        Some(backend) => options_of(&mut after, tunnel, backend)?.admin = admin,
        None => after.options.admin = admin,
    }
    Ok(Wanted { backend: backend.cloned(), ..Wanted::of(result, after) })
}

fn options_of<'a>(
    spec: &'a mut TunnelSpec,
    tunnel: &Tunnel,
    backend: &BackendAddr,
) -> Result<&'a mut BackendOptions, ServiceError> {
    let found = spec.backends.iter_mut().find(|it| it.addr == *backend);
    found.map(|found| &mut found.options).ok_or_else(|| ServiceError::BackendNotFound {
        tunnel: tunnel.label(),
        backend: backend.clone(),
    })
}
