//! A client's stream that ends when its guest has to leave, or takes no answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use tokio_util::either::Either;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::entrance::Stream;
use super::guests::{Busy, Stay};
use crate::socket::reset_on_close;

/// How long a client may take no answer.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A stream with its guest's stay.
#[derive(Debug)]
pub(crate) struct Guarded {
    stream: Stream,
    evicted: Pin<Box<WaitForCancellationFutureOwned>>,
    stalled: Option<Stalled>,
    stay: Stay,
}

/// The client has yet to take what was written.
#[derive(Debug)]
struct Stalled {
    /// When our patience is over.
    timeout: Pin<Box<Sleep>>,
    _busy: Busy,
}

impl Guarded {
    pub(crate) fn new(stream: Stream, stay: Stay) -> Self {
        let evicted = Box::pin(stay.guest.evicted.clone().cancelled_owned());
        Self { stream, evicted, stalled: None, stay }
    }

    /// The first byte that the client sends, left where it is; none where it ends before that.
    pub(crate) async fn first_byte(&self) -> io::Result<Option<u8>> {
        let Either::Left(stream) = &self.stream else { return Ok(None) };
        let mut first = [0];
        tokio::select! {
            () = self.stay.guest.evicted.cancelled() => {
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            peeked = stream.peek(&mut first) => {
                let is_over = peeked? == 0;
                Ok(first.first().copied().filter(|_| !is_over))
            }
        }
    }

    /// Whether the guest may go on.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.evicted.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }

    /// Notes whether the client has taken what was written.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            self.stay.guest.touch();
            return written;
        }
        let guest = &self.stay.guest;
        let stalled = self.stalled.get_or_insert_with(|| Stalled {
            timeout: Box::pin(tokio::time::sleep(WRITE_TIMEOUT)),
            _busy: guest.busy(),
        });
        ready!(stalled.timeout.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Drop for Guarded {
    /// What somebody has not taken so far would stay in the kernel for minutes.
    fn drop(&mut self) {
        if let (Some(_), Either::Left(stream)) = (&self.stalled, &self.stream) {
            reset_on_close(stream);
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            self.stay.guest.touch();
        }
        read
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
