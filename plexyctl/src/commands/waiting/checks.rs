//! Until the backends that a change has brought are up, as their checks say. One that is not checked is
//! not waited for.

use plexy_shared::info::{BackendInfo, BackendState, CheckState};
use plexy_shared::rpc::{TunnelInfo, TunnelParams};
use plexy_shared::spec::AdminState;

use super::{Left, Looked};
use crate::answer::{Answer, BackendChange, TunnelChange};
use crate::client::{ClientError, Found, Silence};
use crate::commands::{Unanswered, look_at};

/// Those backends.
pub(super) struct Checks {
    /// Where their tunnel listens.
    listen: String,
    /// Which of them; none for all.
    backend: Option<String>,
    /// The tunnel, as somebody named it.
    tunnel: String,
}

impl Checks {
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        let (listen, backend, tunnel) = match answer {
            Answer::Opened { spec, reply } => {
                let name = spec.options.name.as_ref().map(ToString::to_string);
                (&reply.listen, None, name.unwrap_or_else(|| reply.listen.clone()))
            }
            Answer::Added(BackendChange { tunnel, reply }) => {
                (&reply.listen, Some(reply.backend.clone()), tunnel.clone())
            }
            Answer::Changed(TunnelChange { schema: "plexy.enable/1", tunnel, reply }) => {
                (&reply.listen, reply.backend.clone(), tunnel.clone())
            }
            _ => return None,
        };
        Some(Self { listen: listen.clone(), backend, tunnel })
    }

    pub(super) fn work(&self) -> String {
        format!("checking {}", self.backend.as_ref().unwrap_or(&self.tunnel))
    }

    /// What to know of it where nobody waits any more.
    pub(super) fn hint(&self) -> String {
        format!("the change is done and stays; `{}` shows how they are", look_at(&self.tunnel))
    }

    /// Which of them are not up, and why.
    pub(super) async fn left(&self, found: &Found, line: &str) -> Result<Left, Looked> {
        let params = TunnelParams { tunnel: self.listen.clone() };
        match found.client.call::<TunnelInfo>(&params).await {
            Ok(info) => Ok(self.left_of(&info.backend_list)),
            Err(ClientError::Unanswered { silence: Silence::GaveUp(impatience), .. }) => {
                Err(Looked::GaveUp(impatience))
            }
            Err(error) => {
                let parameters = serde_json::to_value(&params).unwrap_or_default();
                let look = String::new();
                let failure = Unanswered { error, parameters, look }.into_failure(line);
                Err(Looked::Failed(Box::new(failure)))
            }
        }
    }

    fn left_of(&self, backends: &[BackendInfo]) -> Left {
        let is_meant = |it: &&BackendInfo| {
            self.backend.as_ref().is_none_or(|backend| *backend == it.addr)
                && it.check.is_some()
                && it.admin.state == AdminState::Ready
        };
        let meant: Vec<_> = backends.iter().filter(is_meant).collect();
        let names: Vec<_> = meant.iter().filter_map(|backend| why_not(backend)).collect();
        Left { count: names.len() as u64, all: Some(meant.len() as u64), names }
    }
}

/// A backend that is not up, and what stands against it.
fn why_not(backend: &BackendInfo) -> Option<String> {
    let check = backend.check.as_ref()?;
    if check.state == CheckState::Up && backend.state == BackendState::Up {
        return None;
    }
    let why = check.failure.as_deref().or(backend.cause.as_deref()).unwrap_or("not checked yet");
    Some(format!("{} ({why})", backend.addr))
}
