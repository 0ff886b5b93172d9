//! HTTP over one accepted stream: what JSON-RPC and the monitor have in common.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonrpsee::server::HttpBody;
use tracing::debug;

use super::guarded::Guarded;

/// How long the head of a request may take to come, and how long a connection
/// may wait between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Answers requests until either side has enough. A stream that is upgraded to
/// a WebSocket goes on without this.
pub(super) async fn serve<F, A>(stream: Guarded, answer: F)
where
    F: Fn(Request<Incoming>) -> A + Send,
    A: Future<Output = Response<HttpBody>> + Send,
{
    let service = service_fn(|request| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let served = conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        debug!(%error, "an HTTP connection has failed");
    }
}
