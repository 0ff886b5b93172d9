//! A connection whose tunnel terminates TLS: the handshake before a backend is looked for, and the
//! relay behind it. What has no TLS knows nothing of it, and so costs nothing more.

use std::sync::Arc;
use std::time::Duration;

use plexy_shared::info::{Reason, TlsFailure};
use tracing::{debug, warn};

use super::{Accepted, Connected, connected, paused, stands, watch, watched};
use crate::engine::Engine;
use crate::hello::Hello;
use crate::relay::{Ended, Held, Outcome, Side, Stream, relay};
use crate::socket::Socket;
use crate::table::{Entry, Registered};
use crate::tls::{Secured, Session, Terminate, shake_hands};

/// Carries a connection from its acceptance to its end, as [`carry`](super::carry) does.
pub(crate) async fn carry_secured(
    mut accepted: Accepted,
    terminate: Arc<Terminate>,
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
    entry.asks_for(name.clone());
    let hello = Some(Hello { name, bytes: Vec::new() });
    let connecting = connected(&client, &entry, accepted.hops, &engine, registered, taken, hello);
    let reason = match Box::pin(connecting).await {
        Ok(Connected { dialled, lease, .. }) => {
            stands(lease, &mut accepted.registered);
            let sockets = (&client, &dialled.socket);
            relay_secured(sockets, &secured, &entry, &mut accepted.registered).await
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
    terminate: &Terminate,
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

/// Relays until it ends: why it did.
async fn relay_secured(
    (client, backend): (&Socket, &Socket),
    secured: &Secured,
    entry: &Entry,
    registered: &mut Registered,
) -> Reason {
    let session = Session { socket: client, secured };
    let Entry { flow, half_closed, stop, .. } = entry;
    let mut held = Held::nothing();
    loop {
        let unseen = registered.trace.as_deref_mut();
        let relayed = match unseen.filter(|trace| trace.first_byte.is_none()) {
            None => relay(&session, backend, flow, half_closed, stop, &mut held).await,
            Some(trace) => Box::pin(watched((&session, backend), entry, &mut held, trace)).await,
        };
        match relayed {
            Outcome::Ended(ended) => return reason_of(ended, secured, entry),
            Outcome::Paused => paused(entry, (client, backend), secured.kept_bytes()),
        }
    }
}

/// Why it has ended: a client whose TLS broke has not reset anything.
fn reason_of(ended: Ended, secured: &Secured, entry: &Entry) -> Reason {
    match (ended, secured.failure()) {
        (Ended::Broken(Side::Client), Some(failure)) => {
            tell(entry, failure);
            Reason::Tls
        }
        _ => ended.reason(),
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
