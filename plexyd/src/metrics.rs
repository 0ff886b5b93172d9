//! What Prometheus and an OTLP collector are told, read from the live cells
//! when that is asked for.
//!
//! Families are told one after the other to a [`Sink`], which passes them on in
//! pieces: 10 000 tunnels are never one text in memory.

mod counted;
mod daemon;
mod family;
mod process;
mod text;
mod tunnels;

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use plexy_shared::error::Code;

pub(crate) use counted::{Exported, Handshake, Transport};
pub(crate) use family::{Direction, Head, Kind, Label, Outcome, Sink, Value};

use crate::service::Service;
use counted::{Calls, Exports, Handshakes};
use text::Text;

/// All metrics of a daemon.
pub(crate) struct Metrics {
    service: Arc<Service>,
    calls: Calls,
    handshakes: Handshakes,
    exports: Exports,
    /// When counting began, by both clocks. Read once: a start that moves is taken for another one.
    started: (Instant, SystemTime),
}

impl Metrics {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        let started = (Instant::now(), SystemTime::now());
        let (handshakes, exports) = (Handshakes::default(), Exports::default());
        Self { service, calls: Calls::new(), handshakes, exports, started }
    }

    /// Counts a call of JSON-RPC; no error is a success.
    pub(crate) fn count_call(&self, method: &str, transport: Transport, refusal: Option<Code>) {
        self.calls.count(method, transport, refusal);
    }

    /// Handshakes at sockets of JSON-RPC will be counted.
    pub(crate) fn begin_handshakes(&self) {
        self.handshakes.begin();
    }

    pub(crate) fn count_handshake(&self, handshake: Handshake) {
        self.handshakes.count(handshake);
    }

    /// Exports will be counted.
    pub(crate) fn begin_exports(&self) {
        self.exports.begin();
    }

    pub(crate) fn count_export(&self, exported: Exported) {
        self.exports.count(exported);
    }

    /// When counting began, by both clocks.
    pub(crate) fn started(&self) -> (Instant, SystemTime) {
        self.started
    }

    /// All of it in the text format, in pieces, as long as `write` takes them.
    ///
    /// It takes some milliseconds per thousand tunnels: not on a control thread.
    pub(crate) fn write(&self, write: &mut dyn FnMut(String) -> bool) {
        let mut text = Text::new(write);
        self.tell(&mut text);
        text.end();
    }

    /// Tells everything, as long as it is wanted. As slow as [`Metrics::write`].
    pub(crate) fn tell(&self, sink: &mut dyn Sink) {
        let survey = self.service.survey_all();
        for family in daemon::FAMILIES {
            sink.begin(&family.head);
            (family.sample)(&self.service, &survey, sink);
        }
        self.calls.tell(sink);
        self.handshakes.tell(sink);
        self.exports.tell(sink);
        process::tell(sink);
        for family in tunnels::FAMILIES {
            sink.begin(&family.head);
            for tunnel in &survey.tunnels {
                if sink.is_over() {
                    return;
                }
                (family.sample)(tunnel, sink);
            }
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn heads() -> impl Iterator<Item = &'static Head> {
        let of_daemon = daemon::FAMILIES.iter().map(|family| &family.head);
        let of_process = process::FAMILIES.iter().map(|family| &family.head);
        let of_tunnels = tunnels::FAMILIES.iter().map(|family| &family.head);
        of_daemon.chain(counted::HEADS).chain(of_process).chain(of_tunnels)
    }

    #[test]
    fn each_family_has_a_name_of_its_own_for_both() {
        let names: BTreeSet<_> = heads().map(|head| head.name).collect();
        let otlp: BTreeSet<_> = heads().map(|head| head.otlp).collect();
        assert_eq!((names.len(), otlp.len()), (heads().count(), heads().count()));
        for name in &otlp {
            // A name is no folder of others.
            let folder = format!("{name}.");
            assert!(!otlp.iter().any(|other| other.starts_with(&folder)), "{name}");
        }
    }

    #[test]
    fn names_are_as_each_side_has_them() {
        for Head { name, otlp, unit, kind, .. } in heads() {
            let is_word = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
            assert!(otlp.chars().all(is_word), "{otlp}");
            assert!(otlp.starts_with("plexy.") || otlp.starts_with("process."), "{otlp}");
            for word in otlp.split(['.', '_']) {
                assert!(!["total", "seconds", "bytes"].contains(&word), "{otlp}");
            }
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert_eq!(name.contains("_seconds"), *unit == "s", "{name}");
            assert_eq!(name.contains("_bytes"), *unit == "By", "{name}");
            let is_counted = unit.starts_with('{') && unit.ends_with('}');
            assert!(is_counted || ["s", "By"].contains(unit), "{name}");
        }
    }
}
