//! The sockets of the doors: who may reach which, and what starts and stops
//! with them.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail, ensure};
use plexy_shared::endpoint::DefaultSocket;
use plexy_shared::spec::{BoundAddr, ListenAddr};
use rustix::process::getuid;
use tracing::warn;

use crate::bind::{BindError, Bound, adopt, bind};
use crate::config::Config;
use crate::control::entrance::{BACKLOG, Entrance, SOCKET_MODE};
use crate::control::line::Line;
use crate::control::monitor::Monitor;
use crate::control::rpc::Rpc;
use crate::control::tls::{RpcTls, Tls};
use crate::control::token::Token;
use crate::metrics::Metrics;
use crate::resolver::Resolver;
use crate::service::Service;
use crate::systemd::{Inherited, Socket};
use crate::tls::Renewable;

/// How sockets of the doors are called that the service manager passes.
const CONTROL: &str = "control";
const RPC: &str = "rpc";
const METRICS: &str = "metrics";

/// The sockets, bound and not yet served.
#[derive(Debug)]
pub(super) struct Sockets {
    token: Option<Token>,
    hosts: Vec<String>,
    control: Vec<Bound>,
    rpc: Vec<Bound>,
    rpc_tls: Vec<Bound>,
    tls: Option<Arc<Tls>>,
    prometheus: Vec<Bound>,
}

/// The doors that are open.
#[derive(Debug)]
pub(super) struct Doors {
    line: Arc<Line>,
    rpc: Arc<Rpc>,
    monitor: Arc<Monitor>,
    pub(super) control_addrs: Vec<BoundAddr>,
    pub(super) rpc_addrs: Vec<BoundAddr>,
    pub(super) rpc_tls_addrs: Vec<BoundAddr>,
    pub(super) prometheus_addrs: Vec<BoundAddr>,
}

impl Sockets {
    /// Binds all of them, or none.
    pub(super) async fn bind(
        config: &Config,
        resolver: &Resolver,
        inherited: &mut Inherited,
    ) -> anyhow::Result<Self> {
        let token = config.token_file.as_deref().map(Token::read).transpose()?;
        let mut sockets = Self {
            token,
            hosts: config.rpc_hosts.clone(),
            control: Vec::new(),
            rpc: Vec::new(),
            rpc_tls: Vec::new(),
            tls: load_tls(config)?.map(Arc::new),
            prometheus: Vec::new(),
        };
        for socket in &config.control_sockets {
            let bound = sockets.bind_control(socket, CONTROL, resolver, inherited).await;
            sockets.control.push(bound?);
        }
        // One that is passed replaces it as one that is named does.
        if let Some(default) = config.rpc_default.as_ref().filter(|_| !inherited.has_unix(RPC)) {
            sockets.rpc.push(bind_default(default)?);
        }
        for socket in &config.rpc_sockets {
            let bound = sockets.bind_control(socket, RPC, resolver, inherited).await;
            let is_unix = matches!(socket, ListenAddr::Unix(_));
            sockets.rpc.push(if is_unix { bound.map_err(name_another) } else { bound }?);
            if let ListenAddr::Name(name, _) = socket {
                sockets.hosts.push(name.as_str().to_owned());
            }
        }
        for socket in &config.rpc_tls_sockets {
            let bound = bind_socket(socket, RPC, resolver, inherited).await?;
            if let Some(mistake) = unguarded_tls(&bound.addr, socket, config) {
                bail!(mistake);
            }
            sockets.rpc_tls.push(bound);
            if let ListenAddr::Name(name, _) = socket {
                sockets.hosts.push(name.as_str().to_owned());
            }
        }
        for socket in &config.prometheus_sockets {
            let bound = bind_socket(socket, "prometheus", resolver, inherited).await?;
            sockets.prometheus.push(bound);
        }
        for socket in inherited.take_named(CONTROL) {
            sockets.control.push(sockets.checked(adopt_door(socket)?, CONTROL)?);
        }
        for socket in inherited.take_named(RPC) {
            sockets.rpc.push(sockets.checked(adopt_door(socket)?, RPC)?);
        }
        for socket in inherited.take_named(METRICS) {
            sockets.prometheus.push(adopt_door(socket)?);
        }
        for bound in sockets.prometheus.iter().filter(|bound| is_open_to_others(&bound.addr)) {
            warn!(socket = %bound.addr, "whoever reaches this machine can read the metrics, which name tunnels and backends");
        }
        let addresses =
            sockets.rpc.iter().chain(&sockets.rpc_tls).filter_map(|bound| match &bound.addr {
                BoundAddr::Ip(addr) if !addr.ip().is_unspecified() => Some(addr.ip().to_string()),
                _ => None,
            });
        let addresses: Vec<_> = addresses.collect();
        sockets.hosts.extend(addresses);
        Ok(sockets)
    }

    /// Beyond loopback a door is refused without a token.
    async fn bind_control(
        &self,
        socket: &ListenAddr,
        door: &'static str,
        resolver: &Resolver,
        inherited: &mut Inherited,
    ) -> anyhow::Result<Bound> {
        let bound = bind_socket(socket, door, resolver, inherited).await?;
        self.checked(bound, door)
    }

    fn checked(&self, bound: Bound, door: &'static str) -> anyhow::Result<Bound> {
        if is_open_to_others(&bound.addr) && self.token.is_none() {
            bail!(wants_token(door, &bound.addr.clone().into()));
        }
        Ok(bound)
    }

    /// Where no tunnel can be.
    pub(super) fn addrs(&self) -> Vec<BoundAddr> {
        let rpc = self.rpc.iter().chain(&self.rpc_tls);
        let all = self.control.iter().chain(rpc).chain(&self.prometheus);
        all.map(|bound| bound.addr.clone()).collect()
    }

    /// What is shown to clients of TLS.
    pub(super) fn certificate(&self) -> Option<Arc<dyn Renewable>> {
        self.tls.as_ref().map(|tls| tls.live())
    }
}

impl Doors {
    /// The doors of these sockets, still closed.
    pub(super) fn new(service: &Arc<Service>, metrics: &Arc<Metrics>, sockets: &Sockets) -> Self {
        let (token, hosts) = (sockets.token.clone(), sockets.hosts.clone());
        let addrs = |bound: &[Bound]| bound.iter().map(|bound| bound.addr.clone()).collect();
        Self {
            line: Arc::new(Line::new(Arc::clone(service), token.clone())),
            rpc: Arc::new(Rpc::new(service, metrics, token, hosts)),
            monitor: Arc::new(Monitor::new(Arc::clone(service), Arc::clone(metrics))),
            control_addrs: addrs(&sockets.control),
            rpc_addrs: addrs(&sockets.rpc),
            rpc_tls_addrs: addrs(&sockets.rpc_tls),
            prometheus_addrs: addrs(&sockets.prometheus),
        }
    }

    /// Opens them.
    pub(super) fn serve(&self, sockets: Sockets) -> anyhow::Result<()> {
        let open = |bound| Entrance::open(bound).context("cannot serve a socket");
        for bound in sockets.control {
            self.line.serve(open(bound)?);
        }
        for bound in sockets.rpc {
            self.rpc.serve(open(bound)?);
        }
        if let Some(tls) = &sockets.tls {
            tls.tell();
            for bound in sockets.rpc_tls {
                self.rpc.serve_tls(open(bound)?, tls);
            }
        }
        for bound in sockets.prometheus {
            self.monitor.serve(open(bound)?);
        }
        Ok(())
    }

    /// Ends every session and every socket.
    pub(super) async fn stop(&self) {
        tokio::join!(self.line.stop(), self.rpc.stop());
        self.monitor.stop().await;
    }
}

async fn bind_socket(
    socket: &ListenAddr,
    door: &'static str,
    resolver: &Resolver,
    inherited: &mut Inherited,
) -> anyhow::Result<Bound> {
    let context = || format!("cannot open the {door} socket `{socket}`");
    let addr = resolver.resolve_listen(socket).await.with_context(context)?;
    let bound = match inherited.take(&addr) {
        Some(socket) => adopt_door(socket),
        None => bind(&addr, BACKLOG, Some(SOCKET_MODE)),
    };
    bound.with_context(context)
}

/// A socket that systemd has made for a door; its path is systemd's too.
fn adopt_door(socket: Socket) -> Result<Bound, BindError> {
    let Socket { addr, listener, .. } = socket;
    if let BoundAddr::Unix(path) = &addr {
        let mode = fs::metadata(path.as_path()).map_or(0, |metadata| metadata.mode());
        if mode & 0o002 != 0 {
            warn!(socket = %addr, "every user of this machine can control plexyd here; SocketMode=0660 closes it");
        }
    }
    adopt(listener, &addr, None, BACKLOG)
}

/// What can be seen to be wrong with the doors before any of them is opened.
pub(super) fn mistakes(config: &Config) -> Vec<String> {
    let token = config.token_file.as_deref().map(Token::read);
    let mut mistakes = Vec::new();
    if let Some(Err(error)) = &token {
        mistakes.push(format!("{error:#}"));
    }
    let rpc = config.rpc_sockets.iter().map(|socket| ("rpc", socket));
    let control = config.control_sockets.iter().map(|socket| ("control", socket));
    for (door, socket) in control.chain(rpc) {
        if token.is_none() && socket.bound().is_some_and(|addr| is_open_to_others(&addr)) {
            mistakes.push(wants_token(door, socket));
        }
    }
    mistakes.extend(load_tls(config).err().map(|error| format!("{error:#}")));
    let unguarded = |socket: &ListenAddr| unguarded_tls(&socket.bound()?, socket, config);
    mistakes.extend(config.rpc_tls_sockets.iter().filter_map(unguarded));
    mistakes
}

/// The certificate of sockets with TLS, where there are any.
fn load_tls(config: &Config) -> anyhow::Result<Option<Tls>> {
    let sockets = &config.rpc_tls_sockets;
    match (&config.rpc_tls, sockets.first()) {
        (Some(files), Some(_)) => {
            Tls::load(files.clone()).map(Some).map_err(|error| anyhow!(error))
        }
        (None, Some(socket)) => bail!("rpc socket `tls:{socket}` needs --rpc-tls-cert"),
        (Some(_), None) => {
            bail!("--rpc-tls-cert is for a socket with TLS: --rpc-socket tls:host:port")
        }
        (None, None) => Ok(None),
    }
}

/// What is wrong with a socket that whoever reaches this machine could use.
fn unguarded_tls(bound: &BoundAddr, socket: &ListenAddr, config: &Config) -> Option<String> {
    let knows_clients = config.rpc_tls.as_ref().is_some_and(RpcTls::lets_in_known_only);
    let is_guarded = config.token_file.is_some() || knows_clients;
    (is_open_to_others(bound) && !is_guarded).then(|| {
        format!(
            "rpc socket `tls:{socket}` is reachable beyond this machine: it needs --token-file or --rpc-tls-client-ca"
        )
    })
}

fn wants_token(door: &str, socket: &ListenAddr) -> String {
    format!("{door} socket `{socket}` is reachable beyond this machine: it needs --token-file")
}

fn is_open_to_others(addr: &BoundAddr) -> bool {
    match addr {
        BoundAddr::Unix(_) => false,
        BoundAddr::Ip(addr) => !addr.ip().is_loopback(),
        BoundAddr::Any(_) => true,
    }
}

/// Binds the socket that is always there.
fn bind_default(default: &DefaultSocket) -> anyhow::Result<Bound> {
    let shown = default.path.display();
    let bound = || -> anyhow::Result<Bound> {
        if let Some(folder) = default.path.parent() {
            prepare(folder, default.is_exposed)?;
        }
        let text = format!("\"unix:{shown}\"");
        let socket: ListenAddr = text.parse()?;
        let addr = socket.bound().ok_or_else(|| anyhow!("`{socket}` is no Unix socket"))?;
        Ok(bind(&addr, BACKLOG, Some(SOCKET_MODE))?)
    };
    bound()
        .with_context(|| format!("cannot open the rpc socket `unix:{shown}`"))
        .map_err(name_another)
}

/// Says how to go on beside another daemon.
fn name_another(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<BindError>() {
        Some(BindError::InUse { .. } | BindError::Denied { .. }) | None => {
            anyhow!("{error:#}; name another one with --rpc-socket unix:/path")
        }
        Some(_) => error,
    }
}

/// Makes the folder of the socket. Where others may have made it before, it has
/// to be ours and closed to them.
fn prepare(folder: &Path, is_exposed: bool) -> anyhow::Result<()> {
    let shown = folder.display();
    let mode = if is_exposed { 0o700 } else { 0o750 };
    match DirBuilder::new().mode(mode).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("cannot make the folder `{shown}`"));
        }
        _ => {}
    }
    if is_exposed {
        let metadata = fs::symlink_metadata(folder)?;
        let is_ours = metadata.is_dir() && metadata.uid() == getuid().as_raw();
        ensure!(
            is_ours && metadata.mode() & 0o077 == 0,
            "`{shown}` is not a folder of this user's alone (mode 700)"
        );
    }
    Ok(())
}
