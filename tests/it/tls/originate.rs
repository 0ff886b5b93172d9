//! Originating TLS: which backends are believed, and that an attempt stands only behind its handshake.

mod bytes;
mod checks;
mod doors;
mod ends;
mod failures;
mod handshakes;
mod servers;

use std::net::SocketAddr;

use plexy_shared::info::BackendInfo;
use plexy_tests::backend::{Backend, TlsServer};
use plexy_tests::certificate::{Issued, TlsServerOptions};

use super::Scene;

/// What a backend on 127.0.0.1 has to be, where nobody says another name.
const HERE: &[&str] = &["127.0.0.1"];

impl Scene {
    /// Options of a tunnel that believes the authority of the scene.
    fn originating(&self) -> String {
        std::fs::write(self.path("ca.pem"), self.authority.pem()).unwrap();
        format!("backend-tls,backend-ca={}", self.path("ca.pem"))
    }

    /// Opens a tunnel that speaks TLS with these backends.
    async fn originate(&self, backends: impl ToString, options: &str) -> SocketAddr {
        let rest = format!("{}[{}{options}]", backends.to_string(), self.originating());
        self.daemon.open(&rest).await
    }

    /// A server of TLS that shows a good certificate, before another backend.
    fn server(&self, behind: SocketAddr) -> Backend<TlsServer> {
        TlsServer::start(&TlsServerOptions::of(&self.authority.issue(HERE)), behind)
    }

    /// How often TLS with a backend has failed for that reason, or broken.
    async fn backend_failures(&self, reason: &str) -> u64 {
        self.counted(&format!("plexy_backend_tls_failures_total{{reason=\"{reason}\"")).await
    }

    /// The only backend of a tunnel.
    async fn only_backend(&self, tunnel: SocketAddr) -> BackendInfo {
        self.daemon.detail(tunnel).await.backend_list.remove(0)
    }
}

/// A server of TLS that shows this, before another backend.
fn server_showing(issued: &Issued, behind: SocketAddr) -> Backend<TlsServer> {
    TlsServer::start(&TlsServerOptions::of(issued), behind)
}
