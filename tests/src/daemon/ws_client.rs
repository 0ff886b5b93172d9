//! A client of JSON-RPC over a WebSocket: jsonrpsee's own, told everything by name.

use jsonrpsee::async_client::{Client, ClientBuilder};
use jsonrpsee::client_transport::ws::WsTransportClientBuilder;
use jsonrpsee::core::client::{ClientT, Error, Subscription, SubscriptionClientT};
use jsonrpsee::core::traits::ToRpcParams;
use plexy_shared::event::EventsReply;
use plexy_shared::overview::Overview;
use plexy_shared::rpc::{SubscribeEvents, SubscribeOverview, SubscribeStats};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

use super::HttpClient;

/// One WebSocket.
#[derive(Debug)]
pub struct WsClient {
    client: Client,
}

struct Named(Value);

impl ToRpcParams for Named {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        serde_json::value::to_raw_value(&self.0).map(Some)
    }
}

impl WsClient {
    /// Upgrades a connection to a door of JSON-RPC.
    pub async fn connect(door: &HttpClient) -> Self {
        Self { client: upgrade(door.connect().await).await }
    }

    /// Calls a method: its result, or its error.
    ///
    /// # Errors
    ///
    /// The `error` of the answer.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, Value> {
        match self.client.request(method, Named(params)).await {
            Ok(result) => Ok(result),
            Err(Error::Call(error)) => {
                Err(serde_json::to_value(error).expect("an error object is JSON"))
            }
            Err(error) => panic!("{method}: {error}"),
        }
    }

    /// Has counts sent again and again.
    ///
    /// # Errors
    ///
    /// The `error` of the answer.
    pub async fn subscribe<T: DeserializeOwned>(
        &self,
        interval: &str,
        tunnels: bool,
    ) -> Result<Subscription<T>, Value> {
        self.subscribed::<SubscribeStats, T>(json!({ "interval": interval, "tunnels": tunnels }))
            .await
    }

    /// Has events sent.
    ///
    /// # Errors
    ///
    /// The `error` of the answer.
    pub async fn follow(&self, params: Value) -> Result<Subscription<EventsReply>, Value> {
        self.subscribed::<SubscribeEvents, EventsReply>(params).await
    }

    /// Has overviews sent again and again.
    ///
    /// # Errors
    ///
    /// The `error` of the answer.
    pub async fn watch(&self, params: Value) -> Result<Subscription<Overview>, Value> {
        self.subscribed::<SubscribeOverview, Overview>(params).await
    }

    async fn subscribed<M: plexy_shared::rpc::Subscription, T: DeserializeOwned>(
        &self,
        params: Value,
    ) -> Result<Subscription<T>, Value> {
        let name = M::NAME;
        match self.client.subscribe(name, Named(params), M::UNSUBSCRIBE).await {
            Ok(subscription) => Ok(subscription),
            Err(Error::Call(error)) => {
                Err(serde_json::to_value(error).expect("an error object is JSON"))
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

async fn upgrade(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Client {
    let url = "ws://localhost".parse().expect("it is a URL");
    let builder = WsTransportClientBuilder::default();
    let (sender, receiver) =
        builder.build_with_stream(url, stream).await.expect("the door speaks WebSocket");
    ClientBuilder::default().build_with_tokio(sender, receiver)
}
