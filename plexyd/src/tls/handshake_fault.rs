//! Why a handshake with a backend has failed: as a word for those who count, and as a sentence for
//! those who have to see to it. What comes from the backend is escaped and bounded: it may be anybody.

use std::time::Duration;

use jiff::Timestamp;
use plexy_shared::info::TlsFailure;
use plexy_shared::spec::escaped;
use plexy_shared::units::{counted, show_duration};
use rustls::{CertificateError, Error};
use rustls_pki_types::UnixTime;
use thiserror::Error as ThisError;

use super::OriginateError;
use super::failure::failure_of;

/// Names of a certificate that are told; and how much is told of anything else.
const NAMES_MAX: usize = 4;
const TEXT_BYTES_MAX: usize = 160;

/// What has gone wrong.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[error("TLS: {sentence}")]
pub(crate) struct HandshakeFault {
    pub(crate) kind: TlsFailure,
    sentence: String,
}

impl HandshakeFault {
    fn new(kind: TlsFailure, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into() }
    }

    /// It was not done in time.
    pub(crate) fn timed_out(after: Duration) -> Self {
        let sentence = format!("no end of its handshake within {}", show_duration(after));
        Self::new(TlsFailure::Timeout, sentence)
    }

    /// The backend has gone before it was done.
    pub(super) fn closed() -> Self {
        Self::new(TlsFailure::Closed, "it closed the connection in the middle of the handshake")
    }

    /// It was done, and what came then was no good.
    pub(crate) fn broken(kind: TlsFailure) -> Self {
        match kind {
            TlsFailure::Alert => Self::new(
                kind,
                "it refused with an alert behind the handshake, as servers do that want another certificate, or any",
            ),
            kind => Self::new(kind, format!("it has broken behind the handshake ({kind})")),
        }
    }
}

impl From<&Error> for HandshakeFault {
    fn from(error: &Error) -> Self {
        Self::new(failure_of(error), sentence_of(error))
    }
}

impl From<OriginateError> for HandshakeFault {
    fn from(error: OriginateError) -> Self {
        Self::new(TlsFailure::Certificate, error.to_string())
    }
}

fn sentence_of(error: &Error) -> String {
    match (failure_of(error), error) {
        (_, Error::InvalidCertificate(why)) => certificate_sentence(why),
        (_, Error::AlertReceived(alert)) => {
            format!("it refused with the alert {}", bounded(&format!("{alert:?}")))
        }
        (TlsFailure::NotTls, _) => "it does not speak TLS".to_owned(),
        (TlsFailure::Version, _) => "it speaks neither TLS 1.3 nor 1.2".to_owned(),
        (TlsFailure::Parameters, _) => {
            format!("there is nothing that both sides know: {}", bounded(&error.to_string()))
        }
        (TlsFailure::Alpn, _) => "it speaks none of the protocols in `backend-alpn`".to_owned(),
        _ => format!("it breaks the rules: {}", bounded(&error.to_string())),
    }
}

fn certificate_sentence(why: &CertificateError) -> String {
    match why {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate has expired: it was good until {}", date(*not_after))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is not good before {}", date(*not_before))
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names = names(presented);
            format!("its certificate is not for `{}` but for {names}", expected.to_str())
        }
        CertificateError::UnknownIssuer => {
            "its certificate is of no authority that is believed, or lacks those in between"
                .to_owned()
        }
        // That of `openssl req -x509` is one, unless it is told otherwise.
        CertificateError::Other(why) if why.to_string() == "CaUsedAsEndEntity" => {
            "its certificate is that of an authority, which no server may show".to_owned()
        }
        CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not for servers".to_owned()
        }
        CertificateError::BadSignature => {
            "its certificate was not signed by whom it names".to_owned()
        }
        CertificateError::BadEncoding => "its certificate is malformed".to_owned(),
        why => format!("its certificate is no good: {}", bounded(&why.to_string())),
    }
}

/// The names of a certificate, which rustls tells as `DnsName("a.example")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        format!("`{}`", bounded(inner.unwrap_or(name).trim_matches('"')))
    };
    let mut shown: Vec<_> = presented.iter().take(NAMES_MAX).map(bare).collect();
    if let Some(more) = presented.len().checked_sub(NAMES_MAX).filter(|more| *more > 0) {
        shown.push(counted(more as u64, "other"));
    }
    if shown.is_empty() { "no name at all".to_owned() } else { shown.join(", ") }
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |it| it.to_string())
}

fn bounded(text: &str) -> String {
    let text = escaped(text.as_bytes());
    match text.get(..TEXT_BYTES_MAX) {
        Some(beginning) => format!("{beginning}…"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: Error, kind: TlsFailure, sentence: &str) {
        let fault = HandshakeFault::from(&error);
        assert_eq!((fault.kind, fault.to_string().as_str()), (kind, sentence));
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        check(
            CertificateError::ExpiredContext { time: at(2), not_after: at(1) }.into(),
            TlsFailure::Certificate,
            "TLS: its certificate has expired: it was good until 1970-01-01T00:00:01Z",
        );
        check(
            CertificateError::NotValidYetContext { time: at(2), not_before: at(3) }.into(),
            TlsFailure::Certificate,
            "TLS: its certificate is not good before 1970-01-01T00:00:03Z",
        );
        let names = |presented: &[&str]| CertificateError::NotValidForNameContext {
            expected: "a.example".try_into().unwrap(),
            presented: presented.iter().map(ToString::to_string).collect(),
        };
        let presented = ["DnsName(\"b.example\")", "IpAddress(10.0.0.1)"];
        check(
            names(&presented).into(),
            TlsFailure::Certificate,
            "TLS: its certificate is not for `a.example` but for `b.example`, `10.0.0.1`",
        );
        check(
            names(&["DnsName(\"b\x1b[2J\")"; 6]).into(),
            TlsFailure::Certificate,
            "TLS: its certificate is not for `a.example` but for `b\\x1b[2J`, `b\\x1b[2J`, `b\\x1b[2J`, `b\\x1b[2J`, 2 others",
        );
        check(
            names(&[]).into(),
            TlsFailure::Certificate,
            "TLS: its certificate is not for `a.example` but for no name at all",
        );
    }

    #[test]
    fn a_long_name_is_cut() {
        let presented = vec![format!("DnsName(\"{}\")", "x".repeat(10_000))];
        assert!(super::names(&presented).len() < 200);
    }
}
