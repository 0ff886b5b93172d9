//! A client's stream that ends when its guest has to leave, whoever holds it,
//! and that reads nothing from a client who takes no answers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::entrance::Stream;
use super::guests::Stay;

/// How long a client may take no answer.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A stream with its guest's stay.
#[derive(Debug)]
pub(crate) struct Guarded {
    stream: Stream,
    /// One for each direction, since each may be another task's.
    evicted_reading: Pin<Box<WaitForCancellationFutureOwned>>,
    evicted_writing: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Set while the client takes nothing: when its patience is over.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Who waits for the end of that, to read.
    reader: Option<Waker>,
    stay: Stay,
}

impl Guarded {
    pub(crate) fn new(stream: Stream, stay: Stay) -> Self {
        let evicted = || Box::pin(stay.guest.evicted.clone().cancelled_owned());
        Self {
            stream,
            evicted_reading: evicted(),
            evicted_writing: evicted(),
            stalled: None,
            reader: None,
            stay,
        }
    }

    /// Notes whether the client has taken what was written.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.stalled.take().is_some()
                && let Some(reader) = self.reader.take()
            {
                reader.wake();
            }
            return written;
        }
        let timeout =
            self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(WRITE_TIMEOUT)));
        ready!(timeout.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn check_writing(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        check(&mut self.evicted_writing, cx)
    }
}

fn check(
    evicted: &mut Pin<Box<WaitForCancellationFutureOwned>>,
    cx: &mut Context<'_>,
) -> io::Result<()> {
    match evicted.as_mut().poll(cx) {
        Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
        Poll::Pending => Ok(()),
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        check(&mut self.evicted_reading, cx)?;
        if self.stalled.is_some() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
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
        self.check_writing(cx)?;
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_writing(cx)?;
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
        self.check_writing(cx)?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
