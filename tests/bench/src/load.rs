//! The load generator: programs that this one runs as children of its own, so that they can be
//! pinned away from the proxy and their CPU time is not the proxy's.
//!
//! A [`Backend`] serves; a [`Client`] does one [`Task`] and tells with [`Event`]s how it goes. Both
//! are one thread around one epoll, discard inside the kernel what they receive and send from one
//! buffer: they cost less than any proxy between them. With TLS a client has to decrypt, which costs
//! it as much as the proxy; a backend is always plain. They know nothing of proxies.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::child::{Child, Launch};
use crate::cpus::Cpus;
use crate::tls::Tls;

mod backend;
mod bulk;
mod channel;
mod client;
mod exchange;
mod poller;
mod session;
mod socket;

pub(crate) use self::backend::serve;
pub(crate) use self::client::work;

/// Every request has this size, and begins with the size of its answer in four bytes, the highest
/// first.
pub(crate) const REQUEST_BYTES: usize = 64;

/// How long a child may take to start.
const START: Duration = Duration::from_secs(10);

/// Where the services of a [`Backend`] listen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Services {
    /// Reads and throws away; ends when the client does.
    pub(crate) sink: SocketAddr,
    /// Writes for ever.
    pub(crate) source: SocketAddr,
    /// Does both at once.
    pub(crate) both: SocketAddr,
    /// Answers every request.
    pub(crate) respond: SocketAddr,
    /// The same on further ports. Each connection to one address leaves a local port that cannot be
    /// used for a minute, and the kernel searches the longer for another one the fewer are left.
    pub(crate) responders: [SocketAddr; 8],
    /// Sends back all it gets; then, when the client has ended, how many bytes that were (eight
    /// bytes, the highest first), and ends.
    pub(crate) echo: SocketAddr,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ways {
    /// From client to server.
    Up,
    /// From server to client.
    Down,
    /// Up and down at once on each connection.
    Both,
}

/// When a connection of exchanges ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Life {
    /// With the task: one request follows the other.
    Long,
    /// After one exchange; the next connection takes its place.
    OneExchange,
    /// Never: after one exchange it is silent until the client is killed.
    Idle,
}

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Streams as fast as they go; a unit is a byte, in either direction.
    Bulk {
        /// Their direction.
        ways: Ways,
        /// How many at once.
        streams: usize,
    },
    /// Requests, each connection waiting for its answer; a unit is an exchange.
    Exchange {
        /// How many at once.
        connections: usize,
        /// The size of an answer.
        answer_bytes: u32,
        /// When a connection ends.
        life: Life,
    },
}

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Extent {
    /// For so long, after so long in which nothing counts.
    Time {
        /// What does not count.
        warm_up: Duration,
        /// What counts.
        measured: Duration,
    },
    /// Exactly so many units.
    Units(u64),
}

/// The order to a client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Task {
    /// Where it connects to, by turns.
    pub(crate) targets: Vec<SocketAddr>,
    /// What it speaks there; nothing where it is plain.
    pub(crate) tls: Option<Tls>,
    /// What it does.
    pub(crate) work: Work,
    /// How much of it.
    pub(crate) extent: Extent,
    /// Processes whose CPU time is taken when counting begins and when it ends.
    pub(crate) watched: Vec<u32>,
}

/// What a client tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Event {
    /// Everything is connected, and what happens from now on counts.
    Counting,
    /// All idle connections stand.
    Idle,
    /// It is done.
    Done(Sample),
}

/// What came out of a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// How long counting took.
    pub(crate) elapsed: Duration,
    /// What was done in that time.
    pub(crate) units: u64,
    /// Connections that were opened from the very beginning.
    pub(crate) connections: u64,
    /// CPU time of the watched processes, in their order.
    pub(crate) watched_cpu: Vec<Duration>,
    /// CPU time of the client.
    pub(crate) own_cpu: Duration,
    /// How long an exchange took, connecting included where each has its own connection.
    pub(crate) latency: Option<Latency>,
}

/// Percentiles of a latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// The median.
    pub(crate) p50: Duration,
    /// One in a hundred takes longer.
    pub(crate) p99: Duration,
    /// One in a thousand takes longer.
    pub(crate) p999: Duration,
}

/// A running backend.
#[derive(Debug)]
pub(crate) struct Backend {
    child: Child,
    services: Services,
}

impl Backend {
    /// Starts one on these CPUs, its log in `home`.
    pub(crate) fn start(home: &Path, cpus: &Cpus) -> anyhow::Result<Self> {
        let mut child =
            Child::start(Launch::this_program("backend", home, cpus).argument("backend").speaks())?;
        let line = child.line(START)?;
        let services = serde_json::from_str(&line).context("the backend tells no addresses")?;
        Ok(Self { child, services })
    }

    /// Where its services listen.
    pub(crate) fn services(&self) -> &Services {
        &self.services
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }
}

/// A client at work.
#[derive(Debug)]
pub(crate) struct Client {
    child: Child,
}

impl Client {
    /// Starts one on these CPUs, its log in `home`.
    pub(crate) fn start(home: &Path, cpus: &Cpus, task: &Task) -> anyhow::Result<Self> {
        let task = serde_json::to_string(task)?;
        let launch = Launch::this_program("client", home, cpus).argument("client").argument(task);
        Ok(Self { child: Child::start(launch.speaks())? })
    }

    /// Waits until it counts.
    pub(crate) fn counting(&mut self, within: Duration) -> anyhow::Result<()> {
        match self.event(within)? {
            Event::Counting => Ok(()),
            other => bail!("the client says {other:?} before it counts"),
        }
    }

    /// Waits until all its idle connections stand.
    pub(crate) fn idle(&mut self, within: Duration) -> anyhow::Result<()> {
        match self.event(within)? {
            Event::Idle => Ok(()),
            other => bail!("the client says {other:?} before all is idle"),
        }
    }

    /// Waits until it is done.
    pub(crate) fn done(&mut self, within: Duration) -> anyhow::Result<Sample> {
        loop {
            match self.event(within)? {
                Event::Done(sample) => return Ok(sample),
                Event::Counting => {}
                Event::Idle => bail!("the client only idles"),
            }
        }
    }

    fn event(&mut self, within: Duration) -> anyhow::Result<Event> {
        let line = self.child.line(within)?;
        serde_json::from_str(&line).with_context(|| format!("the client says `{line}`"))
    }
}
