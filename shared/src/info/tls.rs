//! What control reports of TLS.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::TlsVersion;
use crate::word::words;

/// What a tunnel terminates TLS with. Its keys are told nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsInfo {
    /// The first certificate of each pair, in the order of the specification.
    pub certificates: Vec<CertificateInfo>,
}

/// How a tunnel speaks TLS with its backends. Its key is told nowhere.
///
/// ```
/// use plexy_shared::info::BackendTlsInfo;
///
/// let tls = BackendTlsInfo { verified: false, certificate: None };
/// assert!(tls.to_string().starts_with("NOT VERIFIED"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendTlsInfo {
    /// Whether the certificates of backends have to be good.
    pub verified: bool,
    /// The certificate that is shown to backends which ask for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateInfo>,
}

/// Whether it is verified.
impl fmt::Display for BackendTlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.verified {
            "verified"
        } else {
            "NOT VERIFIED: whoever is between can read and change everything"
        })
    }
}

/// Files of certificates, keys or authorities that are no good.
///
/// ```
/// use plexy_shared::info::RefusedInfo;
///
/// let refused: RefusedInfo =
///     serde_json::from_str(r#"{"seconds": 12, "why": "`/etc/plexy/a.pem`: it is empty"}"#)?;
/// assert_eq!(refused.to_string(), "bad for 12s: `/etc/plexy/a.pem`: it is empty");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedInfo {
    /// For how long that has been known.
    pub seconds: u64,
    /// Which file it is, and what is wrong with it.
    pub why: String,
}

impl fmt::Display for RefusedInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad for {}s: {}", self.seconds, self.why)
    }
}

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateInfo {
    /// Where it was read; empty where the daemon does not tell.
    #[serde(default)]
    pub file: String,
    /// Whom it is for: names and addresses.
    pub names: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// Who has issued it.
    pub issuer: String,
    /// Its serial number, in hexadecimal digits.
    pub serial: String,
    /// From when on it is good (RFC 3339).
    pub not_before: String,
    /// Until when it is good (RFC 3339).
    pub not_after: String,
    /// How many whole days that is from now; less than none once it has expired.
    #[serde(default)]
    pub days_left: i64,
    /// SHA-256 of the whole certificate, in hexadecimal digits.
    pub fingerprint: String,
}

impl CertificateInfo {
    /// Until when it is good, as people say it.
    #[must_use]
    pub fn left(&self) -> String {
        match self.days_left {
            days if days < 0 => "expired".to_owned(),
            1 => "1 day left".to_owned(),
            days => format!("{days} days left"),
        }
    }
}

/// A handshake that has worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsHandshake {
    /// A full one of TLS 1.3.
    V13,
    /// One of TLS 1.3 that goes on where an earlier one was.
    V13Resumed,
    /// A full one of TLS 1.2.
    V12,
    /// One of TLS 1.2 that goes on where an earlier one was.
    V12Resumed,
}

words!(TlsHandshake {
    V13 => "1.3",
    V13Resumed => "1.3-resumed",
    V12 => "1.2",
    V12Resumed => "1.2-resumed",
});

impl TlsHandshake {
    /// The version, and whether it was resumed.
    #[must_use]
    pub fn version(self) -> (TlsVersion, bool) {
        match self {
            Self::V13 => (TlsVersion::V13, false),
            Self::V13Resumed => (TlsVersion::V13, true),
            Self::V12 => (TlsVersion::V12, false),
            Self::V12Resumed => (TlsVersion::V12, true),
        }
    }
}

/// Why TLS with a client or a backend could not be begun, or has broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFailure {
    /// The handshake was not done in time.
    Timeout,
    /// The other side left before it was.
    Closed,
    /// What it sent is no TLS.
    NotTls,
    /// It speaks no version that may be spoken.
    Version,
    /// There is no cipher suite, group or signature that both sides know.
    Parameters,
    /// None of the protocols that one side names is offered by the other.
    Alpn,
    /// Its certificate is missing or no good.
    Certificate,
    /// It has refused what it was shown, with an alert.
    Alert,
    /// It has broken the rules, or what came was changed on the way.
    Protocol,
    /// The connection has ended without saying so: somebody may have cut it.
    Truncated,
}

words!(TlsFailure {
    Timeout => "timeout",
    Closed => "closed",
    NotTls => "not-tls",
    Version => "version",
    Parameters => "parameters",
    Alpn => "alpn",
    Certificate => "certificate",
    Alert => "alert",
    Protocol => "protocol",
    Truncated => "truncated",
});
