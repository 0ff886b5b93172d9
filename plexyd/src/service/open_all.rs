//! `openTunnels`: all of several tunnels, or none.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::try_join_all;
use plexy_shared::info::{Change, OpenAllReply, OpenReply, Origin};
use plexy_shared::spec::{BoundAddr, TunnelSpec};
use tracing::{error, info, warn};

use super::error::OpenError;
use super::{Caller, Service, ServiceError, Turn, check_own_backends};
use crate::backend::Backend;
use crate::bind::{Bound, bind};
use crate::descriptors::Taken;
use crate::listener::Listener;
use crate::places::Places;
use crate::registry::Open;
use crate::socket::tune;
use crate::tunnel::{Route, Tunnel};

/// What becomes of one specification.
#[derive(Debug)]
pub(super) enum Step {
    /// It is opened.
    Open(BoundAddr),
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
        specs: &[TunnelSpec],
        origin: Origin,
        caller: &Caller,
    ) -> Result<OpenAllReply, OpenError> {
        let (turn, addrs) = self.begin_opening(specs, caller).await?;
        let steps = self.plan(specs, &addrs)?;
        let (opened, bound) = self.bind_all(specs, &steps).await?;

        let revision = if opened.is_empty() { self.revision() } else { turn.revision };
        let mut replies: Vec<Option<OpenReply>> = steps
            .iter()
            .map(|step| match step {
                Step::IsOpen(reply) => Some(reply.clone()),
                Step::Open(_) | Step::SameAs(_) => None,
            })
            .collect();
        for (index, (bound, taken)) in opened.into_iter().zip(bound) {
            if let (Some(spec), Some(reply)) = (specs.get(index), replies.get_mut(index)) {
                *reply = Some(self.insert(spec, origin, caller, revision, bound, taken));
            }
        }
        let reply = |(index, step): (usize, &Step)| match step {
            Step::SameAs(first) => {
                let first = replies.get(*first).cloned().flatten();
                first.map(|reply| OpenReply { result: Change::Unchanged.into(), ..reply })
            }
            Step::Open(_) | Step::IsOpen(_) => replies.get(index).cloned().flatten(),
        };
        let tunnels = steps.iter().enumerate().filter_map(reply).collect();
        if revision == turn.revision {
            turn.done();
        }
        Ok(OpenAllReply { tunnels, revision })
    }

    /// Begins a change that opens tunnels: where they are to listen. Names are waited for before
    /// other changes are held up.
    pub(super) async fn begin_opening(
        &self,
        specs: &[TunnelSpec],
        caller: &Caller,
    ) -> Result<(Turn<'_>, Vec<BoundAddr>), OpenError> {
        let resolve = async |(index, spec): (usize, &TunnelSpec)| {
            let resolved = self.resolver.resolve_listen(&spec.listen).await;
            resolved.map_err(|error| OpenError::of(index, error))
        };
        let addrs = try_join_all(specs.iter().enumerate().map(resolve)).await?;
        let turn = self.turn(caller).await?;
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
            let step = match self.check_planned(spec, addr, specs, addrs, &places) {
                Ok(Some(first)) => Step::SameAs(first),
                Ok(None) => match self.check_open(spec, addr) {
                    Ok(Some(reply)) => Step::IsOpen(reply),
                    Ok(None) => Step::Open(addr.clone()),
                    Err(error) => return Err(OpenError::of(index, error)),
                },
                Err(error) => return Err(OpenError::of(index, error)),
            };
            if matches!(step, Step::Open(_)) {
                places.take(spec.options.name.as_ref(), Some(addr), index);
            }
            steps.push(step);
        }
        Ok(steps)
    }

    /// What an earlier one of the same call has to do with it: whether it is the
    /// same, or else why it stands against it.
    pub(super) fn check_planned(
        &self,
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

    /// Whether it is open in the same way already, or else what stands against it.
    fn check_open(
        &self,
        spec: &TunnelSpec,
        addr: &BoundAddr,
    ) -> Result<Option<OpenReply>, ServiceError> {
        let registry = self.registry();
        if let Some(tunnel) = registry.listening_on(addr).filter(|tunnel| is_same(tunnel, spec)) {
            return Ok(Some(OpenReply {
                result: Change::Unchanged.into(),
                listen: tunnel.listen.to_string(),
                revision: self.revision(),
            }));
        }
        drop(registry);
        self.check_addr(addr)?;
        let registry = self.registry();
        if let Some(name) = &spec.options.name
            && let Some(holder) = registry.named(name)
        {
            let holder = holder.listen.clone();
            return Err(ServiceError::NameInUse { name: name.clone(), holder });
        }
        check_own_backends(addr, &spec.backends)?;
        Ok(None)
    }

    /// Whether nothing of ours listens there.
    pub(super) fn check_addr(&self, addr: &BoundAddr) -> Result<(), ServiceError> {
        // Port 0 is any free one, so it overlaps with nothing.
        let registry = self.registry();
        if let Some(holder) = registry.overlapping(addr).filter(|_| addr.port() != Some(0)) {
            return Err(ServiceError::AddressInUse {
                addr: addr.clone(),
                holder: holder.label(),
                holder_addr: holder.listen.clone(),
            });
        }
        if self.doors.iter().any(|socket| socket.overlaps(addr)) {
            return Err(ServiceError::OwnSocket(addr.clone()));
        }
        Ok(())
    }

    /// Binds all that are to be opened, or none: which ones, and their sockets.
    pub(super) async fn bind_all(
        &self,
        specs: &[TunnelSpec],
        steps: &[Step],
    ) -> Result<(Vec<usize>, Vec<(Bound, Taken)>), OpenError> {
        let mut indices = Vec::new();
        let mut wanted = Vec::new();
        for (index, (spec, step)) in specs.iter().zip(steps).enumerate() {
            if let Step::Open(addr) = step {
                let taken = self.engine.descriptors.try_take(1);
                let taken =
                    taken.ok_or_else(|| OpenError::of(index, ServiceError::OutOfDescriptors))?;
                indices.push(index);
                wanted.push((addr.clone(), spec.options.backlog, taken));
            }
        }
        let places = indices.clone();
        let bind_wanted = move || -> Result<Vec<_>, OpenError> {
            let mut bound = Vec::with_capacity(wanted.len());
            for (index, (addr, backlog, taken)) in places.into_iter().zip(wanted) {
                let one = bind(&addr, backlog, None);
                bound.push((one.map_err(|error| OpenError::of(index, error))?, taken));
            }
            Ok(bound)
        };
        // One is a matter of microseconds; many are not for the control threads.
        let bound = if indices.len() > 1 {
            match tokio::task::spawn_blocking(bind_wanted).await {
                Ok(bound) => bound?,
                Err(error) => {
                    error!(%error, "binding has failed");
                    return Err(ServiceError::ShuttingDown.into());
                }
            }
        } else {
            bind_wanted()?
        };
        // Port 0 is known only now.
        for (index, (bound, _)) in indices.iter().zip(&bound) {
            let backends = specs.get(*index).map(|spec| spec.backends.as_slice());
            check_own_backends(&bound.addr, backends.unwrap_or_default())
                .map_err(|error| OpenError::of(*index, error))?;
        }
        Ok((indices, bound))
    }

    pub(super) fn insert(
        &self,
        spec: &TunnelSpec,
        origin: Origin,
        caller: &Caller,
        revision: u64,
        bound: Bound,
        taken: Taken,
    ) -> OpenReply {
        // What fails here is a nicety: the tunnel works without it.
        if bound.addr.port().is_some()
            && let Err(error) = tune(&bound.listener)
        {
            warn!(listen = %bound.addr, %error, "cannot set options of the listener");
        }
        let backends: Vec<_> =
            spec.backends.iter().map(|spec| Arc::new(Backend::new(spec.clone()))).collect();
        let route = Route::new(spec.options.clone(), backends.clone(), revision);
        let mut registry = self.registry();
        let id = registry.next_id();
        let tunnel = Arc::new(Tunnel::new(id, bound.addr.clone(), origin, route));
        let label = tunnel.label();
        for backend in &backends {
            self.engine.health.watch(&label, backend);
        }
        let listen = tunnel.listen.to_string();
        info!(tunnel = label, actor = %caller.actor, revision, spec = %tunnel.spec(), "tunnel opened");
        let listener = Listener::start(Arc::clone(&tunnel), bound, taken, &self.engine);
        registry.insert(Open { tunnel, listener });
        OpenReply { result: Change::Opened.into(), listen, revision }
    }
}

/// Whether a tunnel is open as it stands there.
pub(super) fn is_same(tunnel: &Tunnel, spec: &TunnelSpec) -> bool {
    let open = tunnel.spec();
    open.backends == spec.backends && open.options == spec.options
}
