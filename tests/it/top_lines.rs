//! `plexyctl top` without a screen: looks as lines, for people and for programs.

mod batch;
mod capture;
mod faults;
mod forms;
mod rows;

use std::net::SocketAddr;

use plexy_tests::backend::{Backend, Echo};
use plexy_tests::daemon::Process;
use plexy_tests::tool::{Conversation, Run};
use plexy_tests::traffic::Flow;
use rustix::process::{Pid, Signal, kill_process};

use crate::process::{PLEXYCTL, PLEXYD, tool};

/// A plexyd, and how to look at it.
struct Scene {
    process: Process,
}

impl Scene {
    async fn start(arguments: &[&str]) -> Self {
        Self { process: Process::start(PLEXYD, arguments).await }
    }

    fn endpoint(&self) -> String {
        format!("unix:{}", self.process.rpc_socket().display())
    }

    fn run(&self, words: &[&str]) -> Run {
        tool(PLEXYCTL).run([&["--endpoint", &self.endpoint()], words].concat())
    }

    async fn ask(&self, words: &[&str]) -> String {
        self.run(words).output().await.success()
    }

    /// `top` while it goes on.
    fn goes_on(&self, words: &[&str]) -> Conversation {
        tool(PLEXYCTL).converse([&["--endpoint", self.endpoint().as_str(), "top"], words].concat())
    }

    /// A tunnel of that name, through which bytes flow.
    async fn busy(&self, name: &str) -> (Backend<Echo>, Flow) {
        let echo = Echo::start();
        let spec = format!("0={}[name={name}]", echo.addr());
        let opened = self.ask(&["-q", "open", &spec]).await;
        let tunnel: SocketAddr = opened.trim().parse().unwrap();
        (echo, Flow::start(tunnel, 1).await.unwrap())
    }
}

fn signal(program: &Conversation, signal: Signal) {
    let pid = Pid::from_raw(program.pid().unwrap().cast_signed()).unwrap();
    kill_process(pid, signal).unwrap();
}
