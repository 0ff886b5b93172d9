//! One connection: an accepted client, the attempts to reach a backend for
//! it, and the relay between the two.

mod name;
mod place;
mod security;

use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plexy_shared::info::{Attempt, Reason};
use tracing::{debug, warn};

use crate::backend::Lease;
use crate::descriptors::Taken;
use crate::dial::{DialError, Dialled, Manner, Reached, dial};
use crate::engine::Engine;
use crate::hello::Hello;
use crate::histogram::CONNECT_TIMES;
use crate::relay::{Held, Outcome, Stream, relay};
use crate::socket::{ClientAddr, Kind, Socket};
use crate::table::{Entry, Registered};
use crate::tls::{Over, Secured};
use crate::trace::Trace;
use place::{Search, place};
pub(crate) use security::carry_secured;
use security::originated;

/// The pause before a backend is tried again for the same client, doubled each
/// time: room for a restart, without hammering.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Descriptors of one connection: its client and its backend. With fewer left, no tunnel is of any use.
pub(crate) const DESCRIPTORS: u32 = 2;

/// An accepted client with its place in the table, on its way to a worker.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) fd: OwnedFd,
    pub(crate) registered: Registered,
    /// Tunnels of ours that it has come through.
    pub(crate) hops: u8,
    /// The descriptors of both sides, or of the client alone while it is parked.
    pub(crate) taken: Taken,
}

/// Carries a connection from its acceptance to its end.
///
/// Most connections are idle most of the time, so what this future holds while it relays is what a
/// connection costs: it takes nothing out of its arguments, which would then be there twice, and
/// connecting is a box that is gone by then.
pub(crate) async fn carry(mut accepted: Accepted, engine: Arc<Engine>) {
    let entry = Arc::clone(&accepted.registered.entry);
    let Some(client) = watch(accepted.fd, &mut accepted.registered) else { return };
    let mut held = Held::nothing();
    let (registered, taken) = (&mut accepted.registered, &mut accepted.taken);
    let connecting = connected(&client, &entry, accepted.hops, &engine, registered, taken, None);
    let connected = {
        // None of these has a place of its own in what relays then.
        let (dialled, secured) = match Box::pin(connecting).await {
            Ok(Connected { dialled, secured, lease, said }) => {
                held.begin_with(said);
                stands(lease, &mut accepted.registered);
                (dialled, secured)
            }
            Err(reason) => {
                // Who is turned away for that has its end already.
                if reason != Reason::Tls {
                    client.reset_on_close();
                }
                drop(client);
                return accepted.registered.end(reason);
            }
        };
        if let Some(secured) = secured {
            let (registered, backend) = (&mut accepted.registered, (dialled, secured));
            let reason = originated(&client, backend, &entry, registered, &mut held).await;
            drop(client);
            return accepted.registered.end(reason);
        }
        dialled
    };
    let backend = &connected.socket;
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
            Outcome::Paused => paused(&entry, (&client, backend), 0),
        }
    };
    drop((client, connected));
    accepted.registered.end(ended.reason());
}

/// The client's socket, in the runtime of the worker.
fn watch(fd: OwnedFd, registered: &mut Registered) -> Option<Socket> {
    let kind = match registered.entry.client {
        ClientAddr::Ip(_) => Kind::Tcp,
        ClientAddr::Unix => Kind::Unix,
    };
    let client = Socket::new(fd, kind).inspect_err(|error| {
        debug!(%error, "cannot watch a client's socket");
    });
    let client = client.ok()?;
    if let Some(trace) = &mut registered.trace {
        trace.local = client.local_addr();
    }
    Some(client)
}

/// A backend carries it from now on.
fn stands(lease: Lease, registered: &mut Registered) {
    let (backend, entry) = (lease.backend(), &registered.entry);
    backend.totals.count();
    registered.lease = Some(lease);
    // Set once, here. Whoever ends the connections of a backend finds it from now on, or has
    // said so before.
    if let Some(reason) = entry.backend.get_or_init(|| backend).verdict.get() {
        entry.stop.order(reason);
    }
    registered.started();
}

/// It is silent, and wanted to tell whether its peers still take something; besides, so many bytes are
/// kept for them.
fn paused(entry: &Entry, (client, backend): (&Socket, &Socket), kept_bytes: usize) {
    let unsent = [client, backend].map(|it| it.unsent_bytes().unwrap_or_default());
    if entry.note_unsent(unsent.iter().sum::<usize>() + kept_bytes) {
        // It may stay so for long. Those that do not live to see it save these calls.
        let keepalive = entry.tunnel.route().options.keepalive;
        client.keep_alive(keepalive);
        backend.keep_alive(keepalive);
    }
    entry.stop.resume();
}

/// A client with its backend.
struct Connected {
    dialled: Dialled,
    /// Its TLS with the backend, where that is spoken.
    secured: Option<Box<Secured>>,
    lease: Lease,
    /// What the client has said meanwhile: the backend has to get that first.
    said: Vec<u8>,
}

/// Connects, unless the client leaves or the connection is told to end.
async fn connected(
    client: &Socket,
    entry: &Entry,
    hops: u8,
    engine: &Arc<Engine>,
    registered: &mut Registered,
    taken: &mut Taken,
    hello: Option<Hello>,
) -> Result<Connected, Reason> {
    let mut search = Search::new(client, entry, engine, taken, hello);
    let connecting = async {
        search.begin().await?;
        loop {
            let connected = connect(&mut search, hops, registered).await;
            // The tunnel may go another way now, and nothing was sent to that backend yet.
            let is_settled = !search.look_again().await?
                || match &connected {
                    Ok((_, lease)) => search.route.offers(&lease.backend()),
                    Err(reason) => *reason != Reason::ConnectFailed,
                };
            if is_settled {
                return connected;
            }
        }
    };
    let connected = tokio::select! {
        biased;
        reason = entry.stop.ended() => return Err(reason),
        () = left(client) => return Err(Reason::ClientReset),
        connected = connecting => connected?,
    };
    let (Reached { dialled, approached }, lease) = connected;
    let secured = approached.map(|it| it.secured);
    Ok(Connected { dialled, secured, lease, said: search.into_said() })
}

/// Relays, and notes when the first byte comes from the backend: none of that is in the way of others.
async fn watched<C: Stream, B: Stream>(
    (client, backend): (&C, &B),
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
    search: &mut Search<'_>,
    hops: u8,
    registered: &mut Registered,
) -> Result<(Reached, Lease), Reason> {
    let (entry, engine) = (search.entry, search.engine);
    let mut pause = RETRY_PAUSE;
    while search.may_try() {
        if search.tried() > 0 && search.is_outdated() {
            return Err(Reason::ConnectFailed);
        }
        let Some((backend, lease)) = place(search, registered).await? else { break };
        if search.note_tried(&backend) {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_PAUSE_MAX);
        }
        let (backend, route) = (&backend, &search.route);
        let trace = &mut registered.trace;
        let begun = Instant::now();
        entry.tries.count();
        if let Some(trace) = trace {
            trace.attempt(backend, begun);
        }
        let originate = search.whole.originate();
        let over = originate.as_ref().map(Over::resuming);
        match dial(backend, Manner::new(&route.options, hops, over), &engine.hops).await {
            Ok(reached) => {
                backend.count_attempt(Attempt::Success);
                if let Some(approached) = &reached.approached {
                    backend.handshakes_to_count().done.count(approached.kind);
                }
                let now = Instant::now();
                backend.connect_times.observe(&CONNECT_TIMES, now - begun);
                backend.has_connected_in(now - begun, now);
                entry.tries.stands(now - entry.started);
                if let Some(trace) = trace {
                    trace.attempted(now, Ok(()));
                }
                registered.has_connected_in(now - begun);
                engine.health.succeeded(&entry.tunnel, backend);
                return Ok((reached, lease));
            }
            Err(error) => {
                backend.count_attempt(error.outcome());
                if let DialError::Tls(fault) = &error {
                    backend.handshakes_to_count().failures.count(fault.kind);
                }
                engine.health.failed(&entry.tunnel, backend, &error, &route.options);
                let is_exhausted = matches!(error, DialError::Exhausted(_));
                if let Some(trace) = trace {
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
        warn!(tunnel = label, client = %entry.client, tried = search.tried(), "no backend could be reached");
    }
    debug!(connection = entry.id, "connection without a backend");
    Err(Reason::ConnectFailed)
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
