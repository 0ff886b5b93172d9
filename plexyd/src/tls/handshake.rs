//! The handshake with a client that has come, in the task of its connection; [`outward`] is that with a
//! backend.
//!
//! A client that says nothing costs what an idle connection costs: what TLS needs is made when its
//! first bytes are there, so that many silent ones hold descriptors and seats, for the time-out, and
//! nothing else. What costs the processor, the steps of a handshake, is done by one client of a worker
//! at a time, in their order, and between two steps the worker sees to everything else that is ready:
//! at most as many handshakes are computed at once as there are workers, and a flood of them delays
//! each other and no byte of those who are connected for longer than one step. Who waits for its step
//! is bounded by the same time-out.

mod opening;
mod outward;

use std::future::poll_fn;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use plexy_shared::info::{TlsFailure, TlsHandshake};
use rustls::{CommonState, HandshakeKind, ProtocolVersion, ServerConfig};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::client::certificate_of;
use super::session::{Inner, Secured};
use super::{Live, Terminate};
use crate::introduction::ClientCertificate;
use crate::relay::{Readiness, Stream};
use crate::socket::Socket;
use opening::{Answered, Opened, Opening};
pub(super) use outward::approach;
pub(crate) use outward::{Approached, part};

/// Raw bytes that are read for one step: two hellos with the keys of X25519MLKEM768.
const STEP_BYTES: usize = 4 * 1024;

/// How long, and for how many bytes, a client that was refused is listened to: closing a socket that
/// something comes to is a reset, which may overtake the alert that says why.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 256 * 1024;

/// The fatal alert of that name in a record of TLS 1.0, which whoever it is for understands.
const PROTOCOL_VERSION: [u8; 7] = [21, 3, 1, 0, 2, 2, 70];

thread_local! {
    /// One step at a time on each worker.
    static STEPS: Arc<Semaphore> = Arc::new(Semaphore::new(1));
}

/// A handshake that has worked.
#[derive(Debug)]
pub(crate) struct Shaken {
    pub(crate) secured: Box<Secured>,
    pub(crate) kind: TlsHandshake,
    /// The name that the client asks for, in lower case.
    pub(crate) name: Option<Box<str>>,
    /// What it has shown, if it had to, or might.
    pub(crate) certificate: Option<ClientCertificate>,
}

/// Does the handshake with a client. The alert that says why it has failed is on its way when this
/// returns, if there is one, and the socket may be closed.
pub(crate) async fn shake_hands(
    socket: &Socket,
    terminate: &Live<Terminate>,
    timeout: Duration,
) -> Result<Shaken, TlsFailure> {
    let deadline = Instant::now() + timeout;
    let readable = timeout_at(deadline, poll_fn(|cx| socket.poll_readable(cx)));
    match readable.await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return Err(TlsFailure::Closed),
        Err(_) => return Err(TlsFailure::Timeout),
    }
    if is_outdated(socket) {
        socket.try_write(&PROTOCOL_VERSION, Readiness::Unknown).ok();
        timeout_at(deadline.min(Instant::now() + LINGER), listen_on(socket)).await.ok();
        return Err(TlsFailure::Version);
    }
    // Only now, so that a client that has waited gets the certificate of this moment.
    let current = terminate.current();
    let opened = timeout_at(deadline, open(socket, &current.config)).await;
    let Answered { mut inner, name } = match opened.unwrap_or(Err(TlsFailure::Timeout)) {
        Ok(answered) => answered,
        Err(failure) => {
            timeout_at(deadline.min(Instant::now() + LINGER), listen_on(socket)).await.ok();
            return Err(failure);
        }
    };
    let shaken = timeout_at(deadline, steps(socket, &mut inner)).await;
    match shaken.unwrap_or(Err(TlsFailure::Timeout)) {
        Ok(()) => {
            let (kind, certificate) = (kind_of(&inner.tls), certificate_of(&inner.tls));
            Ok(Shaken { secured: Box::new(Secured::new(*inner)), kind, name, certificate })
        }
        Err(failure) => {
            let until = deadline.min(Instant::now() + LINGER);
            let parting = async {
                poll_fn(|cx| inner.poll_flushed(socket, cx)).await?;
                listen_on(socket).await
            };
            timeout_at(until, parting).await.ok();
            Err(failure)
        }
    }
}

/// The steps until the hello is there as a whole, and answered.
async fn open(socket: &Socket, config: &Arc<ServerConfig>) -> Result<Answered, TlsFailure> {
    let mut opening = Box::new(Opening::default());
    loop {
        let opened = {
            let _turn = turn().await;
            let opened = opening.step(socket, config);
            // Whoever is ready comes before the next step of anybody.
            tokio::task::yield_now().await;
            opened
        };
        match opened {
            Opened::NotYet => {}
            Opened::Answered(answered) => return Ok(answered),
            Opened::Failed(failure) => return Err(failure),
        }
        let readable = poll_fn(|cx| socket.poll_readable(cx)).await;
        readable.map_err(|_| TlsFailure::Closed)?;
    }
}

/// The steps behind that, one after the other, until both sides are done.
async fn steps(socket: &Socket, inner: &mut Inner) -> Result<(), TlsFailure> {
    loop {
        if let Some(failure) = inner.failure {
            return Err(failure);
        }
        poll_fn(|cx| inner.poll_flushed(socket, cx)).await.map_err(|_| TlsFailure::Closed)?;
        if !inner.tls.is_handshaking() {
            return Ok(());
        }
        let readable = poll_fn(|cx| socket.poll_readable(cx)).await;
        readable.map_err(|_| TlsFailure::Closed)?;
        let read = {
            let _turn = turn().await;
            let read = inner.step(socket, STEP_BYTES);
            tokio::task::yield_now().await;
            read
        };
        match read {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return Err(TlsFailure::Closed),
        }
    }
}

/// The turn of this worker.
async fn turn() -> Option<OwnedSemaphorePermit> {
    let steps = STEPS.with(Arc::clone);
    // Nobody closes it.
    steps.acquire_owned().await.ok()
}

/// Whether the first bytes are those of a client that speaks nothing newer than TLS 1.1. Such a hello
/// lacks what rustls looks for before the version, so that it would be refused for that instead.
fn is_outdated(socket: &Socket) -> bool {
    // A record of the handshake with a ClientHello in it, whose version is told at its end.
    let mut first = [0; 11];
    let peeked = socket.peek(&mut first).unwrap_or_default();
    matches!((peeked, first), (11, [22, 3, _, _, _, 1, _, _, _, 3, 0..=2]))
}

/// Ends, and listens until the client has ended too.
async fn listen_on(socket: &Socket) -> std::io::Result<()> {
    poll_fn(|cx| socket.poll_end(cx)).await?;
    let (mut heard, mut buffer) = (0, [0; 2048]);
    while heard < LINGER_BYTES {
        match socket.try_read(&mut buffer, Readiness::Told) {
            Ok(0) => break,
            Ok(bytes) => heard += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                poll_fn(|cx| socket.poll_readable(cx)).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn kind_of(tls: &CommonState) -> TlsHandshake {
    let is_resumed = tls.handshake_kind() == Some(HandshakeKind::Resumed);
    match (tls.protocol_version(), is_resumed) {
        (Some(ProtocolVersion::TLSv1_3), false) => TlsHandshake::V13,
        (Some(ProtocolVersion::TLSv1_3), true) => TlsHandshake::V13Resumed,
        (_, false) => TlsHandshake::V12,
        (_, true) => TlsHandshake::V12Resumed,
    }
}
