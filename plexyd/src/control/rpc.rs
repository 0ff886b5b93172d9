//! JSON-RPC, over HTTP and WebSocket, on Unix and TCP sockets.
//!
//! [`guard`] says who may ask, [`message`] reads and writes, [`calls`] does
//! and counts, [`methods`] knows what each method means. One connection is
//! served one message after the other, so what it can have under way is
//! bounded, and its changes are made in the order in which they were sent.

mod calls;
mod events;
mod guard;
mod message;
mod methods;
mod overview;
mod stats;
mod websocket;

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::entrance::{Entrance, Stream};
use super::guarded::Guarded;
use super::guests::{Guest, Guests};
use super::http1::{self, Body};
use super::tls::{Credentials, Secured, Tls};
use crate::control::token::Token;
use crate::metrics::{Metrics, Transport};
use crate::service::{Actor, Door, Peer, Service};
use calls::{Calls, Visitor};
use guard::{Guard, Refused};
use message::{Id, Message};
use stats::Counter;
use websocket::Shared;

/// Connections at once; one more ends one that has asked nothing yet, or else the one that has been
/// idle longest.
pub(crate) const CONNECTIONS_MAX: usize = 100;

/// How long connections may take to end by themselves when the daemon does.
const PARTING_TIMEOUT: Duration = Duration::from_secs(1);

/// All connections of all sockets of JSON-RPC.
#[derive(Debug)]
pub(crate) struct Rpc {
    guard: Guard,
    guests: Arc<Guests>,
    shared: Arc<Shared>,
    metrics: Arc<Metrics>,
    /// Entrances and connections.
    tasks: TaskTracker,
    /// No more newcomers.
    closing: CancellationToken,
}

/// A connection, as far as it matters to who may ask.
#[derive(Debug)]
struct Visit {
    peer: Peer,
    /// What a client of TLS was shown.
    credentials: Option<Arc<Credentials>>,
}

impl Rpc {
    pub(crate) fn new(
        service: &Arc<Service>,
        metrics: &Arc<Metrics>,
        token: Option<Token>,
        hosts: Vec<String>,
    ) -> Self {
        let calls = Arc::new(Calls::new(service, metrics));
        let counter = Arc::new(Counter::new(service));
        let stop = CancellationToken::new();
        Self {
            guard: Guard::new(token, hosts),
            guests: Arc::new(Guests::new(CONNECTIONS_MAX)),
            shared: Arc::new(Shared { service: Arc::clone(service), calls, counter, stop }),
            metrics: Arc::clone(metrics),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Begins to serve a socket.
    pub(crate) fn serve(self: &Arc<Self>, entrance: Entrance) {
        let socket = &entrance.addr;
        if entrance.is_tcp() && !self.guard.has_token() {
            warn!(%socket, "every user of this machine can control plexyd here; --token-file closes it");
        }
        info!(%socket, "rpc socket open");
        let rpc = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = rpc.closing.cancelled() => {}
                () = entrance.accept_all(|stream, peer| rpc.begin(stream, peer)) => {}
            }
        });
    }

    fn begin(self: &Arc<Self>, stream: Stream, peer: Peer) {
        let rpc = Arc::clone(self);
        // A stranger until the head of a request has come: who only stays makes room first.
        let stay = self.guests.enter(false);
        let guest = Arc::clone(&stay.guest);
        let guarded = Guarded::new(stream, stay);
        self.tasks.spawn(async move {
            let visit = Visit { peer, credentials: None };
            let answer = |request| rpc.answer(request, &visit, &guest);
            http1::serve(guarded, &guest, &rpc.shared.stop, answer).await;
        });
    }

    /// Begins to serve a socket whose clients speak TLS.
    pub(crate) fn serve_tls(self: &Arc<Self>, entrance: Entrance, tls: &Arc<Tls>) {
        let socket = &entrance.addr;
        if !tls.lets_in_known_only() && !self.guard.has_token() {
            warn!(%socket, "every user of this machine can control plexyd here; --token-file or --rpc-tls-client-ca closes it");
        }
        info!(%socket, "rpc socket with TLS open");
        self.metrics.begin_handshakes();
        let (rpc, tls) = (Arc::clone(self), Arc::clone(tls));
        self.tasks.spawn(async move {
            tokio::select! {
                () = rpc.closing.cancelled() => {}
                () = entrance.accept_all(|stream, peer| rpc.begin_tls(stream, peer, &tls)) => {}
            }
        });
    }

    /// The handshake is one of the guest's own task, who is a stranger until it has asked something:
    /// who only begins keeps nobody out.
    fn begin_tls(self: &Arc<Self>, stream: Stream, peer: Peer, tls: &Arc<Tls>) {
        let (rpc, tls) = (Arc::clone(self), Arc::clone(tls));
        let stay = self.guests.enter(false);
        let guest = Arc::clone(&stay.guest);
        let guarded = Guarded::new(stream, stay);
        self.tasks.spawn(async move {
            let (handshake, secured) = tokio::select! {
                () = rpc.shared.stop.cancelled() => return,
                accepted = tls.accept(guarded, &peer) => accepted,
            };
            rpc.metrics.count_handshake(handshake);
            let Some(Secured { stream, subject, credentials }) = secured else { return };
            let visit = Visit { peer: peer.secured(subject), credentials: Some(credentials) };
            let answer = |request| rpc.answer(request, &visit, &guest);
            http1::serve(stream, &guest, &rpc.shared.stop, answer).await;
        });
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        visit: &Visit,
        guest: &Arc<Guest>,
    ) -> Response<Body> {
        let answered = self.answer_admitted(request, visit, guest).await;
        answered.unwrap_or_else(Refused::into_response)
    }

    async fn answer_admitted(
        &self,
        request: Request<Incoming>,
        visit: &Visit,
        guest: &Arc<Guest>,
    ) -> Result<Response<Body>, Refused> {
        self.guard.check_head(&request, visit)?;
        guest.trust();
        let actor = Actor::Peer(Door::Rpc, visit.peer.clone());
        if websocket::is_wanted(&request) {
            let response = websocket::accept(request.headers())?;
            let visitor = Visitor { actor, transport: Transport::WebSocket };
            self.upgrade(request, visitor, Arc::clone(guest));
            return Ok(response);
        }
        let body = guard::read(request).await?;
        let visitor = Visitor { actor, transport: Transport::Http };
        let answer = match Message::read(&body) {
            Ok(message) => self.shared.calls.answer(message, visitor).await,
            Err(refusal) => Some(Id::null().error(refusal)),
        };
        // Not 204 without an answer: there are clients that take only 200 for a
        // success.
        let Some(answer) = answer else { return Ok(Response::new(Body::empty())) };
        let mut response = Response::new(Body::from(answer + "\n"));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        Ok(response)
    }

    /// Goes on with a WebSocket once the answer was sent.
    fn upgrade(&self, request: Request<Incoming>, visitor: Visitor, guest: Arc<Guest>) {
        let shared = Arc::clone(&self.shared);
        let upgraded = hyper::upgrade::on(request);
        self.tasks.spawn(async move {
            match upgraded.await {
                Ok(stream) => websocket::serve(TokioIo::new(stream), shared, visitor, guest).await,
                Err(error) => debug!(%error, "a WebSocket has not begun"),
            }
        });
    }

    /// Ends every connection and every socket; changes that were begun come to
    /// their end.
    pub(crate) async fn stop(&self) {
        self.closing.cancel();
        self.shared.calls.stop().await;
        self.shared.stop.cancel();
        if tokio::time::timeout(PARTING_TIMEOUT, self.guests.gone()).await.is_err() {
            self.guests.evict_all();
        }
        self.guests.gone().await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}
