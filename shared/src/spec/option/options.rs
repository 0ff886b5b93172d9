//! All options of one tunnel: their values, and what they are where nobody says.

use std::time::Duration;

use super::value::ONE_HOUR;
use crate::spec::backend_tls::NO_BACKEND_TLS;
use crate::spec::check::NO_CHECK;
use crate::spec::limits::NO_LIMITS;
use crate::spec::tls::NO_TLS;
use crate::spec::{
    AdminState, BackendTls, Check, Keepalive, Limits, LiveAction, OnAllDown, Strategy, Tls,
    TunnelName,
};

/// How a tunnel carries its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunnelOptions {
    /// A name to call it by.
    pub name: Option<TunnelName>,
    /// How a backend is chosen.
    pub strategy: Strategy,
    /// Over which time the share of a backend grows that was not there before; none for at once.
    pub slow_start: Option<Duration>,
    /// Time for one attempt to connect, TLS included.
    pub connect_timeout: Duration,
    /// Further attempts after the first one failed.
    pub retries: u32,
    /// Failed attempts in a row that eject a backend.
    pub max_fails: u32,
    /// How long an ejection lasts where no probe can end it.
    pub fail_timeout: Duration,
    /// How backends are checked; none for not at all. In a box, since most are not.
    pub check: Option<Box<Check>>,
    /// Time between checks, and between the probes of an ejected backend; zero for no probes.
    pub check_interval: Duration,
    /// What live connections get whose backend is removed.
    pub on_remove: LiveAction,
    /// What live connections get whose backend is found down, or disabled.
    pub on_down: LiveAction,
    /// How long drained connections may go on, where nobody says otherwise; none for as long as they
    /// want.
    pub drain_deadline: Option<Duration>,
    /// What clients get while no backend is up.
    pub on_all_down: OnAllDown,
    /// Silence in both directions that ends a connection; none for never.
    pub idle_timeout: Option<Duration>,
    /// The same once one direction has ended; none for the idle time-out.
    pub half_close_timeout: Option<Duration>,
    /// Connections at once; none for as many as the machine can.
    pub max_conns: Option<u32>,
    /// TCP keepalive on both sides; none for off.
    pub keepalive: Option<Keepalive>,
    /// Clients that may wait to be accepted, as the kernel counts them.
    pub backlog: u16,
    /// Whether somebody lets clients come: it listens only where they may.
    pub admin: AdminState,
    /// What most tunnels are not limited by; none where it would say nothing.
    pub limits: Option<Box<Limits>>,
    /// How TLS is terminated; none for not at all.
    pub tls: Option<Box<Tls>>,
    /// How TLS is spoken with backends; none for not at all.
    pub backend_tls: Option<Box<BackendTls>>,
}

impl Default for TunnelOptions {
    fn default() -> Self {
        Self {
            name: None,
            strategy: Strategy::default(),
            slow_start: None,
            connect_timeout: Duration::from_secs(5),
            retries: 3,
            max_fails: 1,
            fail_timeout: Duration::from_secs(10),
            check: None,
            check_interval: Duration::from_secs(5),
            on_remove: LiveAction::Keep,
            on_down: LiveAction::Keep,
            drain_deadline: None,
            on_all_down: OnAllDown::default(),
            idle_timeout: Some(ONE_HOUR),
            half_close_timeout: None,
            max_conns: None,
            keepalive: Some(Keepalive {
                idle: Duration::from_secs(60),
                interval: Duration::from_secs(15),
                probes: 4,
            }),
            backlog: 4096,
            admin: AdminState::Ready,
            limits: None,
            tls: None,
            backend_tls: None,
        }
    }
}

impl TunnelOptions {
    /// The time-out of a connection of which one direction has ended.
    #[must_use]
    pub fn half_close_timeout(&self) -> Option<Duration> {
        self.half_close_timeout.or(self.idle_timeout)
    }

    /// Time for one check of a backend.
    #[must_use]
    pub fn check_timeout(&self) -> Duration {
        self.check().timeout.unwrap_or(self.connect_timeout.min(self.check_interval))
    }

    /// What it is limited by, besides [`TunnelOptions::max_conns`].
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.limits.as_deref().unwrap_or(&NO_LIMITS)
    }

    /// How long a client is parked; zero for not at all.
    #[must_use]
    pub fn queue_timeout(&self) -> Duration {
        self.limits().queue_timeout.unwrap_or(self.connect_timeout)
    }

    /// Changes a limit.
    pub(super) fn limit<T>(&mut self, change: impl FnOnce(&mut Limits) -> T) -> T {
        change_boxed(&mut self.limits, &NO_LIMITS, change)
    }

    /// How TLS is terminated, or that it is not.
    pub(super) fn tls(&self) -> &Tls {
        self.tls.as_deref().unwrap_or(&NO_TLS)
    }

    /// Changes how it is.
    pub(super) fn change_tls<T>(&mut self, change: impl FnOnce(&mut Tls) -> T) -> T {
        change_boxed(&mut self.tls, &NO_TLS, change)
    }

    /// How TLS is spoken with backends, or that it is not.
    pub(super) fn backend_tls(&self) -> &BackendTls {
        self.backend_tls.as_deref().unwrap_or(&NO_BACKEND_TLS)
    }

    /// Changes how it is.
    pub(super) fn change_backend_tls<T>(&mut self, change: impl FnOnce(&mut BackendTls) -> T) -> T {
        change_boxed(&mut self.backend_tls, &NO_BACKEND_TLS, change)
    }

    /// How backends are checked, or that they are not.
    pub(super) fn check(&self) -> &Check {
        self.check.as_deref().unwrap_or(&NO_CHECK)
    }

    /// The same while it is read.
    pub(super) fn check_mut(&mut self) -> &mut Check {
        self.check.get_or_insert_with(|| Box::new(NO_CHECK.clone()))
    }
}

/// Changes what most tunnels have nothing of: a box that would say nothing is none.
fn change_boxed<T: Clone + PartialEq, Changed>(
    boxed: &mut Option<Box<T>>,
    nothing: &T,
    change: impl FnOnce(&mut T) -> Changed,
) -> Changed {
    let mut it = boxed.take().unwrap_or_else(|| Box::new(nothing.clone()));
    let changed = change(&mut it);
    *boxed = Some(it).filter(|it| **it != *nothing);
    changed
}
