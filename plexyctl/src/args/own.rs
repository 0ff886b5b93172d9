//! Commands that only the client has: no other door knows them. Unlike the words of a verb, theirs are
//! read by clap, in the command line and in the shell alike.

use clap::Subcommand;

/// One of them.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Own {
    /// Opens the shell, as plexyctl without a command does on a terminal
    Shell,
}
