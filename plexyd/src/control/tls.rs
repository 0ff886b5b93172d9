//! TLS on sockets of JSON-RPC: the certificate that is shown there, and whose
//! certificates open them.
//!
//! What stands in the files is read whole and swapped in one step; who is
//! connected already stays. Nobody resumes a session: so each connection is held
//! against the certificates and the authorities of its own time, and a swap
//! leaves nothing behind.

mod credentials;
mod handshake;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::{info, warn};

use super::guarded::Guarded;
use crate::fold::Fold;
use crate::metrics::Handshake;
use crate::service::Peer;
use crate::tls::{FromFiles, Live, Reading, Renewable, Shown, TerminateError};
pub(crate) use credentials::Credentials;
use handshake::Failed;
pub(crate) use handshake::Secured;

/// TLS on sockets of JSON-RPC, as files of PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcTls {
    /// The certificate that is shown, and what leads from it to an authority.
    pub cert: PathBuf,
    /// Its key; none if that stands in the same file.
    pub key: Option<PathBuf>,
    /// Whether clients show one too.
    pub clients: ClientCertificates,
}

/// What is asked of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Nothing.
    NotAsked,
    /// Who shows one of these authorities needs no token.
    Requested(PathBuf),
    /// Nobody comes in without one of these authorities, nor needs a token with it.
    Required(PathBuf),
}

impl RpcTls {
    /// Whether nobody gets through the handshake who may not control the daemon.
    pub(crate) fn lets_in_known_only(&self) -> bool {
        matches!(self.clients, ClientCertificates::Required(_))
    }

    /// The same with whole paths: files are watched by those.
    fn whole(self) -> Self {
        let whole = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let clients = match self.clients {
            ClientCertificates::NotAsked => ClientCertificates::NotAsked,
            ClientCertificates::Requested(ca) => ClientCertificates::Requested(whole(ca)),
            ClientCertificates::Required(ca) => ClientCertificates::Required(whole(ca)),
        };
        Self { cert: whole(self.cert), key: self.key.map(whole), clients }
    }
}

/// The door as TLS knows it.
#[derive(Debug)]
pub(crate) struct Tls {
    lets_in_known_only: bool,
    live: Arc<Live<Credentials>>,
    /// Messages about handshakes that have failed, folded.
    failed: Fold,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// What is wrong with one of them.
    pub(crate) fn load(files: RpcTls) -> Result<Self, TerminateError> {
        let lets_in_known_only = files.lets_in_known_only();
        let live = Live::load(files.whole(), &mut Reading::default())?;
        Ok(Self { lets_in_known_only, live: Arc::new(live), failed: Fold::default() })
    }

    /// What it shows, for who keeps it as its files say.
    pub(crate) fn live(&self) -> Arc<dyn Renewable> {
        Arc::clone(&self.live) as Arc<dyn Renewable>
    }

    /// Says what is shown from now on.
    pub(crate) fn tell(&self) {
        tell(&self.live.current());
    }

    /// Whether nobody gets through the handshake who may not control the daemon.
    pub(crate) fn lets_in_known_only(&self) -> bool {
        self.lets_in_known_only
    }

    /// Makes a connection one of TLS; where that fails, ends it and says so, folded. A client must
    /// not be able to fill the log.
    pub(crate) async fn accept(
        &self,
        stream: Guarded,
        peer: &Peer,
    ) -> (Handshake, Option<Secured>) {
        match handshake::accept(self.live.current(), stream).await {
            Ok(secured) => (Handshake::Success, Some(secured)),
            Err(Failed { outcome, cause }) => {
                let is_ours = outcome != Handshake::Closed;
                if is_ours && self.failed.admits(|| "failed TLS handshakes".to_owned()) {
                    warn!(%peer, outcome = outcome.word(), "a TLS handshake has failed: {cause}");
                }
                (outcome, None)
            }
        }
    }
}

/// Says what is shown from now on.
fn tell(credentials: &Credentials) {
    credentials.visit(&mut |Shown { certificate, warnings, .. }| {
        let (names, fingerprint) = (certificate.names.join(" "), &certificate.fingerprint);
        let (since, until) = (date(certificate.not_before), date(certificate.not_after));
        info!(names, since, until, fingerprint, "the certificate of the rpc sockets");
        warnings.iter().for_each(|warning| warn!("{warning}"));
    });
}

/// A time in seconds since 1970, as people read it.
fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
