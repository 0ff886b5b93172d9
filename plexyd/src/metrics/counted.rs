//! What is counted here, since it belongs to no tunnel: calls of JSON-RPC,
//! handshakes of TLS at its sockets, and exports over OTLP.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use plexy_shared::error::Code;
use prometheus::core::Collector;
use prometheus::{IntCounterVec, Opts};

use super::family::{Head, Kind, Label, Outcome, Sink};

/// The labels of a call.
const CALL_LABELS: [&str; 3] = ["method", "transport", "outcome"];

/// The outcome of a call that was answered.
const OK: &str = "ok";

static CALLS: Head = Head {
    name: "plexy_rpc_requests_total",
    otlp: "plexy.rpc.requests",
    unit: "{request}",
    kind: Kind::Counter,
    help: "Calls of JSON-RPC by method, transport and outcome: `ok`, or the code of the error.",
};

static HANDSHAKES: Head = Head {
    name: "plexy_rpc_tls_handshakes_total",
    otlp: "plexy.rpc.tls.handshakes",
    unit: "{handshake}",
    kind: Kind::Counter,
    help: "TLS handshakes at sockets of JSON-RPC, where one speaks TLS, by outcome: success, timeout, closed by the client, not-tls, no-certificate, bad-certificate (of the client), refused (the client does not take ours), or failed.",
};

static EXPORTS: Head = Head {
    name: "plexy_otlp_exports_total",
    otlp: "plexy.otlp.exports",
    unit: "{export}",
    kind: Kind::Counter,
    help: "Exports of all metrics over OTLP, where that is on: success, failure if the collector refused any of it, or dropped if it was not done when the next was due.",
};

/// All of them.
#[cfg(test)]
pub(super) static HEADS: [&Head; 3] = [&CALLS, &HANDSHAKES, &EXPORTS];

/// How a call of JSON-RPC has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// A request of HTTP.
    Http,
    /// A message of a WebSocket.
    WebSocket,
}

/// How a handshake of TLS at a socket of JSON-RPC has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// A connection of TLS stands.
    Success,
    /// It has taken too long.
    Timeout,
    /// The client has closed, or had to make room for others.
    Closed,
    /// The client speaks something else.
    NotTls,
    /// The client has no certificate, and should have one.
    NoCertificate,
    /// The certificate of the client is no good.
    BadCertificate,
    /// The client says that ours is no good, or something else that it does not like.
    Refused,
    /// They have nothing in common, or the client does not keep to the rules.
    Failed,
}

impl Handshake {
    const ALL: [Self; 8] = [
        Self::Success,
        Self::Timeout,
        Self::Closed,
        Self::NotTls,
        Self::NoCertificate,
        Self::BadCertificate,
        Self::Refused,
        Self::Failed,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::NotTls => "not-tls",
            Self::NoCertificate => "no-certificate",
            Self::BadCertificate => "bad-certificate",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// How an export has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exported {
    /// The collector has taken all of it.
    Success,
    /// It has refused some of it.
    Failure,
    /// It was not done in time.
    Dropped,
}

/// Calls by method, transport and outcome.
#[derive(Debug)]
pub(super) struct Calls(IntCounterVec);

/// Handshakes by how they have ended, in the order of [`Handshake::ALL`]; nothing where no socket
/// speaks TLS.
#[derive(Debug, Default)]
pub(super) struct Handshakes(OnceLock<[AtomicU64; Handshake::ALL.len()]>);

/// Exports by how they have ended; nothing where there is no exporter.
#[derive(Debug, Default)]
pub(super) struct Exports(OnceLock<[AtomicU64; 3]>);

impl Calls {
    pub(super) fn new() -> Self {
        let calls = IntCounterVec::new(Opts::new(CALLS.name, CALLS.help), &CALL_LABELS);
        Self(calls.expect("the name and the labels are valid"))
    }

    /// No error is a success.
    pub(super) fn count(&self, method: &str, transport: Transport, refusal: Option<Code>) {
        let transport = match transport {
            Transport::Http => "http",
            Transport::WebSocket => "ws",
        };
        let outcome = refusal.map_or(OK, Code::as_str);
        self.0.with_label_values(&[method, transport, outcome]).inc();
    }

    pub(super) fn tell(&self, sink: &mut dyn Sink) {
        sink.begin(&CALLS);
        let families = self.0.collect();
        for metric in families.iter().flat_map(|family| family.get_metric()) {
            let [method, transport, outcome] = CALL_LABELS.map(|name| {
                let pair = metric.get_label().iter().find(|pair| pair.name() == name);
                pair.map_or("", |pair| pair.value())
            });
            let gone = if outcome == OK { Outcome::Success } else { Outcome::Failure };
            let labels = [
                Label::Word("method", method),
                Label::Word("transport", transport),
                Label::Outcome(gone(outcome)),
            ];
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it counts whole calls"
            )]
            sink.whole(&labels, metric.get_counter().get_value() as u64);
        }
    }
}

impl Handshakes {
    /// There are some: they are told from now on, also while there was none.
    pub(super) fn begin(&self) {
        self.0.get_or_init(Default::default);
    }

    pub(super) fn count(&self, handshake: Handshake) {
        let counts = self.0.get_or_init(Default::default);
        let mut outcomes = Handshake::ALL.into_iter().zip(counts);
        if let Some((_, count)) = outcomes.find(|(outcome, _)| *outcome == handshake) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn tell(&self, sink: &mut dyn Sink) {
        let Some(counts) = self.0.get() else { return };
        sink.begin(&HANDSHAKES);
        for (handshake, count) in Handshake::ALL.into_iter().zip(counts) {
            let outcome = match handshake {
                Handshake::Success => Outcome::Success(handshake.word()),
                _ => Outcome::Failure(handshake.word()),
            };
            sink.whole(&[Label::Outcome(outcome)], count.load(Ordering::Relaxed));
        }
    }
}

impl Exports {
    /// There are exports: they are told from now on, also while there was none.
    pub(super) fn begin(&self) {
        self.0.get_or_init(Default::default);
    }

    pub(super) fn count(&self, exported: Exported) {
        let [success, failure, dropped] = self.0.get_or_init(Default::default);
        let count = match exported {
            Exported::Success => success,
            Exported::Failure => failure,
            Exported::Dropped => dropped,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn tell(&self, sink: &mut dyn Sink) {
        let Some(counts) = self.0.get() else { return };
        let outcomes =
            [Outcome::Success("success"), Outcome::Failure("failure"), Outcome::Failure("dropped")];
        sink.begin(&EXPORTS);
        for (outcome, count) in outcomes.into_iter().zip(counts) {
            sink.whole(&[Label::Outcome(outcome)], count.load(Ordering::Relaxed));
        }
    }
}
