//! Changes of a tunnel that is open.

use plexy_shared::command::Request;
use plexy_shared::info::TunnelChangeReply;
use plexy_shared::rpc::{
    AddBackend, BackendParams, Disable, DisableParams, Drain, DrainParams, Enable, EnableParams,
    Method, RemoveBackend, RemoveBackendParams, SetBackend, SetBackendParams, SetTunnel,
    SetTunnelParams, SwitchBackends, SwitchBackendsParams, Terms,
};
use plexy_shared::spec::TunnelRef;

use super::Unanswered;
use crate::answer::{Answer, BackendChange, TunnelChange};
use crate::client::Found;

impl Found {
    /// Has a change done, or gives back what is none. `look` is the command that tells whether it has
    /// happened.
    pub(super) async fn change(
        &self,
        request: Request,
        terms: Terms,
        look: &str,
    ) -> Result<Answer, Asked> {
        let done = match request {
            Request::Add { tunnel, backend } => {
                let params = BackendParams::new(&tunnel, &backend).on(terms);
                let reply = self.call::<AddBackend>(&params, look).await;
                let change = |reply| BackendChange { tunnel: tunnel.to_string(), reply };
                reply.map(change).map(Answer::Added)
            }
            Request::Remove { tunnel, backend, live } => {
                let params = RemoveBackendParams::new(&tunnel, &backend.addr, live).on(terms);
                let reply = self.call::<RemoveBackend>(&params, look).await;
                let change = |reply| BackendChange { tunnel: tunnel.to_string(), reply };
                reply.map(change).map(Answer::Removed)
            }
            Request::Switch { tunnel, backends, live } => {
                let params = SwitchBackendsParams::new(&tunnel, &backends, live).on(terms);
                self.make::<SwitchBackends>("plexy.switch/1", &tunnel, &params, look).await
            }
            Request::Set { tunnel, settings } => {
                let params = SetTunnelParams::new(&tunnel, &settings).on(terms);
                self.make::<SetTunnel>("plexy.set/1", &tunnel, &params, look).await
            }
            Request::SetBackend { tunnel, backend, settings } => {
                let params = SetBackendParams::new(&tunnel, &backend, &settings).on(terms);
                self.make::<SetBackend>("plexy.set/1", &tunnel, &params, look).await
            }
            Request::Drain { tunnel, backend, deadline } => {
                let params = DrainParams::new(&tunnel, backend.as_ref(), deadline).on(terms);
                self.make::<Drain>("plexy.drain/1", &tunnel, &params, look).await
            }
            Request::Disable { tunnel, backend } => {
                let params = DisableParams::new(&tunnel, &backend).on(terms);
                self.make::<Disable>("plexy.disable/1", &tunnel, &params, look).await
            }
            Request::Enable { tunnel, backend } => {
                let params = EnableParams::new(&tunnel, backend.as_ref()).on(terms);
                self.make::<Enable>("plexy.enable/1", &tunnel, &params, look).await
            }
            other => return Err(Asked::Else(Box::new(other))),
        };
        done.map_err(Asked::Unanswered)
    }

    async fn make<M: Method<Reply = TunnelChangeReply>>(
        &self,
        schema: &'static str,
        tunnel: &TunnelRef,
        params: &M::Params,
        look: &str,
    ) -> Result<Answer, Unanswered> {
        let reply = self.call::<M>(params, look).await?;
        Ok(Answer::Changed(TunnelChange { schema, tunnel: tunnel.to_string(), reply }))
    }
}

/// Why nothing was changed.
#[derive(Debug)]
pub(super) enum Asked {
    /// It is no change of a tunnel that is open.
    Else(Box<Request>),
    /// There was no reply.
    Unanswered(Unanswered),
}
