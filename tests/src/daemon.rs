//! plexyd under test: in the process of the test ([`Daemon`]), or as a process of its own
//! ([`Process`]), and a client of its line protocol ([`LineClient`]).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use plexy_shared::command::{Detail, LiveChoice};
use plexy_shared::endpoint::DefaultSocket;
use plexy_shared::error::Refusal;
use plexy_shared::info::{BackendInfo, CloseReply, TunnelInfo, TunnelStatus};
use plexy_shared::spec::{BoundAddr, ListenAddr, LiveAction, TunnelRef, TunnelSpec};
use plexyd::{Actor, Config, Service, ServiceError};
use tempfile::TempDir;

mod http_client;
mod line_client;
mod process;
mod ws_client;

pub use self::http_client::{HttpAnswer, HttpClient, Io};
pub use self::line_client::LineClient;
pub use self::process::Process;
pub use self::ws_client::WsClient;

/// A daemon in the process of the test. Give its test `flavor = "multi_thread"`: the control side
/// runs on the runtime of the test, the data path on threads of the daemon's own.
///
/// What it is asked through here goes to the same service as every door.
#[derive(Debug)]
pub struct Daemon {
    daemon: plexyd::Daemon,
    home: TempDir,
}

impl Daemon {
    /// One with no tunnels, one worker, and every door on a free port.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let home = tempfile::Builder::new().prefix("plexy-").tempdir();
        let home = home.expect("a folder can be made");
        let any_port = || vec!["127.0.0.1:0".parse::<ListenAddr>().unwrap()];
        let mut config = Config {
            control_sockets: any_port(),
            rpc_sockets: any_port(),
            rpc_default: Some(DefaultSocket {
                path: home.path().join("plexy/rpc.sock"),
                is_exposed: true,
            }),
            prometheus_sockets: any_port(),
            workers: std::num::NonZeroUsize::MIN,
            ..Config::default()
        };
        change(&mut config);
        Self { daemon: plexyd::Daemon::start(config).await.expect("the daemon starts"), home }
    }

    /// The service behind every door.
    #[must_use]
    pub fn service(&self) -> &Arc<Service> {
        self.daemon.service()
    }

    /// Where the line protocol listens: the first TCP control socket.
    #[must_use]
    pub fn control_addr(&self) -> SocketAddr {
        tcp(self.daemon.control_addrs())
    }

    /// JSON-RPC over TCP.
    #[must_use]
    pub fn rpc(&self) -> HttpClient {
        HttpClient::Tcp(tcp(self.daemon.rpc_addrs()))
    }

    /// JSON-RPC over the Unix socket.
    #[must_use]
    pub fn rpc_unix(&self) -> HttpClient {
        HttpClient::Unix(self.home.path().join("plexy/rpc.sock"))
    }

    /// Metrics and probes.
    #[must_use]
    pub fn monitor(&self) -> HttpClient {
        HttpClient::Tcp(tcp(self.daemon.prometheus_addrs()))
    }

    /// A session of the line protocol.
    pub async fn line(&self) -> LineClient {
        LineClient::connect(self.control_addr()).await
    }

    /// Opens a tunnel on a free port of 127.0.0.1 to these backends; `rest` is all of the
    /// specification behind `=`.
    pub async fn open(&self, rest: &str) -> SocketAddr {
        let listen = self.try_open(&format!("0={rest}")).await.expect(rest);
        listen.parse().expect("it listens on an IP address")
    }

    /// Opens a tunnel; says where it listens, or why not.
    ///
    /// # Errors
    ///
    /// The refusal, as every door would tell it.
    pub async fn try_open(&self, spec: &str) -> Result<String, Refusal> {
        let spec: TunnelSpec = spec.parse().map_err(Refusal::from)?;
        let opened = self.service().open(&spec, &Actor::Args.into()).await;
        opened.map(|reply| reply.listen).map_err(Refusal::from)
    }

    /// Closes a tunnel, named as in a command, and ends its connections.
    pub async fn close(&self, tunnel: impl ToString) -> CloseReply {
        self.try_close(tunnel, LiveAction::Kill.into()).await.expect("there is such a tunnel")
    }

    /// Closes a tunnel in either way.
    ///
    /// # Errors
    ///
    /// If there is no such tunnel.
    pub async fn try_close(
        &self,
        tunnel: impl ToString,
        live: LiveChoice,
    ) -> Result<CloseReply, ServiceError> {
        self.service().close(&reference(tunnel), live, &Actor::Args.into()).await
    }

    /// Adds a backend, given as in a specification.
    ///
    /// # Errors
    ///
    /// What the service refuses.
    pub async fn add(&self, tunnel: impl ToString, backend: &str) -> Result<(), ServiceError> {
        let backend = backend.parse().expect(backend);
        self.service().add(&reference(tunnel), &backend, &Actor::Args.into()).await.map(drop)
    }

    /// Removes a backend, given by its address.
    ///
    /// # Errors
    ///
    /// What the service refuses.
    pub async fn remove(&self, tunnel: impl ToString, backend: &str) -> Result<(), ServiceError> {
        let backend = backend.parse().expect(backend);
        self.service()
            .remove(&reference(tunnel), &backend, None, &Actor::Args.into())
            .await
            .map(drop)
    }

    /// What `status full` says of one tunnel.
    pub async fn status(&self, tunnel: impl ToString) -> TunnelStatus {
        self.detail(tunnel).await.status
    }

    /// Every tunnel in order of opening.
    #[must_use]
    pub fn statuses(&self) -> Vec<TunnelStatus> {
        self.service().status(Detail::Full).tunnel_list.unwrap_or_default()
    }

    /// What `detail` says of a tunnel.
    pub async fn detail(&self, tunnel: impl ToString) -> TunnelInfo {
        self.service().detail(&reference(tunnel)).await.expect("there is such a tunnel")
    }

    /// What `detail` says of one backend of a tunnel.
    pub async fn backend(&self, tunnel: impl ToString, addr: impl ToString) -> BackendInfo {
        let addr = addr.to_string();
        let backends = self.detail(tunnel).await.backend_list;
        let found = backends.into_iter().find(|backend| backend.addr == addr);
        found.unwrap_or_else(|| panic!("the tunnel has no backend {addr}"))
    }

    /// How many connections of a tunnel have ended for a reason, by its word.
    pub async fn ended(&self, tunnel: impl ToString, reason: &str) -> u64 {
        let ended = self.detail(tunnel).await.ended;
        let found = ended.iter().find(|info| info.reason.as_str() == reason);
        found.map_or(0, |info| info.connections)
    }

    /// How many clients a tunnel has reset instead of letting them in.
    pub async fn rejected(&self, tunnel: impl ToString) -> u64 {
        self.detail(tunnel).await.rejected.iter().map(|info| info.connections).sum()
    }

    /// Connections that live, of all tunnels and of closed ones.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.service().connections()
    }

    /// Drains for so long, and ends.
    pub async fn end(self, deadline: Duration) {
        self.daemon.end(deadline).await;
    }
}

/// The first TCP address.
fn tcp(addrs: &[BoundAddr]) -> SocketAddr {
    let first = addrs.iter().find_map(|addr| match addr {
        BoundAddr::Ip(addr) => Some(*addr),
        BoundAddr::Any(_) | BoundAddr::Unix(_) => None,
    });
    first.expect("there is a TCP socket")
}

fn reference(tunnel: impl ToString) -> TunnelRef {
    let text = tunnel.to_string();
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}
