//! What TLS to the daemon is made of: the CAs that are believed, and the pair
//! (a certificate chain with its key) by which this client is known. All of it
//! stands in files of PEM.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plexy_shared::error::quoted;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::load_native_certs;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName};
use thiserror::Error;

/// What is spoken inside of TLS (RFC 7301): a WebSocket begins with it.
const PROTOCOL: &[u8] = b"http/1.1";

/// The files, as somebody has named them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The CAs that are believed; none for those of the system.
    pub(crate) ca: Option<PathBuf>,
    /// The certificate that is shown, if the daemon asks for one.
    pub(crate) cert: Option<PathBuf>,
    /// Its key; none if that stands in the same file.
    pub(crate) key: Option<PathBuf>,
    /// The name that the daemon's certificate has to have; none for the host of
    /// the endpoint.
    pub(crate) server_name: Option<String>,
}

/// Why TLS cannot even begin.
#[derive(Debug, Error)]
pub(crate) enum CredentialsError {
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", shown(.file))]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file is no PEM.
    #[error("{} is no good PEM: {cause}", shown(.file))]
    BadPem {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A file holds something else, or nothing.
    #[error("there is no certificate in {}", shown(.0))]
    NoCertificate(PathBuf),
    /// The same of a key.
    #[error("there is no key in {}", shown(.0))]
    NoKey(PathBuf),
    /// A key with a passphrase: there is nobody to ask for it.
    #[error("the key in {} is encrypted", shown(.0))]
    EncryptedKey(PathBuf),
    /// The key belongs to another certificate, or is of no kind that is known.
    #[error("the key in {} does not fit the certificate in {}: {cause}", shown(.key), shown(.cert))]
    BadPair {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why not.
        cause: rustls::Error,
    },
    /// A key is nothing without its certificate.
    #[error("there is a key, and no certificate that it belongs to")]
    KeyAlone,
    /// A certificate is none that can be believed.
    #[error("the CA in {} cannot be used: {cause}", shown(.file))]
    BadCa {
        /// The file.
        file: PathBuf,
        /// Why not.
        cause: rustls::Error,
    },
    /// The machine believes nobody.
    #[error("this machine has no CA certificates{0}")]
    NoSystemCa(String),
    /// A name that no certificate can have.
    #[error("{} is no name of a server: {cause}", quoted(.name))]
    BadServerName {
        /// What was given.
        name: String,
        /// Why not.
        cause: InvalidDnsNameError,
    },
    /// What the cryptography of this program cannot do.
    #[error("TLS cannot be spoken: {0}")]
    Unusable(rustls::Error),
}

impl Credentials {
    /// Reads the files.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, CredentialsError> {
        let authorities = match &self.ca {
            Some(file) => authorities_of(file)?,
            None => authorities_of_system()?,
        };
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(CredentialsError::Unusable)?
            .with_root_certificates(authorities);
        let mut config = match (&self.cert, &self.key) {
            (None, None) => config.with_no_client_auth(),
            (None, Some(_)) => return Err(CredentialsError::KeyAlone),
            (Some(cert), key) => {
                let key = key.as_ref().unwrap_or(cert);
                let (chain, secret) = (certificates_of(cert)?, key_of(key)?);
                config.with_client_auth_cert(chain, secret).map_err(|cause| {
                    let (cert, key) = (cert.clone(), key.clone());
                    CredentialsError::BadPair { cert, key, cause }
                })?
            }
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Arc::new(config))
    }

    /// The name that the daemon's certificate has to have, where it is reached
    /// at this host.
    pub(super) fn name(&self, host: &str) -> Result<ServerName<'static>, CredentialsError> {
        // A URL has an IPv6 address in brackets.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = self.server_name.as_deref().unwrap_or(host).to_owned();
        ServerName::try_from(name.clone())
            .map_err(|cause| CredentialsError::BadServerName { name, cause })
    }
}

/// The cryptography of this program: given by name wherever it is wanted, so that another one in
/// the graph of dependencies changes nothing.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn authorities_of(file: &Path) -> Result<RootCertStore, CredentialsError> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates_of(file)? {
        authorities
            .add(certificate)
            .map_err(|cause| CredentialsError::BadCa { file: file.to_owned(), cause })?;
    }
    Ok(authorities)
}

/// Those that every program of this machine believes; of them the ones that can be read.
fn authorities_of_system() -> Result<RootCertStore, CredentialsError> {
    let found = load_native_certs();
    let mut authorities = RootCertStore::empty();
    let (good, _) = authorities.add_parsable_certificates(found.certs);
    if good > 0 {
        return Ok(authorities);
    }
    let why = found.errors.first().map(|error| format!(": {}", quoted(&error.to_string())));
    Err(CredentialsError::NoSystemCa(why.unwrap_or_default()))
}

fn certificates_of(file: &Path) -> Result<Vec<CertificateDer<'static>>, CredentialsError> {
    let text = std::fs::read(file).map_err(|cause| unreadable(file, cause))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => {
            Err(CredentialsError::NoCertificate(file.to_owned()))
        }
        read => read.map_err(|cause| bad_pem(file, &cause)),
    }
}

fn key_of(file: &Path) -> Result<PrivateKeyDer<'static>, CredentialsError> {
    let text = std::fs::read(file).map_err(|cause| unreadable(file, cause))?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|cause| match cause {
        pem::Error::NoItemsFound if is_encrypted(&text) => {
            CredentialsError::EncryptedKey(file.to_owned())
        }
        pem::Error::NoItemsFound => CredentialsError::NoKey(file.to_owned()),
        // The headers of a key that OpenSSL has encrypted in its old way are no base64.
        _ if is_encrypted(&text) => CredentialsError::EncryptedKey(file.to_owned()),
        cause => bad_pem(file, &cause),
    })
}

/// Whether a key has a passphrase, by PKCS #8 (RFC 5958) or by OpenSSL's older way (RFC 1421).
fn is_encrypted(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || text.contains("Proc-Type: 4,ENCRYPTED")
}

fn unreadable(file: &Path, cause: io::Error) -> CredentialsError {
    CredentialsError::Unreadable { file: file.to_owned(), cause }
}

fn bad_pem(file: &Path, cause: &pem::Error) -> CredentialsError {
    let cause = match cause {
        pem::Error::MissingSectionEnd { .. } => "the end of a section is missing".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "a section begins wrongly".to_owned(),
        other => other.to_string(),
    };
    CredentialsError::BadPem { file: file.to_owned(), cause }
}

fn shown(file: &Path) -> String {
    quoted(&file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_the_host_if_nothing_else_is_said() {
        let name = |server_name: Option<&str>, host: &str| {
            let server_name = server_name.map(str::to_owned);
            let credentials = Credentials { server_name, ..Credentials::default() };
            credentials.name(host).map(|name| name.to_str().into_owned())
        };
        assert_eq!(name(None, "proxy.example").unwrap(), "proxy.example");
        assert_eq!(name(None, "127.0.0.1").unwrap(), "127.0.0.1");
        assert_eq!(name(None, "[::1]").unwrap(), "::1");
        assert_eq!(name(Some("other.example"), "[::1]").unwrap(), "other.example");
        let error = name(Some("not a name"), "proxy.example").unwrap_err().to_string();
        assert!(error.starts_with("`not a name` is no name of a server"), "{error}");
    }
}
