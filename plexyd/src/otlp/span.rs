//! Ended connections as spans, by the names of OpenTelemetry's conventions where they have one.

use std::collections::VecDeque;
use std::time::Instant;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Message, Status};
use plexy_shared::info::Attempt as Outcome;
use prost::Message as _;

use super::attributes::{self, ERROR_TYPE, float, number, text};
use super::encode::{PART_BYTES_MAX, nanos};
use super::resource::scope;
use crate::dial::DialError;
use crate::socket::ClientAddr;
use crate::trace::{Attempt, End, Span, Trace};

/// What tag and length around a span take at most, and all that is around all of them.
const FRAME_BYTES: usize = 16;

/// Its name: what tells one from another is in its attributes, as the conventions have it.
const NAME: &str = "connection";

/// The flag of W3C's trace context that says so.
const SAMPLED: u32 = 1;

/// Takes as many spans as go into one part, at least one.
pub(super) fn part(resource: Resource, spans: &mut VecDeque<Span>) -> Vec<u8> {
    let mut request = request(resource);
    let mut bytes = request.encoded_len() + FRAME_BYTES * 2;
    let mut messages = Vec::new();
    while let Some(span) = spans.front() {
        let message = message(span);
        bytes += message.encoded_len() + FRAME_BYTES;
        if bytes > PART_BYTES_MAX && !messages.is_empty() {
            break;
        }
        messages.push(message);
        spans.pop_front();
    }
    let of_scope = request.resource_spans.iter_mut().flat_map(|it| &mut it.scope_spans).next();
    of_scope.expect("there is one").spans = messages;
    request.encode_to_vec()
}

/// One without spans.
fn request(resource: Resource) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { scope: Some(scope()), ..ScopeSpans::default() }];
    let resource = Some(resource);
    let of_resource = ResourceSpans { resource, scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![of_resource] }
}

fn message(Span { trace, end }: &Span) -> Message {
    let clock = Clock::of(end);
    Message {
        trace_id: fastrand::u128(1..).to_be_bytes().to_vec(),
        span_id: fastrand::u64(1..).to_be_bytes().to_vec(),
        flags: SAMPLED,
        name: NAME.to_owned(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: clock.nanos(trace.accepted),
        end_time_unix_nano: clock.end,
        attributes: attributes_of(trace, end),
        events: events(trace, end, clock),
        dropped_events_count: trace.attempts_left_out,
        status: attributes::is_failure(end.reason).then(|| status(trace, end)),
        ..Message::default()
    }
}

fn attributes_of(trace: &Trace, end: &End) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("plexy.tunnel", &trace.tunnel.label()),
        text("plexy.connection.id", &trace.connection.to_string()),
    ];
    match trace.client {
        ClientAddr::Ip(client) => {
            attributes.push(text("client.address", &client.ip().to_string()));
            attributes.push(number("client.port", client.port().into()));
        }
        ClientAddr::Unix => {}
    }
    attributes::local(&trace.tunnel.listen, trace.local, &mut attributes);
    attributes::client(end, &mut attributes);
    if let Some(backend) = &end.backend {
        attributes::server_address(&backend.addr, &mut attributes);
    }
    attributes.extend([
        number("plexy.attempts", attempts(trace)),
        number("plexy.bytes_in", i64::try_from(end.bytes_in).unwrap_or(i64::MAX)),
        number("plexy.bytes_out", i64::try_from(end.bytes_out).unwrap_or(i64::MAX)),
    ]);
    attributes::reason(end.reason, &mut attributes);
    attributes
}

fn attempts(trace: &Trace) -> i64 {
    let noted = i64::try_from(trace.attempts.len()).unwrap_or(i64::MAX);
    noted.saturating_add(trace.attempts_left_out.into())
}

/// What has gone wrong: where no backend was reached, why the last one was not.
fn status(trace: &Trace, end: &End) -> Status {
    let last = trace.attempts.last().and_then(|attempt| attempt.outcome.as_ref());
    let message = match last {
        Some((_, Err(error))) if trace.connected.is_none() => error.to_string(),
        _ => end.reason.as_str().to_owned(),
    };
    Status { message, code: StatusCode::Error.into() }
}

fn events(trace: &Trace, end: &End, clock: Clock) -> Vec<Event> {
    let mut events: Vec<_> = trace.attempts.iter().map(|it| attempt(it, clock)).collect();
    let mut push = |name: &str, at: Instant, attributes| {
        let time_unix_nano = clock.nanos(at);
        events.push(Event {
            time_unix_nano,
            name: name.to_owned(),
            attributes,
            ..Event::default()
        });
    };
    if let Some(at) = trace.connected {
        push("connected", at, Vec::new());
    }
    if let Some(at) = trace.first_byte {
        push("first_byte", at, Vec::new());
    }
    push("ended", end.at.0, vec![text("plexy.reason", end.reason.as_str())]);
    events
}

fn attempt(Attempt { backend, begun, outcome }: &Attempt, clock: Clock) -> Event {
    let mut attributes = Vec::new();
    attributes::server(&backend.addr, &mut attributes);
    if let Some((took, outcome)) = outcome {
        let word = outcome.as_ref().map_or_else(|error| error.outcome(), |()| Outcome::Success);
        attributes.push(text("plexy.outcome", word.as_str()));
        attributes.push(float("plexy.connect.duration", took.as_secs_f64()));
        if let Err(error) = outcome {
            attributes.push(text(ERROR_TYPE, error_type(error)));
            attributes.push(text("error.message", &error.to_string()));
        }
    }
    Event {
        time_unix_nano: clock.nanos(*begun),
        name: "attempt".to_owned(),
        attributes,
        ..Event::default()
    }
}

/// What has gone wrong with an attempt: its outcome, but for TLS, which has a word of its own.
fn error_type(error: &DialError) -> &'static str {
    match error {
        DialError::Tls(_) => "tls",
        error => error.outcome().as_str(),
    }
}

/// Dates of moments that were read from a clock without: what was between them stays as it was,
/// although the clock that has dates may have been set meanwhile.
#[derive(Debug, Clone, Copy)]
struct Clock {
    ended: Instant,
    /// The same since the Unix epoch, in nanoseconds.
    end: u64,
}

impl Clock {
    fn of(end: &End) -> Self {
        let (ended, date) = end.at;
        Self { ended, end: nanos(date) }
    }

    fn nanos(self, at: Instant) -> u64 {
        let before = self.ended.saturating_duration_since(at).as_nanos();
        self.end.saturating_sub(u64::try_from(before).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {

    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    use plexy_shared::fingerprint::Fingerprint;
    use plexy_shared::info::{Reason, TlsHandshake};

    use super::*;

    use crate::introduction::{ClientCertificate, Introduction};
    use crate::sample::Sample;
    use crate::trace::{Traces, Tracing};
    use crate::tunnel::Tunnel;

    /// So many spans of connections that have tried so often in vain, a second each.
    fn spans(count: usize, attempts: u32) -> VecDeque<Span> {
        let (tunnel, backend) = Tunnel::of("3000=db.example:4000");
        let tracing = Tracing { sample: Sample::ALL, queue_max: count, batch_max: count };
        let (traces, spans) = Traces::start(Some(tracing));
        let second = Duration::from_secs(1);
        for id in 0..count as u64 {
            let begun = Instant::now();
            let mut trace = traces.begin(id, &tunnel, ClientAddr::Unix, begun).unwrap();
            for number in 0..attempts {
                let begun = begun + second * number;
                trace.attempt(&backend, begun);
                trace.attempted(begun + second, Err(DialError::TimedOut(second)));
            }
            traces.end(
                trace,
                End {
                    reason: Reason::ConnectFailed,
                    backend: None,
                    introduction: None,
                    handshake: None,
                    bytes_in: 0,
                    bytes_out: 0,
                    at: (begun + second * attempts, UNIX_EPOCH + second * 1_000),
                },
            );
        }
        spans.unwrap().take().into()
    }

    fn messages(part: &[u8]) -> Vec<Message> {
        let request = ExportTraceServiceRequest::decode(part).unwrap();
        request.resource_spans[0].scope_spans[0].spans.clone()
    }

    #[test]
    fn what_is_too_much_for_one_part_goes_on_in_the_next() {
        let mut spans = spans(1_000, 16);
        let mut ids = Vec::new();
        let mut parts = 0;
        while !spans.is_empty() {
            let part = part(Resource::default(), &mut spans);
            assert!(part.len() <= PART_BYTES_MAX, "{}", part.len());
            assert!(spans.is_empty() || part.len() > PART_BYTES_MAX * 3 / 4, "{}", part.len());
            ids.extend(messages(&part).iter().map(|message| message.attributes[1].clone()));
            parts += 1;
        }
        assert!(parts > 1, "{parts}");
        let expected = (0..1_000).map(|id| text("plexy.connection.id", &id.to_string()));
        assert!(ids.into_iter().eq(expected));
    }

    #[test]
    fn what_a_client_tells_of_itself_is_called_as_the_conventions_call_it() {
        let mut spans = spans(1, 1);
        let certificate =
            ClientCertificate { subject: "CN=a".into(), fingerprint: Fingerprint([0xab; 32]) };
        let introduction = Introduction::of(Some("a.example".into()), Some(certificate));
        spans[0].end.introduction = introduction.map(Arc::new);
        spans[0].end.handshake = Some(TlsHandshake::V12Resumed);
        let part = part(Resource::default(), &mut spans);
        let attributes = &messages(&part)[0].attributes;
        for expected in [
            text("tls.client.server_name", "a.example"),
            text("tls.protocol.version", "1.2"),
            text("tls.client.subject", "CN=a"),
            text("tls.client.hash.sha256", &"AB".repeat(32)),
        ] {
            assert!(attributes.contains(&expected), "{attributes:?}");
        }
        assert!(attributes.iter().any(|it| it.key == "tls.resumed"), "{attributes:?}");
    }

    #[test]
    fn all_is_dated_by_the_end() {
        let part = part(Resource::default(), &mut spans(1, 20));
        let [message] = &*messages(&part) else { panic!() };
        let seconds = |nanos: u64| nanos / 1_000_000_000;
        assert_eq!(seconds(message.start_time_unix_nano), 980);
        assert_eq!(seconds(message.end_time_unix_nano), 1_000);
        let times = message.events.iter().map(|event| seconds(event.time_unix_nano));
        assert!(times.eq((980..996).chain([1_000])), "{:?}", message.events);
        assert_eq!(message.dropped_events_count, 4);
        let attempts = number("plexy.attempts", 20);
        assert!(message.attributes.contains(&attempts), "{:?}", message.attributes);
        let status = message.status.clone().unwrap();
        assert_eq!(status.message, "connect timeout after 1s");
    }
}
