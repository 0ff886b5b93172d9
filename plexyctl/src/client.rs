//! The daemon, as the rest of the client sees it: methods of
//! [`plexy_shared::rpc`] that are called and answer. Nobody else here knows
//! JSON-RPC, WebSocket or sockets; this module knows nothing of verbs, nor of
//! how an answer is shown.

mod credentials;
mod door;
mod endpoint;
mod error;
mod owner;
mod patience;
mod places;
mod tls;
mod token;

pub(crate) use credentials::{Credentials, CredentialsError};
pub(crate) use endpoint::Endpoint;
pub(crate) use error::{ClientError, ConnectError, Silence};
pub(crate) use patience::{Impatience, Patience, interrupted};
pub(crate) use places::{Found, Places, Unreached};
pub(crate) use tls::Distrust;
pub(crate) use token::{Token, TokenError};

use jsonrpsee::async_client::Client as RpcClient;
use jsonrpsee::client_transport::ws::WsError;
use jsonrpsee::core::client::{
    ClientT, Error as RpcError, Subscription as RpcSubscription, SubscriptionClientT,
};
use jsonrpsee::core::traits::ToRpcParams;
use jsonrpsee_types::ErrorObject;
use plexy_shared::error::Code;
use plexy_shared::rpc::{CallError, ErrorData, Method, MethodRow, Subscription};
use plexy_shared::word::{Word, Words};
use serde::Serialize;
use serde_json::value::RawValue;

/// The code of an error that is no refusal of Plexy: JSON-RPC itself failed.
const RPC_ERROR: &str = "rpc-error";

/// A connection to a daemon.
#[derive(Debug)]
pub(crate) struct Client {
    rpc: RpcClient,
    patience: Patience,
}

/// How a connection is made.
#[derive(Debug, Clone)]
pub(crate) struct ConnectOptions {
    /// What proves to the daemon who we are.
    pub(crate) token: Option<Token>,
    /// What TLS is made of, where it is spoken.
    pub(crate) credentials: Credentials,
    /// How long to wait, for the connection and for every answer together.
    pub(crate) patience: Patience,
}

impl Client {
    /// Connects to the daemon there.
    pub(crate) async fn connect(
        endpoint: &Endpoint,
        options: &ConnectOptions,
    ) -> Result<Self, ConnectError> {
        let patience = options.patience;
        match patience.wait(door::open(endpoint, options)).await {
            Ok(opened) => opened.map(|rpc| Self { rpc, patience }),
            Err(impatience) => Err(ConnectError::GaveUp(impatience)),
        }
    }

    /// From now on, waits so long for all that comes.
    pub(crate) fn renew(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// Whether the daemon is still there, as far as that is known.
    pub(crate) fn is_connected(&self) -> bool {
        self.rpc.is_connected()
    }

    /// How long it waits.
    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// Calls a method.
    pub(crate) async fn call<M: Method>(
        &self,
        params: &M::Params,
    ) -> Result<M::Reply, ClientError> {
        let reply = self.rpc.request::<M::Reply, _>(M::NAME, Params::new(params));
        match self.patience.wait(reply).await {
            Ok(reply) => reply.map_err(|error| self.translate::<M>(error)),
            Err(impatience) => Err(unanswered::<M>(Silence::GaveUp(impatience))),
        }
    }

    /// Asks to be told something again and again.
    pub(crate) async fn subscribe<S: Subscription>(
        &self,
        params: &S::Params,
    ) -> Result<Followed<S>, ClientError> {
        let (method, end, params) = (S::NAME, S::UNSUBSCRIBE, Params::new(params));
        let begun = self.rpc.subscribe::<S::Item, _>(method, params, end);
        match self.patience.wait(begun).await {
            Ok(begun) => begun.map(Followed).map_err(|error| self.translate::<S>(error)),
            Err(impatience) => Err(unanswered::<S>(Silence::GaveUp(impatience))),
        }
    }

    fn translate<M: Method>(&self, error: RpcError) -> ClientError {
        match error {
            RpcError::Call(object) if object.code() == Code::UnknownMethod.number() => {
                ClientError::UnknownMethod(M::NAME)
            }
            RpcError::Call(object) => ClientError::Refused(Box::new(refusal(&object))),
            RpcError::RequestTimeout => {
                let given = self.patience.given();
                unanswered::<M>(Silence::GaveUp(Impatience::DeadlinePassed(given)))
            }
            RpcError::Transport(_) | RpcError::RestartNeeded(_) | RpcError::ServiceDisconnect => {
                unanswered::<M>(if is_too_long(&error) { Silence::TooLong } else { Silence::Lost })
            }
            other => ClientError::BadAnswer { method: M::NAME, cause: other.to_string() },
        }
    }
}

/// What comes again and again.
#[derive(Debug)]
pub(crate) struct Followed<S: Subscription>(RpcSubscription<S::Item>);

impl<S: Subscription> Followed<S> {
    /// The next of it. It waits for as long as that takes, or until Ctrl-C.
    pub(crate) async fn next(&mut self) -> Result<S::Item, ClientError> {
        tokio::select! {
            biased;
            item = self.0.next() => match item {
                Some(Ok(item)) => Ok(item),
                Some(Err(error)) => {
                    Err(ClientError::BadAnswer { method: S::NAME, cause: error.to_string() })
                }
                None => Err(unanswered::<S>(Silence::Lost)),
            },
            () = interrupted() => Err(unanswered::<S>(Silence::GaveUp(Impatience::Interrupted))),
        }
    }
}

/// Whether the connection ended because an answer is longer than we take.
fn is_too_long(error: &RpcError) -> bool {
    match error {
        RpcError::RestartNeeded(inner) => is_too_long(inner),
        RpcError::Transport(cause) => cause
            .downcast_ref::<WsError>()
            .is_some_and(|cause| cause.to_string().contains("too large")),
        _ => false,
    }
}

/// Named parameters: every type of the table is a struct, or an array for the
/// one method that wants one.
struct Params(Result<Box<RawValue>, serde_json::Error>);

impl Params {
    fn new(params: &impl Serialize) -> Self {
        Self(serde_json::value::to_raw_value(params))
    }
}

impl ToRpcParams for Params {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        self.0.map(Some)
    }
}

fn unanswered<M: Method>(silence: Silence) -> ClientError {
    let is_change = MethodRow::named(M::NAME).is_some_and(|row| row.is_change);
    ClientError::Unanswered { silence, is_change }
}

/// What the daemon said, also where it is an error that only JSON-RPC knows.
fn refusal(object: &ErrorObject<'_>) -> CallError {
    let number = object.code();
    let of_number = || {
        let known = Code::ALL.iter().copied().find(|code| code.number() == number);
        let code = known.map_or_else(|| Word::Unknown(RPC_ERROR.into()), Word::Known);
        let (parameter, span, suggestion, hint, index) = (None, None, None, None, None);
        ErrorData { code, parameter, span, suggestion, valid: Vec::new(), hint, index }
    };
    let data = object.data().and_then(|data| serde_json::from_str(data.get()).ok());
    CallError { number, message: object.message().to_owned(), data: data.unwrap_or_else(of_number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(number: i32, data: Option<serde_json::Value>) -> CallError {
        refusal(&ErrorObject::owned(number, "no", data))
    }

    #[test]
    fn an_error_without_data_is_known_by_its_number() {
        let code = |number| refused(number, None).data.code;
        assert_eq!(code(Code::TunnelNotFound.number()), Code::TunnelNotFound);
        assert_eq!(code(-32602), Code::InvalidParams);
        assert_eq!(code(-32603), Code::InternalError);
        assert_eq!(code(-32999).as_str(), RPC_ERROR);
    }

    #[test]
    fn the_data_of_an_error_is_believed_and_its_new_words_kept() {
        let data = serde_json::json!({ "code": "out-of-cheese", "span": [1, 2] });
        let error = refused(Code::TunnelNotFound.number(), Some(data));
        assert_eq!((error.data.code.as_str(), error.data.span), ("out-of-cheese", Some((1, 2))));
    }
}
