//! What a fault of TLS counts as.

use plexy_shared::info::TlsFailure;
use rustls::{Error, InvalidMessage, PeerIncompatible};

/// What rustls has found, as one of few words.
pub(super) fn failure_of(error: &Error) -> TlsFailure {
    match error {
        // It says so of the first bytes that cannot be those of a record.
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => TlsFailure::NotTls,
        Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::Tls13RequiredForQuic
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => TlsFailure::Version,
        Error::PeerIncompatible(_) | Error::General(_) => TlsFailure::Parameters,
        Error::NoApplicationProtocol => TlsFailure::Alpn,
        Error::NoCertificatesPresented
        | Error::InvalidCertificate(_)
        | Error::UnsupportedNameType
        | Error::InvalidCertRevocationList(_) => TlsFailure::Certificate,
        Error::AlertReceived(_) => TlsFailure::Alert,
        _ => TlsFailure::Protocol,
    }
}
