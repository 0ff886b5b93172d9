//! What a child does to itself before it becomes the program it is to run: this program starts
//! itself anew with `launch`, since nothing can be done between `fork` and `exec` in safe code.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use rustix::process::{
    Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit,
};

use crate::cpus::Cpus;

/// The arguments of `launch`.
#[derive(Debug, clap::Args)]
pub(crate) struct LaunchArgs {
    /// Who starts it.
    #[arg(long)]
    parent: i32,
    /// The CPUs it may use.
    #[arg(long, value_delimiter = ',', required = true)]
    cpus: Vec<usize>,
    /// The program, with its arguments.
    #[arg(last = true, required = true)]
    program: Vec<OsString>,
}

/// The words in front of a program that is to be launched.
pub(crate) fn words(cpus: &Cpus) -> [String; 6] {
    let numbers: Vec<_> = cpus.numbers().iter().map(ToString::to_string).collect();
    let parent = std::process::id().to_string();
    let words = ["launch", "--parent", &parent, "--cpus", &numbers.join(","), "--"];
    words.map(str::to_owned)
}

/// Becomes the program: it dies when its parent does, however that ends; it has the CPUs it was
/// given, and as many descriptors as the system allows.
pub(crate) fn launch(args: LaunchArgs) -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have died before that was said.
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get());
    ensure!(parent == Some(args.parent), "my parent is gone");
    Cpus::of(args.cpus).enter().context("cannot have these CPUs")?;
    raise_descriptors()?;
    let mut words = args.program.into_iter();
    let program = PathBuf::from(words.next().unwrap_or_default());
    let error = Command::new(&program).args(words).exec();
    Err(error).with_context(|| format!("cannot run `{}`", program.display()))
}

/// Raises the limit of open descriptors as far as it goes, and returns it.
pub(crate) fn raise_descriptors() -> anyhow::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}
