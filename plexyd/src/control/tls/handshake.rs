//! One handshake: its time, what can be wrong with it, and a clean end for those
//! who have no business here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use plexy_shared::error::quoted;
use rustls::{AlertDescription, CertificateError, Error as TlsError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Credentials;
use crate::control::guarded::Guarded;
use crate::metrics::Handshake;
use crate::tls::Certificate;

/// How long a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long somebody who was told to go may take to hear it, and how many bytes are read of what
/// they have sent: a close before those are read would be a reset, which can overtake the alert.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);
const FAREWELL_BYTES_MAX: u64 = 64 * 1024;

/// What is told to those who speak HTTP without TLS (RFC 2817, section 4.2).
const PLAIN_ANSWER: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\n\
    Upgrade: TLS/1.2, HTTP/1.1\r\n\
    Connection: Upgrade, close\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 57\r\n\r\n\
    this socket speaks TLS: https://, or wss:// for plexyctl\n";

/// A connection of TLS.
#[derive(Debug)]
pub(crate) struct Secured {
    pub(crate) stream: TlsStream<Guarded>,
    /// By whose certificate the client is known, if by any; safe to show.
    pub(crate) subject: Option<Arc<str>>,
    /// What it was shown.
    pub(crate) credentials: Arc<Credentials>,
}

/// A connection that has become none.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) outcome: Handshake,
    /// A sentence.
    pub(super) cause: String,
}

impl Failed {
    fn new(outcome: Handshake, cause: impl Into<String>) -> Self {
        Self { outcome, cause: cause.into() }
    }
}

/// Makes a connection one of TLS, or ends it.
pub(super) async fn accept(
    credentials: Arc<Credentials>,
    stream: Guarded,
) -> Result<Secured, Failed> {
    let acceptor = TlsAcceptor::from(Arc::clone(&credentials.config));
    let shaken = async {
        match stream.first_byte().await {
            Ok(Some(byte)) if byte.is_ascii_alphabetic() => Err((None, stream)),
            Ok(_) => acceptor.accept(stream).into_fallible().await.map_err(|(e, io)| (Some(e), io)),
            Err(error) => Err((Some(error), stream)),
        }
    };
    match tokio::time::timeout(HANDSHAKE_TIMEOUT, shaken).await {
        Ok(Ok(stream)) => Ok(Secured { subject: subject(&stream), stream, credentials }),
        Ok(Err((error, stream))) => {
            let answer = if error.is_none() { PLAIN_ANSWER } else { b"" };
            part(stream, answer).await;
            Err(error.as_ref().map_or_else(plain, failed))
        }
        Err(_) => {
            let seconds = HANDSHAKE_TIMEOUT.as_secs();
            Err(Failed::new(Handshake::Timeout, format!("it has taken {seconds} seconds")))
        }
    }
}

/// Lets the client hear the last of it.
async fn part(mut stream: Guarded, answer: &[u8]) {
    let parted = async {
        stream.write_all(answer).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(FAREWELL_BYTES_MAX), &mut tokio::io::sink()).await
    };
    // Who takes longer, or has gone, does not want to hear it.
    drop(tokio::time::timeout(FAREWELL_TIMEOUT, parted).await);
}

fn subject(stream: &TlsStream<Guarded>) -> Option<Arc<str>> {
    let certificate = stream.get_ref().1.peer_certificates()?.first()?;
    let subject = Certificate::parse(certificate).map(|it| it.subject).unwrap_or_default();
    Some(quoted(&subject).into())
}

fn plain() -> Failed {
    Failed::new(Handshake::NotTls, "the client speaks HTTP without TLS")
}

fn failed(error: &io::Error) -> Failed {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    let Some(error_of_tls) = inner else {
        return Failed::new(Handshake::Closed, error.to_string());
    };
    let outcome = match error_of_tls {
        TlsError::NoCertificatesPresented => Handshake::NoCertificate,
        TlsError::InvalidCertificate(cause) => {
            return Failed::new(Handshake::BadCertificate, certificate_cause(cause));
        }
        TlsError::InvalidMessage(_) => Handshake::NotTls,
        TlsError::AlertReceived(alert) => {
            return Failed::new(Handshake::Refused, alert_cause(*alert));
        }
        _ => Handshake::Failed,
    };
    Failed::new(outcome, quoted(&error_of_tls.to_string()))
}

fn certificate_cause(cause: &CertificateError) -> String {
    let cause = match cause {
        // One of the same name, and with another key, is another one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "no authority of --rpc-tls-client-ca has signed it"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        other => return format!("the certificate of the client: {}", quoted(&other.to_string())),
    };
    format!("the certificate of the client: {cause}")
}

fn alert_cause(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA => {
            "the client trusts no authority that has signed our certificate".to_owned()
        }
        other => format!("the client has ended it with the alert `{other:?}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_plain_http_has_the_length_that_it_says() {
        let answer = std::str::from_utf8(PLAIN_ANSWER).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())), "{}", body.len());
    }
}
