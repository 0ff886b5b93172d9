//! What live connections get when their tunnel or their backend goes, and how a drain is followed to
//! its end.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plexy_shared::command::LiveChoice;
use plexy_shared::event::EventKind;
use plexy_shared::info::{LiveCounts, Reason};
use plexy_shared::spec::{LiveAction, TunnelOptions};
use plexy_shared::units::{counted, show_duration};
use tokio_util::sync::CancellationToken;

use super::{Actor, Service};
use crate::admin::{Admin, Noted};
use crate::backend::Backend;
use crate::events::Happening;
use crate::table::Entry;
use crate::tunnel::{Tunnel, TunnelId};

/// How often a drain is looked at: soon at first, since most are over soon.
const LOOK_MIN: Duration = Duration::from_millis(50);
const LOOK_MAX: Duration = Duration::from_secs(1);

/// Whose connections.
#[derive(Debug, Clone)]
pub(super) enum Holder {
    /// Those of a tunnel.
    Tunnel(Arc<Tunnel>),
    /// Those of a tunnel that one of its backends carries.
    Backend(Arc<Tunnel>, Arc<Backend>),
}

impl Holder {
    /// How many there are, those that are parked included.
    pub(super) fn live(&self) -> u64 {
        match self {
            Self::Tunnel(tunnel) => tunnel.totals.live() + tunnel.parked(),
            Self::Backend(_, backend) => backend.totals.live(),
        }
    }

    fn admin(&self) -> &Admin {
        match self {
            Self::Tunnel(tunnel) => &tunnel.admin,
            Self::Backend(_, backend) => &backend.admin,
        }
    }

    /// Whether a connection of that tunnel is one of them.
    pub(super) fn has(&self, of: TunnelId, entry: &Entry) -> bool {
        let is_carried_by =
            |backend| entry.backend.get().is_some_and(|it| Arc::ptr_eq(it, backend));
        match self {
            Self::Tunnel(tunnel) => of == tunnel.id,
            Self::Backend(tunnel, backend) => of == tunnel.id && is_carried_by(backend),
        }
    }

    pub(super) fn happening(&self, of_tunnel: EventKind, of_backend: EventKind) -> Happening {
        match self {
            Self::Tunnel(tunnel) => Happening::new(of_tunnel).of_tunnel(tunnel.label()),
            Self::Backend(tunnel, backend) => {
                Happening::new(of_backend).of_tunnel(tunnel.label()).of_backend(&backend.addr)
            }
        }
    }
}

impl Service {
    /// Somebody does to the connections of a tunnel or a backend what was chosen.
    pub(super) fn part(
        &self,
        holder: Holder,
        choice: LiveChoice,
        reason: Reason,
        actor: &Actor,
    ) -> LiveCounts {
        let deadline = choice.deadline.map(|deadline| Instant::now() + deadline);
        let over = holder.admin().note(noted(actor, deadline));
        // Counted before the deadline may end some.
        let live = holder.live();
        match choice.action {
            LiveAction::Kill => {
                if let Holder::Backend(_, backend) = &holder {
                    // For who is about to be connected to it.
                    backend.verdict.set(Some(reason));
                }
                let ended = self.engine.workers.order(reason, |of, entry| holder.has(of, entry));
                LiveCounts { ended, ..LiveCounts::default() }
            }
            LiveAction::Keep => {
                self.follow(holder, live, deadline, over);
                LiveCounts { kept: live, ..LiveCounts::default() }
            }
            LiveAction::Drain => {
                self.follow(holder, live, deadline, over);
                LiveCounts { draining: live, ..LiveCounts::default() }
            }
        }
    }

    /// The same for several tunnels at once. However many are to be reset, all connections are looked at
    /// once.
    pub(super) fn part_all(
        &self,
        tunnels: &[(Arc<Tunnel>, LiveChoice)],
        reason: Reason,
        actor: &Actor,
    ) -> Vec<LiveCounts> {
        let is_kill = |choice: &LiveChoice| choice.action == LiveAction::Kill;
        let killed = tunnels.iter().filter(|(_, choice)| is_kill(choice));
        let ended: HashMap<TunnelId, Cell<u64>> = killed
            .map(|(tunnel, _)| {
                // A drain that was followed is over.
                tunnel.admin.note(noted(actor, None));
                (tunnel.id, Cell::new(0))
            })
            .collect();
        let is_of_one = |of: TunnelId, _: &Entry| {
            let count = ended.get(&of);
            count.inspect(|count| count.set(count.get() + 1)).is_some()
        };
        if !ended.is_empty() {
            self.engine.workers.order(reason, is_of_one);
        }
        let part = |(tunnel, choice): &(Arc<Tunnel>, LiveChoice)| match ended.get(&tunnel.id) {
            None => self.part(Holder::Tunnel(Arc::clone(tunnel)), *choice, reason, actor),
            Some(count) => LiveCounts { ended: count.get(), ..LiveCounts::default() },
        };
        tunnels.iter().map(part).collect()
    }

    /// Follows so many connections to their end, and tells it.
    pub(super) fn follow(
        &self,
        holder: Holder,
        live: u64,
        deadline: Option<Instant>,
        over: CancellationToken,
    ) {
        if live == 0 {
            return;
        }
        let engine = Arc::clone(&self.engine);
        let (events, stopping) = (Arc::clone(&self.events), self.stopping.clone());
        self.tasks.spawn(async move {
            let (mut told, mut look) = (live, LOOK_MIN);
            let end = |detail: String| {
                let drained = holder.happening(EventKind::TunnelDrained, EventKind::BackendDrained);
                events.tell(drained.detail(detail));
            };
            loop {
                let (left, now) = (holder.live(), Instant::now());
                if left == 0 {
                    return end("every connection has ended".to_owned());
                }
                if deadline.is_some_and(|deadline| deadline <= now) {
                    let is_left = |of: TunnelId, entry: &Entry| holder.has(of, entry);
                    let reset = engine.workers.order(Reason::DrainDeadline, is_left);
                    return end(format!("at the deadline: {} reset", connections(reset)));
                }
                if left <= told / 2 {
                    let draining =
                        holder.happening(EventKind::TunnelDraining, EventKind::BackendDraining);
                    events.tell(draining.detail(format!("{left} of {} left", connections(live))));
                    told = left;
                }
                let until_deadline = deadline.map_or(LOOK_MAX, |deadline| deadline - now);
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = over.cancelled() => return,
                    () = tokio::time::sleep(look.min(until_deadline)) => {}
                }
                look = (look * 2).min(LOOK_MAX);
            }
        });
    }
}

/// A choice with the deadline that the options of the tunnel give it, where it says none and drains.
pub(super) fn settled(choice: LiveChoice, options: &TunnelOptions) -> LiveChoice {
    let LiveChoice { action, deadline } = choice;
    let deadline = deadline.or(options.drain_deadline).filter(|_| action == LiveAction::Drain);
    LiveChoice { action, deadline }
}

/// What is noted of something that somebody does now.
pub(super) fn noted(actor: &Actor, deadline: Option<Instant>) -> Noted {
    Noted { since: Instant::now(), by: actor.to_string(), deadline }
}

/// What became of connections, and until when some of them may go on.
pub(super) fn sentence(counts: LiveCounts, deadline: Option<Duration>) -> String {
    match deadline.filter(|_| counts.draining > 0) {
        Some(deadline) => format!("{counts}, {} at most", show_duration(deadline)),
        None => counts.to_string(),
    }
}

fn connections(count: u64) -> String {
    counted(count, "connection")
}
