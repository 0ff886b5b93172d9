//! One connection: an accepted client, the attempts to reach a backend for
//! it, and the relay between the two.

use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use plexy_shared::info::{Attempt, Reason};
use tracing::{debug, warn};

use crate::backend::{Lease, Member};
use crate::balance::Asking;
use crate::descriptors::Taken;
use crate::dial::{DialError, Dialled, Manner, dial};
use crate::engine::Engine;
use crate::histogram::CONNECT_TIMES;
use crate::relay::{Held, Outcome, Stream, relay};
use crate::socket::{ClientAddr, Kind, Socket};
use crate::table::{Entry, Registered};
use crate::trace::Trace;
use crate::tunnel::Route;

/// The pause before a backend is tried again for the same client, doubled each
/// time: room for a restart, without hammering.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);

/// An accepted client with its place in the table, on its way to a worker.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) fd: OwnedFd,
    pub(crate) registered: Registered,
    /// Tunnels of ours that it has come through.
    pub(crate) hops: u8,
    /// The descriptors of both sides.
    pub(crate) _taken: Taken,
}

/// Carries a connection from its acceptance to its end.
///
/// Most connections are idle most of the time, so what this future holds while it relays is what a
/// connection costs: it takes nothing out of its arguments, which would then be there twice, and
/// connecting is a box that is gone by then.
pub(crate) async fn carry(mut accepted: Accepted, engine: Arc<Engine>) {
    let entry = Arc::clone(&accepted.registered.entry);
    let kind = match entry.client {
        ClientAddr::Ip(_) => Kind::Tcp,
        ClientAddr::Unix => Kind::Unix,
    };
    let client = match Socket::new(accepted.fd, kind) {
        Ok(client) => client,
        Err(error) => return debug!(%error, "cannot watch a client's socket"),
    };
    if let Some(trace) = &mut accepted.registered.trace {
        trace.local = client.local_addr();
    }
    let trace = accepted.registered.trace.as_deref_mut();
    let connecting = connected(&client, &entry, accepted.hops, &engine, trace);
    let connected = match Box::pin(connecting).await {
        Ok((dialled, lease)) => {
            let backend = lease.backend();
            backend.totals.count();
            accepted.registered.lease = Some(lease);
            // Set once, here. Whoever ends the connections of a backend finds it from now on, or has
            // said so before.
            if let Some(reason) = entry.backend.get_or_init(|| backend).verdict.get() {
                entry.stop.order(reason);
            }
            accepted.registered.started();
            dialled
        }
        Err(reason) => {
            client.reset_on_close();
            drop(client);
            return accepted.registered.end(reason);
        }
    };
    let backend = &connected.socket;
    let mut held = Held::nothing();
    let ended = loop {
        let unseen = accepted.registered.trace.as_deref_mut();
        let relayed = match unseen.filter(|trace| trace.first_byte.is_none()) {
            None => {
                relay(&client, backend, &entry.flow, &entry.half_closed, &entry.stop, &mut held)
                    .await
            }
            Some(trace) => Box::pin(watched((&client, backend), &entry, &mut held, trace)).await,
        };
        match relayed {
            Outcome::Ended(ended) => break ended,
            // It is silent, and wanted to tell whether its peers still take something.
            Outcome::Paused => {
                let unsent = [&client, backend].map(|it| it.unsent_bytes().unwrap_or_default());
                if entry.note_unsent(unsent.iter().sum()) {
                    // It may stay so for long. Those that do not live to see it save these calls.
                    let keepalive = entry.tunnel.route().options.keepalive;
                    client.keep_alive(keepalive);
                    backend.keep_alive(keepalive);
                }
                entry.stop.resume();
            }
        }
    };
    drop((client, connected));
    accepted.registered.end(ended.reason());
}

/// Connects, unless the client leaves or the connection is told to end.
async fn connected(
    client: &Socket,
    entry: &Entry,
    hops: u8,
    engine: &Arc<Engine>,
    mut trace: Option<&mut Trace>,
) -> Result<(Dialled, Lease), Reason> {
    let connecting = async {
        loop {
            let route = entry.tunnel.route();
            let connected = connect(entry, &route, hops, engine, trace.as_deref_mut()).await;
            let now = entry.tunnel.route();
            let is_wanted = Arc::ptr_eq(&route, &now)
                || connected.as_ref().is_some_and(|(_, lease)| now.offers(&lease.backend()));
            // Else the tunnel goes another way now, and nothing was sent to that backend yet.
            if is_wanted {
                return connected;
            }
        }
    };
    tokio::select! {
        biased;
        reason = entry.stop.ended() => Err(reason),
        () = left(client) => Err(Reason::ClientReset),
        connected = connecting => connected.ok_or(Reason::ConnectFailed),
    }
}

/// Relays, and notes when the first byte comes from the backend: none of that is in the way of others.
async fn watched(
    (client, backend): (&Socket, &Socket),
    entry: &Entry,
    held: &mut Held,
    trace: &mut Trace,
) -> Outcome {
    let relaying = relay(client, backend, &entry.flow, &entry.half_closed, &entry.stop, held);
    let mut relaying = pin!(relaying);
    let turn = poll_fn(|cx| {
        let relayed = relaying.as_mut().poll(cx);
        if trace.first_byte.is_none() && entry.flow.bytes().1 > 0 {
            trace.first_byte = Some(Instant::now());
        }
        relayed
    });
    turn.await
}

/// Waits until the client has reset its connection and left nothing that a
/// backend would have to get first. Nobody reads from it yet.
async fn left(client: &Socket) {
    client.broken().await;
    if client.has_unread_bytes() {
        std::future::pending::<()>().await;
    }
}

/// Tries backends until one stands, `retries` run out, there is none, or the tunnel goes another way.
async fn connect(
    entry: &Entry,
    route: &Arc<Route>,
    hops: u8,
    engine: &Arc<Engine>,
    mut trace: Option<&mut Trace>,
) -> Option<(Dialled, Lease)> {
    let mut tried: Vec<usize> = Vec::new();
    let mut pause = RETRY_PAUSE;
    for _ in 0..=route.options.retries {
        if !tried.is_empty() && !Arc::ptr_eq(route, &entry.tunnel.route()) {
            return None;
        }
        let choose = || {
            let now = Instant::now();
            route.choose(&Asking { client: &entry.client, tried: &tried, now })
        };
        let place = match choose() {
            Some(place) => place,
            None => {
                located(&route.backends, route.options.connect_timeout).await;
                let Some(place) = choose() else { break };
                place
            }
        };
        if tried.contains(&place) {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_PAUSE_MAX);
        }
        tried.push(place);
        let backend = route.backends.get(place)?;
        let lease = backend.lease();
        let begun = Instant::now();
        entry.tries.count();
        if let Some(trace) = &mut trace {
            trace.attempt(backend, begun);
        }
        match dial(backend, Manner::new(&route.options, hops), &engine.hops).await {
            Ok(dialled) => {
                backend.attempts.count(Attempt::Success);
                let now = Instant::now();
                backend.connect_times.observe(&CONNECT_TIMES, now - begun);
                backend.has_connected_in(now - begun, now);
                entry.tries.stands(now - entry.started);
                if let Some(trace) = &mut trace {
                    trace.attempted(now, Ok(()));
                }
                engine.health.succeeded(&entry.tunnel, backend);
                return Some((dialled, lease));
            }
            Err(error) => {
                backend.attempts.count(error.outcome());
                engine.health.failed(&entry.tunnel, backend, &error, &route.options);
                let is_exhausted = matches!(error, DialError::Exhausted(_));
                if let Some(trace) = &mut trace {
                    trace.attempted(Instant::now(), Err(error));
                }
                if is_exhausted {
                    break;
                }
            }
        }
    }
    let label = entry.tunnel.label();
    if entry.tunnel.refusals.admits(|| format!("tunnel {label}: client without a backend")) {
        warn!(tunnel = label, client = %entry.client, tried = tried.len(), "no backend could be reached");
    }
    debug!(connection = entry.id, "connection without a backend");
    None
}

/// Waits until it is known where one of the backends is: a client who comes
/// before the first answer about a name has come too early, not in vain.
async fn located(backends: &[Member], timeout: Duration) {
    let mut waits: Vec<_> = backends.iter().map(|backend| Box::pin(backend.located())).collect();
    let one = poll_fn(|cx| {
        waits.retain_mut(|wait| wait.as_mut().poll(cx).is_pending());
        let is_one_located = backends.iter().any(|backend| backend.is_resolved());
        if is_one_located || waits.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    });
    if tokio::time::timeout(timeout, one).await.is_err() {
        debug!("no answer about the names of the backends");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of<A, B, F>(_: impl Fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    /// What each idle connection holds, whether it is traced or not.
    #[test]
    fn a_connection_that_relays_is_small() {
        let bytes = bytes_of(carry);
        assert!(bytes <= 624, "{bytes}");
    }
}
