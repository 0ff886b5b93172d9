//! Until the connections that a change was about have ended.

use plexy_shared::error::Code;
use plexy_shared::rpc::{ConnectionsParams, ListConnections};

use super::{Left, Looked};
use crate::answer::{Answer, BackendChange, TunnelChange};
use crate::client::{ClientError, Found, Silence};
use crate::commands::{Unanswered, command_for};

/// Those connections.
pub(super) struct Ends {
    params: ConnectionsParams,
    /// What is being done with them.
    doing: &'static str,
    /// Whose they are, as somebody named it.
    whose: String,
    /// The command that ends it, where there is one.
    undo: Option<String>,
}

impl Ends {
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        let through = |backend: &str| format!("backend={backend}");
        let (doing, whose, tunnel, filter, undo) = match answer {
            Answer::Closed { tunnel, reply } => {
                ("closing", tunnel.to_string(), &reply.listen, None, None)
            }
            // Those of backends that are the tunnel's no more.
            Answer::Removed(BackendChange { tunnel, reply }) => {
                let filter = format!("{} and phase=closing", through(&reply.backend));
                let whose = format!("{} of {tunnel}", reply.backend);
                ("removing", whose, &reply.listen, Some(filter), None)
            }
            Answer::Changed(TunnelChange { schema: "plexy.switch/1", tunnel, reply }) => {
                let filter = Some("phase=closing".to_owned());
                ("switching", tunnel.clone(), &reply.listen, filter, None)
            }
            Answer::Changed(TunnelChange {
                schema: schema @ ("plexy.drain/1" | "plexy.disable/1"),
                tunnel,
                reply,
            }) => {
                let doing = if *schema == "plexy.drain/1" { "draining" } else { "disabling" };
                let backend = reply.backend.as_deref();
                let whose = match backend {
                    Some(backend) => format!("{backend} of {tunnel}"),
                    None => tunnel.clone(),
                };
                let words = std::iter::once(tunnel.as_str()).chain(backend);
                let undo = Some(command_for("enable", words));
                (doing, whose, &reply.listen, backend.map(through), undo)
            }
            _ => return None,
        };
        let tunnel = Some(tunnel.clone());
        let params =
            ConnectionsParams { tunnel, filter, limit: Some(1), ..ConnectionsParams::default() };
        Some(Self { params, doing, whose, undo })
    }

    pub(super) fn work(&self) -> String {
        format!("{} {}", self.doing, self.whose)
    }

    /// What to know of it where nobody waits any more.
    pub(super) fn hint(&self) -> String {
        match &self.undo {
            Some(undo) => {
                format!("it goes on; `{undo}` ends it, `plexyctl conns` shows who is left")
            }
            None => "the change is done and stays; `plexyctl conns` shows who is left".to_owned(),
        }
    }

    /// How many of them live.
    pub(super) async fn left(&self, found: &Found, line: &str) -> Result<Left, Looked> {
        match found.client.call::<ListConnections>(&self.params).await {
            Ok(reply) => Ok(Left { count: reply.matched, ..Left::default() }),
            // A tunnel that was closed is known as long as connections of it live.
            Err(ClientError::Refused(error)) if error.data.code == Code::TunnelNotFound => {
                Ok(Left::default())
            }
            Err(ClientError::Unanswered { silence: Silence::GaveUp(impatience), .. }) => {
                Err(Looked::GaveUp(impatience))
            }
            Err(error) => {
                let parameters = serde_json::to_value(&self.params).unwrap_or_default();
                let look = String::new();
                let failure = Unanswered { error, parameters, look }.into_failure(line);
                Err(Looked::Failed(Box::new(failure)))
            }
        }
    }
}
