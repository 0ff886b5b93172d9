//! TLS: what certificates, keys and authorities are read from files, and what is made of them.
//!
//! Nothing of the cryptography is ours: it is that of rustls and aws-lc-rs. A *pair* is a chain of
//! certificates with the key of the first one. Keys never leave this module: nothing prints them.

mod authorities;
mod certificate;
mod pair;
mod pem;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use rustls::crypto::{CryptoProvider, aws_lc_rs};

pub(crate) use authorities::Authorities;
pub(crate) use certificate::Certificate;
pub(crate) use pair::Pair;
pub(crate) use pem::FileFault;

/// The one provider of cryptography, to be given to every builder of rustls. X25519MLKEM768 is the
/// key exchange that it offers first.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));
    Arc::clone(&PROVIDER)
}
