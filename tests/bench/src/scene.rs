//! One measurement of one proxy: what is started for it, and where.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::certificate::Certificate;
use crate::contestant::Contestant;
use crate::cpus::{Layout, Pin};
use crate::effort::Effort;
use crate::figure::{Figure, Figures};
use crate::load::{Backend, Client, Extent, Sample, Task, Work};
use crate::proxy::Proxy;
use crate::tls::Tls;

/// How much longer than its time a client may take: connecting, and a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// One measurement.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    /// Who is measured.
    pub(crate) contestant: &'a Contestant,
    /// How long.
    pub(crate) effort: Effort,
    /// What clients speak with the proxy; nothing where it is plain.
    pub(crate) tls: Option<Tls>,
    pin: Pin,
    layout: &'a Layout,
    home: TempDir,
}

impl<'a> Scene<'a> {
    /// An empty one.
    pub(crate) fn new(
        contestant: &'a Contestant,
        effort: Effort,
        tls: Option<Tls>,
        pin: Pin,
        layout: &'a Layout,
    ) -> anyhow::Result<Self> {
        let home = tempfile::Builder::new().prefix("plexy-bench-").tempdir()?;
        Ok(Self { contestant, effort, tls, pin, layout, home })
    }

    /// Where what is started may write.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Starts a backend.
    pub(crate) fn backend(&self) -> anyhow::Result<Backend> {
        Backend::start(self.home(), &self.layout.generator)
    }

    /// Starts the proxy with one tunnel to each of these.
    pub(crate) fn proxy(&self, backends: &[SocketAddr]) -> anyhow::Result<Proxy> {
        let certificate = self.tls.map(|_| Certificate::create(self.home())).transpose()?;
        let certificate = certificate.as_ref().map(Certificate::file);
        Proxy::start(self.contestant, self.home(), &self.layout.proxy, backends, certificate)
    }

    /// Starts a client.
    pub(crate) fn client(&self, task: &Task) -> anyhow::Result<Client> {
        Client::start(self.home(), &self.layout.generator, task)
    }

    /// The usual time.
    pub(crate) fn time(&self) -> Extent {
        Extent::Time { warm_up: self.effort.warm_up, measured: self.effort.measured }
    }

    /// Lets a client do some work for the usual time, and waits for it.
    pub(crate) fn run(
        &self,
        work: Work,
        targets: &[SocketAddr],
        proxy: &Proxy,
        backend: &Backend,
    ) -> anyhow::Result<Sample> {
        let watched = vec![proxy.pid(), backend.pid()];
        let (targets, tls) = (targets.to_vec(), self.tls);
        let task = Task { targets, tls, work, extent: self.time(), watched };
        self.client(&task)?.done(self.effort.warm_up + self.effort.measured + PATIENCE)
    }

    /// How busy the proxy and the load generator were.
    pub(crate) fn load(&self, sample: &Sample) -> Figures {
        let share = |cpu: Duration| 100.0 * cpu.as_secs_f64() / sample.elapsed.as_secs_f64();
        let [proxy, backend] = sample.watched_cpu.as_slice() else { return Figures::new() };
        let generator = match (self.pin, self.layout.generator.numbers()) {
            // Client and backend share it.
            (Pin::Pinned, [_]) => share(sample.own_cpu + *backend),
            // Each is one thread, and the busier one is the bottleneck.
            _ => share(sample.own_cpu.max(*backend)),
        };
        Figures::from([
            (Figure::ProxyBusyPercent, share(*proxy)),
            (Figure::GeneratorBusyPercent, generator),
        ])
    }
}

/// The CPU time of the proxy in a sample of [`Scene::run`].
pub(crate) fn proxy_cpu(sample: &Sample) -> Duration {
    sample.watched_cpu.first().copied().unwrap_or_default()
}
