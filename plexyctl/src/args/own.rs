//! Commands that only the client has: no other door knows them. Unlike the words of a verb, theirs are
//! read by clap, in the command line and in the shell alike.

use clap::{Args, Subcommand, ValueEnum};

/// One of them.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Own {
    /// Opens the shell, as plexyctl without a command does on a terminal
    Shell(ShellOptions),
    /// Does a command again and again, and shows what has changed; any key ends it
    Watch(WatchOptions),
    /// Prints the manual page, for `man -l -`
    Man,
}

/// How the shell is.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ShellOptions {
    /// Read plain lines: no completion, no colours, nothing that moves the cursor
    #[arg(long)]
    pub(crate) no_editor: bool,

    /// What the keys mean
    #[arg(long, value_name = "KEYS", default_value = "emacs")]
    pub(crate) keys: Keys,
}

/// What the keys mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keys {
    /// As in bash.
    #[default]
    Emacs,
    /// As in vi, first in insert mode.
    Vi,
}

/// What is watched.
#[derive(Debug, Clone, Args)]
pub(crate) struct WatchOptions {
    /// Time between two looks, 100ms to 1h
    #[arg(short = 'n', long, value_name = "DURATION", default_value = "2s", value_parser = super::timeout)]
    pub(crate) every: std::time::Duration,

    /// The command
    #[arg(required = true, num_args = 1.., value_name = "COMMAND")]
    pub(crate) words: Vec<String>,
}
