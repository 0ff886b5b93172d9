//! The process that this is: what the system says of it, for metrics and for whoever watches.
//!
//! It is read from `/proc/self` alone, since systemd's `ProcSubset=pid` hides everything else.

use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// This process at one moment.
#[derive(Debug)]
pub(crate) struct Process {
    start_after_boot_seconds: f64,
    pub(crate) threads: u64,
    pub(crate) virtual_bytes: u64,
    pub(crate) resident_bytes: u64,
}

/// CPU time that it has used, in its own code and in the kernel's.
pub(crate) fn cpu_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default()
}

/// Descriptors that are open.
///
/// Since Linux 6.2 that is the size of the folder (proc_pid_fd(5)); before they have to be counted,
/// which takes some milliseconds where many are.
pub(crate) fn descriptors_open() -> u64 {
    const FOLDER: &str = "/proc/self/fd";
    match fs::metadata(FOLDER).map_or(0, |folder| folder.len()) {
        0 => fs::read_dir(FOLDER).map_or(0, |folder| folder.count() as u64),
        open => open,
    }
}

/// Descriptors that may be open at once, where that is limited.
pub(crate) fn descriptors_max() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// When the process started, since the Unix epoch. Computed once: the clocks that it comes from are
/// read one after the other, and a start that moves is taken for another one.
pub(crate) static START_SECONDS: LazyLock<f64> = LazyLock::new(|| {
    let start = || {
        let since_boot: Duration = clock_gettime(ClockId::Boottime).try_into().ok()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let process = Process::now()?;
        Some(now.checked_sub(since_boot)?.as_secs_f64() + process.start_after_boot_seconds)
    };
    start().unwrap_or_default()
});

#[expect(clippy::cast_precision_loss, reason = "every value of Prometheus is a float")]
fn float(value: u64) -> f64 {
    value as f64
}

impl Process {
    /// As it is now; nothing where the system does not tell.
    pub(crate) fn now() -> Option<Self> {
        Self::read(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    /// From the line of proc_pid_stat(5), whose fields are counted from 1 there.
    fn read(stat: &str) -> Option<Self> {
        // The second field is a name, in which anything may stand.
        let fields: Vec<_> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let seconds = |ticks: u64| float(ticks) / float(clock_ticks_per_second());
        Some(Self {
            threads: field(20)?,
            start_after_boot_seconds: seconds(field(22)?),
            virtual_bytes: field(23)?,
            resident_bytes: field(24)? * page_size() as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 6 0 300 4096 2 18446744073709551615";
        let process = Process::read(stat).unwrap();
        assert_eq!((process.threads, process.virtual_bytes), (6, 4096));
        assert_eq!(process.resident_bytes, 2 * page_size() as u64);
        assert_eq!(process.start_after_boot_seconds, 300.0 / float(clock_ticks_per_second()));
    }

    #[test]
    fn this_process_started_a_while_ago() {
        let process = Process::now().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let age = now.as_secs_f64() - *START_SECONDS;
        assert!((-1.0..3_600.0).contains(&age), "{age}");
        assert!(process.threads > 0 && process.resident_bytes > 0);
    }

    #[test]
    fn a_descriptor_that_is_opened_counts_and_work_takes_time() {
        let (open, used) = (descriptors_open(), cpu_time());
        let files: Vec<_> = (0..50).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        let more = descriptors_open();
        // Other tests have some, too.
        assert!(more + 10 >= open + files.len() as u64, "{open} {more}");
        assert!(descriptors_max().is_none_or(|max| max >= more));
        assert!(cpu_time() >= used);
    }
}
