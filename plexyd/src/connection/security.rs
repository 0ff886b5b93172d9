//! Connections with TLS: the handshake with a client before a backend is looked for, and the relay
//! where one side speaks TLS, or both. What has no TLS knows nothing of it, and so costs nothing more.

use std::sync::Arc;
use std::time::Duration;

use plexy_shared::info::{Reason, TlsFailure};
use tracing::{debug, warn};

use super::{Accepted, Connected, connected, paused, stands, watch, watched};
use crate::dial::Dialled;
use crate::engine::Engine;
use crate::hello::Hello;
use crate::introduction::Introduction;
use crate::relay::{BoxFuture, Ended, Held, Outcome, Side, Stream, relay};
use crate::socket::Socket;
use crate::table::{Entry, Registered};
use crate::tls::{Live, Secured, Session, Terminate, shake_hands};

/// Carries a connection from its acceptance to its end, as [`carry`](super::carry) does.
pub(crate) async fn carry_secured(
    mut accepted: Accepted,
    terminate: Arc<Live<Terminate>>,
    timeout: Duration,
    engine: Arc<Engine>,
) {
    let entry = Arc::clone(&accepted.registered.entry);
    let Some(client) = watch(accepted.fd, &mut accepted.registered) else { return };
    let (secured, name) = match Box::pin(secure(&client, &entry, &terminate, timeout)).await {
        Ok(secured) => secured,
        Err(Unsecured { reason, is_parted }) => {
            if !is_parted {
                client.reset_on_close();
            }
            drop(client);
            return accepted.registered.end(reason);
        }
    };
    // A newer one may take its place while this connection lives.
    drop(terminate);
    let (registered, taken) = (&mut accepted.registered, &mut accepted.taken);
    let hello = Some(Hello { name, bytes: Vec::new() });
    let connecting = connected(&client, &entry, accepted.hops, &engine, registered, taken, hello);
    let reason = match Box::pin(connecting).await {
        Ok(Connected { dialled, secured: of_backend, lease, .. }) => {
            stands(lease, &mut accepted.registered);
            let sockets = (&client, &dialled.socket);
            let (both, registered) = ((&*secured, of_backend.as_deref()), &mut accepted.registered);
            relay_terminated(sockets, both, &entry, registered).await
        }
        Err(reason) => {
            client.reset_on_close();
            reason
        }
    };
    drop(client);
    accepted.registered.end(reason);
}

/// TLS that could not be begun.
#[derive(Debug)]
struct Unsecured {
    reason: Reason,
    /// Whether the client was told why, and the close of its socket must not overtake that.
    is_parted: bool,
}

/// The handshake with the client, and the name that it has asked for.
async fn secure(
    client: &Socket,
    entry: &Entry,
    terminate: &Live<Terminate>,
    timeout: Duration,
) -> Result<(Box<Secured>, Option<Box<str>>), Unsecured> {
    let shaken = tokio::select! {
        biased;
        reason = entry.stop.ended() => return Err(Unsecured { reason, is_parted: false }),
        shaken = shake_hands(client, terminate, timeout) => shaken,
    };
    match shaken {
        Ok(shaken) => {
            entry.tunnel.tls_counts_to_count().handshakes.count(shaken.kind);
            entry.handshake.note(shaken.kind);
            entry.introduce(Introduction::of(shaken.name.clone(), shaken.certificate));
            Ok((shaken.secured, shaken.name))
        }
        Err(failure) => {
            tell(entry, failure);
            // One that said nothing in time, or has left, was told nothing either.
            let is_parted = !matches!(failure, TlsFailure::Timeout | TlsFailure::Closed);
            Err(Unsecured { reason: Reason::Tls, is_parted })
        }
    }
}

/// The TLS of both sides, where they speak it.
#[derive(Debug, Clone, Copy)]
struct Both<'a> {
    client: Option<&'a Secured>,
    backend: Option<&'a Secured>,
}

impl Both<'_> {
    fn kept_bytes(self) -> usize {
        let sides = [self.client, self.backend].into_iter().flatten();
        sides.map(Secured::kept_bytes).sum()
    }

    /// What of its TLS has broken a connection that has ended so.
    fn failure(self, ended: Ended) -> Option<(Side, TlsFailure)> {
        let Ended::Broken(side) = ended else { return None };
        let secured = match side {
            Side::Client => self.client,
            Side::Backend => self.backend,
        };
        secured?.failure().map(|failure| (side, failure))
    }
}

/// Relays between a client that speaks TLS and a backend that does too, or does not: why it has ended.
async fn relay_terminated(
    sockets: (&Socket, &Socket),
    (of_client, of_backend): (&Secured, Option<&Secured>),
    entry: &Entry,
    registered: &mut Registered,
) -> Reason {
    let client = Session { socket: sockets.0, secured: of_client };
    let both = Both { client: Some(of_client), backend: of_backend };
    let held = &mut Held::nothing();
    match of_backend {
        None => relay_secured((&client, sockets.1), sockets, both, entry, registered, held).await,
        Some(secured) => {
            let backend = Session { socket: sockets.1, secured };
            relay_secured((&client, &backend), sockets, both, entry, registered, held).await
        }
    }
}

/// The same for a client that does not speak TLS and a backend that does: a box, so that those without
/// TLS, who have the same beginning, do not hold the place for it.
pub(super) fn originated<'a>(
    client: &'a Socket,
    (dialled, secured): (Dialled, Box<Secured>),
    entry: &'a Entry,
    registered: &'a mut Registered,
    held: &'a mut Held,
) -> BoxFuture<'a, Reason> {
    Box::pin(async move {
        let (socket, secured) = (&dialled.socket, &*secured);
        let backend = Session { socket, secured };
        let both = Both { client: None, backend: Some(secured) };
        relay_secured((client, &backend), (client, socket), both, entry, registered, held).await
    })
}

/// Relays until it ends: why it did.
async fn relay_secured<C: Stream, B: Stream>(
    (client, backend): (&C, &B),
    sockets: (&Socket, &Socket),
    secured: Both<'_>,
    entry: &Entry,
    registered: &mut Registered,
    held: &mut Held,
) -> Reason {
    let Entry { flow, half_closed, stop, .. } = entry;
    loop {
        let unseen = registered.trace.as_deref_mut();
        let relayed = match unseen.filter(|trace| trace.first_byte.is_none()) {
            None => relay(client, backend, flow, half_closed, stop, held).await,
            Some(trace) => Box::pin(watched((client, backend), entry, held, trace)).await,
        };
        match relayed {
            Outcome::Ended(ended) => return reason_of(ended, held.ended_first(), secured, entry),
            Outcome::Paused => paused(entry, sockets, secured.kept_bytes()),
        }
    }
}

/// Why it has ended: a side whose TLS broke has not reset anything. Where the other side had ended
/// before, that is why it has, and this one has only not said so, as many do: it is counted all the same.
fn reason_of(ended: Ended, first: Option<Side>, secured: Both<'_>, entry: &Entry) -> Reason {
    let Some((side, failure)) = secured.failure(ended) else { return ended.reason() };
    match side {
        Side::Client => tell(entry, failure),
        Side::Backend => tell_of_backend(entry, failure),
    }
    match first.filter(|first| *first != side && failure == TlsFailure::Truncated) {
        Some(first) => Ended::Finished(first).reason(),
        None => Reason::Tls,
    }
}

/// Counts what has broken TLS with the backend behind its handshake, and warns of it now and then.
fn tell_of_backend(entry: &Entry, failure: TlsFailure) {
    let Some(backend) = entry.backend.get() else { return };
    let counts = backend.handshakes_to_count();
    counts.failures.count(failure);
    debug!(connection = entry.id, reason = %failure, "TLS with a backend has broken");
    // Many servers never say that they end, and nobody can do anything about it here.
    if failure == TlsFailure::Truncated {
        return;
    }
    let (label, addr) = (entry.tunnel.label(), &backend.addr);
    if counts.warnings.admits(|| format!("tunnel {label}: TLS with backend {addr} has broken")) {
        warn!(tunnel = label, backend = %addr, reason = %failure, "TLS with a backend has broken");
    }
}

/// Counts it, and warns of it now and then.
fn tell(entry: &Entry, failure: TlsFailure) {
    let counts = entry.tunnel.tls_counts_to_count();
    counts.failures.count(failure);
    debug!(connection = entry.id, reason = %failure, "TLS with a client has failed");
    // Many clients never say that they end, and nobody can do anything about it here.
    if failure == TlsFailure::Truncated {
        return;
    }
    let label = entry.tunnel.label();
    if counts.warnings.admits(|| format!("tunnel {label}: TLS with a client has failed")) {
        warn!(
            tunnel = label,
            client = %entry.client,
            reason = %failure,
            "TLS with a client has failed"
        );
    }
}
