//! The families of the daemon as a whole: one row each.

use std::time::UNIX_EPOCH;

use super::family::{Direction, Head, Kind, Label, Outcome, Sink};
use crate::service::{Service, Survey};
use crate::trace::Fate;

/// A family, and how its samples are taken.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) head: Head,
    pub(super) sample: fn(&Service, &Survey, &mut dyn Sink),
}

/// Every family, in the order in which it is told.
pub(super) static FAMILIES: &[Family] = &[
    Family {
        head: Head {
            name: "plexy_build_info",
            otlp: "plexy.build_info",
            unit: "{build}",
            kind: Kind::Gauge,
            help: "Always 1; the version of plexyd.",
        },
        sample: |service, _, samples| {
            samples.whole(&[Label::Word("version", &service.version().version)], 1);
        },
    },
    Family {
        head: Head {
            name: "plexy_ready",
            otlp: "plexy.ready",
            unit: "{daemon}",
            kind: Kind::UpDownCounter,
            help: "Whether the daemon takes new tunnels and connections: 0 once it ends.",
        },
        sample: |service, _, samples| samples.whole(&[], service.is_ready().into()),
    },
    Family {
        head: Head {
            name: "plexy_config_last_reload_successful",
            otlp: "plexy.config.last_reload.successful",
            unit: "{daemon}",
            kind: Kind::UpDownCounter,
            help: "Whether the configuration file was good when it was read last.",
        },
        sample: |service, _, samples| samples.whole(&[], service.last_reload().is_good.into()),
    },
    Family {
        head: Head {
            name: "plexy_config_last_reload_success_timestamp_seconds",
            otlp: "plexy.config.last_reload.success_time",
            unit: "s",
            kind: Kind::Gauge,
            help: "When the configuration was last good, in seconds since the Unix epoch; the start counts.",
        },
        sample: |service, _, samples| {
            let since = service.last_reload().good_at.duration_since(UNIX_EPOCH);
            samples.whole(&[], since.map_or(0, |since| since.as_secs()));
        },
    },
    Family {
        head: Head {
            name: "plexy_rpc_tls_certificate_not_after_timestamp_seconds",
            otlp: "plexy.rpc.tls.certificate.not_after",
            unit: "s",
            kind: Kind::Gauge,
            help: "Until when the certificate of the sockets of JSON-RPC is good, in seconds since the Unix epoch, where one speaks TLS.",
        },
        sample: |service, _, samples| {
            if let Some(not_after) = service.door_certificate_not_after() {
                samples.whole(&[], not_after.try_into().unwrap_or_default());
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_rpc_tls_certificate_last_reload_successful",
            otlp: "plexy.rpc.tls.certificate.last_reload.successful",
            unit: "{daemon}",
            kind: Kind::UpDownCounter,
            help: "Whether the files of the certificate of the sockets of JSON-RPC, its key and its authorities were good when they were read last, where one speaks TLS.",
        },
        sample: |service, _, samples| {
            if let Some(is_good) = service.is_door_certificate_good() {
                samples.whole(&[], is_good.into());
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_state_last_commit_successful",
            otlp: "plexy.state.last_commit.successful",
            unit: "{daemon}",
            kind: Kind::UpDownCounter,
            help: "Whether the last change that was to be saved in the state file was; only where there is one.",
        },
        sample: |service, _, samples| {
            if let Some(is_saving) = service.is_saving() {
                samples.whole(&[], is_saving.into());
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_state_commits_total",
            otlp: "plexy.state.commits",
            unit: "{commit}",
            kind: Kind::Counter,
            help: "How often the state file was written, only where there is one: success, or failure. Changes that come while it is written are written together.",
        },
        sample: |service, _, samples| {
            if let Some((success, failure)) = service.state_commits() {
                samples.whole(&[Label::Outcome(Outcome::Success("success"))], success);
                samples.whole(&[Label::Outcome(Outcome::Failure("failure"))], failure);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnels",
            otlp: "plexy.tunnel.count",
            unit: "{tunnel}",
            kind: Kind::UpDownCounter,
            help: "Open tunnels: ok if all their backends take connections, degraded if some do, down if none does, draining if they listen no more.",
        },
        sample: |_, survey, samples| {
            let mut counts = [("ok", 0), ("degraded", 0), ("down", 0), ("draining", 0)];
            for tunnel in &survey.tunnels {
                let backends = &tunnel.route.backends;
                let up = backends.iter().filter(|backend| backend.is_usable()).count();
                let [ok, degraded, down, draining] = &mut counts;
                match up {
                    _ if !tunnel.tunnel.is_ready() => draining.1 += 1,
                    0 => down.1 += 1,
                    up if up < backends.len() => degraded.1 += 1,
                    _ => ok.1 += 1,
                }
            }
            for (state, count) in counts {
                samples.whole(&[Label::Word("state", state)], count);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_connections",
            otlp: "plexy.active_connections",
            unit: "{connection}",
            kind: Kind::UpDownCounter,
            help: "Connections that live, those of closed tunnels and parked clients included.",
        },
        sample: |_, survey, samples| samples.whole(&[], survey.daemon.connections),
    },
    Family {
        head: Head {
            name: "plexy_descriptors_left",
            otlp: "plexy.descriptor.left",
            unit: "{descriptor}",
            kind: Kind::UpDownCounter,
            help: "Descriptors that connections and tunnels may still take: a connection takes two, a tunnel one.",
        },
        sample: |service, _, samples| samples.whole(&[], service.descriptors().0),
    },
    Family {
        head: Head {
            name: "plexy_accept_pauses_total",
            otlp: "plexy.accept_pauses",
            unit: "{pause}",
            kind: Kind::Counter,
            help: "How often a tunnel has stopped accepting until descriptors were left again.",
        },
        sample: |service, _, samples| samples.whole(&[], service.descriptors().1),
    },
    Family {
        head: Head {
            name: "plexy_checks_late_total",
            otlp: "plexy.checks_late",
            unit: "{check}",
            kind: Kind::Counter,
            help: "Checks of backends that began later than they should, since as many as may be were under way.",
        },
        sample: |service, _, samples| samples.whole(&[], service.checks_late()),
    },
    Family {
        head: Head {
            name: "plexy_access_log_dropped_total",
            otlp: "plexy.access_log.dropped",
            unit: "{line}",
            help: "Lines of the access log that were not written, since that went too slowly, or failed.",
            kind: Kind::Counter,
        },
        sample: |service, _, samples| samples.whole(&[], service.access_log_dropped()),
    },
    Family {
        head: Head {
            name: "plexy_otlp_spans_total",
            otlp: "plexy.otlp.spans",
            unit: "{span}",
            kind: Kind::Counter,
            help: "Spans of sampled connections, where that is on: success, failure if the collector refused them, or dropped if there was no room for them, or no time.",
        },
        sample: |service, _, samples| {
            for (fate, count) in service.spans().into_iter().flatten() {
                let outcome = match fate {
                    Fate::Exported => Outcome::Success("success"),
                    Fate::Refused => Outcome::Failure("failure"),
                    Fate::Dropped => Outcome::Failure("dropped"),
                };
                samples.whole(&[Label::Outcome(outcome)], count);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_worker_tasks",
            otlp: "plexy.worker.active_tasks",
            unit: "{task}",
            kind: Kind::UpDownCounter,
            help: "Tasks of the data path that live: one per connection, listener and probe, and those that end them.",
        },
        sample: |service, _, samples| samples.whole(&[], service.worker_tasks()),
    },
    Family {
        head: Head {
            name: "plexy_connections_accepted_total",
            otlp: "plexy.accepted_connections",
            unit: "{connection}",
            kind: Kind::Counter,
            help: "Clients that were let in, by tunnels closed since too.",
        },
        sample: |_, survey, samples| samples.whole(&[], survey.daemon.connections_total),
    },
    Family {
        head: Head {
            name: "plexy_bytes_total",
            otlp: "plexy.io",
            unit: "By",
            kind: Kind::Counter,
            help: "Bytes that went through the daemon, by tunnels closed since too: in from clients to backends, out back.",
        },
        sample: |_, survey, samples| {
            samples.whole(&[Label::Direction(Direction::In)], survey.daemon.bytes_in);
            samples.whole(&[Label::Direction(Direction::Out)], survey.daemon.bytes_out);
        },
    },
];
