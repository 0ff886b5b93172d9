#![doc = include_str!("../README.md")]

mod args;

use std::process::ExitCode;

use clap::Parser;

use args::Args;

/// The program. It has no commands yet, says so, and fails.
#[must_use]
#[allow(clippy::print_stderr, reason = "this is a command-line program")]
pub fn main() -> ExitCode {
    let Args {} = Args::parse();
    eprintln!(
        "plexyctl comes next: its commands, its shell and its dashboard are not built yet.\n\
         Until then, talk to plexyd with `nc`: start it with `--control-socket 9999`, then \
         `nc 127.0.0.1 9999` and type `help`."
    );
    ExitCode::FAILURE
}
