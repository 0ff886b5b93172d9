//! A change that is only tried out: everything that can stand against it is looked for, and nothing is
//! touched. Files are read, and addresses tried without listening there.

use plexy_shared::history::TransitionReply;
use plexy_shared::info::{Change, OpenReply};
use plexy_shared::plan::Rehearsal;
use plexy_shared::spec::{AdminState, BoundAddr};
use tracing::error;

use super::error::OpenError;
use super::reroute::Rerouting;
use super::security::try_all;
use super::transition::{Done, Transition};
use super::{Caller, Service, ServiceError};
use crate::bind::try_out;

impl Service {
    /// What a transition would do, that was checked already.
    ///
    /// # Errors
    ///
    /// Whatever stands against it, as far as that can be seen before it is done.
    pub(super) async fn rehearse(
        &self,
        transition: &Transition,
        caller: &Caller,
    ) -> Result<Done, OpenError> {
        try_all(transition.open.iter().map(|it| (it.index, &it.spec))).await?;
        self.try_out_all(transition).await?;
        let new = transition.change.iter().filter(|it| it.has_new_files());
        try_all(new.map(|it| (it.index, &it.spec))).await?;

        let revision = self.revision();
        let opened = transition.open.iter().map(|it| {
            let (result, listen) = (Change::Opened.into(), it.addr.to_string());
            (it.index, OpenReply { result, listen, revision, rehearsal: Rehearsal::default() })
        });
        let differences = transition.differences().into_iter().map(|(_, it)| it).collect();
        let reply = TransitionReply {
            opened: transition.open.len(),
            changed: transition.change.len(),
            closed: transition.close.len(),
            unchanged: 0,
            certificate_files: 0,
            revision,
            rehearsal: caller.rehearsal(differences),
        };
        let live = transition.change.iter().map(Rerouting::forecast).collect();
        Ok(Done { opened: opened.collect(), live, closed: Vec::new(), reply })
    }

    /// Whether it could be listened on all addresses on which that would begin.
    async fn try_out_all(&self, transition: &Transition) -> Result<(), OpenError> {
        let opened = transition.open.iter().filter(|opening| {
            // Which port is free is found out also where nobody is to listen yet.
            opening.spec.options.admin == AdminState::Ready || opening.addr.port() == Some(0)
        });
        let opened = opened.map(|it| (it.index, it.addr.clone()));
        let again = transition.change.iter().filter(|it| it.listens_again());
        let again = again.map(|it| (it.index, it.tunnel.listen.clone()));
        let all: Vec<(usize, BoundAddr)> = opened.chain(again).collect();
        let taken: Vec<_> = all.iter().map(|_| self.engine.descriptors.try_take(1)).collect();
        if let Some(((index, _), _)) = all.iter().zip(&taken).find(|(_, taken)| taken.is_none()) {
            return Err(OpenError::of(*index, ServiceError::OutOfDescriptors));
        }
        let try_all = move || {
            let one = |(index, addr): &(usize, BoundAddr)| {
                try_out(addr).map_err(|error| OpenError::of(*index, ServiceError::from(error)))
            };
            all.iter().try_for_each(one)
        };
        // Many are no matter of the control threads.
        if taken.len() <= 1 {
            return try_all();
        }
        tokio::task::spawn_blocking(try_all).await.unwrap_or_else(|error| {
            error!(%error, "trying addresses has failed");
            Err(ServiceError::ShuttingDown.into())
        })
    }
}
