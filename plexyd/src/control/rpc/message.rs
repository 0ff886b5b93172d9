//! The text of JSON-RPC 2.0: what a client has sent, and how it is answered.
//!
//! Ids are given back as they came, whatever kind of number they are. What has
//! an id is never taken for a notification, however wrong the id is.

use plexy_shared::error::{Code, Refusal};
use plexy_shared::rpc::{BATCH_MAX, CallError};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use serde_json::value::RawValue;

/// All that stands in one body or frame.
#[derive(Debug)]
pub(super) enum Message {
    One(Entry),
    Batch(Vec<Entry>),
}

/// One request.
#[derive(Debug)]
pub(super) enum Entry {
    Call(Call),
    /// A call whose answer nobody wants.
    Notification(Call),
    /// It is none.
    Invalid(Id),
}

/// A method that is called.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: Id,
    pub(super) method: String,
    pub(super) params: Params,
}

/// The text of the parameters, if there are any.
#[derive(Debug, Default)]
pub(super) struct Params(pub(super) Option<Box<RawValue>>);

/// The text of an id: a string, a number, or `null`.
#[derive(Debug)]
pub(super) struct Id(Box<str>);

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
}

/// Also `null` is something that is there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

impl Message {
    /// Reads one.
    pub(super) fn read(text: &[u8]) -> Result<Self, Refusal> {
        let refused = |error: &dyn std::fmt::Display| {
            Refusal::new(Code::ParseError, format!("this is no JSON: {error}"))
        };
        let text = std::str::from_utf8(text).map_err(|error| refused(&error))?;
        let whole: &RawValue = serde_json::from_str(text).map_err(|error| refused(&error))?;
        if !whole.get().starts_with('[') {
            return Ok(Self::One(Entry::read(whole)));
        }
        let entries: Vec<&RawValue> =
            serde_json::from_str(whole.get()).map_err(|error| refused(&error))?;
        if entries.is_empty() {
            return Err(Refusal::new(Code::InvalidRequest, "an empty batch asks for nothing"));
        }
        if entries.len() > BATCH_MAX as usize {
            let message = format!("{} calls in one batch; {BATCH_MAX} are the most", entries.len());
            return Err(Refusal::new(Code::BatchTooLarge, message));
        }
        Ok(Self::Batch(entries.into_iter().map(Entry::read).collect()))
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match self {
            Self::One(entry) => std::slice::from_ref(entry),
            Self::Batch(entries) => entries,
        }
    }
}

impl Entry {
    fn read(raw: &RawValue) -> Self {
        let Ok(fields) = serde_json::from_str::<Fields<'_>>(raw.get()) else {
            return Self::Invalid(Id::null());
        };
        let has_id = fields.id.is_some();
        let Some(id) = fields.id.map_or(Some(Id::null()), Id::read) else {
            return Self::Invalid(Id::null());
        };
        let string = |raw: &RawValue| serde_json::from_str::<String>(raw.get()).ok();
        let is_ours = fields.jsonrpc.and_then(string).is_some_and(|version| version == "2.0");
        match fields.method.and_then(string) {
            Some(method) if is_ours => {
                let params = Params(fields.params.map(ToOwned::to_owned));
                let call = Call { id, method, params };
                if has_id { Self::Call(call) } else { Self::Notification(call) }
            }
            _ => Self::Invalid(id),
        }
    }
}

impl Id {
    pub(super) fn null() -> Self {
        Self("null".into())
    }

    fn read(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        let is_id = match text.as_bytes().first()? {
            b'"' => serde_json::from_str::<String>(text).is_ok(),
            b'-' | b'0'..=b'9' => true,
            _ => text == "null",
        };
        is_id.then(|| Self(text.into()))
    }

    /// The answer to a call that was made.
    pub(super) fn result(&self, result: &RawValue) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":{},"result":{}}}"#, self.0, result.get())
    }

    /// The answer to a call that was refused.
    pub(super) fn error(&self, refusal: Refusal) -> String {
        let CallError { number, message, data } = CallError::from(refusal);
        let (id, message, data) = (&self.0, json!(message), json!(data));
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{number},"message":{message},"data":{data}}}}}"#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let show = |entry: &Entry| match entry {
            Entry::Call(call) => format!("{} {}", call.method, call.id.0),
            Entry::Notification(call) => format!("{} !", call.method),
            Entry::Invalid(id) => format!("? {}", id.0),
        };
        let shown = match Message::read(text.as_bytes()) {
            Ok(message) => message.entries().iter().map(show).collect::<Vec<_>>().join(", "),
            Err(refusal) => refusal.code.as_str().to_owned(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn every_id_is_given_back_as_it_came() {
        for id in ["1", "-1", "1.5", "1e400", "-0", "18446744073709551616", r#""a\n""#, "null"] {
            let call = format!(r#"{{"jsonrpc":"2.0","method":"m","id":{id}}}"#);
            check(&call, &format!("m {id}"));
        }
    }

    #[test]
    fn what_has_a_wrong_id_is_no_notification() {
        for id in ["true", "[]", "{}", r#""\ud800""#, "1,\"id\":2"] {
            check(&format!(r#"{{"jsonrpc":"2.0","method":"m","id":{id}}}"#), "? null");
        }
        check(r#"{"jsonrpc":"2.0","method":"m"}"#, "m !");
        check(r#"{"jsonrpc":"2\u002e0","method":"\u006d","id":1}"#, "m 1");
    }

    #[test]
    fn what_is_no_message_is_told_apart() {
        check("", "parse-error");
        check("{", "parse-error");
        check("[]", "invalid-request");
        check("[1,{}]", "? null, ? null");
        check("1", "? null");
        check(r#"{"jsonrpc":"1.0","method":"m","id":7}"#, "? 7");
        check(r#"{"jsonrpc":2.0,"method":"m","id":7}"#, "? 7");
        check(r#"{"jsonrpc":"2.0","method":1,"id":7}"#, "? 7");
        check(&format!("[{}1]", "1,".repeat(1000)), "batch-too-large");
    }
}
