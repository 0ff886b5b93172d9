//! `open`: listens and carries.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use plexy_shared::info::{Change, OpenReply, Origin};
use plexy_shared::spec::{BoundAddr, TunnelSpec};
use tracing::{info, warn};

use super::{Actor, Service, ServiceError, check_own_backends};
use crate::backend::Backend;
use crate::bind::{Bound, bind};
use crate::descriptors::Taken;
use crate::listener::Listener;
use crate::registry::Open;
use crate::socket::tune;
use crate::tunnel::{Route, Tunnel};

impl Service {
    /// Listens and carries. Connecting works when this returns.
    ///
    /// # Errors
    ///
    /// Whatever stands against it; nothing was changed then.
    pub async fn open(
        &self,
        spec: &TunnelSpec,
        origin: Origin,
        actor: &Actor,
    ) -> Result<OpenReply, ServiceError> {
        let addr = self.resolver.resolve_listen(&spec.listen).await?;
        let _changing = self.changing.lock().await;
        if self.draining.load(Ordering::Relaxed) {
            return Err(ServiceError::ShuttingDown);
        }
        if let Some(reply) = self.check_open(spec, &addr)? {
            return Ok(reply);
        }
        let taken = self.engine.descriptors.try_take(1).ok_or(ServiceError::OutOfDescriptors)?;
        let bound = bind(&addr, spec.options.backlog, None)?;
        // Port 0 is known only now.
        check_own_backends(&bound.addr, &spec.backends)?;
        Ok(self.insert(spec, origin, actor, bound, taken))
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
                result: Change::Unchanged,
                listen: tunnel.listen.to_string(),
                revision: self.revision.load(Ordering::Relaxed),
            }));
        }
        // Port 0 is any free one, so it overlaps with nothing.
        if let Some(holder) = registry.overlapping(addr).filter(|_| addr.port() != Some(0)) {
            return Err(ServiceError::AddressInUse {
                addr: addr.clone(),
                holder: holder.label(),
                holder_addr: holder.listen.clone(),
            });
        }
        if self.control_sockets.iter().any(|socket| socket.overlaps(addr)) {
            return Err(ServiceError::ControlSocket(addr.clone()));
        }
        if let Some(name) = &spec.options.name
            && let Some(holder) = registry.named(name)
        {
            let holder = holder.listen.clone();
            return Err(ServiceError::NameInUse { name: name.clone(), holder });
        }
        check_own_backends(addr, &spec.backends)?;
        Ok(None)
    }

    fn insert(
        &self,
        spec: &TunnelSpec,
        origin: Origin,
        actor: &Actor,
        bound: Bound,
        taken: Taken,
    ) -> OpenReply {
        // What fails here is a nicety: the tunnel works without it.
        if bound.addr.port().is_some()
            && let Err(error) = tune(&bound.listener, spec.options.keepalive)
        {
            warn!(listen = %bound.addr, %error, "cannot set options of the listener");
        }
        let revision = self.next_revision();
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
        info!(tunnel = label, %actor, revision, spec = %tunnel.spec(), "tunnel opened");
        let listener = Listener::start(Arc::clone(&tunnel), bound, taken, &self.engine);
        registry.insert(Open { tunnel, listener });
        OpenReply { result: Change::Opened, listen, revision }
    }
}

fn is_same(tunnel: &Tunnel, spec: &TunnelSpec) -> bool {
    let open = tunnel.spec();
    open.backends == spec.backends && open.options == spec.options
}
