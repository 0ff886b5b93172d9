//! Open descriptors: how many a process has, and as many as possible for tests that need many.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many descriptors this process has open.
#[must_use]
pub fn of_self() -> usize {
    count("self").expect("a process can read its own descriptors")
}

/// How many descriptors the process `pid` has open.
pub fn of(pid: u32) -> io::Result<usize> {
    count(&pid.to_string())
}

/// Raises the limit of this process as far as it goes without privileges, and answers it. Children
/// inherit it.
pub fn raise_limit() -> u64 {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit { current: maximum, maximum };
    setrlimit(Resource::Nofile, raised)
        .expect("a process may raise its soft limit to the hard one");
    maximum.unwrap_or(u64::MAX)
}

fn count(process: &str) -> io::Result<usize> {
    let folder = fs::read_dir(format!("/proc/{process}/fd"))?;
    // The folder that is being read is open too, but only here.
    Ok(folder.count() - usize::from(process == "self"))
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn a_process_has_descriptors_and_a_missing_one_has_none() {
        assert!(of_self() >= 1);
        assert!(of(process::id()).unwrap() >= 1);
        assert!(of(u32::MAX).is_err());
    }

    #[test]
    fn the_raised_limit_is_the_one_in_force() {
        let limit = raise_limit();
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), limit);
    }
}
