//! The authorities whose certificates are believed.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::SectionKind;

use super::Reading;
use super::pem::{Fault, FileFault, PemFile};

/// Some authorities: at least one.
#[derive(Debug, Clone)]
pub(crate) struct Authorities {
    pub(crate) roots: Arc<RootCertStore>,
}

impl Authorities {
    /// Reads all that a PEM file holds.
    ///
    /// # Errors
    ///
    /// If it cannot be read, holds none, or one that is none.
    pub(crate) fn load(reading: &mut Reading, file: &Path) -> Result<Self, FileFault> {
        let read = reading.file(file)?;
        Self::of(&read).map_err(|fault| fault.of(file))
    }

    fn of(file: &PemFile) -> Result<Self, Fault> {
        let mut roots = RootCertStore::empty();
        for section in file.sections()? {
            if section.kind == SectionKind::Certificate {
                let line = section.line;
                let added = roots.add(CertificateDer::from(section.der));
                added.map_err(|why| Fault::BadAuthority { line, why })?;
            }
        }
        if roots.is_empty() {
            Err(Fault::NoCertificate)
        } else {
            Ok(Self { roots: Arc::new(roots) })
        }
    }

    /// Those that this machine believes (`SSL_CERT_FILE` and `SSL_CERT_DIR` say otherwise). What is
    /// malformed among them is left out, as everybody does.
    ///
    /// # Errors
    ///
    /// If there are none: why.
    pub(crate) fn of_system() -> Result<Self, String> {
        let loaded = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(loaded.certs);
        if roots.is_empty() {
            let why = loaded.errors.first().map(ToString::to_string);
            return Err(why.unwrap_or_else(|| "this machine has none".to_owned()));
        }
        Ok(Self { roots: Arc::new(roots) })
    }
}
