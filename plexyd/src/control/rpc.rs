//! JSON-RPC, over HTTP and WebSocket, on Unix and TCP sockets.
//!
//! jsonrpsee reads and writes it. What it leaves open is closed here: [`guard`]
//! says who may ask, [`calls`] bounds and counts what is under way, and
//! [`methods`] brings every change to its end, whoever hangs up.

mod calls;
mod guard;
mod methods;
mod stats;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::{Body as _, Incoming};
use jsonrpsee::Methods;
use jsonrpsee::server::middleware::rpc::RpcServiceBuilder;
use jsonrpsee::server::ws::is_upgrade_request;
use jsonrpsee::server::{
    BatchRequestConfig, HttpBody, PingConfig, RandomStringIdProvider, Server, ServerConfig,
    ServerHandle, StopHandle, TowerServiceBuilder, stop_channel,
};
use plexy_shared::rpc::{BATCH_MAX, BODY_BYTES_MAX};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;
use tracing::{debug, info, warn};

use super::entrance::{Entrance, Stream};
use super::guarded::Guarded;
use super::guests::Guests;
use super::http1;
use crate::control::token::Token;
use crate::metrics::Metrics;
use crate::service::{Peer, Service};
use calls::{Unanswered, Upgrade, Visitor};
use guard::Guard;

/// Connections at once; one more ends the one that has been idle longest.
pub(crate) const CONNECTIONS_MAX: usize = 100;

/// Longest answer, in bytes: every tunnel of a full daemon.
const ANSWER_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// Answers and counts that may wait to be written to one WebSocket.
const ANSWERS_WAITING_MAX: u32 = 16;

/// Subscriptions of one WebSocket.
const SUBSCRIPTIONS_MAX: u32 = 16;

/// Length of the number of a subscription, in characters.
const SUBSCRIPTION_ID_CHARS: usize = 16;

/// How often a silent WebSocket is asked whether it lives; it ends when it has
/// not answered twice.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long connections may take to end by themselves when the daemon does.
const PARTING_TIMEOUT: Duration = Duration::from_secs(1);

/// How jsonrpsee says that a body is no JSON, and how it would say that it is no
/// request.
const NO_JSON: &str =
    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#;
const NO_REQUEST: &str =
    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}"#;

/// The layers of a call that are ours.
type Layers = tower::layer::util::Stack<calls::CallsLayer, tower::layer::util::Identity>;

/// All connections of all sockets of JSON-RPC.
pub(crate) struct Rpc {
    guard: Arc<Guard>,
    guests: Arc<Guests>,
    methods: Methods,
    server: TowerServiceBuilder<Layers, tower::layer::util::Identity>,
    stop_handle: StopHandle,
    server_handle: ServerHandle,
    /// Entrances and connections.
    tasks: TaskTracker,
    /// Changes under way.
    changes: TaskTracker,
    stop: CancellationToken,
}

impl Rpc {
    pub(crate) fn new(
        service: &Arc<Service>,
        metrics: &Arc<Metrics>,
        token: Option<Token>,
        hosts: Vec<String>,
    ) -> Self {
        let config = ServerConfig::builder()
            .max_request_body_size(BODY_BYTES_MAX)
            .max_response_body_size(ANSWER_BYTES_MAX)
            // Ours are counted where they are accepted.
            .max_connections(u32::MAX)
            .max_subscriptions_per_connection(SUBSCRIPTIONS_MAX)
            .set_batch_request_config(BatchRequestConfig::Limit(BATCH_MAX))
            .set_message_buffer_capacity(ANSWERS_WAITING_MAX)
            .set_id_provider(RandomStringIdProvider::new(SUBSCRIPTION_ID_CHARS))
            .enable_ws_ping(
                PingConfig::new()
                    .ping_interval(PING_INTERVAL)
                    .inactive_limit(PING_INTERVAL)
                    .max_failures(2),
            )
            .build();
        let layer = calls::CallsLayer::new(Arc::clone(metrics), ANSWER_BYTES_MAX as usize);
        let server = Server::builder()
            .set_config(config)
            .set_rpc_middleware(RpcServiceBuilder::new().layer(layer))
            .to_service_builder();
        let (stop_handle, server_handle) = stop_channel();
        let changes = TaskTracker::new();
        Self {
            guard: Arc::new(Guard::new(token, hosts)),
            guests: Arc::new(Guests::new(CONNECTIONS_MAX)),
            methods: methods::all(service, &changes),
            server,
            stop_handle,
            server_handle,
            tasks: TaskTracker::new(),
            changes,
            stop: CancellationToken::new(),
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
                () = rpc.stop.cancelled() => {}
                () = entrance.accept_all(|stream, peer| rpc.begin(stream, peer)) => {}
            }
        });
    }

    fn begin(self: &Arc<Self>, stream: Stream, peer: Peer) {
        let rpc = Arc::clone(self);
        let stay = self.guests.enter(!self.guard.wants_token(peer));
        let visitor = Arc::new(Visitor::new(peer, Arc::clone(&stay.guest)));
        let guarded = Guarded::new(stream, stay);
        self.tasks.spawn(async move {
            http1::serve(guarded, |request| rpc.answer(request, Arc::clone(&visitor))).await;
        });
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        visitor: Arc<Visitor>,
    ) -> Response<HttpBody> {
        let mut request = match self.guard.admit(request, visitor.peer).await {
            Ok(request) => request,
            Err(refused) => return refused.into_response(),
        };
        visitor.guest.trust();
        let sent = request.body().clone();
        let _busy = visitor.guest.busy();
        let connection = u32::try_from(visitor.guest.id % u64::from(u32::MAX)).unwrap_or_default();
        request.extensions_mut().insert(visitor);
        if is_upgrade_request(&request) {
            request.extensions_mut().insert(Upgrade);
        }
        let server = self.server.clone().connection_id(connection);
        let mut server = server.build(self.methods.clone(), self.stop_handle.clone());
        match server.call(request).await {
            // Not 204: there are clients that take only 200 for a success.
            Ok(response) if response.extensions().get::<Unanswered>().is_some() => {
                Response::new(HttpBody::empty())
            }
            Ok(response) => corrected(response, sent).await,
            Err(error) => {
                debug!(%error, "a request has failed");
                guard::Refused::failed().into_response()
            }
        }
    }

    /// Ends every connection and every socket; changes that were begun come to
    /// their end.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.changes.close();
        self.changes.wait().await;
        if self.server_handle.stop().is_err() {
            debug!("the server of JSON-RPC has ended before");
        }
        if tokio::time::timeout(PARTING_TIMEOUT, self.guests.gone()).await.is_err() {
            self.guests.evict_all();
        }
        self.guests.gone().await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// jsonrpsee calls it no JSON where an object without an id is no request.
async fn corrected(response: Response<HttpBody>, sent: Full<Bytes>) -> Response<HttpBody> {
    if response.body().size_hint().exact() != Some(NO_JSON.len() as u64) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let said = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let sent = sent.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&sent).is_ok();
    let body = if said == NO_JSON.as_bytes() && is_json {
        HttpBody::from(NO_REQUEST)
    } else {
        HttpBody::from(said.to_vec())
    };
    let mut response = Response::from_parts(parts, body);
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

impl std::fmt::Debug for Rpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rpc").field("guests", &self.guests).finish_non_exhaustive()
    }
}
