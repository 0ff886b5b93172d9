//! What each method of the table does: its parameters become what the service
//! is asked, in the same words as through every other door.

use std::sync::Arc;

use jsonrpsee::types::Params;
use jsonrpsee::{Extensions, Methods, RpcModule};
use plexy_shared::command::Detail;
use plexy_shared::error::{Code, Refusal};
use plexy_shared::info::Origin;
use plexy_shared::rpc::{
    AddBackend, Backends, CloseTunnel, Discover, Hello, ListTunnels, Method, NumberOfTunnels,
    OpenTunnel, OpenTunnels, Ping, RemoveBackend, TunnelInfo, Version, openrpc,
};
use tokio_util::task::TaskTracker;
use tracing::{debug, error};

use super::calls::{Visitor, error_object};
use super::stats;
use crate::service::{Actor, Caller, Service};

/// The methods, with what they need.
pub(super) struct Registrar {
    pub(super) module: RpcModule<()>,
    pub(super) service: Arc<Service>,
    changes: TaskTracker,
}

/// Every method of the table; changes are made in tasks of `changes`.
pub(super) fn all(service: &Arc<Service>, changes: &TaskTracker) -> Methods {
    let mut registrar = Registrar {
        module: RpcModule::new(()),
        service: Arc::clone(service),
        changes: changes.clone(),
    };
    registrar.look::<Hello, _, _>(async |service, params| {
        if let Some(client) = params.client {
            debug!(client, "a client of JSON-RPC says hello");
        }
        Ok(service.hello())
    });
    registrar.look::<Version, _, _>(async |service, _| Ok(service.version()));
    registrar.look::<Ping, _, _>(async |_, _| Ok("pong".to_owned()));
    registrar.look::<NumberOfTunnels, _, _>(async |service, _| Ok(service.status(Detail::Count)));
    registrar.look::<ListTunnels, _, _>(async |service, _| Ok(service.status(Detail::Full)));
    registrar.look::<TunnelInfo, _, _>(async |service, params| {
        Ok(service.detail(&params.tunnel()?).await?)
    });
    registrar.look::<Backends, _, _>(async |service, params| {
        Ok(service.backends(&params.tunnel()?).await?)
    });
    registrar.look::<Discover, _, _>(async |service, _| Ok(openrpc(&service.version().version)));
    registrar.change::<OpenTunnel, _, _>(async |service, params, actor| {
        let caller = Caller { actor, expected_revision: params.expected_revision };
        Ok(service.open(&params.spec()?, Origin::Runtime, &caller).await?)
    });
    registrar.change::<OpenTunnels, _, _>(async |service, params, actor| {
        let caller = Caller { actor, expected_revision: params.expected_revision };
        Ok(service.open_all(&params.specs()?, Origin::Runtime, &caller).await?)
    });
    registrar.change::<CloseTunnel, _, _>(async |service, params, actor| {
        let caller = Caller { actor, expected_revision: params.expected_revision };
        let (tunnel, connections) = params.request()?;
        Ok(service.close(&tunnel, connections, &caller).await?)
    });
    registrar.change::<AddBackend, _, _>(async |service, params, actor| {
        let caller = Caller { actor, expected_revision: params.expected_revision };
        let (tunnel, backend) = params.request()?;
        Ok(service.add(&tunnel, &backend, &caller).await?)
    });
    registrar.change::<RemoveBackend, _, _>(async |service, params, actor| {
        let caller = Caller { actor, expected_revision: params.expected_revision };
        let (tunnel, backend) = params.request()?;
        Ok(service.remove(&tunnel, &backend, &caller).await?)
    });
    stats::register(&mut registrar);
    registrar.module.into()
}

impl Registrar {
    /// A method that changes nothing.
    fn look<M: Method, F, A>(&mut self, look: F)
    where
        F: Fn(Arc<Service>, M::Params) -> A + Copy + Send + Sync + 'static,
        A: Future<Output = Result<M::Reply, Refusal>> + Send,
    {
        let service = Arc::clone(&self.service);
        let registered = self.module.register_async_method(M::NAME, move |params, _, _| {
            let service = Arc::clone(&service);
            async move {
                let params = read::<M>(&params).map_err(error_object)?;
                look(service, params).await.map_err(error_object)
            }
        });
        registered.expect("every method of the table has a name of its own");
    }

    /// A method that changes something: in a task of its own, since a caller
    /// who hangs up takes its handler along.
    fn change<M: Method, F, A>(&mut self, change: F)
    where
        F: Fn(Arc<Service>, M::Params, Actor) -> A + Copy + Send + Sync + 'static,
        A: Future<Output = Result<M::Reply, Refusal>> + Send + 'static,
    {
        let (service, changes) = (Arc::clone(&self.service), self.changes.clone());
        let registered =
            self.module.register_async_method(M::NAME, move |params, _, extensions| {
                let (service, changes) = (Arc::clone(&service), changes.clone());
                async move {
                    let params = read::<M>(&params).map_err(error_object)?;
                    let changed = changes.spawn(change(service, params, actor(&extensions)));
                    match changed.await {
                        Ok(changed) => changed.map_err(error_object),
                        Err(error) => {
                            error!(%error, method = M::NAME, "a change has failed");
                            let message = "the daemon has failed at this; its log says more";
                            Err(error_object(Refusal::new(Code::ShuttingDown, message)))
                        }
                    }
                }
            });
        registered.expect("every method of the table has a name of its own");
    }
}

fn actor(extensions: &Extensions) -> Actor {
    extensions.get::<Arc<Visitor>>().map_or(Actor::Args, |visitor| visitor.actor())
}

/// The parameters, by name; none at all are an empty object.
pub(super) fn read<M: Method>(params: &Params<'_>) -> Result<M::Params, Refusal> {
    let text = params.as_str().map_or("{}", str::trim);
    let text = if text.is_empty() || text == "[]" || text == "null" { "{}" } else { text };
    if !text.starts_with('{') {
        let message = "parameters are given by name, in an object";
        return Err(Refusal::new(Code::InvalidParams, message));
    }
    serde_json::from_str(text).map_err(|error| {
        let message = format!("parameters of `{}`: {error}", M::NAME);
        Refusal::new(Code::InvalidParams, message).with_hint("`rpc.discover` describes them")
    })
}
