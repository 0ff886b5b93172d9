//! What can go wrong on the way to the daemon and back.

use std::io;

use plexy_shared::error::quoted;
use plexy_shared::rpc::CallError;
use plexy_shared::units::show_duration;
use thiserror::Error;

use super::owner::Owner;
use super::{CredentialsError, Distrust, Impatience};

/// Why a place was not reached, or a daemon there would not talk.
#[derive(Debug, Error)]
pub(crate) enum ConnectError {
    /// No file is there.
    #[error("there is no such socket")]
    NoSocket,
    /// The folder of a default socket could be anybody's.
    #[error("its folder is not used: {0}")]
    UnsafeFolder(&'static str),
    /// The operating system does not let us in.
    #[error("permission denied{0}")]
    Denied(Owner),
    /// Something else is there.
    #[error("what is there is no socket")]
    NotASocket,
    /// A socket is there, and nobody behind it.
    #[error("nobody listens there")]
    NobodyListens,
    /// The host name has no address.
    #[error("the host name does not resolve: {0}")]
    NotResolved(io::Error),
    /// Any other reason of the operating system.
    #[error("{0}")]
    Io(io::Error),
    /// A file that TLS needs is no good.
    #[error("{0}")]
    Credentials(CredentialsError),
    /// Whoever is there does not prove that it is the daemon that was meant.
    #[error("{0}")]
    Distrusted(Distrust),
    /// What answers does not speak TLS.
    #[error("what answers there does not speak TLS")]
    NotTls,
    /// HTTP 426: what answers speaks TLS alone.
    #[error("plexyd speaks TLS there, and nothing else")]
    WantsTls,
    /// Somebody has hung up on the handshake.
    #[error("the connection was cut before TLS was agreed on")]
    CutInHandshake,
    /// Any other alert, or what rustls has against the other side.
    #[error("TLS cannot be agreed on: {0}")]
    HandshakeFailed(String),
    /// No certificate was shown.
    #[error("plexyd wants a client certificate")]
    CertificateMissing,
    /// The certificate that was shown is no good.
    #[error("plexyd does not accept our certificate: {0}")]
    CertificateRefused(&'static str),
    /// HTTP 401.
    #[error("plexyd does not accept the token")]
    TokenRefused,
    /// HTTP 401 where no token was sent.
    #[error("plexyd wants a token")]
    TokenMissing,
    /// HTTP 403.
    #[error("plexyd does not serve this host name or kind of request (HTTP 403)")]
    Forbidden,
    /// HTTP 503 and 429.
    #[error("plexyd takes no further connection (HTTP {0})")]
    Busy(u16),
    /// Something answers that is no JSON-RPC over WebSocket.
    #[error("what answers there is not the JSON-RPC door of plexyd ({0})")]
    NotPlexyd(String),
    /// Somebody does not wait any longer.
    #[error("{}", gave_up(.0))]
    GaveUp(Impatience),
}

/// Why a call has no reply.
#[derive(Debug)]
pub(crate) enum ClientError {
    /// The daemon says no.
    Refused(Box<CallError>),
    /// It is too old, or too new, for this method.
    UnknownMethod(&'static str),
    /// It says something that this client does not understand.
    BadAnswer {
        /// The method.
        method: &'static str,
        /// What is wrong with the answer.
        cause: String,
    },
    /// It has not answered.
    Unanswered {
        /// Why.
        silence: Silence,
        /// Whether the call may have changed something all the same.
        is_change: bool,
    },
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Silence {
    /// The connection broke.
    #[error("connection lost")]
    Lost,
    /// An answer came that is longer than any should be.
    #[error("the answer is too long, connection given up")]
    TooLong,
    /// Somebody does not wait any longer.
    #[error("{}", gave_up(.0))]
    GaveUp(Impatience),
}

fn gave_up(impatience: &Impatience) -> String {
    match impatience {
        Impatience::DeadlinePassed(given) => format!("no answer within {}", show_duration(*given)),
        Impatience::Interrupted => "interrupted".to_owned(),
    }
}

impl ConnectError {
    /// Whether something was there, as opposed to a place that is empty.
    pub(crate) fn is_somebody(&self) -> bool {
        match self {
            Self::Denied(_)
            | Self::Distrusted(_)
            | Self::NotTls
            | Self::WantsTls
            | Self::CutInHandshake
            | Self::HandshakeFailed(_)
            | Self::CertificateMissing
            | Self::CertificateRefused(_)
            | Self::TokenRefused
            | Self::TokenMissing
            | Self::Forbidden
            | Self::Busy(_)
            | Self::NotPlexyd(_)
            | Self::GaveUp(_) => true,
            Self::NoSocket
            | Self::NotASocket
            | Self::UnsafeFolder(_)
            | Self::NobodyListens
            | Self::NotResolved(_)
            | Self::Credentials(_)
            | Self::Io(_) => false,
        }
    }

    /// What comes from somebody else, safe for a terminal.
    pub(super) fn not_plexyd(cause: &impl ToString) -> Self {
        let cause = quoted(&cause.to_string());
        Self::NotPlexyd(cause.trim_matches('`').to_owned())
    }
}
