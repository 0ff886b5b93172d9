//! What a tunnel is limited by, beside the number of its connections: most tunnels have nothing of
//! this, so all of it is one box that they do not have.

use std::sync::Arc;
use std::time::Duration;

use super::access::{Access, Verdict};
use crate::units::{Rate, ValueError};

/// No limit at all.
pub(super) static NO_LIMITS: Limits = Limits {
    queue_timeout: None,
    max_conns_per_source: None,
    conn_rate: None,
    max_duration: None,
    tcp_user_timeout: None,
    access: None,
};

/// Limits of a tunnel that are seldom set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// How long a client is parked, zero for not at all; none for the time of an attempt to connect.
    pub queue_timeout: Option<Duration>,
    /// Connections at once from one source.
    pub max_conns_per_source: Option<u32>,
    /// New connections.
    pub conn_rate: Option<Rate>,
    /// How old a connection may be.
    pub max_duration: Option<Duration>,
    /// How long a peer may acknowledge nothing of what was sent to it.
    pub tcp_user_timeout: Option<Duration>,
    /// Who is let in; none for everybody. Shared by all copies of it: it may be long.
    pub access: Option<Arc<Access>>,
}

impl Limits {
    /// Puts one more network on a list.
    pub(super) fn list(&mut self, verdict: Verdict, text: &str) -> Result<(), ValueError> {
        let mut access = self.access.take().unwrap_or_default();
        let listed = Arc::make_mut(&mut access).list(verdict, text);
        self.access = Some(access).filter(|access| !access.is_empty());
        listed
    }

    /// Empties a list.
    pub(super) fn unlist(&mut self, verdict: Verdict) {
        let access = self.access.take().map(|access| access.without(verdict));
        self.access = access.filter(|access| !access.is_empty()).map(Arc::new);
    }
}
