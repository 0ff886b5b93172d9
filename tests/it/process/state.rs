//! `--state`: what was answered is there after every end, and what cannot be kept is refused.

mod full_disk;
mod kills;
mod many;
mod overrides;
mod refused;
mod undo;

use std::fs;
use std::path::PathBuf;

use plexy_shared::history::{ChangeInfo, ExportReply, HistoryReply};
use plexy_tests::daemon::{LineClient, Process};
use rustix::process::Signal;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;

use super::PLEXYD;

/// A folder with a state, and daemons on it, one after the other.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("plexy-state-").tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// Starts a daemon on the state, to watch how that goes.
    fn spawn(&self, arguments: &[&str]) -> Process {
        let state = self.state();
        let ours = ["--control-socket", "127.0.0.1:0", "--workers", "1", "--state"];
        let ours = [&ours[..], &[state.to_str().unwrap()]].concat();
        Process::spawn(PLEXYD, &[&ours, arguments].concat())
    }

    /// The same, until it is ready.
    async fn start(&self, arguments: &[&str]) -> Process {
        let process = self.spawn(arguments);
        process.ready().await;
        process
    }

    /// Writes the configuration file, and gives the arguments that name it.
    fn config(&self, tunnels: &[&str]) -> [String; 2] {
        let path = self.path("plexy.toml");
        fs::write(&path, format!("tunnels = {tunnels:?}\n")).unwrap();
        ["--config".to_owned(), path.to_str().unwrap().to_owned()]
    }

    /// Kills the daemon, and starts one that reads this file.
    async fn restart(&self, process: Process, tunnels: &[&str]) -> Process {
        kill(process).await;
        let config = self.config(tunnels);
        self.start(&[&config[0], &config[1]]).await
    }
}

/// Ends it as nothing else would.
async fn kill(mut process: Process) {
    process.signal(Signal::KILL);
    process.ended().await;
}

/// What a command answers to a program.
async fn answer<T: DeserializeOwned>(process: &Process, line: &str) -> T {
    let mut session = LineClient::connect_text(process.control_addr()).await;
    session.send(format!("mode json\n{line}\n").as_bytes()).await;
    session.next_line().await.expect("the mode is known");
    let answer = session.next_line().await.expect("there is an answer");
    let mut answer: Value = serde_json::from_str(&answer).unwrap();
    serde_json::from_value(answer["result"].take())
        .unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Every tunnel in order of opening.
async fn tunnels(process: &Process) -> Vec<String> {
    answer::<ExportReply>(process, "export").await.tunnels
}

/// The changes behind a revision, the oldest first.
async fn changes_behind(process: &Process, revision: u64) -> Vec<ChangeInfo> {
    let mut changes = answer::<HistoryReply>(process, "history 1000").await.changes;
    changes.retain(|change| change.revision > revision);
    changes.reverse();
    changes
}
