//! On what a run was made: the same figures mean something else on another machine.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

use crate::contestant::Contestant;
use crate::cpus::Cpus;
use crate::launch::raise_descriptors;

/// The machine and the programs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Environment {
    kernel: String,
    cpu: String,
    cpus: usize,
    memory_gb: u64,
    descriptors: u64,
    /// The commit of the workspace, marked where it was changed since.
    commit: String,
    /// Labels and versions.
    contestants: Vec<(String, String)>,
}

impl Environment {
    /// This one.
    pub(crate) fn look(contestants: &[Contestant], cpus: &Cpus) -> anyhow::Result<Self> {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim_matches([':', ' ', '\t']).to_owned()
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal:");
        let kilobytes = memory.split(' ').next().and_then(|number| number.parse::<u64>().ok());
        let contestants = contestants.iter().map(|it| (it.label.clone(), it.version.clone()));
        Ok(Self {
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            cpu: field(&read("/proc/cpuinfo"), "model name"),
            cpus: cpus.numbers().len(),
            memory_gb: kilobytes.unwrap_or_default() >> 20,
            descriptors: raise_descriptors()?,
            commit: commit(),
            contestants: contestants.collect(),
        })
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kernel, cpu, cpus, memory_gb, descriptors, commit, contestants } = self;
        writeln!(
            f,
            "Linux {kernel}, {cpus} CPUs ({cpu}), {memory_gb} GB, {descriptors} descriptors"
        )?;
        writeln!(f, "commit {commit}")?;
        for (label, version) in contestants {
            writeln!(f, "{label}: {version}")?;
        }
        Ok(())
    }
}

fn commit() -> String {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty"]);
    let output = git.current_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).output();
    let text = output.ok().filter(|it| it.status.success()).map(|it| it.stdout);
    let text = text.map(|text| String::from_utf8_lossy(&text).trim().to_owned());
    text.unwrap_or_else(|| "unknown".to_owned())
}
