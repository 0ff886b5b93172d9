//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::contestant::Kind;
use crate::cpus::Pin;
use crate::launch::LaunchArgs;

/// Runs plexyd, HAProxy and nginx side by side and compares what they cost.
#[derive(Debug, Parser)]
#[command(name = "plexy-bench", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// What this program is as a child of itself.
    #[command(subcommand)]
    pub(crate) part: Option<Part>,

    /// Only rows that are called so, or with that in their names; `--list` shows the names.
    pub(crate) rows: Vec<String>,

    /// Lists the rows and ends.
    #[arg(long)]
    pub(crate) list: bool,

    /// How often each row is run with each proxy; the table shows medians.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: Option<u32>,

    /// Less of everything: three short rounds, pinned only.
    #[arg(long)]
    pub(crate) quick: bool,

    /// As little as possible: shows that all works, and its figures mean nothing.
    #[arg(long, conflicts_with = "quick")]
    pub(crate) smoke: bool,

    /// Whom to measure.
    #[arg(long, value_delimiter = ',', default_value = "plexyd,haproxy,nginx")]
    pub(crate) only: Vec<Kind>,

    /// A plexyd to measure, with what it is called in the table; several are compared with each
    /// other [default: this workspace's, built as it is released].
    #[arg(long, value_name = "[LABEL=]PATH")]
    pub(crate) plexyd: Vec<Build>,

    /// The plexyctl that --shell and --watch measure, in place of a build of this workspace.
    #[arg(long, value_name = "PATH")]
    pub(crate) plexyctl: Option<PathBuf>,

    /// Whether the proxy has a CPU to itself.
    #[arg(long, value_enum)]
    pub(crate) pin: Option<Pins>,

    /// Where the raw rows go, as JSON lines [default: plexy-bench/ beside the build].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Instead of the table: a million connections through one plexyd, after which it holds what it
    /// held before.
    #[arg(long, value_name = "CONNECTIONS", num_args = 0..=1, default_missing_value = "1000000")]
    pub(crate) million: Option<u64>,

    /// Instead of the table: instructions per unit of work, counted by valgrind.
    #[arg(long, conflicts_with = "million")]
    pub(crate) instructions: bool,

    /// Instead of the table: how long the shell of plexyctl takes to start, and to complete a word
    /// while plexyd is stopped.
    #[arg(long, conflicts_with_all = ["million", "instructions"])]
    pub(crate) shell: bool,

    /// Instead of the table: what it costs plexyd and plexyctl that somebody watches 10 000 tunnels and
    /// 4 500 connections, and how long a key of the dashboard takes.
    #[arg(long, conflicts_with_all = ["million", "instructions", "shell"])]
    pub(crate) watch: bool,
}

/// Which layouts are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pins {
    /// Pinned and unpinned.
    Both,
    /// Only with a CPU of its own.
    Pinned,
    /// Only as the kernel places it.
    Unpinned,
}

impl Pins {
    /// As a list, the one whose figures are compared with targets first.
    pub(crate) fn list(self) -> Vec<Pin> {
        match self {
            Self::Both => vec![Pin::Pinned, Pin::Unpinned],
            Self::Pinned => vec![Pin::Pinned],
            Self::Unpinned => vec![Pin::Unpinned],
        }
    }
}

/// A build of plexyd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Build {
    /// What it is called, where that is said.
    pub(crate) label: Option<String>,
    /// The program.
    pub(crate) path: PathBuf,
}

impl std::str::FromStr for Build {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once('=') {
            Some((label, path)) if !label.is_empty() && !label.contains('/') => {
                Self { label: Some(label.to_owned()), path: path.into() }
            }
            _ => Self { label: None, path: text.into() },
        })
    }
}

/// What this program is as a child of itself.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Becomes another program.
    #[command(hide = true)]
    Launch(LaunchArgs),
    /// Serves.
    #[command(hide = true)]
    Backend,
    /// Does a task.
    #[command(hide = true)]
    Client {
        /// The task, as JSON.
        task: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, label: Option<&str>, path: &str) {
        let expected = Build { label: label.map(str::to_owned), path: path.into() };
        assert_eq!(text.parse(), Ok(expected));
    }

    #[test]
    fn a_build_has_a_label_or_not() {
        check("a/plexyd", None, "a/plexyd");
        check("new=a/plexyd", Some("new"), "a/plexyd");
        check("a/b=c/plexyd", None, "a/b=c/plexyd");
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
