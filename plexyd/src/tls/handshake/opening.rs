//! How a client opens: its hello is read until it is whole, looked at, and then answered.
//!
//! Looked at for what rustls does not do by itself. A client that tries again with an older version than
//! it speaks says so (RFC 7507), since somebody on the way may have made the first attempt fail. And
//! where no key can sign in a way that a client knows, there is nothing in common, which rustls would
//! tell as a matter of who may come.

use std::io::ErrorKind;
use std::sync::Arc;

use plexy_shared::info::TlsFailure;
use rustls::server::{Accepted, AcceptedAlert, Acceptor, UnbufferedServerConnection};
use rustls::{CipherSuite, Error, ServerConfig};

use super::super::endpoint::Endpoint;
use super::super::failure::failure_of;
use super::super::session::Inner;
use super::STEP_BYTES;
use crate::relay::{Readiness, Stream};
use crate::socket::Socket;

/// TLS_FALLBACK_SCSV: no cipher suite, but a word among them.
const FALLBACK: CipherSuite = CipherSuite::Unknown(0x5600);

/// Fatal alerts of those names, each in a record of its own.
const INAPPROPRIATE_FALLBACK: [u8; 7] = [21, 3, 3, 0, 2, 2, 86];
const HANDSHAKE_FAILURE: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];
const DECODE_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 50];

/// A hello that comes.
#[derive(Default)]
pub(super) struct Opening {
    acceptor: Acceptor,
    /// All that has come. The acceptor gives nothing to an [`Endpoint`], which hears it again.
    said: Vec<u8>,
}

/// A hello that was answered.
pub(super) struct Answered {
    pub(super) inner: Box<Inner>,
    /// The name that the client asks for, in lower case.
    pub(super) name: Option<Box<str>>,
}

/// What a step has come to.
pub(super) enum Opened {
    /// The hello is not whole yet.
    NotYet,
    /// It is answered.
    Answered(Answered),
    /// It is no good, and the client was told why, if there is a word for that.
    Failed(TlsFailure),
}

impl Opening {
    /// Takes what is there, and answers the hello if that is the last of it.
    pub(super) fn step(&mut self, socket: &Socket, config: &Arc<ServerConfig>) -> Opened {
        let mut raw = [0; STEP_BYTES];
        let taken = match socket.try_read(&mut raw, Readiness::Unknown) {
            Ok(0) => return Opened::Failed(TlsFailure::Closed),
            Ok(read) => self.take(raw.get(..read).unwrap_or_default(), config),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Opened::NotYet,
            Err(_) => return Opened::Failed(TlsFailure::Closed),
        };
        match taken {
            Ok(None) => Opened::NotYet,
            Ok(Some(answered)) => Opened::Answered(answered),
            Err(Refused { failure, alert }) => {
                // Nothing was written yet: there is room for it, or the client has gone.
                socket.try_write(&alert, Readiness::Unknown).ok();
                Opened::Failed(failure)
            }
        }
    }

    fn take(
        &mut self,
        mut raw: &[u8],
        config: &Arc<ServerConfig>,
    ) -> Result<Option<Answered>, Refused> {
        self.said.extend_from_slice(raw);
        while !raw.is_empty() {
            // It takes no more than a message may have.
            if !matches!(self.acceptor.read_tls(&mut raw), Ok(1..)) {
                return Err(Refused::of(TlsFailure::Protocol, DECODE_ERROR));
            }
            if let Some(accepted) = self.acceptor.accept()? {
                return answer(&accepted, &self.said, config).map(Some);
            }
        }
        Ok(None)
    }
}

/// Why a client is refused, and the bytes that tell it.
struct Refused {
    failure: TlsFailure,
    alert: Vec<u8>,
}

impl Refused {
    fn of(failure: TlsFailure, alert: [u8; 7]) -> Self {
        Self { failure, alert: alert.into() }
    }
}

impl From<(Error, AcceptedAlert)> for Refused {
    fn from((error, mut told): (Error, AcceptedAlert)) -> Self {
        let failure = failure_of(&error);
        let mut alert = Vec::new();
        // A vector takes all; and of a message that is too long rustls says nothing.
        told.write_all(&mut alert).ok();
        if alert.is_empty() { Self::of(failure, DECODE_ERROR) } else { Self { failure, alert } }
    }
}

/// Answers a hello that came in these bytes, and maybe more: what costs the processor most.
fn answer(
    accepted: &Accepted,
    said: &[u8],
    config: &Arc<ServerConfig>,
) -> Result<Answered, Refused> {
    if is_needless_fallback(accepted.client_hello().cipher_suites()) {
        return Err(Refused::of(TlsFailure::Version, INAPPROPRIATE_FALLBACK));
    }
    if config.cert_resolver.resolve(accepted.client_hello()).is_none() {
        return Err(Refused::of(TlsFailure::Parameters, HANDSHAKE_FAILURE));
    }
    let name = accepted.client_hello().server_name().map(str::to_ascii_lowercase);
    let tls = UnbufferedServerConnection::new(Arc::clone(config));
    // It fails where the configuration is no good, which no tunnel has.
    let tls = tls.map_err(|error| Refused::of(failure_of(&error), HANDSHAKE_FAILURE))?;
    let mut inner = Box::new(Inner::new(Endpoint::Server(tls)));
    match inner.receive(said) {
        // No certificate, since the keys do not go with the suites either.
        Err(Error::General(_)) => Err(Refused::of(TlsFailure::Parameters, HANDSHAKE_FAILURE)),
        // It holds the alert that tells what is wrong.
        Ok(()) | Err(_) => Ok(Answered { inner, name: name.map(Into::into) }),
    }
}

/// Whether a client tries again without TLS 1.3, which every tunnel speaks: it names none of the suites of
/// that (RFC 8446, appendix B.4).
fn is_needless_fallback(suites: &[CipherSuite]) -> bool {
    let is_newest = |suite: &CipherSuite| u16::from(*suite) >> 8 == 0x13;
    suites.contains(&FALLBACK) && !suites.iter().any(is_newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fallback_is_needless_where_the_newest_version_is_left_out() {
        let (old, new) =
            (CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA, CipherSuite::TLS13_AES_128_GCM_SHA256);
        assert!(is_needless_fallback(&[old, FALLBACK]));
        assert!(!is_needless_fallback(&[old]));
        assert!(!is_needless_fallback(&[new, old, FALLBACK]));
    }
}
