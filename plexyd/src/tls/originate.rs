//! How a tunnel speaks TLS with its backends: made whole from its options and the files that they name,
//! and never changed.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use plexy_shared::spec::{self, BackendAddr, BackendTls};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, client::Resumption};
use rustls_pki_types::ServerName;
use thiserror::Error;

use super::handshake::{Approached, approach};
use super::handshake_fault::HandshakeFault;
use super::sessions::Sessions;
use super::unverified::Unverified;
use super::{Authorities, FileFault, FromFiles, Pair, Reading, Shown, provider};
use crate::socket::Socket;

/// What TLS is originated with.
#[derive(Debug)]
pub(crate) struct Originate {
    /// Without a place for sessions: each backend has one of its own.
    pub(super) config: Arc<ClientConfig>,
    /// The name that every backend is asked for.
    name: Option<ServerName<'static>>,
    pair: Option<Pair>,
    is_verified: bool,
}

/// Why TLS cannot be originated so.
#[derive(Debug, Error)]
pub(crate) enum OriginateError {
    #[error(transparent)]
    File(#[from] FileFault),
    #[error(
        "this machine believes no authority: {0}; name those of the backends with `backend-ca`"
    )]
    NoRoots(String),
    #[error("the authorities of backends cannot be used: {0}")]
    Verifier(rustls::client::VerifierBuilderError),
    #[error("`{0}` is no name that a certificate can be for")]
    Name(String),
    #[error("TLS cannot be originated: {0}")]
    Config(#[from] rustls::Error),
}

/// How TLS is originated for one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Over<'a> {
    pub(crate) originate: &'a Arc<Originate>,
    /// The name that this backend is asked for, in place of its own.
    pub(crate) name: Option<&'a spec::ServerName>,
    /// Whether it may go on where an earlier one was. Its certificate is not looked at again then, so
    /// who wants to know how the backend is does without.
    pub(crate) may_resume: bool,
}

impl<'a> Over<'a> {
    /// As clients of a tunnel get it.
    pub(crate) fn resuming(originate: &'a Arc<Originate>) -> Self {
        Self { originate, name: None, may_resume: true }
    }

    /// As it is where the backend is to be looked at.
    pub(crate) fn full(originate: &'a Arc<Originate>) -> Self {
        Self { may_resume: false, ..Self::resuming(originate) }
    }

    /// Does the handshake with the backend of that address.
    pub(crate) async fn approach(
        self,
        socket: &Socket,
        addr: &BackendAddr,
        sessions: &Sessions,
    ) -> Result<Approached, HandshakeFault> {
        let name = match self.name {
            Some(name) => server_name(name.as_str())?,
            None => self.originate.name_of(addr)?,
        };
        let config = if self.may_resume {
            sessions.config(self.originate)
        } else {
            Arc::clone(&self.originate.config)
        };
        approach(socket, config, name).await
    }
}

impl FromFiles for Originate {
    type Options = BackendTls;
    type Error = OriginateError;

    fn files(tls: &BackendTls) -> Vec<PathBuf> {
        let files = [&tls.ca, &tls.cert, &tls.key].into_iter().flatten();
        files.map(|file| file.as_path().to_owned()).collect()
    }

    /// Reads what this machine believes, too, where no file says it.
    fn make(
        tls: &BackendTls,
        reading: &mut Reading,
        _before: Option<&Self>,
    ) -> Result<Self, OriginateError> {
        let verifier = verifier(tls, reading)?;
        let key = tls.key.as_ref().map(|key| key.as_path());
        let pair = tls.cert.as_ref().map(|cert| Pair::load(reading, cert.as_path(), key));
        let mut made = Self::by(verifier, pair.transpose()?)?;
        let protocols = tls.alpn.iter().map(|it| it.as_str().into());
        Arc::make_mut(&mut made.config).alpn_protocols = protocols.collect();
        made.name = tls.sni.as_ref().map(|name| server_name(name.as_str())).transpose()?;
        made.is_verified = tls.verify;
        Ok(made)
    }

    fn visit(&self, visitor: &mut dyn FnMut(Shown<'_>)) {
        self.pair.iter().map(Pair::shown).for_each(visitor);
    }
}

impl Originate {
    /// One that asks for no name but that of each backend, and for no protocol.
    fn by(
        verifier: Arc<dyn ServerCertVerifier>,
        pair: Option<Pair>,
    ) -> Result<Self, rustls::Error> {
        let config = ClientConfig::builder_with_provider(provider());
        let config = config.with_safe_default_protocol_versions()?;
        let config = config.dangerous().with_custom_certificate_verifier(verifier);
        let mut config = match &pair {
            None => config.with_no_client_auth(),
            Some(pair) => config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(
                Arc::clone(&pair.certified),
            ))),
        };
        config.resumption = Resumption::disabled();
        // Nothing that a client has said goes to a backend before its handshake stands: else it might
        // be lost, or come twice (RFC 8446, section 8).
        config.enable_early_data = false;
        Ok(Self { config: Arc::new(config), name: None, pair, is_verified: false })
    }

    /// Whom a backend at that address is asked for, and has to be.
    fn name_of(&self, addr: &BackendAddr) -> Result<ServerName<'static>, OriginateError> {
        match (&self.name, addr) {
            (Some(name), _) => Ok(name.clone()),
            (None, BackendAddr::Name(name, _)) => server_name(name.as_str()),
            (None, BackendAddr::Ip(addr)) => Ok(addr.ip().to_canonical().into()),
            // It is not verified then: an address is not asked for.
            (None, BackendAddr::Unix(_)) => {
                Ok(std::net::IpAddr::from(std::net::Ipv4Addr::LOCALHOST).into())
            }
        }
    }

    /// What a server is asked with that only has to speak TLS: any certificate will do.
    pub(crate) fn unverified() -> &'static Arc<Self> {
        static UNVERIFIED: LazyLock<Arc<Originate>> = LazyLock::new(|| {
            let made = Originate::by(Arc::new(Unverified), None);
            Arc::new(made.expect("aws-lc-rs speaks both versions"))
        });
        &UNVERIFIED
    }

    /// The certificate that is shown to backends, with its key.
    pub(crate) fn pair(&self) -> Option<&Pair> {
        self.pair.as_ref()
    }

    /// Whether the certificates of backends have to be good.
    pub(crate) fn is_verified(&self) -> bool {
        self.is_verified
    }
}

fn verifier(
    tls: &BackendTls,
    reading: &mut Reading,
) -> Result<Arc<dyn ServerCertVerifier>, OriginateError> {
    if !tls.verify {
        return Ok(Arc::new(Unverified));
    }
    let roots = match &tls.ca {
        Some(file) => Authorities::load(reading, file.as_path())?.roots,
        None => reading.system.authorities().map_err(OriginateError::NoRoots)?.roots,
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider());
    Ok(verifier.build().map_err(OriginateError::Verifier)?)
}

/// A host name as it is asked for: without the dot that may end it (RFC 6066, section 3).
fn server_name(name: &str) -> Result<ServerName<'static>, OriginateError> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let malformed = |_| OriginateError::Name(name.to_owned());
    ServerName::try_from(name.to_owned()).map_err(malformed)
}
