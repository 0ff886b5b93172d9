//! What all calls pass, alone or in a batch: a bound on how many are under way
//! for one connection, and a count of how they ended.

use std::sync::Arc;

use jsonrpsee::server::middleware::rpc::{Batch, BatchEntry, Notification, Request, RpcServiceT};
use jsonrpsee::server::{BatchResponseBuilder, MethodResponse};
use jsonrpsee::types::{ErrorObjectOwned, Id};
use plexy_shared::error::{Code, Refusal, nearest, quoted};
use plexy_shared::rpc::{CallError, METHODS, Method, MethodRow, SubscribeStats};
use tokio::sync::Semaphore;
use tower::Layer;

use crate::control::guests::Guest;
use crate::metrics::{Metrics, Transport};
use crate::service::{Actor, Door, Peer};

/// Calls under way at once for one connection.
const CALLS_MAX: usize = 256;

/// Whose connection it is, found in the extensions of each of its calls.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) peer: Peer,
    pub(super) guest: Arc<Guest>,
    under_way: Semaphore,
}

impl Visitor {
    pub(super) fn new(peer: Peer, guest: Arc<Guest>) -> Self {
        Self { peer, guest, under_way: Semaphore::new(CALLS_MAX) }
    }

    pub(super) fn actor(&self) -> Actor {
        Actor::Peer(Door::Rpc, self.peer)
    }
}

/// Puts [`Calls`] around a service.
#[derive(Debug, Clone)]
pub(super) struct CallsLayer {
    metrics: Arc<Metrics>,
    answer_bytes_max: usize,
}

impl CallsLayer {
    pub(super) fn new(metrics: Arc<Metrics>, answer_bytes_max: usize) -> Self {
        Self { metrics, answer_bytes_max }
    }
}

impl<S> Layer<S> for CallsLayer {
    type Service = Calls<S>;

    fn layer(&self, inner: S) -> Calls<S> {
        Calls { inner, layer: self.clone() }
    }
}

/// The layer.
#[derive(Debug, Clone)]
pub(super) struct Calls<S> {
    inner: S,
    layer: CallsLayer,
}

impl<S> RpcServiceT for Calls<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type BatchResponse = MethodResponse;
    type NotificationResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            let row = MethodRow::named(&request.method);
            let visitor = request.extensions.get::<Arc<Visitor>>().cloned();
            let transport = transport(&request.extensions);
            let response = match (row, &visitor) {
                (None, _) => refused(request.id, unknown(&request.method)),
                (Some(_), Some(visitor)) => match visitor.under_way.try_acquire() {
                    Ok(_under_way) => {
                        let _busy = visitor.guest.busy();
                        this.inner.call(request).await
                    }
                    Err(_) => refused(request.id, overloaded()),
                },
                (Some(_), None) => this.inner.call(request).await,
            };
            let method = row.map_or("unknown", |row| row.name);
            this.layer.metrics.count_call(method, transport, response.as_error_code());
            response
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            let mut responses = BatchResponseBuilder::new_with_limit(this.layer.answer_bytes_max);
            let mut has_notification = false;
            for entry in batch {
                let response = match entry {
                    Ok(BatchEntry::Call(request)) => this.call(request).await,
                    Ok(BatchEntry::Notification(notification)) => {
                        has_notification = true;
                        this.notification(notification).await;
                        continue;
                    }
                    Err(error) => {
                        let (error, id) = error.into_parts();
                        MethodResponse::error(id, error)
                    }
                };
                if let Err(too_large) = responses.append(response) {
                    return too_large;
                }
            }
            if responses.is_empty() && has_notification {
                unanswered()
            } else {
                MethodResponse::from_batch(responses.finish())
            }
        }
    }

    /// A call whose answer nobody wants; jsonrpsee itself would not make it.
    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            let Notification { jsonrpc, method, params, extensions } = notification;
            // Nobody would learn the number of a subscription.
            if method != SubscribeStats::NAME {
                this.call(Request { jsonrpc, id: Id::Null, method, params, extensions }).await;
            }
            unanswered()
        }
    }
}

fn transport(extensions: &http::Extensions) -> Transport {
    // Only an upgraded connection has asked for one.
    match extensions.get::<Upgrade>() {
        Some(Upgrade) => Transport::WebSocket,
        None => Transport::Http,
    }
}

/// Marks what has no answer: jsonrpsee would write `null`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unanswered;

fn unanswered() -> MethodResponse {
    let mut response = MethodResponse::notification();
    response.extensions_mut().insert(Unanswered);
    response
}

/// Marks the calls of a WebSocket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upgrade;

fn refused(id: Id<'_>, refusal: Refusal) -> MethodResponse {
    MethodResponse::error(id, error_object(refusal))
}

/// A refusal as jsonrpsee sends it.
pub(super) fn error_object(refusal: Refusal) -> ErrorObjectOwned {
    let error = CallError::from(refusal);
    ErrorObjectOwned::owned(error.number, error.message, Some(error.data))
}

fn unknown(method: &str) -> Refusal {
    let suggestion = nearest(method, METHODS.iter().map(|row| row.name)).map(str::to_owned);
    Refusal::new(Code::UnknownMethod, format!("unknown method {}", quoted(method)))
        .suggesting(suggestion)
        .with_hint("`rpc.discover` lists the methods")
}

fn overloaded() -> Refusal {
    let message = format!("{CALLS_MAX} calls of this connection are under way already");
    Refusal::new(Code::Overloaded, message).with_hint("wait for some of them to be answered")
}
