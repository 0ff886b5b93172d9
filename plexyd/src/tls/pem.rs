//! PEM files: read whole and with a bound, and taken apart. Every fault is told with its file, and
//! with its line where there is one.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::{self, SectionKind};
use thiserror::Error;

use super::reading::Digest;
use crate::file::Asker;

/// Longest PEM file that is read: the authorities of a whole system have a quarter of a megabyte.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How the lines begin and end between which something stands.
const BEGIN: &[u8] = b"-----BEGIN ";

/// What is wrong with a file.
#[derive(Debug, Error)]
#[error("`{}`: {fault}", .file.display())]
pub(crate) struct FileFault {
    pub(crate) file: PathBuf,
    pub(crate) fault: Fault,
}

/// What is wrong with what is in it.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("{}", describe(.0))]
    Unreadable(io::Error),
    #[error("it is a directory, and no file")]
    Directory,
    #[error("it is no regular file")]
    NoRegularFile,
    #[error("it is longer than {} MiB", FILE_BYTES_MAX >> 20)]
    TooLong,
    #[error("it is empty")]
    Empty,
    #[error("line {line}: {what}")]
    BadPem { line: usize, what: &'static str },
    #[error("it holds no certificate in PEM")]
    NoCertificate,
    #[error("it holds no private key in PEM")]
    NoKey,
    #[error("it holds more than one private key")]
    SeveralKeys,
    #[error(
        "its private key is encrypted, and there is nobody to ask for the passphrase: write it without one, as `openssl pkey` does"
    )]
    EncryptedKey,
    #[error("line {line}: the certificate is malformed")]
    BadCertificate { line: usize },
    #[error("line {line}: the certificate cannot be an authority: {why}")]
    BadAuthority { line: usize, why: rustls::Error },
    #[error(
        "its private key is of no kind that can be used: those are RSA from 2048 to 8192 bits, ECDSA over P-256, P-384 and P-521, and Ed25519"
    )]
    UnusableKey,
    #[error("its private key is not that of the certificate in `{}`", .certificate.display())]
    Mismatch { certificate: PathBuf },
    #[error("the private key in it is not that of its first certificate")]
    OwnMismatch,
}

impl Fault {
    /// The same, of this file.
    pub(super) fn of(self, file: &Path) -> FileFault {
        FileFault { file: file.to_owned(), fault: self }
    }
}

/// The words of the system without Rust's number behind them.
fn describe(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        _ => error.to_string(),
    }
}

/// One thing in a file, and the line at which it begins, from 1.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) line: usize,
    pub(super) kind: SectionKind,
    pub(super) der: Vec<u8>,
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct PemFile {
    text: Vec<u8>,
    pub(super) digest: Digest,
    /// Whether users can read it that are neither its owner nor in its group.
    pub(super) is_readable_by_others: bool,
}

impl PemFile {
    /// Reads a file.
    pub(super) fn read(asker: &mut Asker, path: &Path) -> Result<Self, FileFault> {
        let read = asker.one(path, Self::try_read).map_err(Fault::Unreadable);
        read.and_then(|read| read).map_err(|fault| fault.of(path))
    }

    pub(super) fn try_read(path: &Path) -> Result<Self, Fault> {
        use std::os::unix::fs::MetadataExt;

        // Looked at first: opening a pipe waits for somebody at its other end.
        let metadata = std::fs::metadata(path).map_err(Fault::Unreadable)?;
        if metadata.is_dir() {
            return Err(Fault::Directory);
        }
        if !metadata.is_file() {
            return Err(Fault::NoRegularFile);
        }
        let file = File::open(path).map_err(Fault::Unreadable)?;
        let mode = file.metadata().map_err(Fault::Unreadable)?.mode();
        let mut text = Vec::new();
        let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text);
        let read = read.map_err(Fault::Unreadable)?;
        if read as u64 > FILE_BYTES_MAX {
            return Err(Fault::TooLong);
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err(Fault::Empty);
        }
        let mut of_all = Digest::default();
        of_all.copy_from_slice(digest(&SHA256, &text).as_ref());
        Ok(Self { text, digest: of_all, is_readable_by_others: mode & 0o004 != 0 })
    }

    /// All that is in it and is of a known kind.
    pub(super) fn sections(&self) -> Result<Vec<Section>, Fault> {
        let mut rest = self.text.as_slice();
        let mut sections = Vec::new();
        loop {
            let line = self.line_of_next(rest);
            match pem::from_buf(&mut rest) {
                Ok(Some((kind, der))) => sections.push(Section { line, kind, der }),
                Ok(None) => return Ok(sections),
                Err(error) => return Err(Fault::BadPem { line, what: words(&error) }),
            }
        }
    }

    /// The line at which something begins behind which only `rest` comes.
    fn line_of_next(&self, rest: &[u8]) -> usize {
        let read = self.text.len() - rest.len();
        let next = rest.windows(BEGIN.len()).position(|window| window == BEGIN).unwrap_or(0);
        let before = self.text.get(..read + next).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    /// The one private key in it.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, Fault> {
        if self.has_encrypted_key() {
            return Err(Fault::EncryptedKey);
        }
        let mut keys = self.sections()?.into_iter().filter_map(|section| match section.kind {
            SectionKind::PrivateKey => Some(PrivateKeyDer::Pkcs8(section.der.into())),
            SectionKind::RsaPrivateKey => Some(PrivateKeyDer::Pkcs1(section.der.into())),
            SectionKind::EcPrivateKey => Some(PrivateKeyDer::Sec1(section.der.into())),
            _ => None,
        });
        match (keys.next(), keys.next()) {
            (None, _) => Err(Fault::NoKey),
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(Fault::SeveralKeys),
        }
    }

    /// Whether one needs a passphrase, in the form of PKCS #8 (RFC 7468, section 11) or in that of
    /// RFC 1421, section 4.6.1.1.
    fn has_encrypted_key(&self) -> bool {
        let has = |mark: &[u8]| self.text.windows(mark.len()).any(|window| window == mark);
        has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"Proc-Type: 4,ENCRYPTED")
    }
}

fn words(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "what begins here has no end: the file is cut off",
        pem::Error::IllegalSectionStart { .. } => "a line that begins like one of PEM, and is none",
        pem::Error::Base64Decode(_) => "what begins here is not in Base64",
        _ => "not PEM",
    }
}
