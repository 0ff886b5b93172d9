//! The families of tunnels and backends: one row each.

use plexy_shared::info::{BackendState, Traffic};
use plexy_shared::word::Words;
use prometheus::proto::MetricType::{COUNTER, GAUGE, HISTOGRAM};

use super::family::{Head, Samples};
use crate::backend::Backend;
use crate::histogram::{CONNECT_TIMES, LIFETIMES};
use crate::service::TunnelSurvey;

/// A family, and how the samples of one tunnel are taken.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) head: Head,
    pub(super) sample: fn(&TunnelSurvey, &mut Samples),
}

/// Every family, in the order in which it is told.
pub(super) static FAMILIES: &[Family] = &[
    Family {
        head: Head {
            name: "plexy_tunnel_info",
            help: "Always 1; where a tunnel listens and how it chooses a backend.",
            kind: GAUGE,
        },
        sample: |survey, samples| {
            let listen = survey.tunnel.listen.to_string();
            let strategy = survey.route.options.strategy.to_string();
            let labels = [
                ("tunnel", &*label(survey)),
                ("listen", &listen),
                ("strategy", &strategy),
                ("tls", "none"),
            ];
            samples.gauge(&labels, 1);
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connections",
            help: "Connections of a tunnel that live.",
            kind: GAUGE,
        },
        sample: |survey, samples| {
            samples.gauge(&[("tunnel", &label(survey))], survey.traffic.connections);
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connections_limit",
            help: "Connections that a tunnel may have at once, where that is limited.",
            kind: GAUGE,
        },
        sample: |survey, samples| {
            if let Some(max) = survey.route.options.max_conns {
                samples.gauge(&[("tunnel", &label(survey))], max.into());
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connections_accepted_total",
            help: "Clients that were let in by a tunnel.",
            kind: COUNTER,
        },
        sample: |survey, samples| {
            samples.counter(&[("tunnel", &label(survey))], survey.traffic.connections_total);
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connections_closed_total",
            help: "Connections of a tunnel that have ended, by reason; reasons that never were are left out.",
            kind: COUNTER,
        },
        sample: |survey, samples| {
            for (reason, count) in survey.tunnel.ended.counts() {
                let labels = [("tunnel", &*label(survey)), ("reason", reason.as_str())];
                samples.counter(&labels, count);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connections_rejected_total",
            help: "Clients that a tunnel has reset instead of letting them in, by reason; reasons that never were are left out.",
            kind: COUNTER,
        },
        sample: |survey, samples| {
            for (reason, count) in survey.tunnel.rejected.counts() {
                let labels = [("tunnel", &*label(survey)), ("reason", reason.as_str())];
                samples.counter(&labels, count);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_bytes_total",
            help: "Bytes that went through a tunnel: in from clients to backends, out back.",
            kind: COUNTER,
        },
        sample: |survey, samples| {
            let label = label(survey);
            directions(survey.traffic, |direction, bytes| {
                samples.counter(&[("tunnel", &label), ("direction", direction)], bytes);
            });
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connection_duration_seconds",
            help: "How long the connections of a tunnel have lived, those that have ended.",
            kind: HISTOGRAM,
        },
        sample: |survey, samples| {
            if let Some(observed) = survey.tunnel.lifetimes.observed() {
                samples.histogram(&[("tunnel", &label(survey))], &LIFETIMES, &observed);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_up",
            help: "Whether a backend takes connections.",
            kind: GAUGE,
        },
        sample: |survey, samples| {
            each_backend(survey, |tunnel, addr, backend, _| {
                let labels = [("tunnel", tunnel), ("backend", addr)];
                samples.gauge(&labels, backend.is_usable().into());
            });
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_state",
            help: "1 for the state that a backend is in, 0 for the others.",
            kind: GAUGE,
        },
        sample: |survey, samples| {
            each_backend(survey, |tunnel, addr, backend, _| {
                let now = backend.condition().state;
                for state in BackendState::ALL {
                    let labels = [("tunnel", tunnel), ("backend", addr), ("state", state.as_str())];
                    samples.gauge(&labels, (*state == now).into());
                }
            });
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_state_changes_total",
            help: "How often a backend came to be in a state; states that it never came to are left out.",
            kind: COUNTER,
        },
        sample: |survey, samples| {
            each_backend(survey, |tunnel, addr, backend, _| {
                for (state, count) in backend.entered.counts() {
                    let labels = [("tunnel", tunnel), ("backend", addr), ("state", state.as_str())];
                    samples.counter(&labels, count);
                }
            });
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_connections",
            help: "Connections to a backend that live, those that still connect included.",
            kind: GAUGE,
        },
        sample: |survey, samples| {
            each_backend(survey, |tunnel, addr, _, traffic| {
                samples.gauge(&[("tunnel", tunnel), ("backend", addr)], traffic.connections);
            });
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_connect_attempts_total",
            help: "Attempts to connect to a backend for a client, by outcome: success, failure, timeout, or local for a fault of this machine; outcomes that never were are left out.",
            kind: COUNTER,
        },
        sample: |survey, samples| {
            each_backend(survey, |tunnel, addr, backend, _| {
                for (attempt, count) in backend.attempts.counts() {
                    let outcome = ("outcome", attempt.as_str());
                    samples.counter(&[("tunnel", tunnel), ("backend", addr), outcome], count);
                }
            });
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_connect_duration_seconds",
            help: "How long the attempts to connect to a backend took that worked.",
            kind: HISTOGRAM,
        },
        sample: |survey, samples| {
            each_backend(survey, |tunnel, addr, backend, _| {
                if let Some(observed) = backend.connect_times.observed() {
                    let labels = [("tunnel", tunnel), ("backend", addr)];
                    samples.histogram(&labels, &CONNECT_TIMES, &observed);
                }
            });
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_bytes_total",
            help: "Bytes that went to a backend (in) and came from it (out).",
            kind: COUNTER,
        },
        sample: |survey, samples| {
            each_backend(survey, |tunnel, addr, _, traffic| {
                directions(traffic, |direction, bytes| {
                    let direction = ("direction", direction);
                    samples.counter(&[("tunnel", tunnel), ("backend", addr), direction], bytes);
                });
            });
        },
    },
];

/// Its name, or else its address.
fn label(survey: &TunnelSurvey) -> String {
    survey.tunnel.label_of(&survey.route)
}

fn each_backend(survey: &TunnelSurvey, mut sample: impl FnMut(&str, &str, &Backend, Traffic)) {
    let tunnel = label(survey);
    for (backend, traffic) in survey.route.backends.iter().zip(&survey.backends) {
        sample(&tunnel, &backend.spec.addr.to_string(), backend, *traffic);
    }
}

fn directions(traffic: Traffic, mut sample: impl FnMut(&str, u64)) {
    sample("in", traffic.bytes_in);
    sample("out", traffic.bytes_out);
}
