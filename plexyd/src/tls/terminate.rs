//! How a tunnel terminates TLS: made whole from its options and the files that they name, and never
//! changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plexy_shared::spec::{ClientAuth, FilePath, Tls, TlsVersion};
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use thiserror::Error;

use super::reading::Digest;
use super::{Authorities, FileFault, FromFiles, Pair, Reading, Shown, provider};

/// Tickets that a client gets with a full handshake. The second one that is usual costs a tenth of
/// the handshake, and few clients use it.
const TICKETS: usize = 1;

/// What TLS is terminated with.
#[derive(Debug)]
pub(crate) struct Terminate {
    pub(super) config: Arc<ServerConfig>,
    pairs: Vec<Pair>,
    /// What the file of the authorities of clients says, where there is one.
    authorities: Option<Digest>,
}

/// Why TLS cannot be terminated so.
#[derive(Debug, Error)]
pub(crate) enum TerminateError {
    #[error(transparent)]
    File(#[from] FileFault),
    #[error("the authorities of clients cannot be used: {0}")]
    Verifier(rustls::server::VerifierBuilderError),
    #[error("TLS cannot be terminated: {0}")]
    Config(#[from] rustls::Error),
}

impl Terminate {
    /// Its pairs, in their order.
    pub(crate) fn pairs(&self) -> &[Pair] {
        &self.pairs
    }
}

impl FromFiles for Terminate {
    type Options = Tls;
    type Error = TerminateError;

    fn files(tls: &Tls) -> Vec<PathBuf> {
        let of_pairs = tls.pairs().flat_map(|(cert, key)| [Some(cert), key]).flatten();
        let of_clients = tls.client_ca.as_ref().map(FilePath::as_path);
        of_pairs.chain(of_clients).map(Path::to_owned).collect()
    }

    fn make(
        tls: &Tls,
        reading: &mut Reading,
        before: Option<&Self>,
    ) -> Result<Self, TerminateError> {
        let pairs: Result<Vec<_>, _> =
            tls.pairs().map(|(cert, key)| Pair::load(reading, cert, key)).collect();
        let pairs = pairs?;
        let versions: &[&SupportedProtocolVersion] = match tls.min {
            TlsVersion::V12 => &[&TLS13, &TLS12],
            TlsVersion::V13 => &[&TLS13],
        };
        let config = ServerConfig::builder_with_provider(provider());
        let config = config.with_protocol_versions(versions)?;
        let mut authorities = None;
        let config = match tls.client_auth().zip(tls.client_ca.as_ref()) {
            None => config.with_no_client_auth(),
            Some((auth, file)) => {
                let roots = Authorities::load(reading, file.as_path())?.roots;
                authorities = Some(reading.file(file.as_path())?.digest);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                let verifier = match auth {
                    ClientAuth::Require => verifier,
                    ClientAuth::Request => verifier.allow_unauthenticated(),
                };
                let verifier = verifier.build().map_err(TerminateError::Verifier)?;
                config.with_client_cert_verifier(verifier)
            }
        };
        let mut config = config.with_cert_resolver(Arc::new(Names::of(&pairs)));
        config.alpn_protocols = tls.alpn.iter().map(|it| it.as_str().into()).collect();
        config.send_tls13_tickets = TICKETS;
        // Of this tunnel alone, as it is now: a ticket of a tunnel that asks nothing of its clients is
        // worth nothing where they have to show a certificate. Its keys are in no file, and others
        // take their place by themselves (every six hours). Who goes on with a ticket is not verified
        // again: so tickets outlive new pairs, and no other authorities.
        let before = before.filter(|before| before.authorities == authorities);
        config.ticketer = match before {
            Some(before) => Arc::clone(&before.config.ticketer),
            None => Ticketer::new()?,
        };
        // Without tickets nobody goes on: what is kept here for clients of TLS 1.2 would never grow old,
        // nor would the certificates that they have shown.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // Without a look at what was asked before, early data may come twice (RFC 8446, section 8).
        config.max_early_data_size = 0;
        Ok(Self { config: Arc::new(config), pairs, authorities })
    }

    fn visit(&self, visitor: &mut dyn FnMut(Shown<'_>)) {
        self.pairs.iter().map(Pair::shown).for_each(visitor);
    }
}

/// Which pairs are for which name, by their places.
#[derive(Debug, Default)]
struct Names {
    pairs: Vec<Arc<CertifiedKey>>,
    exact: HashMap<String, Vec<usize>>,
    /// What stands behind the first label.
    wildcard: HashMap<String, Vec<usize>>,
}

impl Names {
    fn of(pairs: &[Pair]) -> Self {
        let mut names = Self::default();
        for (place, pair) in pairs.iter().enumerate() {
            names.pairs.push(Arc::clone(&pair.certified));
            for name in &pair.certificate.names {
                let name = normal(name);
                let (list, name) = match name.strip_prefix("*.") {
                    Some(rest) => (&mut names.wildcard, rest.to_owned()),
                    None => (&mut names.exact, name),
                };
                list.entry(name).or_default().push(place);
            }
        }
        names
    }

    /// The pairs for a name, the best one first: those of that very name, those of a wildcard, and the
    /// default.
    fn candidates(&self, name: Option<&str>) -> impl Iterator<Item = &Arc<CertifiedKey>> {
        let name = name.map(normal);
        let exact = name.as_ref().and_then(|name| self.exact.get(name));
        let rest = name.as_ref().and_then(|name| Some(name.split_once('.')?.1));
        let wildcard = rest.and_then(|rest| self.wildcard.get(rest));
        let named = exact.into_iter().chain(wildcard).flatten().copied();
        let all = named.chain(0..self.pairs.len()).collect::<Vec<_>>();
        all.into_iter().filter_map(|place| self.pairs.get(place))
    }
}

impl ResolvesServerCert for Names {
    /// The best one of those that can sign in a way that the client knows.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = hello.signature_schemes();
        let mut candidates = self.candidates(hello.server_name());
        let fits = |pair: &&Arc<CertifiedKey>| pair.key.choose_scheme(schemes).is_some();
        candidates.find(fits).map(Arc::clone)
    }
}

/// Names are compared without case, and without the dot that may end them (RFC 6066, section 3).
fn normal(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::tests::pair;

    /// Which pair a name gets first, by its place.
    #[track_caller]
    fn check(names: &Names, name: Option<&str>, place: usize) {
        let first = names.candidates(name).next().unwrap();
        assert!(Arc::ptr_eq(first, &names.pairs[place]), "{name:?}");
    }

    #[test]
    fn a_whole_name_comes_before_a_wildcard_and_the_first_pair_is_for_all_others() {
        let pairs = [pair(&["a.example"]), pair(&["*.B.example"]), pair(&["x.b.example"])];
        let names = Names::of(&pairs);
        check(&names, Some("a.example"), 0);
        check(&names, Some("A.Example."), 0);
        check(&names, Some("y.b.example"), 1);
        check(&names, Some("x.b.example"), 2);
        // A wildcard stands for one label.
        check(&names, Some("z.y.b.example"), 0);
        check(&names, Some("b.example"), 0);
        check(&names, Some("other.example"), 0);
        check(&names, None, 0);
    }
}
