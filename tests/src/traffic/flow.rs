//! A connection that lives in the background and moves checked bytes for as long as it is let.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::eventually::{PATIENCE, in_time};
use crate::stream::{Stream, Target};

use super::{Fault, Pattern, connect, read, shutdown};

/// The largest piece that is sent before it is awaited back.
const PIECE: usize = 16 * 1024;

/// A long-lived client of an [`Echo`](crate::backend::Echo): sends a piece of random size, wants it
/// back, and so on.
///
/// It is what must not notice a change: run a few while the tunnel is changed, then [`Flow::stop`]
/// them and look at their faults. Dropped, it closes its connection.
#[derive(Debug)]
pub struct Flow {
    moved: Arc<AtomicU64>,
    stop: CancellationToken,
    task: JoinHandle<Option<Fault>>,
}

/// What a flow had to say at its end.
#[derive(Debug)]
pub struct Report {
    /// The bytes that went there and came back.
    pub bytes: u64,
    /// The first thing that was wrong.
    pub fault: Option<Fault>,
}

impl Flow {
    /// Connects through `target`, sees a first piece go there and back, and goes on without a
    /// pause.
    pub async fn start(target: impl Into<Target>, seed: u64) -> Result<Self, Fault> {
        Self::paced(target, seed, Duration::ZERO).await
    }

    /// The same with a pause between two pieces, for many flows at once.
    pub async fn paced(
        target: impl Into<Target>,
        seed: u64,
        pause: Duration,
    ) -> Result<Self, Fault> {
        Self::over(connect(target).await?, seed, pause).await
    }

    /// The same over a connection that stands already.
    pub async fn over(
        stream: impl Into<Stream>,
        seed: u64,
        pause: Duration,
    ) -> Result<Self, Fault> {
        let moved = Arc::new(AtomicU64::new(0));
        let mut wheel = Wheel::new(stream.into(), seed, Arc::clone(&moved));
        wheel.turn().await?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(wheel.run(pause, stop.clone()));
        Ok(Self { moved, stop, task })
    }

    /// The bytes that went there and came back so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.moved.load(Ordering::SeqCst)
    }

    /// Whether it still runs; it ends by itself only with a fault.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }

    /// Ends its direction after the piece that is under way, wants a clean end of the other, and
    /// reports.
    pub async fn stop(mut self) -> Report {
        self.stop.cancel();
        self.report().await
    }

    /// Waits for the fault that ends it; for scenes in which it must be cut.
    pub async fn cut(mut self) -> Report {
        in_time("the end of a flow that is to be cut", self.report()).await
    }

    async fn report(&mut self) -> Report {
        let fault = (&mut self.task)
            .await
            .expect("a flow does not panic and is not aborted before it is dropped");
        Report { bytes: self.bytes(), fault }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The connection and the place in the stream of both directions.
struct Wheel {
    reader: ReadHalf<Stream>,
    writer: WriteHalf<Stream>,
    sent: Pattern,
    received: Pattern,
    sizes: fastrand::Rng,
    moved: Arc<AtomicU64>,
}

impl Wheel {
    fn new(stream: Stream, seed: u64, moved: Arc<AtomicU64>) -> Self {
        let (reader, writer) = split(stream);
        let sizes = fastrand::Rng::with_seed(seed);
        Self {
            reader,
            writer,
            sent: Pattern::new(seed),
            received: Pattern::new(seed),
            sizes,
            moved,
        }
    }

    /// Turns until it is stopped or something is wrong.
    async fn run(mut self, pause: Duration, stop: CancellationToken) -> Option<Fault> {
        while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
            if let Err(fault) = self.turn().await {
                return Some(fault);
            }
        }
        self.end().await.err()
    }

    /// One piece there and back.
    async fn turn(&mut self) -> Result<(), Fault> {
        let mut piece = vec![0; self.sizes.usize(1..=PIECE)];
        let offset = self.sent.offset();
        self.sent.fill(&mut piece);
        match timeout(PATIENCE, self.writer.write_all(&piece)).await {
            Ok(written) => written.map_err(|error| Fault::io(offset, error))?,
            Err(_) => return Err(Fault::Stalled { offset }),
        }
        while self.received.offset() < self.sent.offset() {
            self.receive(&mut piece).await?;
        }
        Ok(())
    }

    /// Reads once and checks; the end is a fault here.
    async fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Fault> {
        let offset = self.received.offset();
        match read(&mut self.reader, offset, buffer).await? {
            0 => Fault::unless_length(offset, self.sent.offset()),
            read => {
                self.received.check(&buffer[..read])?;
                self.moved.store(self.received.offset(), Ordering::SeqCst);
                Ok(())
            }
        }
    }

    /// Ends its direction and wants the end of the other, and not one byte more.
    async fn end(&mut self) -> Result<(), Fault> {
        let offset = self.sent.offset();
        shutdown(&mut self.writer, offset).await?;
        let extra = read(&mut self.reader, offset, &mut [0; 64]).await?;
        Fault::unless_length(offset + extra as u64, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Echo;
    use crate::eventually;

    #[tokio::test]
    async fn a_flow_moves_bytes_until_it_is_stopped() {
        let echo = Echo::start();
        let flow = Flow::start(echo.addr(), 1).await.unwrap();
        eventually!(flow.bytes() > 1_000_000);
        let report = flow.stop().await;
        assert!(report.fault.is_none(), "{:?}", report.fault);
        assert!(report.bytes > 1_000_000);
    }

    #[tokio::test]
    async fn a_flow_that_is_cut_says_so() {
        let echo = Echo::start();
        let flow = Flow::paced(echo.addr(), 1, Duration::from_millis(1)).await.unwrap();
        echo.kill().await;
        let report = flow.cut().await;
        assert!(matches!(report.fault, Some(Fault::Reset { .. })), "{:?}", report.fault);
    }
}
