//! One WebSocket: calls that are answered one after the other, counts and events
//! in between. Nothing is read from a client who does not take the answer before.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, SinkExt as _, Stream, StreamExt as _};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION};
use http::header::{HeaderMap, HeaderValue, UPGRADE};
use http::{Method, Request, Response, StatusCode};
use plexy_shared::error::{Code, Refusal};
use plexy_shared::rpc::{
    BODY_BYTES_MAX, Method as _, SubscribeEvents, SubscribeOverview, SubscribeStats, Subscription,
    UnsubscribeEvents, UnsubscribeOverview, UnsubscribeStats,
};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_stream::StreamMap;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::calls::{Calls, Visitor};
use super::events::follow;
use super::guard::Refused;
use super::message::{Call, Entry, Id, Message};
use super::methods::read;
use super::overview::watch;
use super::stats::Counter;
use crate::control::guests::Guest;
use crate::control::http1::Body;
use crate::service::Service;

/// Subscriptions of one WebSocket.
const SUBSCRIPTIONS_MAX: usize = 16;

/// How often a client is asked whether it lives.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long one may show no sign of life: two pings, and a slow way back.
const SILENCE_MAX: Duration = Duration::from_secs(75);

/// How long the client may take to end what we have ended.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

/// Length of the number of a subscription, in characters.
const NUMBER_CHARS: usize = 16;

/// What all WebSockets share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) service: Arc<Service>,
    pub(super) calls: Arc<Calls>,
    pub(super) counter: Arc<Counter>,
    pub(super) stop: CancellationToken,
}

/// One client.
struct Session<S> {
    shared: Arc<Shared>,
    visitor: Visitor,
    guest: Arc<Guest>,
    socket: WebSocketStream<S>,
    subscriptions: StreamMap<String, BoxStream<'static, Item>>,
}

/// What a subscription tells: the method of the notification, and the item.
type Item = (&'static str, Arc<RawValue>);

/// Whether a request asks for a WebSocket.
pub(super) fn is_wanted<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET && has_word(request.headers().get(UPGRADE), "websocket")
}

/// The answer that begins one (RFC 6455, section 4.2).
pub(super) fn accept(headers: &HeaderMap) -> Result<Response<Body>, Refused> {
    if headers.get(SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes) != Some(b"13") {
        let status = StatusCode::UPGRADE_REQUIRED;
        let message = "this WebSocket speaks version 13";
        let refused = Refused::new(status, Code::InvalidRequest, message);
        return Err(refused.with_header(SEC_WEBSOCKET_VERSION, "13"));
    }
    let key =
        headers.get(SEC_WEBSOCKET_KEY).filter(|_| has_word(headers.get(CONNECTION), "upgrade"));
    let Some(key) = key else {
        let message = "`Connection: upgrade` or `Sec-WebSocket-Key` is missing";
        return Err(Refused::new(StatusCode::BAD_REQUEST, Code::InvalidRequest, message));
    };
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
    let accept = accept.map_err(|_| Refused::failed())?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

fn has_word(value: Option<&HeaderValue>, word: &str) -> bool {
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
}

/// Serves one to its end.
pub(super) async fn serve<S>(stream: S, shared: Arc<Shared>, visitor: Visitor, guest: Arc<Guest>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let bytes = Some(BODY_BYTES_MAX as usize);
    let config = WebSocketConfig::default().max_message_size(bytes).max_frame_size(bytes);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let mut session = Session { shared, visitor, guest, socket, subscriptions: StreamMap::new() };
    match session.run().await {
        Ok(()) | Err(Error::ConnectionClosed) => {}
        Err(error) => session.part(&error).await,
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    async fn run(&mut self) -> Result<(), Error> {
        let mut pings = interval(PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_sign = Instant::now();
        let stop = self.shared.stop.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.leave().await,
                frame = self.socket.next() => {
                    match frame {
                        None => return Ok(()),
                        Some(frame) => self.take(frame?).await?,
                    }
                    // Only now: while it waited for an answer nobody has asked it for a sign.
                    last_sign = Instant::now();
                }
                Some((number, item)) = self.subscriptions.next(),
                    if !self.subscriptions.is_empty() =>
                {
                    let begun = Instant::now();
                    self.tell(&number, &item).await?;
                    // While it was taking that, nobody has asked it for a sign either.
                    last_sign += begun.elapsed();
                }
                _ = pings.tick() => {
                    if last_sign.elapsed() > SILENCE_MAX {
                        debug!("a WebSocket has shown no sign of life");
                        return Ok(());
                    }
                    self.socket.send(Frame::Ping(Default::default())).await?;
                }
            }
        }
    }

    /// The daemon ends: subscribers are told the last of what they wait for, if they take it.
    async fn leave(&mut self) -> Result<(), Error> {
        let last = async {
            while let Some(Some((number, item))) = self.subscriptions.next().now_or_never() {
                self.tell(&number, &item).await?;
            }
            Ok::<_, Error>(())
        };
        match tokio::time::timeout(FAREWELL_TIMEOUT, last).await {
            Ok(told) => told?,
            Err(_) => debug!("a WebSocket takes nothing any more"),
        }
        self.close(CloseCode::Away, "plexyd ends").await
    }

    async fn take(&mut self, frame: Frame) -> Result<(), Error> {
        let _busy = self.guest.busy();
        let answer = match &frame {
            Frame::Text(text) => self.answer(text.as_bytes()).await,
            Frame::Binary(bytes) => self.answer(bytes).await,
            Frame::Ping(_) | Frame::Pong(_) | Frame::Close(_) | Frame::Frame(_) => None,
        };
        match answer {
            Some(answer) => self.socket.send(Frame::text(answer)).await,
            // An answer to a ping may be waiting.
            None => self.socket.flush().await,
        }
    }

    async fn answer(&mut self, text: &[u8]) -> Option<String> {
        match Message::read(text) {
            Ok(Message::One(Entry::Call(call))) => match call.method.as_str() {
                SubscribeStats::NAME => Some(self.answered(&call, Self::subscribe_stats)),
                SubscribeEvents::NAME => Some(self.answered(&call, Self::subscribe_events)),
                SubscribeOverview::NAME => Some(self.answered(&call, Self::subscribe_overview)),
                UnsubscribeStats::NAME | UnsubscribeEvents::NAME | UnsubscribeOverview::NAME => {
                    Some(self.answered(&call, Self::unsubscribe))
                }
                _ => {
                    let message = Message::One(Entry::Call(call));
                    self.shared.calls.answer(message, self.visitor.clone()).await
                }
            },
            Ok(message) => self.shared.calls.answer(message, self.visitor.clone()).await,
            Err(refusal) => Some(Id::null().error(refusal)),
        }
    }

    fn answered(
        &mut self,
        call: &Call,
        method: fn(&mut Self, &Call) -> Result<Box<RawValue>, Refusal>,
    ) -> String {
        let answer = method(self, call);
        let transport = self.visitor.transport;
        self.shared.calls.count(&call.method, transport, answer.as_ref().err());
        match answer {
            Ok(result) => call.id.result(&result),
            Err(refusal) => call.id.error(refusal),
        }
    }

    fn subscribe_stats(&mut self, call: &Call) -> Result<Box<RawValue>, Refusal> {
        let (every, detail) = read::<SubscribeStats>(&call.params)?.request()?;
        let counts = Arc::clone(&self.shared.counter).subscribe(every, detail);
        self.subscribe::<SubscribeStats>(counts)
    }

    fn subscribe_events(&mut self, call: &Call) -> Result<Box<RawValue>, Refusal> {
        let range = read::<SubscribeEvents>(&call.params)?.range()?;
        let events = follow(Arc::clone(&self.shared.service), range);
        self.subscribe::<SubscribeEvents>(events)
    }

    fn subscribe_overview(&mut self, call: &Call) -> Result<Box<RawValue>, Refusal> {
        let query = read::<SubscribeOverview>(&call.params)?.query()?;
        let overviews = watch(Arc::clone(&self.shared.service), query);
        self.subscribe::<SubscribeOverview>(overviews)
    }

    fn subscribe<M: Subscription>(
        &mut self,
        items: impl Stream<Item = Arc<RawValue>> + Send + 'static,
    ) -> Result<Box<RawValue>, Refusal> {
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            let message = format!("this WebSocket has {SUBSCRIPTIONS_MAX} subscriptions already");
            let refusal = Refusal::new(Code::Overloaded, message);
            return Err(refusal.with_hint(format!("`{}` ends one", M::UNSUBSCRIBE)));
        }
        let number: String =
            std::iter::repeat_with(fastrand::alphanumeric).take(NUMBER_CHARS).collect();
        let result = raw(&number);
        self.subscriptions.insert(number, items.map(|item| (M::NOTIFICATION, item)).boxed());
        result
    }

    fn unsubscribe(&mut self, call: &Call) -> Result<Box<RawValue>, Refusal> {
        let text = call.params.0.as_ref().map_or("", |params| params.get());
        let Ok([number]) = serde_json::from_str::<[String; 1]>(text) else {
            let message = "the number of the subscription is the only parameter, in an array";
            return Err(Refusal::new(Code::InvalidParams, message));
        };
        raw(&self.subscriptions.remove(&number).is_some())
    }

    async fn tell(&mut self, number: &str, (method, item): &Item) -> Result<(), Error> {
        let item = item.get();
        self.socket
            .send(Frame::text(format!(
                r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"subscription":"{number}","result":{item}}}}}"#
            )))
            .await
    }

    /// Ends it because of an error, and says which, where that can be said.
    async fn part(&mut self, error: &Error) {
        debug!(%error, "a WebSocket has failed");
        let code = match error {
            Error::Capacity(_) => CloseCode::Size,
            Error::Protocol(_) => CloseCode::Protocol,
            Error::Utf8(_) => CloseCode::Invalid,
            _ => return,
        };
        if let Err(error) = self.close(code, "").await {
            debug!(%error, "a WebSocket cannot be told why it ends");
        }
        // What still comes is no frame any more that could be read.
        let mut nowhere = tokio::io::sink();
        let rest = tokio::io::copy(self.socket.get_mut(), &mut nowhere);
        if tokio::time::timeout(FAREWELL_TIMEOUT, rest).await.is_err() {
            debug!("a WebSocket that has failed goes on sending");
        }
    }

    /// Ends it, and waits for the client's own farewell: closing on what it still sends would be a
    /// reset, which takes ours away.
    async fn close(&mut self, code: CloseCode, reason: &'static str) -> Result<(), Error> {
        self.socket.close(Some(CloseFrame { code, reason: reason.into() })).await?;
        let farewell = async { while let Some(Ok(_)) = self.socket.next().await {} };
        if tokio::time::timeout(FAREWELL_TIMEOUT, farewell).await.is_err() {
            debug!("a WebSocket has been told to end, and does not");
        }
        Ok(())
    }
}

fn raw(value: &impl serde::Serialize) -> Result<Box<RawValue>, Refusal> {
    serde_json::value::to_raw_value(value)
        .map_err(|error| Refusal::new(Code::InternalError, error.to_string()))
}
