//! Commands and clients in a random order, compared with a plain model of what must be.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use fastrand::Rng;
use plexy_shared::spec::LiveAction;
use plexy_tests::backend::{Backend, Echo};
use plexy_tests::daemon::{Daemon, LineClient, Process};
use plexy_tests::descriptors;
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::traffic::{Fault, Flow, round_trip};

const STEPS: u32 = 150;
const TUNNELS: usize = 4;
const BACKENDS: usize = 3;

/// A tunnel that should be open.
struct Open {
    /// Places of its backends.
    backends: Vec<usize>,
    flows: Vec<Flow>,
    connections_total: u64,
    /// Bytes of the connections that have ended.
    bytes: u64,
}

/// The daemon, and what should be true of it.
struct Scene {
    daemon: Daemon,
    ports: Vec<Port>,
    echoes: Vec<Backend<Echo>>,
    open: BTreeMap<usize, Open>,
    /// The places of the open tunnels in order of opening.
    order: Vec<usize>,
    /// Connections of closed tunnels that go on.
    draining: Vec<Flow>,
    rng: Rng,
}

async fn ends_well(flow: Flow) -> u64 {
    let report = flow.stop().await;
    assert!(report.fault.is_none(), "{:?}", report.fault);
    report.bytes
}

impl Scene {
    async fn new(seed: u64) -> Self {
        Self {
            daemon: Daemon::start().await,
            ports: (0..TUNNELS).map(|_| Port::reserve()).collect(),
            echoes: (0..BACKENDS).map(|_| Echo::start()).collect(),
            open: BTreeMap::new(),
            order: Vec::new(),
            draining: Vec::new(),
            rng: Rng::with_seed(seed),
        }
    }

    fn addr(&self, place: usize) -> SocketAddr {
        self.ports[place].addr()
    }

    fn backend(&self, place: usize) -> String {
        self.echoes[place].addr().to_string()
    }

    async fn step(&mut self) {
        let (place, backend) = (self.rng.usize(0..TUNNELS), self.rng.usize(0..BACKENDS));
        match (self.rng.u8(0..12), self.open.contains_key(&place)) {
            (_, false) => self.open(place, backend).await,
            (0, true) => self.close(place).await,
            (1, true) => self.drain(place).await,
            (2 | 3, true) => self.add(place, backend).await,
            (4 | 5, true) => self.remove(place, backend).await,
            (6 | 7, true) => self.leave(place).await,
            (8, true) => self.leave_drained().await,
            (_, true) => self.come(place).await,
        }
    }

    async fn open(&mut self, place: usize, backend: usize) {
        let spec = format!("{}={}", self.addr(place), self.backend(backend));
        self.daemon.try_open(&spec).await.unwrap();
        let open =
            Open { backends: vec![backend], flows: Vec::new(), connections_total: 0, bytes: 0 };
        self.open.insert(place, open);
        self.order.push(place);
    }

    fn forget(&mut self, place: usize) -> Open {
        self.order.retain(|open| *open != place);
        self.open.remove(&place).unwrap()
    }

    async fn close(&mut self, place: usize) {
        let open = self.forget(place);
        let reply = self.daemon.close(self.addr(place)).await;
        assert_eq!(reply.live.ended, open.flows.len() as u64);
        for flow in open.flows {
            let fault = flow.cut().await.fault;
            assert!(matches!(fault, Some(Fault::Reset { .. })), "{fault:?}");
        }
    }

    async fn drain(&mut self, place: usize) {
        let open = self.forget(place);
        let mode = LiveAction::Drain.into();
        let reply = self.daemon.try_close(self.addr(place), mode).await.unwrap();
        assert_eq!(reply.live.draining, open.flows.len() as u64);
        self.draining.extend(open.flows);
    }

    async fn add(&mut self, place: usize, backend: usize) {
        self.daemon.add(self.addr(place), &self.backend(backend)).await.unwrap();
        let backends = &mut self.open.get_mut(&place).unwrap().backends;
        if !backends.contains(&backend) {
            backends.push(backend);
        }
    }

    async fn remove(&mut self, place: usize, backend: usize) {
        let removed = self.daemon.remove(self.addr(place), &self.backend(backend)).await;
        let backends = &mut self.open.get_mut(&place).unwrap().backends;
        assert_eq!(removed.is_ok(), backends.len() > 1 && backends.contains(&backend));
        if removed.is_ok() {
            backends.retain(|left| *left != backend);
        }
    }

    async fn come(&mut self, place: usize) {
        let seed = self.rng.u64(..);
        let flow = Flow::paced(self.addr(place), seed, Duration::from_millis(2)).await.unwrap();
        let open = self.open.get_mut(&place).unwrap();
        open.connections_total += 1;
        open.flows.push(flow);
    }

    async fn leave(&mut self, place: usize) {
        let open = self.open.get_mut(&place).unwrap();
        if let Some(flow) = open.flows.pop() {
            open.bytes += ends_well(flow).await;
        }
    }

    async fn leave_drained(&mut self) {
        if let Some(flow) = self.draining.pop() {
            ends_well(flow).await;
        }
    }

    /// What the daemon says is what the model says, as soon as ended connections are counted.
    async fn check(&self) {
        let flows = || self.open.values().flat_map(|open| &open.flows).chain(&self.draining);
        eventually!(self.daemon.connections() == flows().count());
        let statuses = self.daemon.statuses();
        let listens: Vec<_> = statuses.iter().map(|status| status.listen.clone()).collect();
        let order: Vec<_> = self.order.iter().map(|at| self.addr(*at).to_string()).collect();
        assert_eq!(listens, order);
        for (place, status) in self.order.iter().zip(statuses) {
            let open = &self.open[place];
            let traffic = status.traffic;
            assert_eq!(traffic.connections, open.flows.len() as u64, "{status:?}");
            assert_eq!(traffic.connections_total, open.connections_total, "{status:?}");
            assert_eq!(status.backends, open.backends.len(), "{status:?}");
            assert!(traffic.bytes_in >= open.bytes, "{status:?} after {} bytes", open.bytes);
            if open.flows.is_empty() {
                assert_eq!((traffic.bytes_in, traffic.bytes_out), (open.bytes, open.bytes));
            }
        }
        assert!(flows().all(Flow::is_running));
    }

    async fn end(&mut self) {
        for place in 0..TUNNELS {
            if self.open.contains_key(&place) {
                self.close(place).await;
            }
        }
        while !self.draining.is_empty() {
            self.leave_drained().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_of_commands_and_clients_keeps_every_promise() {
    let seed = fastrand::u64(..);
    eprintln!("the seed is {seed}");
    let mut scene = Scene::new(seed).await;

    for _ in 0..STEPS {
        scene.step().await;
        scene.check().await;
    }

    scene.end().await;
    scene.check().await;
    assert!(scene.daemon.statuses().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_leaves_no_descriptor_behind() {
    let (echo, port) = (Echo::start(), Port::reserve());
    let program = env!("CARGO_BIN_EXE_plexyd-under-test");
    let daemon = Process::start(program, &["--control-socket", "127.0.0.1:0"]).await;
    let mut line = LineClient::connect(daemon.control_addr()).await;
    assert_eq!(line.ask("status").await, "OK: Tunnels: 0\n");
    let before = descriptors::of(daemon.pid()).unwrap();

    for seed in 0..20 {
        let opened = line.ask(&format!("open {}={}", port.addr(), echo.addr())).await;
        assert_eq!(opened, "OK\n");
        let flow = Flow::paced(port.addr(), seed, Duration::from_millis(1)).await.unwrap();
        round_trip(port.addr(), 10_000).await.unwrap();
        assert_eq!(line.ask(&format!("close {}", port.addr())).await, "OK\n");
        assert!(flow.cut().await.fault.is_some());
    }

    let now = || descriptors::of(daemon.pid()).unwrap();
    eventually!(now() == before, "{before} descriptors became {}", now());
}
