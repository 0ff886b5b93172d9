//! Certificates made for a test, a client of TLS that says what came of it, and what a server is made of.
//!
//! An [`Authority`] issues them; what it issues is written to files where a daemon reads them.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Who issues certificates that a test believes.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, both in PEM.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Authority {
    /// One of that name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key can be made");
        let issuer = CertifiedIssuer::self_signed(authority_params(name), key);
        Self { issuer: issuer.expect("an authority can be made") }
    }

    /// One of that name whose certificate this one has issued.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().expect("a key can be made");
        let issuer = CertifiedIssuer::signed_by(authority_params(name), key, &self.issuer);
        Self { issuer: issuer.expect("an authority can be made") }
    }

    /// Its own certificate, in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for these names, of servers and of clients; the first one is also its subject's
    /// common name.
    #[must_use]
    pub fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |_| {})
    }

    /// The same, changed before it is signed.
    #[must_use]
    pub fn issue_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Issued {
        let key = KeyPair::generate().expect("a key can be made");
        self.issue_for(names, &key, change)
    }

    /// The same for a key of another kind than usual.
    #[must_use]
    pub fn issue_for(
        &self,
        names: &[&str],
        key: &KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Issued {
        let texts: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(texts).expect("these are names");
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let certificate = params.signed_by(key, &self.issuer).expect("it can be signed");
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Issued {
    /// One for these names that vouches for itself.
    #[must_use]
    pub fn by_itself(names: &[&str]) -> Self {
        let texts: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(texts).expect("these are names");
        params.distinguished_name.push(DnType::CommonName, names[0]);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.self_signed(&key).expect("it can be signed");
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// The same, shown with the certificate of the authority that has issued it.
    #[must_use]
    pub fn with_chain(mut self, authority: &Authority) -> Self {
        self.certificate.push_str(&authority.pem());
        self
    }

    /// Writes both into one file of that name that only its owner can read; where that is.
    ///
    /// It stands there from one moment to the next, in place of what was there.
    pub fn write(&self, folder: impl AsRef<Path>, name: &str) -> PathBuf {
        let path = folder.as_ref().join(name);
        let new = path.with_extension("new");
        fs::write(&new, format!("{}{}", self.certificate, self.key)).expect("it can be written");
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).expect("it is ours");
        fs::rename(&new, &path).expect("it can take that place");
        path
    }

    /// The certificate as it goes over the wire.
    #[must_use]
    pub fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("it was made here")
    }

    /// All of its chain.
    fn chain(&self) -> Vec<CertificateDer<'static>> {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes());
        chain.map(|it| it.expect("it was made here")).collect()
    }

    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("it was made here")
    }
}

/// A client of TLS.
#[derive(Debug, Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
}

/// What a client of TLS is made of.
#[derive(Debug)]
pub struct TlsClientOptions<'a> {
    /// Whose certificates it believes.
    pub authority: &'a Authority,
    /// What it shows.
    pub certificate: Option<&'a Issued>,
    /// The protocols that it names.
    pub alpn: &'a [&'a str],
    /// The versions that it speaks.
    pub versions: &'a [&'static SupportedProtocolVersion],
}

impl TlsClient {
    /// One that believes `authority` and shows nothing.
    #[must_use]
    pub fn new(authority: &Authority) -> Self {
        Self::with(&TlsClientOptions::of(authority))
    }

    /// One that is made of that.
    #[must_use]
    pub fn with(options: &TlsClientOptions<'_>) -> Self {
        let TlsClientOptions { authority, certificate, alpn, versions } = options;
        let config = ClientConfig::builder_with_provider(provider());
        let config = config.with_protocol_versions(versions).expect("these are known");
        let config = config.with_root_certificates(roots(authority));
        let mut config = match certificate {
            None => config.with_no_client_auth(),
            Some(issued) => config
                .with_client_auth_cert(vec![issued.der()], issued.key_der())
                .expect("its key is a good one"),
        };
        config.alpn_protocols = alpn.iter().map(|it| it.as_bytes().to_vec()).collect();
        Self { config: Arc::new(config) }
    }

    /// Connects, and asks for that name.
    ///
    /// # Errors
    ///
    /// If it cannot connect, or the handshake fails.
    pub async fn connect(&self, addr: SocketAddr, name: &str) -> io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(addr).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(&self.config)).connect(name, socket).await
    }
}

impl<'a> TlsClientOptions<'a> {
    /// Those of a client that believes `authority`.
    #[must_use]
    pub fn of(authority: &'a Authority) -> Self {
        Self { authority, certificate: None, alpn: &[], versions: rustls::ALL_VERSIONS }
    }
}

/// What a server of TLS is made of.
#[derive(Debug)]
pub struct TlsServerOptions<'a> {
    /// What it shows.
    pub issued: &'a Issued,
    /// Whose certificates its clients have to have, where they need one.
    pub clients: Option<&'a Authority>,
    /// The protocols that it speaks.
    pub alpn: &'a [&'a str],
    /// The versions that it speaks.
    pub versions: &'a [&'static SupportedProtocolVersion],
}

impl<'a> TlsServerOptions<'a> {
    /// Those of a server that shows `issued` and asks for nothing.
    #[must_use]
    pub fn of(issued: &'a Issued) -> Self {
        Self { issued, clients: None, alpn: &[], versions: rustls::ALL_VERSIONS }
    }

    pub(crate) fn config(&self) -> ServerConfig {
        let config = ServerConfig::builder_with_provider(provider());
        let config = config.with_protocol_versions(self.versions).expect("these are known");
        let config = match self.clients {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let roots = Arc::new(roots(authority));
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                config.with_client_cert_verifier(verifier.build().expect("it is an authority"))
            }
        };
        let config = config.with_single_cert(self.issued.chain(), self.issued.key_der());
        let mut config = config.expect("its key is a good one");
        config.alpn_protocols = self.alpn.iter().map(|it| it.as_bytes().to_vec()).collect();
        config
    }
}

fn roots(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem().as_bytes());
    roots.add(root.expect("it was made here")).expect("it is an authority");
    roots
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
