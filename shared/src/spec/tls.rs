//! How a tunnel terminates TLS: most tunnels do not, so all of it is one box that they do not have.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::units::ValueError;
use crate::word::words;

/// Most pairs of certificate and key that one tunnel may have.
const PAIRS_MAX: usize = 256;

/// Most protocols that one tunnel may offer to clients, or to backends, and the longest name of one (RFC 7301, section 3.1).
const PROTOCOLS_MAX: usize = 32;
const PROTOCOL_BYTES_MAX: usize = 255;

/// Longest path of a file: that of Linux (`PATH_MAX`), without its end.
const PATH_BYTES_MAX: usize = 4095;

/// How long a client has for its handshake where nobody says otherwise.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// No TLS at all.
pub(super) static NO_TLS: Tls = Tls {
    certs: Vec::new(),
    keys: Vec::new(),
    client_ca: None,
    client_auth: None,
    alpn: Vec::new(),
    min: TlsVersion::V12,
    handshake_timeout: HANDSHAKE_TIMEOUT,
};

/// How TLS is terminated. In the options of a tunnel there is at least one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Files of certificates, each a chain; the first one is for who asks for no name, or for an
    /// unknown one.
    pub certs: Vec<FilePath>,
    /// The files of their keys, in the same order; none where each stands with its certificate.
    pub keys: Vec<FilePath>,
    /// The file of the authorities whose certificates clients may have.
    pub client_ca: Option<FilePath>,
    /// What is asked of clients, where somebody has said it.
    pub client_auth: Option<ClientAuth>,
    /// The protocols that are offered, the preferred one first; none for not taking part in it.
    pub alpn: Vec<Protocol>,
    /// The oldest version that is spoken.
    pub min: TlsVersion,
    /// How long a client has for its handshake.
    pub handshake_timeout: Duration,
}

/// What a client has to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// A certificate of one of the authorities.
    Require,
    /// The same, or none.
    Request,
}

words!(ClientAuth { Require => "require", Request => "request" });

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    V12,
    /// TLS 1.3 (RFC 8446).
    V13,
}

words!(TlsVersion { V12 => "1.2", V13 => "1.3" });

/// The whole path of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePath(Box<str>);

impl FilePath {
    /// The path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(&*self.0)
    }

    pub(super) fn parse(text: &str) -> Result<Self, ValueError> {
        let is_path = text.starts_with('/')
            && text.len() <= PATH_BYTES_MAX
            && !text.ends_with('/')
            && !text.chars().any(char::is_control);
        if is_path {
            return Ok(Self(text.into()));
        }
        Err(ValueError::malformed(text, "is not the whole path of a file, which begins with `/`"))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a protocol, as clients and servers agree on one in their handshake (RFC 7301).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol(Box<str>);

impl Protocol {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Result<Self, ValueError> {
        let is_name = (1..=PROTOCOL_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
        if is_name {
            return Ok(Self(text.into()));
        }
        let rule = "is not a protocol of ALPN like `h2` or `http/1.1`: 1 to 255 printable characters of ASCII without blank and comma";
        Err(ValueError::malformed(text, rule))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Tls {
    /// What a client has to show; nothing where there are no authorities.
    #[must_use]
    pub fn client_auth(&self) -> Option<ClientAuth> {
        self.client_ca.as_ref().map(|_| self.client_auth.unwrap_or(ClientAuth::Require))
    }

    /// The pairs: each file of a certificate, and that of its key if it is another one.
    pub fn pairs(&self) -> impl Iterator<Item = (&Path, Option<&Path>)> {
        let key = |place| self.keys.get(place).map(FilePath::as_path);
        self.certs.iter().enumerate().map(move |(place, cert)| (cert.as_path(), key(place)))
    }

    /// Adds the file of a certificate, each of which stands there once.
    pub(super) fn add_cert(&mut self, text: &str) -> Result<(), ValueError> {
        let path = FilePath::parse(text)?;
        if self.certs.contains(&path) {
            return Err(ValueError::Repeated(text.to_owned()));
        }
        add(&mut self.certs, path, PAIRS_MAX, text, "is one file too many: 256 are the most")
    }

    /// Adds the file of a key. Two certificates may have the same one.
    pub(super) fn add_key(&mut self, text: &str) -> Result<(), ValueError> {
        let path = FilePath::parse(text)?;
        add(&mut self.keys, path, PAIRS_MAX, text, "is one file too many: 256 are the most")
    }

    /// Adds a protocol, each of which stands there once.
    pub(super) fn add_protocol(&mut self, text: &str) -> Result<(), ValueError> {
        add_protocol(&mut self.alpn, text)
    }

    /// The option that does not go together with the others, and what it needs.
    pub(super) fn mismatch(&self) -> Option<(&'static str, &'static str)> {
        let is_off = self.certs.is_empty();
        let cert = "`tls-cert`";
        let rules = [
            (is_off && !self.keys.is_empty(), "tls-key", cert),
            (is_off && self.client_ca.is_some(), "tls-client-ca", cert),
            (is_off && !self.alpn.is_empty(), "tls-alpn", cert),
            (is_off && self.min != NO_TLS.min, "tls-min", cert),
            (
                is_off && self.handshake_timeout != NO_TLS.handshake_timeout,
                "tls-handshake-timeout",
                cert,
            ),
            (
                self.client_auth.is_some() && self.client_ca.is_none(),
                "tls-client-auth",
                "`tls-client-ca`",
            ),
            (
                !self.keys.is_empty() && self.keys.len() != self.certs.len(),
                "tls-key",
                "as many as there are of `tls-cert`, or none where each stands with its certificate",
            ),
        ];
        let broken = rules.into_iter().find(|(is_broken, ..)| *is_broken);
        broken.map(|(_, key, needed)| (key, needed))
    }
}

/// Adds a protocol to a list in which each stands once.
pub(super) fn add_protocol(list: &mut Vec<Protocol>, text: &str) -> Result<(), ValueError> {
    let protocol = Protocol::parse(text)?;
    if list.contains(&protocol) {
        return Err(ValueError::Repeated(text.to_owned()));
    }
    let rule = "is one protocol too many: 32 are the most";
    add(list, protocol, PROTOCOLS_MAX, text, rule)
}

fn add<T>(
    list: &mut Vec<T>,
    entry: T,
    max: usize,
    text: &str,
    rule: &'static str,
) -> Result<(), ValueError> {
    if list.len() == max {
        return Err(ValueError::malformed(text, rule));
    }
    list.push(entry);
    Ok(())
}
