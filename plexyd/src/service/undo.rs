//! `undo`: the tunnels as they were before the newest changes.

use std::collections::HashMap;

use plexy_shared::history::{Edit, TransitionReply};
use plexy_shared::spec::{BoundAddr, LiveAction, TunnelSpec};

use super::reroute::{Once, Rerouting};
use super::transition::{Closing, Transition};
use super::turns::Scope;
use super::{Caller, Service, ServiceError};
use crate::state::Change;

/// What becomes of the tunnel on one address.
#[derive(Debug)]
struct Back {
    listen: BoundAddr,
    /// As the newest change has left it.
    from: Option<TunnelSpec>,
    /// As it was before the oldest one.
    to: Option<TunnelSpec>,
}

impl Service {
    /// Undoes the newest changes, all of them in one, or does nothing. Live connections go on, unless
    /// `on-remove` or `on-down` of their tunnel says otherwise.
    ///
    /// # Errors
    ///
    /// If there were not so many changes, if a tunnel is not any more as they have left it, or
    /// whatever stands against one of the tunnels.
    pub async fn undo(
        &self,
        count: usize,
        caller: &Caller,
    ) -> Result<TransitionReply, ServiceError> {
        let turn = self.turn(Scope::All, caller).await?;
        if !self.is_ready() {
            return Err(ServiceError::ShuttingDown);
        }
        let changes = self.state.changes(count);
        if changes.len() < count {
            return Err(ServiceError::NothingToUndo { wanted: count, known: changes.len() });
        }
        let transition = self.plan_undo(backs(&changes)?)?;
        self.check(&transition).map_err(|error| error.error)?;
        let done = self.carry_out(turn, transition, caller).await;
        done.map(|done| done.reply).map_err(|error| error.error)
    }

    fn plan_undo(&self, backs: Vec<Back>) -> Result<Transition, ServiceError> {
        let mut transition = Transition::default();
        for (index, Back { listen, from, to }) in backs.into_iter().enumerate() {
            let registry = self.registry();
            let open = registry.listening_on(&listen).cloned();
            let configured = open.as_ref().and_then(|tunnel| registry.configured(tunnel.id));
            drop(registry);
            if open.as_ref().map(|tunnel| tunnel.spec()) != from {
                return Err(ServiceError::ChangedSince(listen));
            }
            match (open, to) {
                (Some(tunnel), None) => {
                    let live = LiveAction::Keep.into();
                    transition.close.push(Closing { tunnel, live, configured });
                }
                (Some(tunnel), Some(spec)) if tunnel.spec() != spec => {
                    let once = Once::default();
                    transition.change.push(Rerouting { index, tunnel, spec, configured, once });
                }
                (None, Some(spec)) => {
                    transition.open.push(self.opening(index, spec, listen));
                }
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        Ok(transition)
    }
}

/// What becomes of each tunnel of these changes, of which the newest is the first.
fn backs(changes: &[Change]) -> Result<Vec<Back>, ServiceError> {
    let mut places: HashMap<BoundAddr, usize> = HashMap::new();
    let mut backs: Vec<Back> = Vec::new();
    for Edit { before, after } in changes.iter().flat_map(|change| change.edits().into_iter().rev())
    {
        let parsed = |text: Option<String>| text.map(|text| text.parse::<TunnelSpec>()).transpose();
        let cannot = |error: plexy_shared::spec::SpecError| {
            ServiceError::BadFile(vec![format!("a change that was kept: {error}")])
        };
        let (before, after) = (parsed(before).map_err(cannot)?, parsed(after).map_err(cannot)?);
        let Some(listen) = before.as_ref().or(after.as_ref()).and_then(|it| it.listen.bound())
        else {
            continue;
        };
        match places.get(&listen).and_then(|place| backs.get_mut(*place)) {
            Some(back) => back.to = before,
            None => {
                places.insert(listen.clone(), backs.len());
                backs.push(Back { listen, from: after, to: before });
            }
        }
    }
    // As they were opened, where many were closed.
    backs.reverse();
    Ok(backs)
}
