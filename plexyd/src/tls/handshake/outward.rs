//! The handshake with a backend, in the task of whoever wants to reach it. Who waits for a backend
//! holds no turn of its worker: the time-out of the attempt is that of the whole, and not ours.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use plexy_shared::info::{TlsFailure, TlsHandshake};
use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls_pki_types::ServerName;
use tokio::time::timeout;

use super::{kind_of, turn};
use crate::relay::{Readiness, Stream};
use crate::socket::Socket;
use crate::tls::endpoint::Endpoint;
use crate::tls::handshake_fault::HandshakeFault;
use crate::tls::session::{Inner, Secured, Session};

/// Raw bytes that are read for one step: all that a server with a usual chain says at once.
const STEP_BYTES: usize = 16 * 1024;

/// How long a backend that was only looked at may take to end its side, and what it may say until then.
/// What it sends behind its handshake, its tickets at least, would make the close of a socket a reset,
/// of which servers complain.
const PARTING: Duration = Duration::from_secs(1);
const PARTING_BYTES: usize = 256 * 1024;

/// TLS with a backend that stands.
#[derive(Debug)]
pub(crate) struct Approached {
    pub(crate) secured: Box<Secured>,
    pub(crate) kind: TlsHandshake,
}

/// Does the handshake with a backend that is asked for that name.
pub(in crate::tls) async fn approach(
    socket: &Socket,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> Result<Approached, HandshakeFault> {
    let begun = {
        // Its keys are made here.
        let _turn = turn().await;
        UnbufferedClientConnection::new(config, name)
    };
    let tls = begun.map_err(|error| HandshakeFault::from(&error))?;
    let mut inner = Box::new(Inner::new(Endpoint::Client(tls)));
    if let Err(fault) = steps(socket, &mut inner).await {
        // The alert that says why, as far as the socket takes it now: nobody waits for that.
        inner.flush(socket).ok();
        return Err(fault);
    }
    let kind = kind_of(&inner.tls);
    Ok(Approached { secured: Box::new(Secured::new(*inner)), kind })
}

/// One step after the other, until both sides are done.
async fn steps(socket: &Socket, inner: &mut Inner) -> Result<(), HandshakeFault> {
    loop {
        poll_fn(|cx| inner.poll_flushed(socket, cx)).await.map_err(|_| HandshakeFault::closed())?;
        if !inner.tls.is_handshaking() {
            return Ok(());
        }
        let readable = poll_fn(|cx| socket.poll_readable(cx)).await;
        readable.map_err(|_| HandshakeFault::closed())?;
        let _turn = turn().await;
        step(socket, inner)?;
        // Whoever is ready comes before the next step of anybody.
        tokio::task::yield_now().await;
    }
}

/// Reads once, and does what that asks for.
fn step(socket: &Socket, inner: &mut Inner) -> Result<(), HandshakeFault> {
    let mut raw = [0; STEP_BYTES];
    let raw = match socket.try_read(&mut raw, Readiness::Told) {
        Ok(0) => return Err(HandshakeFault::closed()),
        Ok(read) => raw.get(..read).unwrap_or_default(),
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
        Err(_) => return Err(HandshakeFault::closed()),
    };
    inner.receive(raw).map_err(|error| HandshakeFault::from(&error))
}

/// Ends what nothing was wanted of but to see that it works, and listens until the backend has ended
/// too: what it has refused meanwhile, if it has. In TLS 1.3 a server looks at the certificate of its
/// client only when that one is done.
pub(crate) async fn part(session: Session<'_>) -> Option<TlsFailure> {
    let parting = async {
        poll_fn(|cx| session.poll_end(cx)).await?;
        let (mut heard, mut buffer) = (0, [0; 1024]);
        while heard < PARTING_BYTES {
            match session.try_read(&mut buffer, Readiness::Unknown) {
                Ok(0) => return Ok(()),
                Ok(read) => heard += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    poll_fn(|cx| session.poll_readable(cx)).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    };
    let parted: Result<std::io::Result<()>, _> = timeout(PARTING, parting).await;
    match parted {
        Ok(Err(_)) => session.secured.failure().filter(|failure| *failure == TlsFailure::Alert),
        Ok(Ok(())) | Err(_) => None,
    }
}
