//! The shell of plexyctl, in a real terminal.

mod asking;
mod living;
mod random;
mod transcript;
mod typing;
mod watching;

use std::path::Path;
use std::time::Duration;

use plexy_tests::daemon::Process;
use plexy_tests::eventually;
use plexy_tests::terminal::keys::{CTRL_D, CTRL_U, TAB};
use plexy_tests::terminal::{Program, Terminal};
use plexy_tests::tool::Run;

use crate::process::{PLEXYCTL, PLEXYD, tool};

/// A plexyd, and a folder that is the home of whoever works with it.
pub(crate) struct Scene {
    pub(crate) process: Process,
    home: tempfile::TempDir,
}

impl Scene {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let process = Process::start(PLEXYD, arguments).await;
        Self { process, home: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("unix:{}", self.process.rpc_socket().display())
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// plexyctl with these words, in a terminal that is yet to start.
    pub(crate) fn program(&self, words: &[&str]) -> Program {
        let endpoint = self.endpoint();
        Program::new(PLEXYCTL, &[&["--endpoint", endpoint.as_str()], words].concat())
            .env("HOME", self.home())
            .env("XDG_STATE_HOME", self.home().join("state"))
            .env("XDG_CONFIG_HOME", self.home().join("config"))
    }

    /// The shell, when it waits for a line.
    pub(crate) async fn shell(&self) -> Terminal {
        ready(self.program(&[]).start()).await
    }

    /// plexyctl with these words, to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        tool(PLEXYCTL).run([&["--endpoint", &self.endpoint()], words].concat())
    }

    /// Somebody else does this.
    pub(crate) async fn does(&self, words: &[&str]) {
        let output = self.run(words).output().await;
        assert!(output.is_success(), "{}", output.errors());
    }

    pub(crate) async fn tunnels(&self) -> String {
        self.run(&["list", "-q"]).output().await.success()
    }
}

/// The terminal, once the shell in it waits for a line.
pub(crate) async fn ready(terminal: Terminal) -> Terminal {
    eventually!(terminal.last_line().starts_with("plexy:"), "{}", terminal.screen());
    terminal
}

/// Types this and presses Tab, until the line is as expected: what plexyd says may come behind the key.
pub(crate) async fn completes(shell: &Terminal, typed: &str, line: &str) {
    let tries = async || {
        shell.press(&format!("{CTRL_U}{typed}{TAB}"));
        holds_soon(|| shell.last_line() == line).await
    };
    eventually!(tries().await, "no {line:?} in\n{}", shell.screen());
}

/// The shell is left. Between two lines the terminal takes Ctrl-D for itself, and it is pressed once more.
pub(crate) async fn leave(shell: &mut Terminal) {
    let mut leaves = async || {
        shell.press(CTRL_D);
        holds_soon(|| shell.ended().is_some()).await
    };
    eventually!(leaves().await, "{}", shell.screen());
    assert!(shell.ended().unwrap().success(), "{}", shell.screen());
}

/// Whether something comes to be within a second, before a key is pressed once more for it.
pub(crate) async fn holds_soon(mut condition: impl FnMut() -> bool) -> bool {
    for _ in 0..50 {
        if condition() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}
