//! How clients speak TLS: with one group and one suite, so that every proxy does the same arithmetic,
//! and is not measured by what its library likes best.

use std::sync::Arc;

use anyhow::Context;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use serde::{Deserialize, Serialize};

/// Sessions that a client keeps; rustls divides this by the tickets of a server (8), and each
/// connection that goes on has a server name of its own.
const SESSIONS_MAX: usize = 4096;

/// What of TLS a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tls {
    /// Its version.
    pub(crate) version: Version,
    /// What connections begin with, once the first ones have been there.
    pub(crate) handshake: Handshake,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Version {
    /// 1.2, by ECDHE and ECDSA.
    Tls12,
    /// 1.3.
    Tls13,
}

/// How a connection comes to its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Handshake {
    /// With certificate and signature.
    Full,
    /// With the ticket of the connection before.
    Resumed,
}

/// Whom a client believes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trust<'a> {
    /// Anybody: a load generator has better things to do than to check signatures.
    Anyone,
    /// Who has this certificate.
    Only(&'a CertificateDer<'static>),
}

impl Tls {
    /// 1.3, and a full handshake.
    pub(crate) const FULL: Self = Self { version: Version::Tls13, handshake: Handshake::Full };

    /// What rustls is to be told.
    ///
    /// # Errors
    ///
    /// Where the certificate that is trusted is none.
    pub(crate) fn client(self, trust: Trust<'_>) -> anyhow::Result<Arc<ClientConfig>> {
        let provider = Arc::new(provider());
        let algorithms = provider.signature_verification_algorithms;
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&[self.version.of_rustls()])?;
        let builder = match trust {
            Trust::Anyone => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anyone { algorithms })),
            Trust::Only(certificate) => {
                let mut roots = RootCertStore::empty();
                roots.add(certificate.clone()).context("not a certificate")?;
                builder.with_root_certificates(roots)
            }
        };
        let mut config = builder.with_no_client_auth();
        config.resumption = match self.handshake {
            Handshake::Full => Resumption::disabled(),
            Handshake::Resumed => Resumption::in_memory_sessions(SESSIONS_MAX),
        };
        Ok(Arc::new(config))
    }
}

impl Version {
    fn of_rustls(self) -> &'static SupportedProtocolVersion {
        match self {
            Self::Tls12 => &TLS12,
            Self::Tls13 => &TLS13,
        }
    }
}

/// Keys by X25519: the OpenSSL of Debian does not have rustls's first choice, X25519MLKEM768. P-256
/// stands behind it because with 1.2 OpenSSL wants to hear of a certificate's curve. AES-256-GCM,
/// which is the first choice of both.
fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        ],
        kx_groups: vec![kx_group::X25519, kx_group::SECP256R1],
        ..default_provider()
    }
}

/// Believes everything.
#[derive(Debug)]
struct Anyone {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::{ClientConnection, HandshakeKind, NamedGroup, ServerConfig, ServerConnection};

    use super::*;
    use crate::certificate::{Certificate, SERVER_NAME};

    /// A server, and what it shows.
    fn server() -> (Arc<ServerConfig>, CertificateDer<'static>) {
        use rustls::pki_types::PrivateKeyDer;
        use rustls::pki_types::pem::PemObject;

        let home = tempfile::tempdir().unwrap();
        let certificate = Certificate::create(home.path()).unwrap();
        let key = PrivateKeyDer::from_pem_file(certificate.file()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        (Arc::new(config), certificate.der().clone())
    }

    /// The client after a handshake in memory.
    fn handshake(
        client: &Arc<ClientConfig>,
        server: &Arc<ServerConfig>,
    ) -> Result<ClientConnection, Error> {
        let name = ServerName::try_from(SERVER_NAME).unwrap();
        let mut client = ClientConnection::new(Arc::clone(client), name)?;
        let mut server = ServerConnection::new(Arc::clone(server))?;
        while client.wants_write() || server.wants_write() {
            let (mut out, mut back) = (Vec::new(), Vec::new());
            while client.wants_write() {
                client.write_tls(&mut out).unwrap();
            }
            server.read_tls(&mut out.as_slice()).unwrap();
            server.process_new_packets()?;
            while server.wants_write() {
                server.write_tls(&mut back).unwrap();
            }
            client.read_tls(&mut back.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        assert!(!client.is_handshaking());
        Ok(client)
    }

    #[track_caller]
    fn check(asked: Tls, kinds: [HandshakeKind; 2]) {
        let (server, _certificate) = server();
        let client = asked.client(Trust::Anyone).unwrap();
        for kind in kinds {
            let done = handshake(&client, &server).unwrap();
            assert_eq!(done.handshake_kind(), Some(kind));
            assert_eq!(done.protocol_version(), Some(asked.version.of_rustls().version));
            let group = done.negotiated_key_exchange_group();
            // A session of 1.2 that goes on needs none.
            assert!(group.is_none_or(|group| group.name() == NamedGroup::X25519));
        }
    }

    #[test]
    fn handshakes_are_what_a_row_asks_for() {
        let tls12 = Tls { version: Version::Tls12, ..Tls::FULL };
        check(Tls::FULL, [HandshakeKind::Full, HandshakeKind::Full]);
        check(tls12, [HandshakeKind::Full, HandshakeKind::Full]);
        let resumed = [HandshakeKind::Full, HandshakeKind::Resumed];
        check(Tls { handshake: Handshake::Resumed, ..Tls::FULL }, resumed);
        check(Tls { handshake: Handshake::Resumed, ..tls12 }, resumed);
    }

    #[test]
    fn the_gate_believes_one_certificate() {
        let (server, certificate) = server();
        let (_other, stranger) = self::server();
        let trust = |it| Tls::FULL.client(Trust::Only(it)).unwrap();
        handshake(&trust(&certificate), &server).unwrap();
        let refused = handshake(&trust(&stranger), &server).unwrap_err();
        assert!(matches!(refused, Error::InvalidCertificate(_)), "{refused}");
    }
}
