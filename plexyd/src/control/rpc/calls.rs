//! Calls, alone or in a batch: what they find, how they are counted, and that
//! a change comes to its end although its caller leaves.

use std::sync::Arc;

use plexy_shared::error::{Code, Refusal, nearest, quoted};
use plexy_shared::rpc::{METHODS, MethodRow};
use serde_json::value::RawValue;
use tokio_util::task::TaskTracker;
use tracing::error;

use super::message::{Call, Entry, Id, Message};
use super::methods::Methods;
use crate::metrics::{Metrics, Transport};
use crate::service::{Actor, Service};

/// Longest answer, in bytes: every tunnel of a full daemon, several times.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Longest answers of a batch together, in bytes. They are held until the last one is there: every
/// connection may have so many, and as many as a body may have.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Everybody's calls.
#[derive(Debug)]
pub(super) struct Calls {
    methods: Methods,
    metrics: Arc<Metrics>,
    /// Messages with changes that are under way.
    changes: TaskTracker,
}

/// Who calls, and how.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) actor: Actor,
    pub(super) transport: Transport,
}

impl Calls {
    pub(super) fn new(service: &Arc<Service>, metrics: &Arc<Metrics>) -> Self {
        Self {
            methods: Methods::new(service),
            metrics: Arc::clone(metrics),
            changes: TaskTracker::new(),
        }
    }

    /// Does what a message asks for. Notifications have no answer.
    pub(super) async fn answer(
        self: &Arc<Self>,
        message: Message,
        visitor: Visitor,
    ) -> Option<String> {
        if !message.entries().iter().any(is_change) {
            return self.answer_all(message, &visitor).await;
        }
        let calls = Arc::clone(self);
        let changed = self.changes.spawn(async move { calls.answer_all(message, &visitor).await });
        match changed.await {
            Ok(answer) => answer,
            Err(error) => {
                error!(%error, "a change has failed");
                let message = "the daemon has failed at this; its log says more";
                Some(Id::null().error(Refusal::new(Code::InternalError, message)))
            }
        }
    }

    async fn answer_all(&self, message: Message, visitor: &Visitor) -> Option<String> {
        let entries = match message {
            Message::One(entry) => return self.answer_one(entry, visitor).await,
            Message::Batch(entries) => entries,
        };
        let (mut answers, mut room) = (String::new(), BATCH_BYTES_MAX);
        for entry in entries {
            if let Some((answer, left)) = self.answer_within(entry, visitor, room).await {
                room = left;
                answers.push(if answers.is_empty() { '[' } else { ',' });
                answers.push_str(&answer);
            }
            // Others are to get their turn between any two of them.
            tokio::task::yield_now().await;
        }
        (!answers.is_empty()).then(|| answers + "]")
    }

    async fn answer_one(&self, entry: Entry, visitor: &Visitor) -> Option<String> {
        Some(self.answer_within(entry, visitor, ANSWER_BYTES_MAX).await?.0)
    }

    /// The answer, and how many bytes of the room are left: none once a result did not fit, so that
    /// those behind it are not looked up to be thrown away.
    async fn answer_within(
        &self,
        entry: Entry,
        visitor: &Visitor,
        room: usize,
    ) -> Option<(String, usize)> {
        let call = match entry {
            Entry::Call(call) => call,
            Entry::Notification(call) => {
                // Nobody would see what a look has found.
                if is_change_named(&call.method) {
                    self.call(&call, visitor, room).await.ok();
                }
                return None;
            }
            Entry::Invalid(id) => {
                let message = "this is no request of JSON-RPC 2.0: `jsonrpc` is \"2.0\", `method` \
                    a string, `id` a string, a number or null";
                return Some((id.error(Refusal::new(Code::InvalidRequest, message)), room));
            }
        };
        Some(match self.call(&call, visitor, room).await {
            Ok(result) => {
                let answer = call.id.result(&result);
                let left = room.saturating_sub(answer.len());
                (answer, left)
            }
            Err(refusal) => {
                let left = if refusal.code == Code::AnswerTooLarge { 0 } else { room };
                (call.id.error(refusal), left)
            }
        })
    }

    async fn call(
        &self,
        call: &Call,
        visitor: &Visitor,
        room: usize,
    ) -> Result<Box<RawValue>, Refusal> {
        let called = match MethodRow::named(&call.method) {
            None => Err(unknown(&call.method)),
            // What was changed is always told: it is no longer than what was asked for, more or
            // less.
            Some(row) if room == 0 && !row.is_change => Err(too_long()),
            Some(row) => {
                let called = self.methods.call(row.name, &call.params, visitor.actor.clone()).await;
                let fits = |it: &RawValue| row.is_change || it.get().len() <= room;
                called.and_then(|result| if fits(&result) { Ok(result) } else { Err(too_long()) })
            }
        };
        self.count(&call.method, visitor.transport, called.as_ref().err());
        called
    }

    /// Counts a call that has ended.
    pub(super) fn count(&self, method: &str, transport: Transport, refusal: Option<&Refusal>) {
        // A name that somebody made up is no label.
        let method = MethodRow::named(method).map_or("unknown", |row| row.name);
        self.metrics.count_call(method, transport, refusal.map(|refusal| refusal.code));
    }

    /// Waits for the changes that are under way; none may begin after that.
    pub(super) async fn stop(&self) {
        self.changes.close();
        self.changes.wait().await;
    }
}

fn is_change(entry: &Entry) -> bool {
    match entry {
        Entry::Call(call) | Entry::Notification(call) => is_change_named(&call.method),
        Entry::Invalid(_) => false,
    }
}

fn is_change_named(method: &str) -> bool {
    MethodRow::named(method).is_some_and(|row| row.is_change)
}

fn unknown(method: &str) -> Refusal {
    let suggestion = nearest(method, METHODS.iter().map(|row| row.name)).map(str::to_owned);
    Refusal::new(Code::UnknownMethod, format!("unknown method {}", quoted(method)))
        .suggesting(suggestion)
        .with_hint("`rpc.discover` lists the methods")
}

fn too_long() -> Refusal {
    let message = format!(
        "the answer is longer than the {ANSWER_BYTES_MAX} bytes that one may have, or what is left \
         of the {BATCH_BYTES_MAX} of a batch"
    );
    Refusal::new(Code::AnswerTooLarge, message).with_hint("ask for less at once")
}
