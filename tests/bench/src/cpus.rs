//! Which CPUs proxy and load generator may use.

use std::fmt;

use clap::ValueEnum;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

/// Whether the proxy has a CPU to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pin {
    /// The proxy has one CPU, the load generator the others.
    Pinned,
    /// The kernel places both anywhere.
    Unpinned,
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pinned => "pinned",
            Self::Unpinned => "unpinned",
        })
    }
}

/// Some CPUs of this machine, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cpus(Vec<usize>);

impl Cpus {
    /// Those that this process may use.
    pub(crate) fn available() -> std::io::Result<Self> {
        let set = sched_getaffinity(None)?;
        Ok(Self((0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect()))
    }

    /// From numbers.
    pub(crate) fn of(numbers: Vec<usize>) -> Self {
        Self(numbers)
    }

    /// Their numbers.
    pub(crate) fn numbers(&self) -> &[usize] {
        &self.0
    }

    /// Confines the calling thread, and what it starts from now on, to them.
    pub(crate) fn enter(&self) -> std::io::Result<()> {
        let mut set = CpuSet::new();
        for cpu in &self.0 {
            set.set(*cpu);
        }
        Ok(sched_setaffinity(None, &set)?)
    }
}

/// Who is where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The CPUs of the proxy.
    pub(crate) proxy: Cpus,
    /// Those of the load generator.
    pub(crate) generator: Cpus,
}

impl Layout {
    /// The layout on these CPUs; none where there are too few for it.
    pub(crate) fn new(pin: Pin, available: &Cpus) -> Option<Self> {
        let all = available.numbers();
        match pin {
            Pin::Unpinned => Some(Self { proxy: available.clone(), generator: available.clone() }),
            Pin::Pinned => match all.split_first() {
                Some((first, rest)) if !rest.is_empty() => {
                    Some(Self { proxy: Cpus(vec![*first]), generator: Cpus(rest.to_vec()) })
                }
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pin: Pin, available: &[usize], expected: Option<(&[usize], &[usize])>) {
        let layout = Layout::new(pin, &Cpus(available.to_vec()));
        let layout = layout.as_ref();
        let numbers = layout.map(|it| (it.proxy.numbers(), it.generator.numbers()));
        assert_eq!(numbers, expected);
    }

    #[test]
    fn a_pinned_proxy_shares_its_cpu_with_nobody() {
        check(Pin::Pinned, &[0, 1], Some((&[0], &[1])));
        check(Pin::Pinned, &[3, 5, 7], Some((&[3], &[5, 7])));
        check(Pin::Pinned, &[0], None);
        check(Pin::Unpinned, &[0], Some((&[0], &[0])));
    }
}
