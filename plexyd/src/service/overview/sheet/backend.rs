//! What is known of one backend.

use std::sync::Arc;

use plexy_shared::info::Traffic;
use plexy_shared::overview::Health;

use super::TunnelLook;
use crate::backend::{Backend, Member};
use crate::ledger::Line;
use crate::service::overview::health;
use crate::service::overview::pace::{Counts, Pace, Window};
use crate::service::overview::recent::{Notes, Past};
use crate::service::survey::ended;

/// One backend.
#[derive(Debug, Clone)]
pub(in crate::service::overview) struct BackendLook {
    pub(super) backend: Arc<Backend>,
    /// Where that counts.
    line: Line,
    pub(in crate::service::overview) traffic: Traffic,
    pub(in crate::service::overview) health: Health,
    pub(in crate::service::overview) failed: u64,
    /// How much of it had changed when those two were looked up; nothing if that is to be done.
    changes: Option<u64>,
    pub(in crate::service::overview) pace: Pace,
    pub(in crate::service::overview) connect_times: Past,
    pub(in crate::service::overview) lifetimes: Past,
}

/// A backend with what belongs to it.
#[derive(Debug, Clone, Copy)]
pub(in crate::service::overview) struct BackendSight<'a> {
    pub(in crate::service::overview) tunnel: &'a TunnelLook,
    /// Which one of its tunnel it is.
    pub(in crate::service::overview) place: usize,
    pub(in crate::service::overview) member: &'a Member,
    pub(in crate::service::overview) look: &'a BackendLook,
}

impl BackendLook {
    /// One that nothing is known of.
    pub(super) fn new(member: &Member) -> Self {
        Self {
            backend: Arc::clone(&member.backend),
            line: member.backend.totals.line().clone(),
            traffic: Traffic::default(),
            health: health::of_backend(member),
            failed: 0,
            changes: None,
            pace: Pace::default(),
            connect_times: Past::default(),
            lifetimes: Past::default(),
        }
    }

    /// The same of a tunnel that goes another way, where it may be wanted otherwise, and somebody may have
    /// reached it in vain.
    pub(super) fn rerouted(&self) -> Self {
        let mut rerouted = Self { changes: None, ..self.clone() };
        rerouted.connect_times.unsettle();
        rerouted
    }

    /// Whether it is of that backend.
    pub(super) fn is(&self, backend: &Arc<Backend>) -> bool {
        Arc::ptr_eq(&self.backend, backend)
    }

    /// Takes what has ended of it.
    pub(super) fn take_ended(&mut self) {
        self.traffic = ended(&self.line);
    }

    /// Looks at what has changed of it, behind what was counted; whether its health may have, and how many
    /// attempts more have failed. What it has for itself is looked at only then.
    pub(super) fn update(&mut self, member: &Member, window: Window, notes: &Notes) -> (bool, u64) {
        let backend = &self.backend;
        // Before the rest: what changes meanwhile is looked at again.
        let changes = Some(self.line.changes());
        let (has_changed, failed_before) = (changes != self.changes, self.failed);
        if has_changed {
            self.changes = changes;
            self.health = health::of_backend(member);
            self.failed = backend.attempts_failed();
        }
        let counts = Counts::of(self.traffic, self.failed, 0);
        let is_astir = self.traffic.connections > 0 || self.pace.differs_from(counts);
        self.pace = self.pace.look(counts, window);
        self.connect_times.note(notes, is_astir, || backend.connect_times.distribution());
        self.lifetimes.note(notes, is_astir, || backend.lifetimes.distribution());
        (has_changed, self.failed.saturating_sub(failed_before))
    }
}

impl<'a> BackendSight<'a> {
    /// Its address, as its tunnel has it.
    pub(in crate::service::overview) fn addr(&self) -> &'a str {
        self.tunnel.face.backend(self.place)
    }
}
