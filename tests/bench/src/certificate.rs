//! The certificate of all proxies: ECDSA with P-256, made anew for each of them.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustls::pki_types::CertificateDer;

/// The name by which it is checked.
pub(crate) const SERVER_NAME: &str = "localhost";

/// The names of servers that a load asks for, one for each connection that is renewed: it has a
/// session of its own then, and need not wait for the ticket of another one.
pub(crate) fn load_name(who: usize) -> String {
    format!("c{who}.clients.test")
}

/// A certificate with its key in a file.
#[derive(Debug)]
pub(crate) struct Certificate {
    der: CertificateDer<'static>,
    file: PathBuf,
}

impl Certificate {
    /// Makes one, and writes it to a file in this folder.
    pub(crate) fn create(home: &Path) -> anyhow::Result<Self> {
        let names = [SERVER_NAME, "*.clients.test"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).context("no certificate")?;
        let file = home.join("pair.pem");
        let text = made.cert.pem() + &made.signing_key.serialize_pem();
        // As a key is kept: for nobody else.
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options
            .open(&file)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write `{}`", file.display()))?;
        Ok(Self { der: made.cert.der().clone(), file })
    }

    /// The file in PEM, the certificate first, then its key.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The certificate itself.
    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }
}
