//! How a client of TLS begins: its ClientHello, read as it comes for the name that it asks for (SNI)
//! and kept as it came, so that it can be passed on untouched.
//!
//! It knows nothing of tunnels and backends, and does no cryptography. What a backend may want to
//! serve is not refused here: a hello of TLS 1.0, ciphers and extensions that nobody knows yet, the
//! outer hello of ECH, no name at all. That is why it is not read by rustls, which refuses what rustls
//! could not serve. What would let two readers of the same bytes see two different names (a list whose
//! length lies, a name given twice) is refused. The lengths are read by nom; the crate `tls-parser`
//! takes such lists for shorter ones, or for none.

mod alert;
mod assembly;
mod message;

use std::future::poll_fn;
use std::io;
use std::task::ready;
use std::time::Duration;

use plexy_shared::info::HelloFault;
use tokio::time::timeout;

use crate::relay::{Readiness, Stream};
pub(crate) use alert::Alert;
use assembly::Assembly;

/// Most bytes of a client that are held before its hello is whole. Hellos have half a kilobyte, and two
/// with the key of a hybrid key exchange.
pub(crate) const HELLO_BYTES_MAX: usize = 64 * 1024;

/// How long a client may take for its hello.
pub(crate) const HELLO_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a client that is turned away may take to read why, and to end.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

/// Read at once: most hellos as a whole.
const PIECE_BYTES: usize = 4 * 1024;

/// What a client has said first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    /// The name that it asks for, in lower case: visible characters of ASCII.
    pub(crate) name: Option<Box<str>>,
    /// All that it has said: the hello, and what came with it. Nothing where TLS ends here.
    pub(crate) bytes: Vec<u8>,
}

/// Why there is no hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is no good.
    Fault(Fault),
    /// The client has ended its side without a word.
    Ended,
    /// It has broken the connection.
    Broken,
}

/// What is wrong with how a client has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: HelloFault,
    /// What it is told, where it would understand that.
    pub(crate) alert: Option<Alert>,
}

impl Hello {
    /// Nobody has the name. Behind a handshake there is no alert for that any more.
    pub(crate) fn unknown_name(&self) -> Fault {
        let alert = || Alert::UNRECOGNIZED_NAME.answering(&self.bytes);
        Fault { kind: HelloFault::UnknownName, alert: (!self.bytes.is_empty()).then(alert) }
    }
}

impl Fault {
    fn untold(kind: HelloFault) -> Self {
        Self { kind, alert: None }
    }
}

/// Reads until the hello is whole: for [`HELLO_TIMEOUT`], and [`HELLO_BYTES_MAX`].
///
/// # Errors
///
/// Where there will be none.
pub(crate) async fn read(client: &impl Stream) -> Result<Hello, Failure> {
    let reading = timeout(HELLO_TIMEOUT, read_all(client)).await;
    reading.unwrap_or(Err(Failure::Fault(Fault::untold(HelloFault::Timeout))))
}

async fn read_all(client: &impl Stream) -> Result<Hello, Failure> {
    let mut assembly = Assembly::default();
    // Clients often come with what they want.
    let mut readiness = Readiness::Unknown;
    loop {
        let took = received(client, readiness, |piece| assembly.take(piece));
        let name = match took.await.map_err(|_| Failure::Broken)? {
            Some(taken) => taken.map_err(Failure::Fault)?,
            None if assembly.is_empty() => return Err(Failure::Ended),
            None => return Err(Failure::Fault(Fault::untold(HelloFault::Cut))),
        };
        if let Some(name) = name {
            return Ok(Hello { name, bytes: assembly.into_bytes() });
        }
        readiness = Readiness::Told;
    }
}

/// Waits for bytes, and does something with them; nothing where no more will come. None are held
/// here meanwhile.
async fn received<T>(
    client: &impl Stream,
    mut readiness: Readiness,
    mut take: impl FnMut(&[u8]) -> T,
) -> io::Result<Option<T>> {
    poll_fn(|cx| {
        let mut buffer = [0; PIECE_BYTES];
        loop {
            match client.try_read(&mut buffer, readiness) {
                Ok(0) => return Ok(None).into(),
                Ok(read) => return Ok(buffer.get(..read).map(&mut take)).into(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(client.poll_readable(cx))?;
                    readiness = Readiness::Told;
                }
                Err(error) => return Err(error).into(),
            }
        }
    })
    .await
}

/// Turns a client away: it gets the alert and a clean end, and has [`FAREWELL_TIMEOUT`] to end too, or
/// else a reset. What it still says is thrown away, up to [`HELLO_BYTES_MAX`]: a close with unread bytes
/// is a reset, which would overtake the alert.
pub(crate) async fn turn_away(client: &impl Stream, alert: Option<Alert>) {
    let is_told = match alert {
        // Nothing was written yet: there is room for seven bytes, or it has gone.
        Some(alert) => client.try_write(&alert.record(), Readiness::Unknown).is_ok(),
        None => false,
    };
    let has_ended = is_told && poll_fn(|cx| client.poll_end(cx)).await.is_ok() && {
        let ending = timeout(FAREWELL_TIMEOUT, until_end(client));
        ending.await.unwrap_or(false)
    };
    if !has_ended {
        client.reset_on_close();
    }
}

/// Whether the client ends its side before it has said too much.
async fn until_end(client: &impl Stream) -> bool {
    let mut left = HELLO_BYTES_MAX;
    while left > 0 {
        match received(client, Readiness::Told, <[u8]>::len).await {
            Ok(Some(bytes)) => left = left.saturating_sub(bytes),
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests;
