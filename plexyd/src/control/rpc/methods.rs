//! What each method of the table does: its parameters become what the service
//! is asked, in the same words as through every other door.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use plexy_shared::command::Detail;
use plexy_shared::error::{Code, Refusal};
use plexy_shared::rpc::{
    AddBackend, ApplyTunnels, Backends, CloseTunnel, Disable, Discover, Drain, Enable, Explain,
    Export, Hello, History, KillConnections, ListConnections, ListEvents, ListTunnels, Load,
    LogLevel, Method, NumberOfTunnels, OpenTunnel, OpenTunnels, Overview, Ping, PlanTunnels,
    Reload, RemoveBackend, Save, SetBackend, SetLogLevel, SetTunnel, SwitchBackends, Terms,
    TunnelInfo, Undo, Version, openrpc,
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::Semaphore;
use tracing::{debug, error};

use super::message::Params;
use crate::service::{Actor, Caller, Service};

/// Long looks at once, each in a thread of its own: the data path needs the
/// rest of the machine.
const LONG_LOOKS_MAX: usize = 1;

/// What a method answers.
type Answer = Result<Box<RawValue>, Refusal>;

type Handler =
    Box<dyn Fn(&Params, Actor) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// All methods that answer once.
pub(super) struct Methods {
    handlers: HashMap<&'static str, Handler>,
    service: Arc<Service>,
    long_looks: Arc<Semaphore>,
}

impl Methods {
    pub(super) fn new(service: &Arc<Service>) -> Self {
        let mut methods = Self {
            handlers: HashMap::new(),
            service: Arc::clone(service),
            long_looks: Arc::new(Semaphore::new(LONG_LOOKS_MAX)),
        };
        methods.add::<Hello, _, _>(async |service, params, _| {
            if let Some(client) = params.client {
                debug!(client, "a client of JSON-RPC says hello");
            }
            Ok(service.hello())
        });
        methods.add::<Version, _, _>(async |service, _, _| Ok(service.version()));
        methods.add::<Ping, _, _>(async |_, _, _| Ok("pong".to_owned()));
        methods
            .add::<NumberOfTunnels, _, _>(async |service, _, _| Ok(service.status(Detail::Count)));
        methods.add_long::<ListTunnels>(|service| service.status(Detail::Full));
        methods.add::<TunnelInfo, _, _>(async |service, params, _| {
            Ok(service.detail(&params.tunnel()?).await?)
        });
        methods.add::<Backends, _, _>(async |service, params, _| {
            Ok(service.backends(&params.tunnel()?).await?)
        });
        methods.add_long::<Discover>(|service| openrpc(&service.version().version));
        methods.add::<OpenTunnel, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            Ok(service.open(&params.spec()?, &caller).await?)
        });
        methods.add::<OpenTunnels, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            Ok(service.open_all(params.specs()?, &caller).await?)
        });
        methods.add::<PlanTunnels, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, Terms { dry_run: true, ..Terms::default() });
            Ok(service.apply(params.declaration()?, &caller).await?)
        });
        methods.add::<ApplyTunnels, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            Ok(service.apply(params.declaration()?, &caller).await?)
        });
        methods.add::<CloseTunnel, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            let (tunnel, live) = params.request()?;
            Ok(service.close(&tunnel, live, &caller).await?)
        });
        methods.add::<AddBackend, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            let (tunnel, backend) = params.request()?;
            Ok(service.add(&tunnel, &backend, &caller).await?)
        });
        methods.add::<RemoveBackend, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            let (tunnel, backend, live) = params.request()?;
            Ok(service.remove(&tunnel, &backend, live, &caller).await?)
        });
        methods.add::<SwitchBackends, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            let (tunnel, backends, live) = params.request()?;
            Ok(service.switch(&tunnel, backends, live, &caller).await?)
        });
        methods.add::<SetTunnel, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            let (tunnel, settings) = params.request()?;
            Ok(service.set(&tunnel, &settings, &caller).await?)
        });
        methods.add::<SetBackend, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            let (tunnel, backend, settings) = params.request()?;
            Ok(service.set_backend(&tunnel, &backend, &settings, &caller).await?)
        });
        methods.add::<Drain, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            let (tunnel, backend, deadline) = params.request()?;
            Ok(service.drain(&tunnel, backend.as_ref(), deadline, &caller).await?)
        });
        methods.add::<Disable, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            let (tunnel, backend) = params.request()?;
            Ok(service.disable(&tunnel, &backend, &caller).await?)
        });
        methods.add::<Enable, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            let (tunnel, backend) = params.request()?;
            Ok(service.enable(&tunnel, backend.as_ref(), &caller).await?)
        });
        methods.add::<ListConnections, _, _>(async |service, params, _| {
            Ok(service.conns(&params.query()?).await?)
        });
        methods.add::<KillConnections, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            Ok(service.kill(&params.order()?, &caller).await?)
        });
        methods.add::<Explain, _, _>(async |service, params, _| {
            let (tunnel, from, sni) = params.request()?;
            Ok(service.explain(&tunnel, from, sni.as_ref()).await?)
        });
        methods
            .add::<History, _, _>(async |service, params, _| Ok(service.history(params.count()?)));
        methods.add::<Undo, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            Ok(service.undo(params.count()?, &caller).await?)
        });
        methods.add::<Save, _, _>(async |service, _, _| Ok(service.save().await?));
        methods.add::<Load, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            Ok(service.load(&params.file, &caller).await?)
        });
        methods.add_long::<Export>(Service::export);
        methods.add::<Reload, _, _>(async |service, params, actor| {
            let caller = Caller::new(actor, params.terms());
            Ok(service.reload(&caller).await?)
        });
        methods.add::<LogLevel, _, _>(async |service, _, _| Ok(service.log_level()));
        methods.add::<SetLogLevel, _, _>(async |service, params, actor| {
            Ok(service.set_log_level(params.change()?, &actor.into()))
        });
        methods.add::<Overview, _, _>(async |service, params, _| {
            Ok(service.overview(&params.query()?).await?)
        });
        methods.add::<ListEvents, _, _>(async |service, params, _| {
            Ok(service.events(params.range()?))
        });
        methods
    }

    /// Calls one of the table.
    pub(super) async fn call(&self, name: &str, params: &Params, actor: Actor) -> Answer {
        match self.handlers.get(name) {
            Some(handler) => handler(params, actor).await,
            None => {
                let message = format!("`{name}` needs a WebSocket, and a message of its own");
                Err(Refusal::new(Code::NeedsWebSocket, message))
            }
        }
    }

    /// A method that is done where it is called.
    fn add<M: Method, F, A>(&mut self, call: F)
    where
        F: Fn(Arc<Service>, M::Params, Actor) -> A + Copy + Send + Sync + 'static,
        A: Future<Output = Result<M::Reply, Refusal>> + Send + 'static,
    {
        let service = Arc::clone(&self.service);
        let handler: Handler = Box::new(move |params, actor| {
            let (service, params) = (Arc::clone(&service), read::<M>(params));
            Box::pin(async move { written::<M>(&call(service, params?, actor).await?) })
        });
        self.handlers.insert(M::NAME, handler);
    }

    /// A method without parameters whose answer may be long: not on a control
    /// thread.
    fn add_long<M: Method>(&mut self, look: fn(&Service) -> M::Reply) {
        let (service, long_looks) = (Arc::clone(&self.service), Arc::clone(&self.long_looks));
        let handler: Handler = Box::new(move |params, _| {
            let (service, long_looks) = (Arc::clone(&service), Arc::clone(&long_looks));
            let params = read::<M>(params);
            Box::pin(async move {
                params?;
                let turn = long_looks.acquire_owned().await;
                let looked = tokio::task::spawn_blocking(move || {
                    let answer = written::<M>(&look(&service));
                    drop(turn);
                    answer
                });
                looked.await.unwrap_or_else(|error| Err(failed::<M>(&error)))
            })
        });
        self.handlers.insert(M::NAME, handler);
    }
}

/// The parameters, by name; none at all are an empty object.
pub(super) fn read<M: Method>(params: &Params) -> Result<M::Params, Refusal> {
    let text = params.0.as_ref().map_or("{}", |params| params.get());
    let is_empty = text.starts_with('[') && serde_json::from_str::<[(); 0]>(text).is_ok();
    let text = if is_empty || text == "null" { "{}" } else { text };
    if !text.starts_with('{') {
        let message = "parameters are given by name, in an object";
        return Err(Refusal::new(Code::InvalidParams, message));
    }
    serde_json::from_str(text).map_err(|error| {
        // Where in the parameters serde stood says nothing about the whole message.
        let (line, column) = (error.line(), error.column());
        let cause = error.to_string().replace(&format!(" at line {line} column {column}"), "");
        let message = format!("parameters of `{}`: {cause}", M::NAME);
        Refusal::new(Code::InvalidParams, message).with_hint("`rpc.discover` describes them")
    })
}

fn written<M: Method>(reply: &impl Serialize) -> Answer {
    to_raw_value(reply).map_err(|error| failed::<M>(&error))
}

fn failed<M: Method>(error: &dyn fmt::Display) -> Refusal {
    error!(%error, method = M::NAME, "a method has failed");
    let message = format!("the daemon has failed at `{}`; its log says more", M::NAME);
    Refusal::new(Code::InternalError, message)
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.handlers.keys()).finish()
    }
}
