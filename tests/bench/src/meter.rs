//! What a process costs, as the operating system counts it.

use std::fs;
use std::io;
use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::Pid;

/// The CPU time that all threads of a process have used, those that ended included.
///
/// This is the process's CPU clock: nanoseconds, up to this moment. `/proc/PID/stat` counts in
/// ticks of 10 ms, and `/proc/PID/task/*/schedstat` forgets threads that ended and lags behind for
/// those that run.
pub(crate) fn cpu(pid: u32) -> io::Result<Duration> {
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    Ok(ClockId::pid_cpu_clock_id(Pid::from_raw(pid))?.now()?.into())
}

/// The share of a process in the memory in bytes: its own pages, and its part of those that it
/// shares (`Pss`).
pub(crate) fn memory(pid: u32) -> io::Result<u64> {
    Ok(field(&format!("/proc/{pid}/smaps_rollup"), "Pss:")? * 1024)
}

/// The memory of a process in bytes that is nobody else's and no file's (`RssAnon`): who else runs
/// the same program makes no difference to it.
pub(crate) fn own_memory(pid: u32) -> io::Result<u64> {
    Ok(field(&format!("/proc/{pid}/status"), "RssAnon:")? * 1024)
}

/// How many descriptors a process has open.
pub(crate) fn descriptors(pid: u32) -> io::Result<u64> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64)
}

/// How many threads a process has.
pub(crate) fn threads(pid: u32) -> io::Result<u64> {
    field(&format!("/proc/{pid}/status"), "Threads:")
}

/// The number in a line `Name:   123 …`.
fn field(path: &str, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("no {name} in {path}")))
}

#[cfg(test)]
mod tests {
    use std::process;
    use std::time::Instant;

    use super::*;

    #[test]
    fn this_process_is_metered() {
        let pid = process::id();
        let before = cpu(pid).unwrap();
        let began = Instant::now();
        while cpu(pid).unwrap() - before < Duration::from_millis(5) {
            assert!(began.elapsed() < Duration::from_secs(10), "the CPU clock stands still");
        }
        assert!(memory(pid).unwrap() > 100_000);
        assert!(own_memory(pid).unwrap() > 10_000);
        assert!(descriptors(pid).unwrap() >= 3);
        assert!(threads(pid).unwrap() >= 1);
        assert!(cpu(u32::MAX).is_err());
    }
}
