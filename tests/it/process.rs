//! The programs as processes: their arguments, signals, logs and exit codes.

mod access_log;
mod apply;
mod arguments;
mod config;
mod contexts;
mod ending;
mod events;
mod health;
mod lists;
mod log;
mod plexyctl;
mod reload;
mod script;
mod state;

use std::net::SocketAddr;

use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::tool::Tool;

pub(crate) const PLEXYD: &str = env!("CARGO_BIN_EXE_plexyd-under-test");
pub(crate) const PLEXYCTL: &str = env!("CARGO_BIN_EXE_plexyctl-under-test");

/// A plexyd that is ready, with a control socket and these further arguments.
pub(crate) async fn plexyd(arguments: &[&str]) -> Process {
    Process::start(PLEXYD, &[&["--control-socket", "127.0.0.1:0"], arguments].concat()).await
}

/// Where its first tunnel listens.
pub(crate) async fn tunnel_of(process: &Process) -> SocketAddr {
    let mut line = LineClient::connect(process.control_addr()).await;
    let status = line.ask("status full").await;
    let row = status.lines().nth(1).expect("there is a tunnel");
    row.trim().split_once(" = ").unwrap().0.parse().unwrap()
}

/// Runs a program of ours to its end. The socket that plexyd makes by itself is its own.
pub(crate) async fn run(program: &str, arguments: &[&str]) -> plexy_tests::tool::Output {
    let run = tool(program).run(arguments);
    if program != PLEXYD {
        return run.output().await;
    }
    let home = tempfile::tempdir().unwrap();
    run.env("RUNTIME_DIRECTORY", home.path()).output().await
}

/// A program of ours.
pub(crate) fn tool(program: &str) -> Tool {
    let path = std::path::Path::new(program);
    let name = path.file_name().unwrap().to_str().unwrap();
    Tool::find_in([path.parent().unwrap().to_owned()], name, "plexy").unwrap()
}
