//! A proxy that runs.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::child::Child;
use crate::contestant::{Contestant, Site};
use crate::cpus::Cpus;
use crate::ports::Ports;
use crate::rpc::Rpc;

/// How long a start may take: one with 10 000 tunnels on a busy machine takes seconds.
const START: Duration = Duration::from_secs(60);

/// A running proxy with some tunnels.
#[derive(Debug)]
pub(crate) struct Proxy {
    child: Child,
    first: SocketAddr,
    metrics: SocketAddr,
    ports: Ports,
    home: PathBuf,
    started_in: Duration,
}

impl Proxy {
    /// Starts it with one tunnel to each of the backends, which ends TLS where there is a
    /// certificate, and waits until the last one accepts.
    pub(crate) fn start(
        contestant: &Contestant,
        home: &Path,
        cpus: &Cpus,
        backends: &[SocketAddr],
        certificate: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let ports = Ports::reserve(backends.len() + 1)?;
        let Some((metrics, addrs)) = ports.addrs().split_last() else {
            bail!("no ports");
        };
        let metrics = *metrics;
        let tunnels = addrs.iter().copied().zip(backends.iter().copied());
        let tunnels: Vec<_> = tunnels.collect();
        let launch =
            contestant.launch(Site { home, cpus, tunnels: &tunnels, certificate, metrics })?;
        let (Some(first), Some(last)) = (addrs.first(), addrs.last()) else {
            bail!("a proxy without tunnels");
        };
        let began = Instant::now();
        let mut child = Child::start(launch)?;
        let what = format!("{} listens on {last}", contestant.label);
        child.until(&what, START, || TcpStream::connect(last).is_ok())?;
        let started_in = began.elapsed();
        let first = *first;
        Ok(Self { child, first, metrics, ports, home: home.to_owned(), started_in })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// The process, to wait for something or for its end.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Where its first tunnel listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.first
    }

    /// Where all of them listen.
    pub(crate) fn addrs(&self) -> &[SocketAddr] {
        let addrs = self.ports.addrs();
        // The last one is for metrics.
        addrs.split_last().map_or(addrs, |(_, tunnels)| tunnels)
    }

    /// Where plexyd serves metrics.
    pub(crate) fn metrics(&self) -> SocketAddr {
        self.metrics
    }

    /// From the start until the last tunnel accepted.
    pub(crate) fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Where plexyd serves JSON-RPC.
    pub(crate) fn socket(&self) -> PathBuf {
        self.home.join("rpc.sock")
    }

    /// A connection to plexyd's JSON-RPC.
    pub(crate) fn rpc(&mut self) -> anyhow::Result<Rpc> {
        let socket = self.socket();
        let connects = || UnixStream::connect(&socket).is_ok();
        self.child.until("plexyd serves JSON-RPC", START, connects)?;
        Rpc::connect(&socket)
    }
}
