//! A daemon with a tunnel that carries a connection, and a look at all that must not change.

use std::net::SocketAddr;

use plexy_tests::backend::{Backend, Echo};
use plexy_tests::daemon::{Daemon, LineClient};
use plexy_tests::eventually;
use plexy_tests::traffic::Flow;

pub(super) struct Scene {
    pub(super) daemon: Daemon,
    pub(super) echo: Backend<Echo>,
    /// The tunnel `db`, which carries the flow.
    pub(super) tunnel: SocketAddr,
    line: LineClient,
    flow: Flow,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let echo = Echo::start();
        let daemon = Daemon::start().await;
        let tunnel = daemon.open(&format!("{}[name=db]", echo.addr())).await;
        let flow = Flow::start(tunnel, 1).await.unwrap();
        let line = daemon.line().await;
        Self { daemon, echo, tunnel, line, flow }
    }

    /// Asks something that must work.
    pub(super) async fn ask(&mut self, line: &str) -> String {
        let answer = self.line.ask(line).await;
        assert!(answer.starts_with("OK"), "{line}: {answer}");
        answer
    }

    /// Asks something that must be refused with a sentence that contains `why`; every tunnel must
    /// be as before, and the flow must go on.
    pub(super) async fn refuses(&mut self, line: &str, why: &str) {
        let before = self.look().await;
        let answer = self.line.ask(line).await;
        assert!(answer.starts_with("ERROR: ") && answer.contains(why), "{line}: {answer}");
        assert_eq!(self.look().await, before, "after {line}");
        let moved = self.flow.bytes();
        eventually!(self.flow.bytes() > moved, "the flow hangs after {line}");
    }

    /// Every tunnel: its specification, its revision, and who is connected.
    async fn look(&self) -> Vec<(String, u64, u64, u64)> {
        let mut look = Vec::new();
        for status in self.daemon.statuses() {
            let info = self.daemon.detail(&status.listen).await;
            let traffic = info.status.traffic;
            look.push((info.spec, info.revision, traffic.connections, traffic.connections_total));
        }
        look
    }

    pub(super) async fn end(self) {
        let report = self.flow.stop().await;
        assert!(report.fault.is_none(), "{:?}", report.fault);
    }
}
