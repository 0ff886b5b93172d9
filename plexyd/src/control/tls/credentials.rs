//! What a handshake needs, read from the files.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::server::{
    NoServerSessionStorage, ParsedCertificate, WantsServerCert, WebPkiClientVerifier,
};
use rustls::sign::SingleCertAndKey;
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};
use rustls_pki_types::{CertificateDer, ServerName};

use super::{ClientCertificates, RpcTls};
use crate::tls::{Authorities, Certificate, Pair, provider};

/// What is spoken inside of TLS (RFC 7301); a client that knows only another protocol is told so.
const PROTOCOL: &[u8] = b"http/1.1";

/// All of it, of one time.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(super) config: Arc<ServerConfig>,
    /// What the certificate says.
    pub(super) certificate: Certificate,
    /// The certificate itself.
    shown: CertificateDer<'static>,
    /// What somebody should see to, although it works.
    pub(super) warnings: Vec<String>,
}

impl Credentials {
    pub(super) fn load(files: &RpcTls) -> Result<Self, String> {
        let pair = Pair::load(&files.cert, files.key.as_deref());
        let Pair { certified, certificate, warnings } = pair.map_err(|fault| fault.to_string())?;
        let shown = certified.cert.first().cloned().unwrap_or_else(|| Vec::new().into());
        let versions = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let resolver = SingleCertAndKey::from((*certified).clone());
        let mut config =
            with_clients(versions, &files.clients)?.with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), certificate, shown, warnings })
    }

    /// Whether the certificate is for that host: a name, or an address.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let name = match host.parse::<IpAddr>() {
            Ok(ip) => ServerName::from(ip),
            Err(_) => match ServerName::try_from(host) {
                Ok(name) => name,
                Err(_) => return false,
            },
        };
        let parsed = ParsedCertificate::try_from(&self.shown);
        parsed.is_ok_and(|certificate| verify_server_name(&certificate, &name).is_ok())
    }
}

fn with_clients(
    builder: ConfigBuilder<ServerConfig, WantsVerifier>,
    clients: &ClientCertificates,
) -> Result<ConfigBuilder<ServerConfig, WantsServerCert>, String> {
    let authorities = |file: &Path| {
        let authorities = Authorities::load(file).map_err(|fault| fault.to_string())?;
        Ok::<_, String>(WebPkiClientVerifier::builder_with_provider(authorities.roots, provider()))
    };
    let verifier = match clients {
        ClientCertificates::NotAsked => return Ok(builder.with_no_client_auth()),
        ClientCertificates::Requested(file) => authorities(file)?.allow_unauthenticated().build(),
        ClientCertificates::Required(file) => authorities(file)?.build(),
    };
    let verifier = verifier.map_err(|error| error.to_string())?;
    Ok(builder.with_client_cert_verifier(verifier))
}
