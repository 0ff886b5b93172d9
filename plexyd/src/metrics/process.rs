//! The usual `process_` families, as Prometheus's own clients name them.
//!
//! The collector of the prometheus crate tells no start where systemd's `ProcSubset=pid` hides all but
//! `/proc/self`, and CPU time in whole seconds.

use super::family::{Head, Kind, Sink, Value};
use crate::process::{Process, START_SECONDS, cpu_time, descriptors_max, descriptors_open};

/// A family, and where its only sample stands.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) head: Head,
    value: fn(&Process) -> Value<'static>,
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
        value: |_| Value::Float(cpu_time().as_secs_f64()),
    },
    Family {
        head: Head {
            name: "process_open_fds",
            otlp: "process.unix.file_descriptor.count",
            unit: "{file_descriptor}",
            kind: Kind::UpDownCounter,
            help: "Descriptors that are open.",
        },
        value: |_| Value::Whole(descriptors_open()),
    },
    Family {
        head: Head {
            name: "process_max_fds",
            otlp: "process.unix.file_descriptor.limit",
            unit: "{file_descriptor}",
            kind: Kind::UpDownCounter,
            help: "Descriptors that may be open at once.",
        },
        value: |_| descriptors_max().map_or(Value::Float(f64::INFINITY), Value::Whole),
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

/// Tells all of them; none where the system does not tell.
pub(super) fn tell(sink: &mut dyn Sink) {
    let Some(process) = Process::now() else { return };
    for family in FAMILIES {
        sink.begin(&family.head);
        sink.sample(&[], (family.value)(&process));
    }
}
