//! `kill`: ends connections at once.

use std::collections::HashSet;

use plexy_shared::connection::{ConnectionId, KILLED_TOLD_MAX, KillOrder, KillReply};
use plexy_shared::event::EventKind;
use plexy_shared::filter::Filter;
use plexy_shared::info::Reason;
use plexy_shared::spec::TunnelRef;
use plexy_shared::units::counted;

use super::turns::Scope;
use super::{Caller, Service, ServiceError};
use crate::events::Happening;
use crate::table::Sight;
use crate::worker::Workers;

/// How many ids the event of one kill names.
const EVENT_IDS_MAX: usize = 16;

impl Service {
    /// Resets connections. They are told when this returns, each once: who asks a second time is
    /// told that they are gone. That changes no tunnel, so it is no revision.
    ///
    /// # Errors
    ///
    /// If none of the ids is one of a live connection, or there is no such tunnel, or the caller does
    /// not know of the newest change.
    pub async fn kill(
        &self,
        order: &KillOrder,
        caller: &Caller,
    ) -> Result<KillReply, ServiceError> {
        // Nothing changes meanwhile where somebody goes by what they know.
        let _turn = match caller.expected_revision {
            Some(_) => Some(self.turn(Scope::All, caller).await?),
            None => None,
        };
        // First: who goes by one that is a little old is refused, and by one too new would not be.
        let revision = Some(self.revision());
        let reply = match order {
            KillOrder::Ids(ids) => self.kill_ids(ids, caller).await?,
            KillOrder::Where { tunnel, filter } => {
                self.kill_where(tunnel.as_ref(), filter, caller).await?
            }
        };
        Ok(KillReply { revision, ..reply })
    }

    async fn kill_ids(
        &self,
        ids: &[ConnectionId],
        caller: &Caller,
    ) -> Result<KillReply, ServiceError> {
        let mut wanted: HashSet<u64> = ids.iter().map(|id| id.0).collect();
        let ends = ending(caller);
        let looked = self.looking(move |workers| {
            let reply = kill(workers, |sight| {
                wanted.contains(&sight.id) && ends(sight) && wanted.remove(&sight.id)
            });
            (reply, wanted)
        });
        let (mut reply, mut missing) = looked.await?;
        reply.dry_run = caller.dry_run;
        if reply.killed == 0 {
            return Err(ServiceError::ConnectionNotFound(ids.to_vec()));
        }
        let gone = ids.iter().filter(|id| missing.remove(&id.0));
        reply.gone = gone.map(ToString::to_string).collect();
        if caller.dry_run {
            return Ok(reply);
        }
        let mut named =
            reply.ids.iter().take(EVENT_IDS_MAX).cloned().collect::<Vec<_>>().join(", ");
        if reply.ids.len() > EVENT_IDS_MAX {
            named.push_str(", …");
        }
        self.tell_killed(&reply, &format!("ids {named}"), None, caller);
        Ok(reply)
    }

    async fn kill_where(
        &self,
        tunnel: Option<&TunnelRef>,
        filter: &Filter,
        caller: &Caller,
    ) -> Result<KillReply, ServiceError> {
        let (mut selection, ends) = (self.selection(tunnel, filter).await, ending(caller));
        let looked = self.looking(move |workers| {
            let reply = kill(workers, |sight| selection.has(sight) && ends(sight));
            (reply, selection)
        });
        let (mut reply, selection) = looked.await?;
        reply.dry_run = caller.dry_run;
        self.check_tunnel(tunnel, &selection)?;
        if reply.killed > 0 && !caller.dry_run {
            self.tell_killed(&reply, &format!("where {filter}"), tunnel, caller);
        }
        Ok(reply)
    }

    /// One event, and so one line of the audit, for all of them.
    fn tell_killed(
        &self,
        reply: &KillReply,
        which: &str,
        tunnel: Option<&TunnelRef>,
        caller: &Caller,
    ) {
        let detail = format!("{} reset, {which}", counted(reply.killed, "connection"));
        let told = Happening::new(EventKind::ConnectionsKilled).detail(detail);
        let told = match tunnel {
            Some(tunnel) => told.of_tunnel(tunnel.to_string()),
            None => told,
        };
        self.events.tell(told.asked_by(&caller.actor));
    }
}

/// What ends a connection, unless it ends already: whether it did not. Of one that is only tried out it
/// is whether it would not.
fn ending(caller: &Caller) -> fn(&Sight<'_>) -> bool {
    if caller.dry_run {
        |sight| !sight.entry.stop.is_ordered()
    } else {
        |sight| sight.entry.stop.order(Reason::Killed)
    }
}

/// Shows each connection to who may end it, and tells those that it has ended.
fn kill(workers: &Workers, mut ends: impl FnMut(&Sight<'_>) -> bool) -> KillReply {
    let mut reply = KillReply::default();
    for table in workers.tables() {
        table.look(|sight| {
            if ends(&sight) {
                reply.killed += 1;
                if reply.ids.len() < KILLED_TOLD_MAX {
                    reply.ids.push(sight.id.to_string());
                }
            }
        });
    }
    reply
}
