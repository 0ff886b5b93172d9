//! A million connections through one plexyd, after which it holds what it held before.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::contestant::Contestant;
use crate::cpus::{Cpus, Layout, Pin};
use crate::effort::Effort;
use crate::load::{Backend, Extent, Life, Task, Work};
use crate::metrics::Metrics;
use crate::proxy::Proxy;
use crate::scene::Scene;
use crate::{interrupt, meter};

/// What is looked at after each of so many parts.
const PARTS: u64 = 10;

/// Connections at once.
const AT_ONCE: usize = 64;

/// As many come first: what their buffers and tables need is needed once.
const WARM_UP: u64 = 5_000;

/// How long one part may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long what has ended may take to be gone.
const SETTLING: Duration = Duration::from_secs(10);

/// By how much the memory may differ: two bytes for each of a million connections, which is what
/// an allocator's own order comes to and less than the least that could leak.
const MEMORY_SLACK: u64 = 2_000_000;

/// By how much the descriptors may differ: that of the scrape may not be closed yet.
const DESCRIPTOR_SLACK: u64 = 1;

/// What a daemon holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    memory: u64,
    descriptors: u64,
    threads: u64,
    /// Tasks of its workers.
    tasks: u64,
    /// Entries of its tables.
    connections: u64,
}

/// Runs so many connections through a plexyd.
pub(crate) fn run(connections: u64, contestant: &Contestant, cpus: &Cpus) -> anyhow::Result<()> {
    let Some(layout) = Layout::new(Pin::Unpinned, cpus) else { return Ok(()) };
    let scene = Scene::new(contestant, Effort::FULL, None, Pin::Unpinned, &layout)?;
    let backend = scene.backend()?;
    // Several tunnels, so that nobody runs out of ports for one address.
    let proxy = scene.proxy(&backend.services().responders)?;
    send(&scene, &proxy, &backend, WARM_UP)?;
    let before = Held::settled(&proxy)?;
    let mut stdout = io::stdout();
    writeln!(stdout, "before: {before}")?;
    let part = connections.div_ceil(PARTS);
    let mut now = before;
    for number in 1..=PARTS {
        interrupt::check()?;
        let began = Instant::now();
        send(&scene, &proxy, &backend, part)?;
        let rate = part as f64 / began.elapsed().as_secs_f64();
        now = Held::settled(&proxy)?;
        writeln!(stdout, "after {:>9}: {now} ({rate:.0} connections/s)", number * part)?;
    }
    ensure!(!now.exceeds(&before), "plexyd holds more than before");
    Ok(())
}

fn send(
    scene: &Scene<'_>,
    proxy: &Proxy,
    backend: &Backend,
    connections: u64,
) -> anyhow::Result<()> {
    let task = Task {
        tls: None,
        targets: proxy.addrs().to_vec(),
        work: Work::Exchange { connections: AT_ONCE, answer_bytes: 64, life: Life::OneExchange },
        extent: Extent::Units(connections),
        watched: vec![backend.pid()],
    };
    scene.client(&task)?.done(PATIENCE)?;
    Ok(())
}

impl Held {
    /// Once nothing is left of the connections, or after [`SETTLING`].
    fn settled(proxy: &Proxy) -> anyhow::Result<Self> {
        let until = Instant::now() + SETTLING;
        loop {
            let held = Self::of(proxy.pid(), proxy.metrics())?;
            if held.connections == 0 || Instant::now() > until {
                // Their descriptors are closed a moment later.
                thread::sleep(Duration::from_millis(100));
                return Self::of(proxy.pid(), proxy.metrics());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether there is more of anything, beyond the slack.
    fn exceeds(&self, before: &Self) -> bool {
        self.memory > before.memory + MEMORY_SLACK
            || self.descriptors > before.descriptors + DESCRIPTOR_SLACK
            || self.threads > before.threads
            || self.tasks > before.tasks
            || self.connections > before.connections
    }

    fn of(pid: u32, metrics: SocketAddr) -> anyhow::Result<Self> {
        let metrics = Metrics::scrape(metrics)?;
        let count = |name| Ok::<_, anyhow::Error>(format!("{:.0}", metrics.value(name)?).parse()?);
        Ok(Self {
            memory: meter::own_memory(pid)?,
            descriptors: meter::descriptors(pid)?,
            threads: meter::threads(pid)?,
            tasks: count("plexy_worker_tasks")?,
            connections: count("plexy_connections")?,
        })
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory, descriptors, threads, tasks, connections } = self;
        let kilobytes = memory / 1024;
        write!(
            f,
            "{kilobytes} KB, {descriptors} descriptors, {threads} threads, {tasks} tasks, \
             {connections} connections"
        )
    }
}
