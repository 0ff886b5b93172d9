//! The families of tunnels and backends: one row each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use plexy_shared::info::{Attempt, BackendState, CheckOutcome, CheckState, TlsHandshake, Traffic};
use plexy_shared::spec::AdminState;
use plexy_shared::word::Words;

use super::family::{Direction, Head, Kind, Label, Outcome, Sink, Value};
use crate::backend::Backend;
use crate::histogram::{CONNECT_TIMES, LIFETIMES, PARKED_TIMES};
use crate::service::TunnelSurvey;
use crate::tls::{Renewable, Shown};
use crate::tunnel::TlsCounts;

/// A family, and how the samples of one tunnel are taken.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) head: Head,
    pub(super) sample: fn(&TunnelSurvey, &mut dyn Sink),
}

/// Every family, in the order in which it is told.
pub(super) static FAMILIES: &[Family] = &[
    Family {
        head: Head {
            name: "plexy_tunnel_info",
            otlp: "plexy.tunnel.info",
            unit: "{tunnel}",
            kind: Kind::Gauge,
            help: "Always 1; where a tunnel listens, how it chooses a backend, what it does of the TLS of its clients (terminate, route, none), and how it speaks TLS with its backends (verified, unverified, none).",
        },
        sample: |survey, samples| {
            let strategy = survey.route.options.strategy.to_string();
            let tls = survey.route.tls().unwrap_or("none");
            let backend_tls = match survey.route.originate() {
                Some(originate) if originate.is_verified() => "verified",
                Some(_) => "unverified",
                None => "none",
            };
            let labels = [
                Label::Tunnel(survey),
                Label::Listen(&survey.tunnel.listen),
                Label::Word("strategy", &strategy),
                Label::Word("tls", tls),
                Label::Word("backend_tls", backend_tls),
            ];
            samples.whole(&labels, 1);
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connections",
            otlp: "plexy.tunnel.active_connections",
            unit: "{connection}",
            kind: Kind::UpDownCounter,
            help: "Connections of a tunnel that live.",
        },
        sample: |survey, samples| {
            samples.whole(&[Label::Tunnel(survey)], survey.traffic.connections);
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connections_limit",
            otlp: "plexy.tunnel.connection.limit",
            unit: "{connection}",
            kind: Kind::UpDownCounter,
            help: "Connections that a tunnel may have at once, where that is limited.",
        },
        sample: |survey, samples| {
            if let Some(max) = survey.route.options.max_conns {
                samples.whole(&[Label::Tunnel(survey)], max.into());
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connections_parked",
            otlp: "plexy.tunnel.parked_connections",
            unit: "{connection}",
            kind: Kind::UpDownCounter,
            help: "Clients that wait until a limit of a tunnel lets them go on, where there is one.",
        },
        sample: |survey, samples| {
            if survey.route.is_limited() {
                samples.whole(&[Label::Tunnel(survey)], survey.tunnel.parked());
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_parked_duration_seconds",
            otlp: "plexy.tunnel.parked.duration",
            unit: "s",
            kind: Kind::Histogram,
            help: "How long clients of a tunnel were parked, whatever became of them.",
        },
        sample: |survey, samples| {
            let observed =
                survey.tunnel.gate().and_then(|gate| gate.queue.times.observed(&PARKED_TIMES));
            if let Some(observed) = observed {
                let value = Value::Histogram(&PARKED_TIMES, &observed);
                samples.sample(&[Label::Tunnel(survey)], value);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connections_accepted_total",
            otlp: "plexy.tunnel.accepted_connections",
            unit: "{connection}",
            kind: Kind::Counter,
            help: "Clients that were let in by a tunnel.",
        },
        sample: |survey, samples| {
            samples.whole(&[Label::Tunnel(survey)], survey.traffic.connections_total);
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connections_closed_total",
            otlp: "plexy.tunnel.closed_connections",
            unit: "{connection}",
            kind: Kind::Counter,
            help: "Connections of a tunnel that have ended, by reason; reasons that never were are left out.",
        },
        sample: |survey, samples| {
            for (reason, count) in survey.tunnel.ended.counts() {
                samples.whole(&[Label::Tunnel(survey), Label::Reason(reason)], count);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connections_rejected_total",
            otlp: "plexy.tunnel.rejected_connections",
            unit: "{connection}",
            kind: Kind::Counter,
            help: "Clients that a tunnel has not let in, by reason; reasons that never were are left out.",
        },
        sample: |survey, samples| {
            for (reason, count) in survey.tunnel.rejected().counts() {
                samples.whole(&[Label::Tunnel(survey), Label::Reason(reason)], count);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_hellos_refused_total",
            otlp: "plexy.tunnel.refused_hellos",
            unit: "{connection}",
            kind: Kind::Counter,
            help: "Clients of a tunnel that routes by SNI which were turned away for how they began, by cause: not-tls, malformed, too-large, timeout, cut (they left in the middle), or unknown-name; causes that never were are left out.",
        },
        sample: |survey, samples| {
            let gate = survey.tunnel.gate().into_iter();
            for (cause, count) in gate.flat_map(|gate| gate.hello_faults.counts()) {
                let cause = Label::Word("cause", cause.as_str());
                samples.whole(&[Label::Tunnel(survey), cause], count);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_bytes_total",
            otlp: "plexy.tunnel.io",
            unit: "By",
            kind: Kind::Counter,
            help: "Bytes that went through a tunnel: in from clients to backends, out back.",
        },
        sample: |survey, samples| {
            for (direction, bytes) in directions(survey.traffic) {
                samples.whole(&[Label::Tunnel(survey), Label::Direction(direction)], bytes);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tunnel_connection_duration_seconds",
            otlp: "plexy.tunnel.connection.duration",
            unit: "s",
            kind: Kind::Histogram,
            help: "How long the connections of a tunnel have lived, those that have ended.",
        },
        sample: |survey, samples| {
            if let Some(observed) = survey.tunnel.lifetimes.observed(&LIFETIMES) {
                let value = Value::Histogram(&LIFETIMES, &observed);
                samples.sample(&[Label::Tunnel(survey)], value);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tls_handshakes_total",
            otlp: "plexy.tls.handshakes",
            unit: "{handshake}",
            kind: Kind::Counter,
            help: "TLS handshakes with clients of a tunnel that have worked, by version, and whether they went on where an earlier one was; what never was is left out.",
        },
        sample: |survey, samples| {
            let Some(counts) = survey.tunnel.tls_counts() else { return };
            for (handshake, count) in counts.handshakes.counts() {
                let [version, resumed] = handshake_labels(handshake);
                samples.whole(&[Label::Tunnel(survey), version, resumed], count);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tls_failures_total",
            otlp: "plexy.tls.failures",
            unit: "{connection}",
            kind: Kind::Counter,
            help: "Clients of a tunnel with whom TLS could not be begun, or has broken, by reason; reasons that never were are left out.",
        },
        sample: |survey, samples| {
            let Some(counts) = survey.tunnel.tls_counts() else { return };
            for (failure, count) in counts.failures.counts() {
                let reason = Label::Word("reason", failure.as_str());
                samples.whole(&[Label::Tunnel(survey), reason], count);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tls_certificate_not_after_timestamp_seconds",
            otlp: "plexy.tls.certificate.not_after",
            unit: "s",
            kind: Kind::Gauge,
            help: "Until when a certificate is good that a tunnel shows, in seconds since the Unix epoch, by its file.",
        },
        sample: |survey, samples| {
            let mut certificates = BTreeMap::new();
            for live in survey.route.live() {
                live.visit(&mut |Shown { file, certificate, .. }| {
                    certificates.insert(file.display().to_string(), certificate.not_after);
                });
            }
            for (file, not_after) in certificates {
                let labels = [Label::Tunnel(survey), Label::Word("file", &file)];
                samples.whole(&labels, not_after.try_into().unwrap_or_default());
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tls_certificate_last_reload_successful",
            otlp: "plexy.tls.certificate.last_reload.successful",
            unit: "{tunnel}",
            kind: Kind::UpDownCounter,
            help: "Whether the files of the certificates, keys and authorities of a tunnel were good when they were read last; else what was there before goes on.",
        },
        sample: |survey, samples| {
            let is_good = |live: Arc<dyn Renewable>| live.standing().bad().is_none();
            let all = survey.route.live().map(is_good);
            if let Some(is_good) = all.reduce(|one, other| one && other) {
                samples.whole(&[Label::Tunnel(survey)], is_good.into());
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_tls_certificate_reloads_total",
            otlp: "plexy.tls.certificate.reloads",
            unit: "{reload}",
            kind: Kind::Counter,
            help: "How often the files of the certificates, keys and authorities of a tunnel said something else: success, or failure where it was no good.",
        },
        sample: |survey, samples| {
            let counts = survey.tunnel.tls_counts();
            if counts.is_none() && survey.route.live().next().is_none() {
                return;
            }
            let of = |count: fn(&TlsCounts) -> &AtomicU64| {
                counts.map_or(0, |counts| count(counts).load(Ordering::Relaxed))
            };
            let (success, failure) = (of(|it| &it.files_taken), of(|it| &it.files_refused));
            for (outcome, count) in
                [(Outcome::Success("success"), success), (Outcome::Failure("failure"), failure)]
            {
                samples.whole(&[Label::Tunnel(survey), Label::Outcome(outcome)], count);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_up",
            otlp: "plexy.backend.up",
            unit: "{backend}",
            kind: Kind::UpDownCounter,
            help: "Whether a backend takes connections.",
        },
        sample: |survey, samples| {
            for (backend, _) in backends(survey) {
                let labels = [Label::Tunnel(survey), Label::Backend(backend)];
                samples.whole(&labels, backend.is_usable().into());
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_state",
            otlp: "plexy.backend.state",
            unit: "{backend}",
            kind: Kind::UpDownCounter,
            help: "1 for the state that a backend is in, 0 for the others.",
        },
        sample: |survey, samples| {
            for (backend, _) in backends(survey) {
                let now = backend.condition().state;
                for state in BackendState::ALL {
                    let state_label = Label::Word("state", state.as_str());
                    let labels = [Label::Tunnel(survey), Label::Backend(backend), state_label];
                    samples.whole(&labels, (*state == now).into());
                }
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_admin_state",
            otlp: "plexy.backend.admin_state",
            unit: "{backend}",
            kind: Kind::UpDownCounter,
            help: "1 for what somebody wants of a backend, where that is not to be ready: drain, or disabled; ready ones are left out.",
        },
        sample: |survey, samples| {
            let members = survey.route.backends.iter();
            for member in members.filter(|it| it.options.admin != AdminState::Ready) {
                let state = Label::Word("state", member.options.admin.as_str());
                samples.whole(&[Label::Tunnel(survey), Label::Backend(&member.backend), state], 1);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_check_state",
            otlp: "plexy.backend.check_state",
            unit: "{backend}",
            kind: Kind::UpDownCounter,
            help: "1 for what the checks of a backend say: pending, up or down, and 0 for the others; those that are not checked are left out.",
        },
        sample: |survey, samples| {
            for (backend, _) in backends(survey) {
                let Some(report) = backend.checked.report() else { continue };
                for state in CheckState::ALL {
                    let state_label = Label::Word("state", state.as_str());
                    let labels = [Label::Tunnel(survey), Label::Backend(backend), state_label];
                    samples.whole(&labels, (*state == report.verdict.state).into());
                }
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_state_changes_total",
            otlp: "plexy.backend.state_changes",
            unit: "{change}",
            kind: Kind::Counter,
            help: "How often a backend came to be in a state; states that it never came to are left out.",
        },
        sample: |survey, samples| {
            for (backend, _) in backends(survey) {
                for (state, count) in backend.entered.counts() {
                    let state = Label::Word("state", state.as_str());
                    let labels = [Label::Tunnel(survey), Label::Backend(backend), state];
                    samples.whole(&labels, count);
                }
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_connections",
            otlp: "plexy.backend.open_connections",
            unit: "{connection}",
            kind: Kind::UpDownCounter,
            help: "Connections to a backend that live, those that still connect included.",
        },
        sample: |survey, samples| {
            for (backend, traffic) in backends(survey) {
                let labels = [Label::Tunnel(survey), Label::Backend(backend)];
                samples.whole(&labels, traffic.connections);
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_connect_attempts_total",
            otlp: "plexy.backend.connect_attempts",
            unit: "{attempt}",
            kind: Kind::Counter,
            help: "Attempts to connect to a backend for a client, by outcome: success, failure, timeout, or local for a fault of this machine; outcomes that never were are left out.",
        },
        sample: |survey, samples| {
            for (backend, _) in backends(survey) {
                for (attempt, count) in backend.attempts().counts() {
                    let outcome = match attempt {
                        Attempt::Success => Outcome::Success(attempt.as_str()),
                        _ => Outcome::Failure(attempt.as_str()),
                    };
                    let outcome = Label::Outcome(outcome);
                    let labels = [Label::Tunnel(survey), Label::Backend(backend), outcome];
                    samples.whole(&labels, count);
                }
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_connect_duration_seconds",
            otlp: "plexy.backend.connect.duration",
            unit: "s",
            kind: Kind::Histogram,
            help: "How long the attempts to connect to a backend took that worked.",
        },
        sample: |survey, samples| {
            for (backend, _) in backends(survey) {
                if let Some(observed) = backend.connect_times.observed(&CONNECT_TIMES) {
                    let labels = [Label::Tunnel(survey), Label::Backend(backend)];
                    samples.sample(&labels, Value::Histogram(&CONNECT_TIMES, &observed));
                }
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_tls_handshakes_total",
            otlp: "plexy.backend.tls.handshakes",
            unit: "{handshake}",
            kind: Kind::Counter,
            help: "TLS handshakes with a backend for a client that have worked, by version, and whether they went on where an earlier one was; what never was is left out.",
        },
        sample: |survey, samples| {
            for (backend, _) in backends(survey) {
                let Some(handshakes) = backend.handshakes() else { continue };
                for (handshake, count) in handshakes.done.counts() {
                    let [version, resumed] = handshake_labels(handshake);
                    let labels = [Label::Tunnel(survey), Label::Backend(backend), version, resumed];
                    samples.whole(&labels, count);
                }
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_tls_failures_total",
            otlp: "plexy.backend.tls.failures",
            unit: "{failure}",
            kind: Kind::Counter,
            help: "TLS with a backend that could not be begun for a client, or has broken, by reason; reasons that never were are left out.",
        },
        sample: |survey, samples| {
            for (backend, _) in backends(survey) {
                let Some(handshakes) = backend.handshakes() else { continue };
                for (failure, count) in handshakes.failures.counts() {
                    let reason = Label::Word("reason", failure.as_str());
                    samples.whole(&[Label::Tunnel(survey), Label::Backend(backend), reason], count);
                }
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_checks_total",
            otlp: "plexy.backend.checks",
            unit: "{check}",
            kind: Kind::Counter,
            help: "Checks of a backend, by outcome: success, failure, timeout, wrong-answer, or local for a fault of this machine; outcomes that never were are left out.",
        },
        sample: |survey, samples| {
            for (backend, _) in backends(survey) {
                for (check, count) in backend.checked.outcomes() {
                    let outcome = match check {
                        CheckOutcome::Success => Outcome::Success(check.as_str()),
                        _ => Outcome::Failure(check.as_str()),
                    };
                    let outcome = Label::Outcome(outcome);
                    let labels = [Label::Tunnel(survey), Label::Backend(backend), outcome];
                    samples.whole(&labels, count);
                }
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_check_duration_seconds",
            otlp: "plexy.backend.check.duration",
            unit: "s",
            kind: Kind::Gauge,
            help: "How long the last check of a backend took, where it is checked.",
        },
        sample: |survey, samples| {
            for (backend, _) in backends(survey) {
                let took = backend.checked.report().and_then(|report| report.verdict.took);
                if let Some(took) = took {
                    let labels = [Label::Tunnel(survey), Label::Backend(backend)];
                    samples.sample(&labels, Value::Float(took.as_secs_f64()));
                }
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_connection_duration_seconds",
            otlp: "plexy.backend.connection.duration",
            unit: "s",
            kind: Kind::Histogram,
            help: "How long the connections to a backend have lived, those that have ended.",
        },
        sample: |survey, samples| {
            for (backend, _) in backends(survey) {
                if let Some(observed) = backend.lifetimes.observed(&LIFETIMES) {
                    let labels = [Label::Tunnel(survey), Label::Backend(backend)];
                    samples.sample(&labels, Value::Histogram(&LIFETIMES, &observed));
                }
            }
        },
    },
    Family {
        head: Head {
            name: "plexy_backend_bytes_total",
            otlp: "plexy.backend.io",
            unit: "By",
            kind: Kind::Counter,
            help: "Bytes that went to a backend (in) and came from it (out).",
        },
        sample: |survey, samples| {
            for (backend, traffic) in backends(survey) {
                for (direction, bytes) in directions(traffic) {
                    let direction = Label::Direction(direction);
                    let labels = [Label::Tunnel(survey), Label::Backend(backend), direction];
                    samples.whole(&labels, bytes);
                }
            }
        },
    },
];

/// Its version, and whether it was resumed.
fn handshake_labels(handshake: TlsHandshake) -> [Label<'static>; 2] {
    let (version, is_resumed) = handshake.version();
    let resumed = if is_resumed { "true" } else { "false" };
    [Label::Word("version", version.as_str()), Label::Word("resumed", resumed)]
}

fn backends(survey: &TunnelSurvey) -> impl Iterator<Item = (&Backend, Traffic)> {
    survey.route.backends.iter().map(|member| &*member.backend).zip(survey.backends.iter().copied())
}

fn directions(traffic: Traffic) -> [(Direction, u64); 2] {
    [(Direction::In, traffic.bytes_in), (Direction::Out, traffic.bytes_out)]
}
