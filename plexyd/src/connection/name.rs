//! The way of a client by the name that it asks for, where names decide: it says that first, and its
//! backend gets what it has said.

use std::sync::Arc;

use plexy_shared::info::{HelloFault, Reason};
use tracing::{debug, warn};

use super::place::{Search, queue};
use crate::hello::{self, Failure, Fault};
use crate::introduction::Introduction;
use crate::tunnel::Route;

impl Search<'_> {
    /// Finds its way by the name that the client asks for, where names decide. The error is why the
    /// client has to go.
    pub(super) async fn begin(&mut self) -> Result<(), Reason> {
        if self.whole.names().is_some() {
            self.route = Box::pin(self.way()).await?;
        }
        if self.hello.is_some()
            && let Some(queue) = queue(self.entry)
        {
            queue.change_lane(self.entry.id, self.route.lane());
        }
        Ok(())
    }

    /// What the client has said meanwhile: its backend has to get that first.
    pub(super) fn into_said(self) -> Vec<u8> {
        self.hello.map_or_else(Vec::new, |hello| hello.bytes)
    }

    /// The way of the client's name.
    async fn way(&mut self) -> Result<Arc<Route>, Reason> {
        if self.hello.is_none() {
            match hello::read(self.client).await {
                Ok(hello) => {
                    self.entry.introduce(hello.name.clone().map(Introduction::Name));
                    self.hello = Some(hello);
                    // That may have taken its time.
                    self.whole = self.entry.tunnel.route();
                }
                Err(Failure::Ended) => return Err(Reason::ClientFin),
                Err(Failure::Broken) => return Err(Reason::ClientReset),
                Err(Failure::Fault(fault)) => return Err(self.turn_away(fault).await),
            }
        }
        let (hello, whole) = (self.hello.as_ref(), Arc::clone(&self.whole));
        let Some((hello, names)) = hello.zip(whole.names()) else { return Ok(whole) };
        match names.route(hello.name.as_deref()) {
            Some(route) => Ok(Arc::clone(route)),
            None => Err(self.turn_away(hello.unknown_name()).await),
        }
    }

    /// Tells the client what is wrong, as far as it would understand that, and those who look.
    async fn turn_away(&self, fault: Fault) -> Reason {
        let (entry, label) = (self.entry, self.entry.tunnel.label());
        entry.tunnel.gate_to_refuse().hello_faults.count(fault.kind);
        let introduction = entry.introduction();
        let name = introduction.as_ref().and_then(|it| it.name()).map(tracing::field::display);
        match fault.kind {
            // Somebody may have forgotten a backend: all else is a matter of the client.
            HelloFault::UnknownName => {
                if entry.tunnel.refusals.admits(|| format!("tunnel {label}: unknown name")) {
                    warn!(tunnel = label, client = %entry.client, name, "no backend has that name");
                }
            }
            kind => debug!(tunnel = label, client = %entry.client, %kind, "no hello of TLS"),
        }
        hello::turn_away(self.client, fault.alert).await;
        Reason::Tls
    }
}
