//! HTTP over one accepted stream: what JSON-RPC and the monitor have in common.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::guests::{Busy, Guest};

/// How long the head of a request may take to come, and how long a connection
/// may wait between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// The body of an answer. Its guest is busy until the last piece is there.
#[derive(Debug)]
pub(super) struct Body {
    inner: UnsyncBoxBody<Bytes, Infallible>,
    _busy: Option<Busy>,
}

impl Body {
    pub(super) fn empty() -> Self {
        Self { inner: Empty::new().boxed_unsync(), _busy: None }
    }

    /// One that comes in pieces.
    pub(super) fn pieces(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        use futures_util::StreamExt as _;

        let frames = pieces.map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
        Self { inner: StreamBody::new(frames).boxed_unsync(), _busy: None }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self { inner: Full::new(Bytes::from(text)).boxed_unsync(), _busy: None }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Answers requests until either side has enough. A stream that is upgraded to
/// a WebSocket goes on without this.
pub(super) async fn serve<S, F, A>(
    stream: S,
    guest: &Arc<Guest>,
    stop: &CancellationToken,
    answer: F,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>) -> A + Send,
    A: Future<Output = Response<Body>> + Send,
{
    let service = service_fn(|request| {
        let (answered, busy) = (answer(request), guest.busy());
        async move {
            let response = answered.await;
            Ok::<_, Infallible>(response.map(|body| Body { _busy: Some(busy), ..body }))
        }
    });
    let served = conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        // As after `nc -N`: who has said all wants an answer still.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "an HTTP connection has failed");
    }
}
