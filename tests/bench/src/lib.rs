#![doc = include_str!("../README.md")]

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use self::args::{Args, Part};

mod args;
mod certificate;
mod child;
mod comparison;
mod contestant;
mod cpus;
mod effort;
mod environment;
mod figure;
mod gate;
mod instructions;
mod interrupt;
mod launch;
mod load;
mod meter;
mod metrics;
mod million;
mod ports;
mod progress;
mod proxy;
mod record;
mod report;
mod row;
mod rpc;
mod run;
mod scene;
mod schedule;
mod shell;
mod target;
mod terminal;
mod tls;
mod watch;

/// The exit code of a run in which something failed.
const FAILED: u8 = 1;

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let mut args = Args::parse();
    let done = match args.part.take() {
        Some(Part::Launch(args)) => launch::launch(args),
        Some(Part::Backend) => load::serve(),
        Some(Part::Client { task }) => load::work(&task),
        None => run::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr(), "plexy-bench: {error:#}").ok();
            ExitCode::from(FAILED)
        }
    }
}
