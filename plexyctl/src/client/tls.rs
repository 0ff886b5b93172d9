//! TLS between a door and us: the handshake, and what its errors mean.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use plexy_shared::error::quoted;
use plexy_shared::units::{counted, show_duration};
use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};
use rustls_pki_types::UnixTime;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{ConnectError, Credentials};

/// Names of a certificate that are told where none of them is the right one.
const NAMES_TOLD_MAX: usize = 5;

/// Why a certificate of a daemon is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Distrust {
    /// Nobody whom we believe has signed it.
    #[error("no CA that is trusted here has signed its certificate")]
    UnknownIssuer,
    /// It was good once.
    #[error("its certificate has expired{0}")]
    Expired(String),
    /// It will be good.
    #[error("its certificate is not valid yet{0}: is the clock right?")]
    NotValidYet(String),
    /// It is somebody else's.
    #[error("its certificate is not for {asked}, but for {}", listed(.names))]
    OtherName {
        /// Who was wanted.
        asked: String,
        /// Whose it is.
        names: Vec<String>,
    },
    /// Anything else.
    #[error("its certificate is not accepted: {0}")]
    Other(String),
}

/// Speaks TLS over a connection that stands.
pub(super) async fn shake_hands(
    host: &str,
    stream: TcpStream,
    credentials: &Credentials,
) -> Result<TlsStream<TcpStream>, ConnectError> {
    let name = credentials.name(host).map_err(ConnectError::Credentials)?;
    let config = credentials.config().map_err(ConnectError::Credentials)?;
    let shaken = TlsConnector::from(config).connect(name, stream).await;
    shaken.map_err(|error| failed(&error).unwrap_or_else(|| cut(error)))
}

/// The connection has ended before the handshake has.
fn cut(error: io::Error) -> ConnectError {
    let is_cut = [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset];
    if is_cut.contains(&error.kind()) {
        ConnectError::CutInHandshake
    } else {
        ConnectError::Io(error)
    }
}

/// What an error means in which TLS has a part, if it has. With TLS 1.3 a server looks at the
/// certificate of a client when that takes the handshake for done, so this may come later.
pub(super) fn failed(error: &(dyn StdError + 'static)) -> Option<ConnectError> {
    Some(match of_tls(error)? {
        TlsError::InvalidCertificate(cause) => ConnectError::Distrusted(distrust(cause)),
        TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => ConnectError::NotTls,
        TlsError::AlertReceived(alert) => alerted(*alert),
        other => ConnectError::HandshakeFailed(quoted(&other.to_string())),
    })
}

fn alerted(alert: AlertDescription) -> ConnectError {
    match alert {
        AlertDescription::CertificateRequired => ConnectError::CertificateMissing,
        // The second is what is said where a CA has the same name, and another key.
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            ConnectError::CertificateRefused("no CA of its has signed it")
        }
        AlertDescription::CertificateExpired => {
            ConnectError::CertificateRefused("it has expired, or is not valid yet")
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => {
            ConnectError::CertificateRefused("it is none for clients, or broken")
        }
        other => ConnectError::HandshakeFailed(format!("it says `{other:?}`")),
    }
}

/// The error of TLS among the causes of an error.
fn of_tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a TlsError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<TlsError>() {
            return Some(error);
        }
        // What an `io::Error` is made of is no source of it.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(error) = inner.and_then(|it| it.downcast_ref::<TlsError>()) {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

fn distrust(cause: &CertificateError) -> Distrust {
    match cause {
        // One of the same name as one that is trusted, and with another key, is another one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Distrust::UnknownIssuer,
        CertificateError::Expired => Distrust::Expired(String::new()),
        CertificateError::ExpiredContext { time, not_after } => {
            Distrust::Expired(format!(" {} ago", between(*not_after, *time)))
        }
        CertificateError::NotValidYet => Distrust::NotValidYet(String::new()),
        CertificateError::NotValidYetContext { time, not_before } => {
            Distrust::NotValidYet(format!(", but in {}", between(*time, *not_before)))
        }
        CertificateError::NotValidForNameContext { expected, presented } => Distrust::OtherName {
            asked: quoted(&expected.to_str()),
            names: presented.iter().map(|name| bare(name).to_owned()).collect(),
        },
        other => Distrust::Other(quoted(&other.to_string())),
    }
}

/// How long it is from one to the other, in a large unit.
fn between(earlier: UnixTime, later: UnixTime) -> String {
    let seconds = later.as_secs().saturating_sub(earlier.as_secs());
    match seconds {
        0..3_600 => show_duration(Duration::from_secs(seconds)),
        3_600..172_800 => show_duration(Duration::from_secs(seconds / 3_600 * 3_600)),
        _ => counted(seconds / 86_400, "day"),
    }
}

/// A name without its kind, which webpki puts around it: `DnsName("a.example")`.
fn bare(name: &str) -> &str {
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.unwrap_or(name).trim_matches('"')
}

fn listed(names: &[String]) -> String {
    let told: Vec<_> = names.iter().take(NAMES_TOLD_MAX).map(|name| quoted(name)).collect();
    match names.len() {
        0 => "nobody".to_owned(),
        count if count > told.len() => {
            format!("{} and {} more", told.join(", "), count - told.len())
        }
        _ => told.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::ServerName;

    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[track_caller]
    fn check(cause: CertificateError, sentence: &str) {
        let error = io::Error::new(io::ErrorKind::InvalidData, TlsError::InvalidCertificate(cause));
        let shown = failed(&error).map(|error| error.to_string());
        assert_eq!(shown.as_deref(), Some(sentence));
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told_to_people() {
        check(
            CertificateError::UnknownIssuer,
            "no CA that is trusted here has signed its certificate",
        );
        check(
            CertificateError::BadSignature,
            "no CA that is trusted here has signed its certificate",
        );
        let expired = |time| CertificateError::ExpiredContext { time, not_after: at(100) };
        check(expired(at(100 + 90)), "its certificate has expired 90s ago");
        check(expired(at(100 + 7_300)), "its certificate has expired 2h ago");
        check(expired(at(100 + 259_300)), "its certificate has expired 3 days ago");
        let presented = |names: &[&str]| CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("b.example").unwrap(),
            presented: names.iter().map(|&name| name.into()).collect(),
        };
        check(
            presented(&[r#"DnsName("a.example")"#, "IpAddress(127.0.0.1)"]),
            "its certificate is not for `b.example`, but for `a.example`, `127.0.0.1`",
        );
        check(presented(&[]), "its certificate is not for `b.example`, but for nobody");
        check(
            presented(&["1", "2", "3", "4", "5", "\x1b[31m"]),
            "its certificate is not for `b.example`, but for `1`, `2`, `3`, `4`, `5` and 1 more",
        );
    }

    #[test]
    fn an_alert_is_told_as_what_it_asks_for() {
        let told = |alert| {
            let error = io::Error::other(TlsError::AlertReceived(alert));
            failed(&error).unwrap().to_string()
        };
        let wanted = "plexyd wants a client certificate";
        assert_eq!(told(AlertDescription::CertificateRequired), wanted);
        assert!(told(AlertDescription::HandshakeFailure).contains("`HandshakeFailure`"));
        assert!(told(AlertDescription::UnknownCA).contains("no CA of its has signed it"));
        assert!(told(AlertDescription::DecryptError).contains("no CA of its has signed it"));
        assert!(told(AlertDescription::CertificateExpired).contains("expired"));
    }

    #[test]
    fn what_is_no_matter_of_tls_is_left_to_others() {
        assert!(failed(&io::Error::other("out of cheese")).is_none());
    }
}
