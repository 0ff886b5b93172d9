//! How a tunnel speaks TLS with its backends: most tunnels do not, so all of it is one box that they
//! do not have.

use super::tls::{FilePath, Protocol, add_protocol};
use super::{BackendAddr, BackendSpec, ServerName};
use crate::units::ValueError;

/// No TLS with backends.
pub(super) static NO_BACKEND_TLS: BackendTls = BackendTls {
    is_on: false,
    sni: None,
    ca: None,
    cert: None,
    key: None,
    verify: true,
    alpn: Vec::new(),
};

/// How TLS is originated. In the options of a tunnel it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendTls {
    /// Whether it is at all.
    pub is_on: bool,
    /// The name that backends are asked for, and have to be of; none for that of each, or its address.
    pub sni: Option<ServerName>,
    /// The file of the authorities whose certificates backends may have; none for those of the machine.
    pub ca: Option<FilePath>,
    /// The file of the certificate that is shown to backends which ask for one, with its chain.
    pub cert: Option<FilePath>,
    /// The file of its key; none where that stands with it.
    pub key: Option<FilePath>,
    /// Whether the certificate of a backend has to be a good one.
    pub verify: bool,
    /// The protocols that backends are asked for, the preferred one first; none for not taking part.
    pub alpn: Vec<Protocol>,
}

impl BackendTls {
    /// Reads one name: a wildcard cannot be asked for.
    pub(super) fn parse_name(text: &str) -> Result<ServerName, ValueError> {
        let name: ServerName = text.parse()?;
        match name.parent() {
            None => Ok(name),
            Some(_) => {
                Err(ValueError::malformed(text, "stands for many names: only one can be asked for"))
            }
        }
    }

    /// Adds a protocol, each of which stands there once.
    pub(super) fn add_protocol(&mut self, text: &str) -> Result<(), ValueError> {
        add_protocol(&mut self.alpn, text)
    }

    /// The option that does not go together with the others, or with one of the backends, and what it
    /// needs.
    pub(super) fn mismatch(
        &self,
        backends: &[BackendSpec],
    ) -> Option<(&'static str, &'static str)> {
        let (is_off, on) = (!self.is_on, "`backend-tls`");
        let is_unix = |backend: &BackendSpec| matches!(backend.addr, BackendAddr::Unix(_));
        let rules = [
            (is_off && self.sni.is_some(), "backend-sni", on),
            (is_off && self.ca.is_some(), "backend-ca", on),
            (is_off && self.cert.is_some(), "backend-cert", on),
            (is_off && self.key.is_some(), "backend-key", on),
            (is_off && !self.verify, "backend-verify", on),
            (is_off && !self.alpn.is_empty(), "backend-alpn", on),
            (self.key.is_some() && self.cert.is_none(), "backend-key", "`backend-cert`"),
            (self.ca.is_some() && !self.verify, "backend-ca", "`backend-verify=on`"),
            (
                self.is_on && self.verify && self.sni.is_none() && backends.iter().any(is_unix),
                "backend-tls",
                "`backend-sni`, since a Unix socket has no name that its certificate could be for",
            ),
        ];
        let broken = rules.into_iter().find(|(is_broken, ..)| *is_broken);
        broken.map(|(_, key, needed)| (key, needed))
    }
}
