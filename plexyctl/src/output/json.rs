//! Answers and failures for programs: one document each.

use plexy_shared::event::EventsReply;
use serde::Serialize;
use serde_json::{Value, json};

use super::Written;
use super::safe::safe_json;
use crate::answer::{Answer, Daemon};
use crate::config::Setting;
use crate::failure::Failure;

/// The shape of one look of `top`.
const TOP: &str = "plexy.top/1";

/// What the daemon answered, with the name of its shape before it.
#[derive(Debug, Serialize)]
struct Document<'a, T> {
    schema: &'static str,
    #[serde(flatten)]
    reply: &'a T,
}

#[derive(Debug, Serialize)]
struct Pong<'a> {
    reply: &'a str,
}

#[derive(Debug, Serialize)]
struct Versions<'a> {
    client: &'static str,
    endpoint: Option<String>,
    daemon: Option<&'a plexy_shared::info::HelloReply>,
}

pub(super) fn answer(answer: &Answer) -> Written {
    let data = match answer {
        Answer::Opened { reply, .. } => document("plexy.open/1", reply),
        Answer::Closed { reply, .. } => document("plexy.close/1", reply),
        Answer::Status(reply) => document("plexy.status/1", reply),
        Answer::Detail(reply) => document("plexy.detail/1", reply),
        Answer::Added(change) => document("plexy.add/1", &change.reply),
        Answer::Removed(change) => document("plexy.remove/1", &change.reply),
        Answer::Changed(change) => document(change.schema, &change.reply),
        // The document is out already, and there is one.
        Answer::Waiting(_) => String::new(),
        Answer::Conns(reply) => document("plexy.conns/1", reply),
        Answer::Killed(reply) => document("plexy.kill/1", reply),
        Answer::Explained(reply) => document("plexy.explain/1", reply),
        Answer::Events(reply) => document("plexy.events/1", reply),
        Answer::News(reply) => news(reply),
        Answer::History(reply) => document("plexy.history/1", reply),
        Answer::Undone(reply) => document("plexy.undo/1", reply),
        Answer::Loaded(reply) => document("plexy.load/1", reply),
        Answer::Reloaded(reply) => document("plexy.reload/1", reply),
        Answer::Saved(reply) => document("plexy.save/1", reply),
        Answer::Exported(reply) => document("plexy.export/1", reply),
        Answer::Planned(reply) => document("plexy.diff/1", reply),
        Answer::Applied(reply) => document("plexy.apply/1", reply),
        Answer::LogLevel(reply) => document("plexy.log/1", reply),
        Answer::Pong(reply) => document("plexy.ping/1", &Pong { reply }),
        Answer::Contexts(contexts) => {
            document("plexy.contexts/1", &json!({ "contexts": contexts }))
        }
        Answer::Context(change) => document("plexy.context/1", change),
        Answer::Settings { settings, .. } => document("plexy.config/1", &config(settings)),
        Answer::Health(health) => document("plexy.health/1", health),
        Answer::Overview(look) => document(TOP, look),
        Answer::Version(daemon) => document("plexy.version/1", &versions(daemon.as_ref())),
    };
    Written::new(data)
}

/// The same of what comes again and again, in one line.
pub(super) fn in_a_line(answer: &Answer) -> Written {
    match answer {
        Answer::Overview(look) => Written::new(line(&Document { schema: TOP, reply: look })),
        // News are lines in any case.
        other => self::answer(other),
    }
}

/// One a line, since there is no end of it; what is missing between two of them has a line too.
fn news(reply: &EventsReply) -> String {
    let missed = (reply.missed > 0).then(|| line(&json!({ "missed": reply.missed })));
    missed.into_iter().chain(reply.events.iter().map(line)).collect()
}

fn config(settings: &[Setting]) -> Value {
    let setting =
        |it: &Setting| json!({ "key": it.key, "value": it.value, "origin": it.origin.to_string() });
    json!({ "settings": settings.iter().map(setting).collect::<Vec<_>>() })
}

fn versions(daemon: Option<&Daemon>) -> Versions<'_> {
    Versions {
        client: env!("CARGO_PKG_VERSION"),
        endpoint: daemon.map(|daemon| daemon.endpoint.to_string()),
        daemon: daemon.map(|daemon| &daemon.hello),
    }
}

/// What went wrong, as one document.
pub(super) fn failure(failure: &Failure) -> String {
    pretty(&told(failure))
}

/// The same in one line.
pub(super) fn failure_in_a_line(failure: &Failure) -> String {
    line(&told(failure))
}

fn told(failure: &Failure) -> Value {
    let message = std::iter::once(&failure.message).chain(&failure.details);
    let message = message.map(String::as_str).collect::<Vec<_>>().join("; ");
    let span = failure.place.as_ref().map(|place| (place.span.start, place.span.end));
    json!({ "error": {
        "code": failure.code,
        "message": message,
        "origin": failure.origin,
        "text": failure.place.as_ref().map(|place| &place.text),
        "span": span,
        "suggestion": failure.suggestion,
        "hint": failure.hint,
    }})
}

fn document<T: Serialize>(schema: &'static str, reply: &T) -> String {
    pretty(&Document { schema, reply })
}

fn line(reply: &impl Serialize) -> String {
    let text =
        serde_json::to_string(reply).expect("plain data with names for keys can always be written");
    safe_json(&text) + "\n"
}

fn pretty(document: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(document)
        .expect("plain data with names for keys can always be written");
    safe_json(&text) + "\n"
}

#[cfg(test)]
mod tests {
    use plexy_shared::info::StatusReply;

    use super::*;
    use crate::exit::ClientCode;

    #[test]
    fn the_reply_stays_whole_and_says_what_it_is() {
        let reply = StatusReply {
            revision: 7,
            tunnels: 0,
            tunnels_paused: 0,
            tunnel_list: Some(Vec::new()),
        };
        let written = answer(&Answer::Status(reply)).data;
        assert!(written.starts_with("{\n  \"schema\": \"plexy.status/1\",\n"), "{written}");
        let document: Value = serde_json::from_str(&written).unwrap();
        let expected = json!({
            "schema": "plexy.status/1", "revision": 7, "tunnels": 0, "tunnel_list": [],
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn a_version_without_a_daemon_is_one_of_the_client() {
        let document: Value = serde_json::from_str(&answer(&Answer::Version(None)).data).unwrap();
        assert_eq!(document["client"], env!("CARGO_PKG_VERSION"));
        assert_eq!(document["daemon"], Value::Null);
    }

    #[test]
    fn an_error_has_every_key() {
        let written = failure(&Failure::new(ClientCode::Unreachable, "no\u{202e}body"));
        let document: Value = serde_json::from_str(&written).unwrap();
        let expected = json!({ "error": {
            "code": "unreachable", "message": "no\u{202e}body",
            "origin": null, "text": null, "span": null, "suggestion": null, "hint": null,
        }});
        assert_eq!(document, expected);
        assert!(written.is_ascii());
        let line = failure_in_a_line(&Failure::new(ClientCode::Unreachable, "no\nbody"));
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1, "{line}");
    }
}
