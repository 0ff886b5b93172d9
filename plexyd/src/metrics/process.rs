//! The usual `process_` families, as Prometheus's own clients name them.
//!
//! They are read from `/proc/self` alone, since systemd's `ProcSubset=pid` hides everything else; the
//! collector of the prometheus crate tells no start then, and CPU time in whole seconds.

use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::family::{Head, Kind, Sink, Value};
use crate::descriptors;

/// A family, and where its only sample stands.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) head: Head,
    value: fn(&Process) -> Value<'static>,
}

/// This process at one moment.
#[derive(Debug)]
pub(super) struct Process {
    cpu_seconds: f64,
    start_after_boot_seconds: f64,
    threads: u64,
    virtual_bytes: u64,
    resident_bytes: u64,
}

pub(super) static FAMILIES: &[Family] = &[
    Family {
        head: Head {
            name: "process_cpu_seconds_total",
            otlp: "process.cpu.time",
            unit: "s",
            kind: Kind::Counter,
            help: "CPU time of the process, in its own and in the kernel's code, in seconds.",
        },
        value: |process| Value::Float(process.cpu_seconds),
    },
    Family {
        head: Head {
            name: "process_open_fds",
            otlp: "process.unix.file_descriptor.count",
            unit: "{file_descriptor}",
            kind: Kind::UpDownCounter,
            help: "Descriptors that are open.",
        },
        value: |_| Value::Whole(descriptors::open_now()),
    },
    Family {
        head: Head {
            name: "process_max_fds",
            otlp: "process.unix.file_descriptor.limit",
            unit: "{file_descriptor}",
            kind: Kind::UpDownCounter,
            help: "Descriptors that may be open at once.",
        },
        value: |_| {
            let limit = getrlimit(Resource::Nofile).current;
            limit.map_or(Value::Float(f64::INFINITY), Value::Whole)
        },
    },
    Family {
        head: Head {
            name: "process_virtual_memory_bytes",
            otlp: "process.memory.virtual",
            unit: "By",
            kind: Kind::UpDownCounter,
            help: "Address space of the process, in bytes.",
        },
        value: |process| Value::Whole(process.virtual_bytes),
    },
    Family {
        head: Head {
            name: "process_resident_memory_bytes",
            otlp: "process.memory.usage",
            unit: "By",
            kind: Kind::UpDownCounter,
            help: "Memory of the process, in bytes.",
        },
        value: |process| Value::Whole(process.resident_bytes),
    },
    Family {
        head: Head {
            name: "process_threads",
            otlp: "process.thread.count",
            unit: "{thread}",
            kind: Kind::UpDownCounter,
            help: "Threads of the process.",
        },
        value: |process| Value::Whole(process.threads),
    },
    Family {
        head: Head {
            name: "process_start_time_seconds",
            otlp: "process.start_time",
            unit: "s",
            kind: Kind::Gauge,
            help: "When the process started, in seconds since the Unix epoch.",
        },
        value: |_| Value::Float(*START_SECONDS),
    },
];

/// When the process started, since the Unix epoch. Computed once: the clocks that it comes from are
/// read one after the other, and a start that moves is taken for another one.
static START_SECONDS: LazyLock<f64> = LazyLock::new(|| {
    let start = || {
        let since_boot: Duration = clock_gettime(ClockId::Boottime).try_into().ok()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let process = Process::now()?;
        Some(now.checked_sub(since_boot)?.as_secs_f64() + process.start_after_boot_seconds)
    };
    start().unwrap_or_default()
});

/// Tells all of them; none where the system does not tell.
pub(super) fn tell(sink: &mut dyn Sink) {
    let Some(process) = Process::now() else { return };
    for family in FAMILIES {
        sink.begin(&family.head);
        sink.sample(&[], (family.value)(&process));
    }
}

#[expect(clippy::cast_precision_loss, reason = "every value of Prometheus is a float")]
fn float(value: u64) -> f64 {
    value as f64
}

impl Process {
    fn now() -> Option<Self> {
        Self::read(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    /// From the line of proc_pid_stat(5), whose fields are counted from 1 there.
    fn read(stat: &str) -> Option<Self> {
        // The second field is a name, in which anything may stand.
        let fields: Vec<_> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let seconds = |ticks: u64| float(ticks) / float(clock_ticks_per_second());
        Some(Self {
            cpu_seconds: seconds(field(14)? + field(15)?),
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
        assert_eq!(process.cpu_seconds, 200.0 / float(clock_ticks_per_second()));
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
}
