//! What is kept of the certificate that a client has shown, and that was found to be good.

use aws_lc_rs::digest::{SHA256, digest};
use plexy_shared::error::printable;
use plexy_shared::fingerprint::Fingerprint;
use rustls::CommonState;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::distinguished_name;
use crate::introduction::ClientCertificate;

/// Characters of a subject that are kept of each connection. Common names have 64 at most (RFC 5280,
/// appendix A.1), whole subjects seldom more than 200.
const SUBJECT_CHARS_MAX: usize = 1024;

/// The certificate that the client of this handshake has shown; of one that went on where an earlier one
/// was, in that.
pub(super) fn certificate_of(tls: &CommonState) -> Option<ClientCertificate> {
    let der = tls.peer_certificates()?.first()?;
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest(&SHA256, der).as_ref());
    let subject =
        X509Certificate::from_der(der).map(|(_, it)| distinguished_name::shown(it.subject()));
    Some(ClientCertificate {
        subject: cut(printable(&subject.unwrap_or_default())).into(),
        fingerprint: Fingerprint(sha256),
    })
}

fn cut(mut subject: String) -> String {
    if let Some((end, _)) = subject.char_indices().nth(SUBJECT_CHARS_MAX) {
        subject.truncate(end);
        subject.push('…');
    }
    subject
}
