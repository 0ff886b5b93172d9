//! A backend that speaks TLS: what was inside of it goes to another backend, and back.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::CertificateDer;
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};
use tokio::io::copy_bidirectional;
use tokio_rustls::TlsAcceptor;

use crate::certificate::TlsServerOptions;
use crate::stream::{Stream, Target};

use super::{Backend, Character};

/// Does the handshake, notes what it was, and hands on what comes. Where the backend behind it breaks,
/// it ends without a `close_notify`.
pub struct TlsServer {
    acceptor: TlsAcceptor,
    behind: Target,
    seen: Mutex<Vec<SeenHandshake>>,
}

/// A handshake as the server has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenHandshake {
    /// The name that it was asked for.
    pub name: Option<String>,
    /// The version.
    pub version: Option<ProtocolVersion>,
    /// Whether it went on where an earlier one was.
    pub is_resumed: bool,
    /// The protocol that was agreed on.
    pub protocol: Option<Vec<u8>>,
    /// What the client has shown first.
    pub certificate: Option<CertificateDer<'static>>,
}

impl TlsServer {
    /// One before that backend, for [`Backend::start`] and the like.
    #[must_use]
    pub fn new(options: &TlsServerOptions<'_>, behind: impl Into<Target>) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(options.config()));
        Self { acceptor, behind: behind.into(), seen: Mutex::default() }
    }

    /// One on a free port of 127.0.0.1.
    #[must_use]
    pub fn start(options: &TlsServerOptions<'_>, behind: SocketAddr) -> Backend<Self> {
        Backend::start(Self::new(options, behind))
    }

    /// The handshakes that have worked, in their order.
    #[must_use]
    pub fn seen(&self) -> Vec<SeenHandshake> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Character for TlsServer {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        let mut secured = self.acceptor.accept(&mut *stream).await?;
        let seen = SeenHandshake::of(secured.get_ref().1);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        let mut behind = Stream::connect(&self.behind).await?;
        let carried = copy_bidirectional(&mut secured, &mut behind).await;
        // What has broken is no end for the one behind it either.
        carried.inspect_err(|_| behind.reset_on_close()).map(drop)
    }
}

impl SeenHandshake {
    fn of(tls: &ServerConnection) -> Self {
        let certificates = tls.peer_certificates().unwrap_or_default();
        Self {
            name: tls.server_name().map(ToOwned::to_owned),
            version: tls.protocol_version(),
            is_resumed: tls.handshake_kind() == Some(HandshakeKind::Resumed),
            protocol: tls.alpn_protocol().map(ToOwned::to_owned),
            certificate: certificates.first().map(|it| it.clone().into_owned()),
        }
    }
}
