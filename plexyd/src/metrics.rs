//! What Prometheus is told, read from the live cells when it asks.
//!
//! Families are built and encoded one after the other: 10 000 tunnels are a
//! stream of pieces and never one text in memory.

mod daemon;
mod family;
mod process;
mod tunnels;

use std::sync::Arc;

use plexy_shared::error::Code;
use prometheus::core::Collector;
use prometheus::{IntCounterVec, Opts};

use crate::service::{Service, Survey};
use family::Samples;

/// Tunnels whose samples are one piece of a family.
const TUNNELS_PER_PIECE: usize = 200;

/// How a call of JSON-RPC has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// A request of HTTP.
    Http,
    /// A message of a WebSocket.
    WebSocket,
}

/// All metrics of a daemon.
pub(crate) struct Metrics {
    service: Arc<Service>,
    calls: IntCounterVec,
}

impl Metrics {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        let calls = Opts::new(
            "plexy_rpc_requests_total",
            "Calls of JSON-RPC by method, transport and outcome: `ok`, or the code of the error.",
        );
        let calls = IntCounterVec::new(calls, &["method", "transport", "outcome"]);
        let calls = calls.expect("the name and the labels are valid");
        Self { service, calls }
    }

    /// Counts a call of JSON-RPC; no error is a success.
    pub(crate) fn count_call(&self, method: &str, transport: Transport, refusal: Option<Code>) {
        let transport = match transport {
            Transport::Http => "http",
            Transport::WebSocket => "ws",
        };
        let outcome = refusal.map_or("ok", Code::as_str);
        self.calls.with_label_values(&[method, transport, outcome]).inc();
    }

    /// All of it in the text format, in pieces, as long as `write` takes them.
    ///
    /// It takes some milliseconds per thousand tunnels: not on a control thread.
    pub(crate) fn write(&self, write: &mut dyn FnMut(String) -> bool) {
        let survey = self.service.survey_all();
        let of_daemon = |family: &daemon::Family| {
            let mut samples = Samples::default();
            (family.sample)(&self.service, &survey, &mut samples);
            family.head.encode(samples, true)
        };
        let mut calls = self.calls.collect();
        calls.retain(|family| !family.get_metric().is_empty());
        let _all_taken = daemon::FAMILIES.iter().filter_map(of_daemon).all(&mut *write)
            && write(family::encode(&calls))
            && write(process::encode())
            && tunnels::FAMILIES.iter().all(|row| write_family(row, &survey, write));
    }
}

/// One family of all tunnels; whether all of it was taken.
fn write_family(
    family: &tunnels::Family,
    survey: &Survey,
    write: &mut dyn FnMut(String) -> bool,
) -> bool {
    let mut is_first = true;
    for tunnels in survey.tunnels.chunks(TUNNELS_PER_PIECE) {
        let mut samples = Samples::default();
        for tunnel in tunnels {
            (family.sample)(tunnel, &mut samples);
        }
        if let Some(text) = family.head.encode(samples, is_first) {
            is_first = false;
            if !write(text) {
                return false;
            }
        }
    }
    true
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
