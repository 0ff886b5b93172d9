//! `openTunnels`: all of several tunnels, or none.

use std::sync::atomic::Ordering;

use futures_util::future::try_join_all;
use plexy_shared::info::{Change, OpenAllReply, OpenReply, Origin};
use plexy_shared::plan::Rehearsal;
use plexy_shared::spec::{BoundAddr, TunnelSpec};

use super::error::OpenError;
use super::transition::{Opening, Transition, is_same};
use super::turns::Scope;
use super::{Caller, Service, ServiceError, Turn, check_own_backends};
use crate::places::Places;

/// What becomes of one specification.
#[derive(Debug)]
enum Step {
    Open,
    /// It is open in the same way already.
    IsOpen(OpenReply),
    /// It is opened by that one of the same call.
    SameAs(usize),
}

impl Service {
    /// Listens and carries, for all of them or for none. Connecting works when
    /// this returns.
    ///
    /// # Errors
    ///
    /// What stands against the first that cannot be opened; nothing was changed
    /// then.
    pub async fn open_all(
        &self,
        specs: Vec<TunnelSpec>,
        caller: &Caller,
    ) -> Result<OpenAllReply, OpenError> {
        let scope = |addrs: &[BoundAddr]| match (specs.as_slice(), addrs) {
            ([spec], [addr]) => Scope::one(addr, spec.options.name.as_ref()),
            _ => Scope::All,
        };
        let (turn, addrs) = self.begin_opening(&specs, scope, caller).await?;
        let steps = self.plan(&specs, &addrs)?;

        let mut transition = Transition::default();
        let mut replies: Vec<Option<OpenReply>> = Vec::with_capacity(steps.len());
        let mut same = Vec::new();
        for (index, ((spec, addr), step)) in specs.into_iter().zip(addrs).zip(steps).enumerate() {
            replies.push(match step {
                Step::IsOpen(reply) => Some(reply),
                Step::Open => {
                    transition.open.push(self.opening(index, spec, addr));
                    None
                }
                Step::SameAs(first) => {
                    same.push((index, first));
                    None
                }
            });
        }
        let (mut revision, mut rehearsal) = (self.revision(), caller.rehearsal(Vec::new()));
        if !transition.is_empty() {
            let done = self.carry_out(turn, transition, caller).await?;
            (revision, rehearsal) = (done.reply.revision, done.reply.rehearsal);
            for (index, reply) in done.opened {
                if let Some(place) = replies.get_mut(index) {
                    *place = Some(reply);
                }
            }
        }
        for (index, first) in same {
            let first = replies.get(first).cloned().flatten();
            let reply = first.map(|reply| OpenReply { result: Change::Unchanged.into(), ..reply });
            if let Some(place) = replies.get_mut(index) {
                *place = reply;
            }
        }
        Ok(OpenAllReply { tunnels: replies.into_iter().flatten().collect(), revision, rehearsal })
    }

    /// Begins a change that opens tunnels: where they are to listen. Names are waited for before
    /// other changes are held up.
    pub(super) async fn begin_opening(
        &self,
        specs: &[TunnelSpec],
        scope: impl FnOnce(&[BoundAddr]) -> Scope,
        caller: &Caller,
    ) -> Result<(Turn<'_>, Vec<BoundAddr>), OpenError> {
        let resolve = async |(index, spec): (usize, &TunnelSpec)| {
            let resolved = self.resolver.resolve_listen(&spec.listen).await;
            resolved.map_err(|error| OpenError::of(index, error))
        };
        let addrs = try_join_all(specs.iter().enumerate().map(resolve)).await?;
        let turn = self.turn(scope(&addrs), caller).await?;
        if self.draining.load(Ordering::Relaxed) {
            return Err(ServiceError::ShuttingDown.into());
        }
        Ok((turn, addrs))
    }

    /// What becomes of each, or else what stands against one: in the registry,
    /// or among themselves.
    fn plan(&self, specs: &[TunnelSpec], addrs: &[BoundAddr]) -> Result<Vec<Step>, OpenError> {
        let mut places = Places::default();
        let mut steps = Vec::with_capacity(specs.len());
        for (index, (spec, addr)) in specs.iter().zip(addrs).enumerate() {
            let step = match same_before(spec, addr, specs, addrs, &places) {
                Ok(Some(first)) => Ok(Step::SameAs(first)),
                Ok(None) => self.plan_one(spec, addr),
                Err(error) => Err(error),
            };
            let step = step.map_err(|error| OpenError::of(index, error))?;
            if matches!(step, Step::Open) {
                places.take(spec.options.name.as_ref(), Some(addr), index);
            }
            steps.push(step);
        }
        Ok(steps)
    }

    /// Whether it is open in the same way already, or else what stands against it.
    fn plan_one(&self, spec: &TunnelSpec, addr: &BoundAddr) -> Result<Step, ServiceError> {
        if let Some(reply) = self.is_open(spec, addr) {
            return Ok(Step::IsOpen(reply));
        }
        self.check_addr(addr)?;
        if let Some(name) = &spec.options.name
            && let Some(holder) = self.registry().named(name)
        {
            let holder = holder.listen.clone();
            return Err(ServiceError::NameInUse { name: name.clone(), holder });
        }
        check_own_backends(addr, &spec.backends)?;
        Ok(Step::Open)
    }

    /// A tunnel that somebody opens at run time.
    pub(super) fn opening(&self, index: usize, spec: TunnelSpec, addr: BoundAddr) -> Opening {
        // One that file or arguments name, and that was closed, is theirs again.
        let (configured, origin) = match self.state.closed_on(&addr.to_string()) {
            Some((configured, origin)) => (Some(configured), origin),
            None => (None, Origin::Runtime),
        };
        let (socket, order) = (None, None);
        Opening { index, spec, addr, socket, origin, configured, order }
    }

    /// What is to be answered if it is open in the same way.
    pub(super) fn is_open(&self, spec: &TunnelSpec, addr: &BoundAddr) -> Option<OpenReply> {
        let registry = self.registry();
        let tunnel = registry.listening_on(addr).filter(|tunnel| is_same(tunnel, spec))?;
        Some(OpenReply {
            result: Change::Unchanged.into(),
            listen: tunnel.listen.to_string(),
            revision: self.revision(),
            rehearsal: Rehearsal::default(),
        })
    }
}

/// What an earlier one of the same call has to do with it: whether it is the
/// same, or else why it stands against it.
fn same_before(
    spec: &TunnelSpec,
    addr: &BoundAddr,
    specs: &[TunnelSpec],
    addrs: &[BoundAddr],
    places: &Places<usize>,
) -> Result<Option<usize>, ServiceError> {
    // Port 0 is any free one, so it overlaps with nothing.
    if addr.port() != Some(0)
        && let Some(first) = places.overlapping(addr)
        && let Some((other, first_addr)) = specs.get(first).zip(addrs.get(first))
    {
        let is_same = other.backends == spec.backends && other.options == spec.options;
        if is_same && first_addr == addr {
            return Ok(Some(first));
        }
        let (addr, first_addr) = (addr.clone(), first_addr.clone());
        return Err(ServiceError::AddressTwice { addr, first: first + 1, first_addr });
    }
    if let Some(name) = &spec.options.name
        && let Some(first) = places.named(name)
    {
        return Err(ServiceError::NameTwice { name: name.clone(), first: first + 1 });
    }
    Ok(None)
}
