//! Labels as attributes, by the names of OpenTelemetry's conventions where they
//! have one.

use std::net::SocketAddr;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use plexy_shared::info::{Reason, TlsHandshake};
use plexy_shared::spec::{BackendAddr, BoundAddr};

use crate::introduction::Introduction;
use crate::metrics::{Direction, Label, Outcome};
use crate::trace::End;

/// How something has failed; not there where nothing has.
pub(super) const ERROR_TYPE: &str = "error.type";

/// An attribute that is text.
pub(super) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

/// An attribute that is a number.
pub(super) fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

/// An attribute that is a fraction.
pub(super) fn float(key: &str, value: f64) -> KeyValue {
    attribute(key, Value::DoubleValue(value))
}

/// An attribute that is so or not.
fn truth(key: &str, value: bool) -> KeyValue {
    attribute(key, Value::BoolValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// The attributes of a sample.
pub(super) fn attributes(labels: &[Label<'_>]) -> Vec<KeyValue> {
    let is_of_backend = labels.iter().any(|label| matches!(label, Label::Backend(_)));
    let mut attributes = Vec::new();
    for label in labels {
        match *label {
            Label::Tunnel(survey) => {
                let name = survey.tunnel.label_of(&survey.route);
                attributes.push(text("plexy.tunnel", &name));
                // What stands for a backend tells of the connection to that.
                if !is_of_backend {
                    listener(&survey.tunnel.listen, &mut attributes);
                }
            }
            // It is told with its tunnel.
            Label::Listen(_) => {}
            Label::Backend(backend) => server(&backend.addr, &mut attributes),
            Label::Direction(direction) => {
                // Seen from the daemon's listener: it receives what comes in.
                let value = match direction {
                    Direction::In => "receive",
                    Direction::Out => "transmit",
                };
                attributes.push(text("network.io.direction", value));
            }
            Label::Reason(it) => reason(it, &mut attributes),
            Label::Outcome(Outcome::Success(_)) => {}
            Label::Outcome(Outcome::Failure(word)) => attributes.push(text(ERROR_TYPE, word)),
            Label::Word("method", method) => attributes.push(text("rpc.method", method)),
            Label::Word(name, word) => attributes.push(text(&format!("plexy.{name}"), word)),
        }
    }
    attributes
}

/// Why something has ended.
pub(super) fn reason(reason: Reason, attributes: &mut Vec<KeyValue>) {
    attributes.push(text("plexy.reason", reason.as_str()));
    if is_failure(reason) {
        attributes.push(text(ERROR_TYPE, reason.as_str()));
    }
}

/// Whether somebody wanted something else than this end.
pub(super) fn is_failure(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ClientReset
            | Reason::BackendReset
            | Reason::Refused
            | Reason::Limit
            | Reason::ConnectFailed
            | Reason::Tls
            | Reason::Error
    )
}

/// Where clients come to.
fn listener(addr: &BoundAddr, attributes: &mut Vec<KeyValue>) {
    let (address, port) = match addr {
        BoundAddr::Any(port) => ("*".to_owned(), Some(*port)),
        BoundAddr::Ip(addr) => (addr.ip().to_string(), Some(addr.port())),
        BoundAddr::Unix(path) => (path.as_path().display().to_string(), None),
    };
    attributes.push(text("network.local.address", &address));
    attributes.extend(port.map(|port| number("network.local.port", port.into())));
    transport(port, attributes);
    if let BoundAddr::Ip(addr) = addr {
        attributes.push(version(addr));
    }
}

/// Where a client has come to: as its socket has it, or else as the tunnel listens.
pub(super) fn local(listen: &BoundAddr, addr: Option<SocketAddr>, attributes: &mut Vec<KeyValue>) {
    match addr {
        None => listener(listen, attributes),
        Some(addr) => {
            let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
            listener(&BoundAddr::Ip(addr), attributes);
        }
    }
}

/// What a client has told of itself, and what TLS is spoken with it.
pub(super) fn client(end: &End, attributes: &mut Vec<KeyValue>) {
    let introduction = end.introduction.as_deref();
    if let Some(name) = introduction.and_then(Introduction::name) {
        attributes.push(text("tls.client.server_name", name));
    }
    if let Some((version, is_resumed)) = end.handshake.map(TlsHandshake::version) {
        attributes.push(text("tls.protocol.version", version.as_str()));
        attributes.push(truth("tls.resumed", is_resumed));
    }
    if let Some(certificate) = introduction.and_then(Introduction::certificate) {
        attributes.push(text("tls.client.subject", &certificate.subject));
        // In capitals, as the conventions have it.
        let digits = certificate.fingerprint.to_string().to_uppercase();
        attributes.push(text("tls.client.hash.sha256", &digits));
    }
}

/// Where a backend is, and what the connection to it is.
pub(super) fn server(addr: &BackendAddr, attributes: &mut Vec<KeyValue>) {
    transport(server_address(addr, attributes), attributes);
    if let BackendAddr::Ip(addr) = addr {
        attributes.push(version(addr));
    }
}

/// Where a backend is; its port, if it has one.
pub(super) fn server_address(addr: &BackendAddr, attributes: &mut Vec<KeyValue>) -> Option<u16> {
    let (address, port) = match addr {
        BackendAddr::Ip(addr) => (addr.ip().to_string(), Some(addr.port())),
        BackendAddr::Name(name, port) => (name.as_str().to_owned(), Some(*port)),
        BackendAddr::Unix(path) => (path.as_path().display().to_string(), None),
    };
    attributes.push(text("server.address", &address));
    attributes.extend(port.map(|port| number("server.port", port.into())));
    port
}

fn transport(port: Option<u16>, attributes: &mut Vec<KeyValue>) {
    attributes.push(text("network.transport", if port.is_some() { "tcp" } else { "unix" }));
}

fn version(addr: &SocketAddr) -> KeyValue {
    text("network.type", if addr.is_ipv4() { "ipv4" } else { "ipv6" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(attributes: &[KeyValue]) -> String {
        let shown = attributes.iter().map(|it| match &it.value {
            Some(AnyValue { value: Some(Value::StringValue(value)) }) => {
                format!("{}={value}", it.key)
            }
            Some(AnyValue { value: Some(Value::IntValue(value)) }) => format!("{}={value}", it.key),
            other => panic!("{other:?}"),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check_server(addr: &str, expected: &str) {
        let mut attributes = Vec::new();
        server(&addr.parse().unwrap(), &mut attributes);
        assert_eq!(shown(&attributes), expected);
    }

    #[test]
    fn a_backend_is_a_server() {
        check_server(
            "10.0.0.1:5432",
            "server.address=10.0.0.1 server.port=5432 network.transport=tcp network.type=ipv4",
        );
        check_server(
            "[::1]:22",
            "server.address=::1 server.port=22 network.transport=tcp network.type=ipv6",
        );
        check_server(
            "db.example:5432",
            "server.address=db.example server.port=5432 network.transport=tcp",
        );
        check_server("unix:/run/db.sock", "server.address=/run/db.sock network.transport=unix");
    }

    #[test]
    fn a_listener_is_a_local_address() {
        let mut attributes = Vec::new();
        listener(&BoundAddr::Any(80), &mut attributes);
        let expected = "network.local.address=* network.local.port=80 network.transport=tcp";
        assert_eq!(shown(&attributes), expected);
    }

    #[test]
    fn only_a_failure_has_an_error() {
        let of = |labels: &[Label<'_>]| shown(&attributes(labels));
        assert_eq!(of(&[Label::Reason(Reason::ClientFin)]), "plexy.reason=client-fin");
        let limit = "plexy.reason=limit error.type=limit";
        assert_eq!(of(&[Label::Reason(Reason::Limit)]), limit);
        let call = [Label::Word("method", "ping"), Label::Outcome(Outcome::Success("ok"))];
        assert_eq!(of(&call), "rpc.method=ping");
        assert_eq!(of(&[Label::Outcome(Outcome::Failure("timeout"))]), "error.type=timeout");
        assert_eq!(of(&[Label::Direction(Direction::In)]), "network.io.direction=receive");
        assert_eq!(of(&[Label::Word("state", "up")]), "plexy.state=up");
    }
}
