//! A shell in a terminal, that has read what `plexyctl completions` prints.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use plexy_tests::daemon::Process;
use plexy_tests::eventually;
use plexy_tests::terminal::{Program, keys};
use plexy_tests::tool::Tool;
use tempfile::TempDir;

use crate::process::PLEXYCTL;

/// What a shell shows when it waits for a line.
const PROMPT: &str = "ready>";

/// Where Debian has the completions of bash for everything.
const BASH_COMPLETION: &str = "/usr/share/bash-completion/bash_completion";

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bash,
    /// bash as Debian sets it up.
    BashCompletion,
    Zsh,
    /// zsh that finds its completions in a folder.
    ZshFolder,
    Fish,
}

impl Kind {
    pub(super) const ALL: &[Self] =
        &[Self::Bash, Self::BashCompletion, Self::Zsh, Self::ZshFolder, Self::Fish];

    fn name(self) -> &'static str {
        match self {
            Self::Bash | Self::BashCompletion => "bash",
            Self::Zsh | Self::ZshFolder => "zsh",
            Self::Fish => "fish",
        }
    }
}

/// A home in which a shell finds plexyctl and its completions.
pub(super) struct Scene {
    kind: Kind,
    shell: Tool,
    home: TempDir,
    endpoint: String,
}

impl Scene {
    /// Of a shell that is installed; with a daemon that plexyctl finds, or with none.
    pub(super) fn new(kind: Kind, process: Option<&Process>) -> Option<Self> {
        let shell = Tool::find(kind.name(), kind.name())?;
        let home = tempfile::tempdir().unwrap();
        let nobody = home.path().join("nobody.sock");
        let socket = process.map_or(nobody, Process::rpc_socket);
        let endpoint = format!("unix:{}", socket.display());
        let scene = Self { kind, shell, home, endpoint };
        scene.set_up();
        Some(scene)
    }

    fn set_up(&self) {
        fs::create_dir(self.home.path().join("bin")).unwrap();
        symlink(PLEXYCTL, self.home.path().join("bin/plexyctl")).unwrap();
        let name = self.kind.name();
        let script = std::process::Command::new(PLEXYCTL).args(["completions", name]).output();
        self.write("script", &String::from_utf8(script.unwrap().stdout).unwrap());
        let prompt = format!("PS1='{PROMPT}'\n");
        match self.kind {
            Kind::Bash => self.write("rc", &format!("{prompt}source ./script\n")),
            Kind::BashCompletion => {
                assert!(Path::new(BASH_COMPLETION).exists(), "bash-completion is not installed");
                self.install("bash-completion/completions/plexyctl");
                self.write("rc", &format!("{prompt}source {BASH_COMPLETION}\n"));
            }
            Kind::Zsh => {
                let begin = "unsetopt PROMPT_SP\nautoload -Uz compinit; compinit -D -u\n";
                self.write(".zshrc", &format!("{prompt}{begin}source ./script\n"));
            }
            Kind::ZshFolder => {
                self.install("functions/_plexyctl");
                let begin = "unsetopt PROMPT_SP\nfpath=(~/functions $fpath)\n";
                let end = "autoload -Uz compinit; compinit -D -u\n";
                self.write(".zshrc", &format!("{prompt}{begin}{end}"));
            }
            Kind::Fish => {
                let prompt = format!("function fish_prompt; echo -n '{PROMPT}'; end\n");
                self.write("rc", &format!("{prompt}set -g fish_greeting\nsource ./script\n"));
            }
        }
    }

    /// Puts the completions where the shell looks for them.
    fn install(&self, name: &str) {
        let file = self.home.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::rename(self.home.path().join("script"), file).unwrap();
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.home.path().join(name), text).unwrap();
    }

    /// An empty file in the folder where the shell is.
    pub(super) fn make(&self, name: &str) {
        self.write(name, "");
    }

    fn program(&self) -> Program {
        let home = self.home.path();
        let arguments: &[&str] = match self.kind {
            Kind::Bash | Kind::BashCompletion => &["--noprofile", "--rcfile", "rc", "-i"],
            Kind::Zsh | Kind::ZshFolder => &["-i"],
            Kind::Fish => &["--no-config", "-i", "-C", "source rc"],
        };
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", home.join("bin").display());
        let program = Program::new(self.shell.path(), arguments).folder(home).env("PATH", path);
        let program = program.env("HOME", home).env("ZDOTDIR", home);
        let folders = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"];
        let program = folders.iter().fold(program, |program, name| program.env(name, home));
        program.size(160, 24).env("PLEXY_ENDPOINT", &self.endpoint)
    }
}

/// How often somebody presses Tab: a busy machine may need longer than the daemon is given.
const TRIES: usize = 10;

/// Types words behind `plexyctl`, presses Tab, and looks what stands on the line then. Where a word could
/// go on in two ways, or in none, the line stays as it was.
pub(super) async fn check(scene: &Scene, typed: &str, expected: &str) {
    let mut line = String::new();
    for _ in 0..TRIES {
        line = completed(scene, typed).await;
        // A shell that closes a quote does so for good; a blank may stand behind it.
        let is_quoted = || line.trim_end_matches(['\'', ' ']) == expected;
        if line == expected || expected.contains('\'') && is_quoted() {
            return;
        }
    }
    panic!("{typed:?} in {:?} becomes {line:?}, not {expected:?}", scene.kind);
}

/// What a shell makes of these words with Tab. An x behind it shows the blanks, and that the shell goes on.
async fn completed(scene: &Scene, typed: &str) -> String {
    let shell = scene.program().start();
    let what = format!("{typed:?} in {:?}", scene.kind);
    let last = || shell.last_line();
    eventually!(last().starts_with(PROMPT), "{what}: {}", shell.screen());
    shell.press(&format!("plexyctl {typed}"));
    eventually!(last().ends_with(typed.trim_end()), "{what}: {}", shell.screen());
    shell.press(keys::TAB);
    shell.press("x");
    eventually!(last().ends_with('x'), "{what}: {}", shell.screen());
    let line = last();
    let line = line.strip_prefix(PROMPT).and_then(|line| line.strip_prefix("plexyctl "));
    line.and_then(|line| line.strip_suffix('x')).unwrap_or_default().to_owned()
}
