//! The families of the daemon as a whole: one row each.

use std::time::UNIX_EPOCH;

use prometheus::proto::MetricType::{COUNTER, GAUGE};

use super::family::{Head, Samples};
use crate::service::{Service, Survey};

/// A family, and how its samples are taken.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) head: Head,
    pub(super) sample: fn(&Service, &Survey, &mut Samples),
}

/// Every family, in the order in which it is told.
pub(super) static FAMILIES: &[Family] = &[
    Family {
        head: Head {
            name: "plexy_build_info",
            help: "Always 1; the version of plexyd.",
            kind: GAUGE,
        },
        sample: |service, _, samples| {
            samples.gauge(&[("version", &service.version().version)], 1);
        },
    },
    Family {
        head: Head {
            name: "plexy_ready",
            help: "Whether the daemon takes new tunnels and connections: 0 once it ends.",
            kind: GAUGE,
        },
        sample: |service, _, samples| samples.gauge(&[], service.is_ready().into()),
    },
    Family {
        head: Head {
            name: "plexy_config_last_reload_successful",
            help: "Whether the configuration file was good when it was read last.",
            kind: GAUGE,
        },
        sample: |service, _, samples| samples.gauge(&[], service.last_reload().is_good.into()),
    },
    Family {
        head: Head {
            name: "plexy_config_last_reload_success_timestamp_seconds",
            help: "When the configuration was last good, in seconds since the Unix epoch; the start counts.",
            kind: GAUGE,
        },
        sample: |service, _, samples| {
            let since = service.last_reload().good_at.duration_since(UNIX_EPOCH);
            samples.gauge(&[], since.map_or(0, |since| since.as_secs()));
        },
    },
    Family {
        head: Head {
            name: "plexy_state_last_commit_successful",
            help: "Whether the last change that was to be saved in the state file was; only where there is one.",
            kind: GAUGE,
        },
        sample: |service, _, samples| {
            if let Some(is_saving) = service.is_saving() {
                samples.gauge(&[], is_saving.into());
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnels",
            help: "Open tunnels: ok if all their backends take connections, degraded if some do, down if none does.",
            kind: GAUGE,
        },
        sample: |_, survey, samples| {
            let mut counts = [("ok", 0), ("degraded", 0), ("down", 0)];
            for tunnel in &survey.tunnels {
                let backends = &tunnel.route.backends;
                let up = backends.iter().filter(|backend| backend.is_usable()).count();
                let [ok, degraded, down] = &mut counts;
                match up {
                    0 => down.1 += 1,
                    up if up < backends.len() => degraded.1 += 1,
                    _ => ok.1 += 1,
                }
            }
            for (state, count) in counts {
                samples.gauge(&[("state", state)], count);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_connections",
            help: "Connections that live, those of closed tunnels included.",
            kind: GAUGE,
        },
        sample: |_, survey, samples| samples.gauge(&[], survey.daemon.connections),
    },
    Family {
        head: Head {
            name: "plexy_descriptors_left",
            help: "Descriptors that connections and tunnels may still take: a connection takes two, a tunnel one.",
            kind: GAUGE,
        },
        sample: |service, _, samples| samples.gauge(&[], service.descriptors().0),
    },
    Family {
        head: Head {
            name: "plexy_accept_pauses_total",
            help: "How often a tunnel has stopped accepting until descriptors were left again.",
            kind: COUNTER,
        },
        sample: |service, _, samples| samples.counter(&[], service.descriptors().1),
    },
    Family {
        head: Head {
            name: "plexy_worker_tasks",
            help: "Tasks of the data path that live: one per connection, listener and probe, and those that end them.",
            kind: GAUGE,
        },
        sample: |service, _, samples| samples.gauge(&[], service.worker_tasks()),
    },
    Family {
        head: Head {
            name: "plexy_connections_accepted_total",
            help: "Clients that were let in, by tunnels closed since too.",
            kind: COUNTER,
        },
        sample: |_, survey, samples| samples.counter(&[], survey.daemon.connections_total),
    },
    Family {
        head: Head {
            name: "plexy_bytes_total",
            help: "Bytes that went through the daemon, by tunnels closed since too: in from clients to backends, out back.",
            kind: COUNTER,
        },
        sample: |_, survey, samples| {
            samples.counter(&[("direction", "in")], survey.daemon.bytes_in);
            samples.counter(&[("direction", "out")], survey.daemon.bytes_out);
        },
    },
];
