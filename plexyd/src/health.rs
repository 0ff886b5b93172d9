//! What happens to backends beside the connections: they are checked where
//! that is asked for, ejected ones are probed until they work again, and names
//! are resolved again while they live.
//!
//! All of it runs on the control runtime, never on a worker. Checks and
//! ejections are apart: neither changes what the other has found.

mod answer;
mod check;
mod checks;
mod schedule;

use std::sync::Arc;
use std::time::{Duration, Instant};

use plexy_shared::event::EventKind;
use plexy_shared::spec::{AdminState, BackendAddr, HostName, TunnelOptions};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::backend::Backend;
use crate::backend::checked::Turn;
use crate::backend::ejection::{Change, Rules};
use crate::descriptors::Descriptors;
use crate::dial::{DialError, Manner, dial};
use crate::events::{Events, Happening};
use crate::hops::Hops;
use crate::resolver::{ResolveError, Resolver};
use crate::tls::Over;
use crate::tunnel::{Route, Tunnel};
use checks::Checks;

/// How often a name is resolved again: at the end of its time to live, but
/// within these bounds.
const RESOLVE_MIN: Duration = Duration::from_secs(1);
const RESOLVE_MAX: Duration = Duration::from_secs(60);

/// The pause after an answer that was no help.
const RESOLVE_RETRY: Duration = Duration::from_secs(2);

/// Watches over backends.
#[derive(Debug)]
pub(crate) struct Health {
    handle: Handle,
    tasks: TaskTracker,
    stop: CancellationToken,
    descriptors: Arc<Descriptors>,
    hops: Arc<Hops>,
    resolver: Arc<Resolver>,
    events: Arc<Events>,
    checks: Checks,
    /// For whoever does something about it. No longer than there are backends that turn.
    turns: UnboundedSender<Turned>,
}

/// The checks of a backend say something else than before.
#[derive(Debug)]
pub(crate) struct Turned {
    pub(crate) tunnel: Arc<Tunnel>,
    pub(crate) backend: Arc<Backend>,
    pub(crate) turn: Turn,
}

impl Health {
    /// One that runs on the runtime that calls, and what tells of checks that have turned.
    pub(crate) fn new(
        descriptors: Arc<Descriptors>,
        hops: Arc<Hops>,
        resolver: Arc<Resolver>,
        events: Arc<Events>,
    ) -> (Self, UnboundedReceiver<Turned>) {
        let (handle, tasks, stop) =
            (Handle::current(), TaskTracker::new(), CancellationToken::new());
        let checks = Checks::new(&descriptors);
        let (turns, turned) = unbounded_channel();
        (Self { handle, tasks, stop, descriptors, hops, resolver, events, checks, turns }, turned)
    }

    /// A backend has come to a tunnel.
    pub(crate) fn watch(self: &Arc<Self>, tunnel: &Arc<Tunnel>, backend: &Arc<Backend>) {
        let route = tunnel.route();
        self.begin_or_end_checks(tunnel, &route, backend);
        if let BackendAddr::Name(name, port) = &backend.addr {
            let (health, name, port) = (Arc::clone(self), name.clone(), *port);
            let (tunnel, backend) = (Arc::clone(tunnel), Arc::clone(backend));
            self.spawn(async move { health.keep_resolving(&tunnel, &backend, &name, port).await });
        }
    }

    /// A backend has left its tunnel: nothing of this happens to it any more.
    pub(crate) fn leave(&self, backend: &Backend) {
        backend.removed.cancel();
        self.end_checks(backend);
    }

    /// Checks that began later than they should.
    pub(crate) fn checks_late(&self) -> u64 {
        self.checks.late()
    }

    /// A client's attempt has worked.
    pub(crate) fn succeeded(&self, tunnel: &Tunnel, backend: &Backend) {
        let change = backend.succeeded();
        if change != Change::None {
            self.report(&tunnel.label(), backend, change);
        }
    }

    /// A client's attempt has failed.
    pub(crate) fn failed(
        self: &Arc<Self>,
        of: &Arc<Tunnel>,
        backend: &Arc<Backend>,
        error: &DialError,
        options: &TunnelOptions,
    ) {
        let tunnel = of.label();
        let tunnel = tunnel.as_str();
        let addr = &backend.addr;
        match error {
            DialError::Backend(_) | DialError::TimedOut(_) | DialError::Tls(_) => {
                debug!(tunnel, backend = %addr, %error, "attempt failed");
                if let Some(over) = backend.failed(&error.to_string(), &Rules::from(options)) {
                    self.report(tunnel, backend, Change::Ejected);
                    self.end_ejection(of, backend, options, over);
                }
            }
            DialError::Exhausted(_)
            | DialError::NoLocalPort(_)
            | DialError::QueueFull
            | DialError::Unresolved => {
                let what = || format!("tunnel {tunnel}: attempt on backend {addr}");
                if backend.failures().admits(what) {
                    warn!(tunnel, backend = %addr, %error, "attempt failed, not by the backend's fault");
                }
            }
        }
    }

    fn end_ejection(
        self: &Arc<Self>,
        tunnel: &Arc<Tunnel>,
        backend: &Arc<Backend>,
        options: &TunnelOptions,
        over: CancellationToken,
    ) {
        // Here and not only in the task: who looks before it runs shall see it.
        if !options.check_interval.is_zero() {
            backend.expect_probe(Some(Instant::now() + options.check_interval));
        }
        let (health, backend) = (Arc::clone(self), Arc::clone(backend));
        let tunnel = Arc::clone(tunnel);
        self.spawn(async move {
            let removed = backend.removed.clone();
            tokio::select! {
                () = removed.cancelled() => {}
                () = over.cancelled() => {}
                () = health.keep_probing(&tunnel, &backend) => {}
            }
        });
    }

    /// Probes until that has ended the ejection, as the tunnel says at that time. What is out of service
    /// is left alone.
    async fn keep_probing(&self, tunnel: &Arc<Tunnel>, backend: &Arc<Backend>) {
        while let Some(until) = backend.ejected_until() {
            let interval = tunnel.route().options.check_interval;
            if interval.is_zero() {
                tokio::time::sleep_until(until.into()).await;
                self.report(&tunnel.label(), backend, backend.expire());
                continue;
            }
            let pause = jittered(interval);
            backend.expect_probe(Some(Instant::now() + pause));
            tokio::time::sleep(pause).await;
            let route = tunnel.route();
            if route.admin(backend) == Some(AdminState::Disabled) {
                continue;
            }
            let tunnel = tunnel.label_of(&route);
            let tunnel = tunnel.as_str();
            match self.probe(backend, &route).await {
                Ok(()) => self.report(tunnel, backend, backend.succeeded()),
                Err(DialError::Backend(error)) => {
                    debug!(tunnel, backend = %backend.addr, %error, "probe failed");
                }
                Err(DialError::Tls(error)) => {
                    debug!(tunnel, backend = %backend.addr, %error, "probe failed");
                }
                Err(DialError::TimedOut(_)) => {
                    debug!(tunnel, backend = %backend.addr, "probe timed out");
                }
                // No probe could run: then time ends it.
                Err(
                    DialError::Exhausted(_)
                    | DialError::NoLocalPort(_)
                    | DialError::QueueFull
                    | DialError::Unresolved,
                ) => {
                    self.report(tunnel, backend, backend.expire());
                }
            }
        }
    }

    async fn probe(&self, backend: &Backend, route: &Route) -> Result<(), DialError> {
        let Some(_taken) = self.descriptors.try_take(1) else {
            return Err(DialError::Exhausted(rustix::io::Errno::MFILE.into()));
        };
        let begun = Instant::now();
        let originate = route.originate();
        let over = originate.as_ref().map(Over::full);
        let reached = dial(backend, Manner::new(&route.options, 0, over), &self.hops).await?;
        let now = Instant::now();
        reached.part().await?;
        // What it was before its ejection says little: clients come back to what it is.
        backend.has_connected_in(now - begun, now);
        Ok(())
    }

    /// Resolves a name again and again while its backend belongs to a tunnel.
    async fn keep_resolving(&self, tunnel: &Tunnel, backend: &Backend, name: &HostName, port: u16) {
        loop {
            let pause = tokio::select! {
                () = backend.removed.cancelled() => return,
                pause = self.resolve(tunnel, backend, name, port) => pause,
            };
            tokio::select! {
                () = backend.removed.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Resolves a name once and tells when to do it again.
    async fn resolve(
        &self,
        tunnel: &Tunnel,
        backend: &Backend,
        name: &HostName,
        port: u16,
    ) -> Duration {
        match self.resolver.resolve(name).await {
            Ok(found) => {
                if backend.resolve_to(&found, port) {
                    let addresses: Vec<_> =
                        found.addresses.iter().map(ToString::to_string).collect();
                    let what = happening(EventKind::BackendResolved, &tunnel.label(), backend);
                    self.events.tell(what.detail(addresses.join(" ")));
                }
                backend.mark_located();
                // Half an answer is asked for again soon.
                let valid_for = found.unanswered.map_or(found.valid_for, |_| RESOLVE_RETRY);
                jittered(valid_for.clamp(RESOLVE_MIN, RESOLVE_MAX))
            }
            Err(error) => {
                let is_gone = matches!(error, ResolveError::NoSuchName(_));
                // While nobody can tell, what was known before still holds.
                if (is_gone || !backend.is_resolved()) && backend.unresolve(&error.to_string()) {
                    let (kind, tunnel) = (EventKind::BackendUnresolved, tunnel.label());
                    let what = happening(kind, &tunnel, backend);
                    self.events.tell(what.detail(error.to_string()));
                }
                backend.mark_located();
                jittered(RESOLVE_RETRY)
            }
        }
    }

    /// One event per change of a backend.
    fn report(&self, tunnel: &str, backend: &Backend, change: Change) {
        let what = match change {
            Change::None => return,
            Change::Ejected => {
                let cause = backend.ejection().and_then(|ejection| ejection.cause);
                let what = happening(EventKind::BackendEjected, tunnel, backend);
                what.detail(cause.unwrap_or_default())
            }
            Change::Restored => {
                happening(EventKind::BackendUp, tunnel, backend).detail("ejection over")
            }
        };
        self.events.tell(what);
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        let until_stopped = async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        };
        self.tasks.spawn_on(until_stopped, &self.handle);
    }

    /// Stops watching.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A tenth more or less, so that many backends do not fire in step.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.9 + 0.2 * fastrand::f64())
}

fn happening(kind: EventKind, tunnel: &str, backend: &Backend) -> Happening {
    Happening::new(kind).of_tunnel(tunnel).of_backend(&backend.addr)
}
