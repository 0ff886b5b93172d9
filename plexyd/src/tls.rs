//! TLS: what certificates, keys and authorities are read from files, and read again while they are in
//! use; the handshakes with clients and backends, and the stream that a connection is then.
//!
//! Nothing of the cryptography is ours: it is that of rustls and aws-lc-rs. A *pair* is a chain of
//! certificates with the key of the first one. Keys never leave this module: nothing prints them.

mod authorities;
mod certificate;
mod client;
mod distinguished_name;
mod endpoint;
mod failure;
mod handshake;
mod handshake_fault;
mod live;
mod originate;
mod pair;
mod pem;
mod reading;
mod security;
mod session;
mod sessions;
mod standing;
mod system_roots;
mod terminate;
#[cfg(test)]
mod tests;
mod unverified;

use std::sync::{Arc, LazyLock};

use rustls::crypto::{CryptoProvider, aws_lc_rs};

pub(crate) use authorities::Authorities;
pub(crate) use certificate::Certificate;
use certificate::hexadecimal;
pub(crate) use handshake::{Approached, part, shake_hands};
pub(crate) use handshake_fault::HandshakeFault;
pub(crate) use live::{FromFiles, Live, Renewable, Renewal, Shown};
pub(crate) use originate::{Originate, OriginateError, Over};
pub(crate) use pair::Pair;
pub(crate) use pem::FileFault;
pub(crate) use reading::Reading;
pub(crate) use security::Security;
pub(crate) use session::{Secured, Session};
pub(crate) use sessions::Sessions;
pub(crate) use standing::Cry;
use system_roots::SystemRoots;
pub(crate) use terminate::{Terminate, TerminateError};

/// The one provider of cryptography, to be given to every builder of rustls. X25519MLKEM768 is the
/// key exchange that it offers first.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));
    Arc::clone(&PROVIDER)
}
