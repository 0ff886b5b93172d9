//! What a handshake needs, read from the files.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::server::{
    NoServerSessionStorage, ParsedCertificate, WantsServerCert, WebPkiClientVerifier,
};
use rustls::sign::SingleCertAndKey;
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};
use rustls_pki_types::ServerName;

use super::{ClientCertificates, RpcTls};
use crate::tls::{Authorities, FromFiles, Pair, Reading, Shown, TerminateError, provider};

/// What is spoken inside of TLS (RFC 7301); a client that knows only another protocol is told so.
const PROTOCOL: &[u8] = b"http/1.1";

/// All of it, of one time.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(super) config: Arc<ServerConfig>,
    pair: Pair,
}

impl Credentials {
    /// Whether the certificate is for that host: a name, or an address.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let name = match host.parse::<IpAddr>() {
            Ok(ip) => ServerName::from(ip),
            Err(_) => match ServerName::try_from(host) {
                Ok(name) => name,
                Err(_) => return false,
            },
        };
        let Some(shown) = self.pair.certified.cert.first() else { return false };
        let parsed = ParsedCertificate::try_from(shown);
        parsed.is_ok_and(|certificate| verify_server_name(&certificate, &name).is_ok())
    }
}

impl FromFiles for Credentials {
    type Options = RpcTls;
    type Error = TerminateError;

    fn files(files: &RpcTls) -> Vec<PathBuf> {
        let ca = match &files.clients {
            ClientCertificates::NotAsked => None,
            ClientCertificates::Requested(ca) | ClientCertificates::Required(ca) => Some(ca),
        };
        [Some(&files.cert), files.key.as_ref(), ca].into_iter().flatten().cloned().collect()
    }

    fn make(
        files: &RpcTls,
        reading: &mut Reading,
        _before: Option<&Self>,
    ) -> Result<Self, TerminateError> {
        let pair = Pair::load(reading, &files.cert, files.key.as_deref())?;
        let versions = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?;
        let resolver = SingleCertAndKey::from((*pair.certified).clone());
        let mut config =
            with_clients(versions, &files.clients, reading)?.with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), pair })
    }

    fn visit(&self, visitor: &mut dyn FnMut(Shown<'_>)) {
        visitor(self.pair.shown());
    }
}

fn with_clients(
    builder: ConfigBuilder<ServerConfig, WantsVerifier>,
    clients: &ClientCertificates,
    reading: &mut Reading,
) -> Result<ConfigBuilder<ServerConfig, WantsServerCert>, TerminateError> {
    let mut authorities = |file: &Path| {
        let authorities = Authorities::load(reading, file)?;
        Ok::<_, TerminateError>(WebPkiClientVerifier::builder_with_provider(
            authorities.roots,
            provider(),
        ))
    };
    let verifier = match clients {
        ClientCertificates::NotAsked => return Ok(builder.with_no_client_auth()),
        ClientCertificates::Requested(file) => authorities(file)?.allow_unauthenticated().build(),
        ClientCertificates::Required(file) => authorities(file)?.build(),
    };
    Ok(builder.with_client_cert_verifier(verifier.map_err(TerminateError::Verifier)?))
}
