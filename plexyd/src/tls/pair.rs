//! A chain of certificates with the key of the first one, from PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::SectionKind;

use super::pem::{Fault, FileFault, PemFile};
use super::{Certificate, Reading, Shown, provider};

/// A chain with its key, ready to sign with.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    /// The file of the chain.
    pub(crate) file: PathBuf,
    pub(crate) certified: Arc<CertifiedKey>,
    /// What the first certificate says, whose key it is.
    pub(crate) certificate: Certificate,
    /// What somebody should see to, although it works.
    pub(crate) warnings: Vec<String>,
}

impl Pair {
    /// Reads a pair. Without a file for the key, it stands in that of the chain.
    ///
    /// # Errors
    ///
    /// Which file cannot be read, or what is wrong in it.
    pub(crate) fn load(
        reading: &mut Reading,
        chain_file: &Path,
        key_file: Option<&Path>,
    ) -> Result<Self, FileFault> {
        reading.pair(chain_file, key_file, |reading| Self::make(reading, chain_file, key_file))
    }

    fn make(
        reading: &mut Reading,
        chain_file: &Path,
        key_file: Option<&Path>,
    ) -> Result<Self, FileFault> {
        let read = reading.file(chain_file)?;
        let chain = certificates(&read).map_err(|fault| fault.of(chain_file))?;
        let (key_path, read_key) = match key_file {
            Some(path) if path != chain_file => (path, reading.file(path)?),
            _ => (chain_file, read),
        };
        let of = |fault: Fault| fault.of(key_path);
        let key = read_key.key().map_err(of)?;
        let key = provider().key_provider.load_private_key(key);
        let key = key.map_err(|_| of(Fault::UnusableKey))?;
        let ([first, ..], false) = (chain.as_slice(), chain.is_empty()) else {
            return Err(Fault::NoCertificate.of(chain_file));
        };
        let certificate = first.certificate.clone();
        let mut warnings = Vec::new();
        if read_key.is_readable_by_others {
            warnings.push(format!(
                "`{}`: its private key can be read by every user of this machine",
                key_path.display()
            ));
        }
        warnings.extend(
            broken_chain(&chain).map(|warning| format!("`{}`: {warning}", chain_file.display())),
        );
        let chain = chain.into_iter().map(|it| it.der).collect();
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|_| {
            of(if key_path == chain_file {
                Fault::OwnMismatch
            } else {
                Fault::Mismatch { certificate: PathBuf::from(chain_file) }
            })
        })?;
        let file = chain_file.to_owned();
        Ok(Self { file, certified: Arc::new(certified), certificate, warnings })
    }

    /// What it shows to others.
    pub(crate) fn shown(&self) -> Shown<'_> {
        let Self { file, certificate, warnings, .. } = self;
        Shown { file, certificate, warnings }
    }
}

/// One certificate of a chain.
struct Link {
    der: CertificateDer<'static>,
    certificate: Certificate,
}

fn certificates(file: &PemFile) -> Result<Vec<Link>, Fault> {
    let sections = file.sections()?;
    let certificates = sections.into_iter().filter(|it| it.kind == SectionKind::Certificate);
    let links: Result<Vec<_>, _> = certificates
        .map(|section| {
            let certificate = Certificate::parse(&section.der);
            let certificate = certificate.ok_or(Fault::BadCertificate { line: section.line })?;
            Ok(Link { der: section.der.into(), certificate })
        })
        .collect();
    links.and_then(|links| if links.is_empty() { Err(Fault::NoCertificate) } else { Ok(links) })
}

/// Clients that have only the last authority cannot follow a chain whose links do not hang together.
fn broken_chain(chain: &[Link]) -> Option<String> {
    let place = chain.windows(2).position(|links| match links {
        [link, issuer] => link.certificate.issuer != issuer.certificate.subject,
        _ => false,
    })?;
    Some(format!(
        "certificate {} is not that of the issuer of certificate {}: clients may not be able to verify it",
        place + 2,
        place + 1
    ))
}
