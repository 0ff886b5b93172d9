//! A backend that reads at the pace it is told, or not at all: back-pressure to order.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::Socket;
use tokio::io::AsyncReadExt;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::stream::Stream;

use super::{Backend, Character};

/// The receive buffer asked for, so that little is taken by the kernel in place of the reader (it
/// doubles it).
const RECEIVE_BUFFER: usize = 16 * 1024;

/// How many times a second a paced reader reads, and the time between.
const BEATS: usize = 50;
const BEAT: Duration = Duration::from_millis(20);

/// The most that is read at once.
const CHUNK: usize = 64 * 1024;

/// How fast a [`SlowReader`] reads, each connection for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Not at all.
    Stopped,
    /// About so many bytes a second.
    PerSecond(usize),
    /// As fast as they come.
    Unlimited,
}

/// Reads with a small receive buffer at a pace that can be changed while it runs; it never sends.
#[derive(Debug)]
pub struct SlowReader {
    pace: watch::Sender<Pace>,
    read: AtomicU64,
}

impl SlowReader {
    /// One that begins at `pace`, for [`Backend::unix`] and the like.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self { pace: watch::Sender::new(pace), read: AtomicU64::new(0) }
    }

    /// One on a free port of 127.0.0.1.
    #[must_use]
    pub fn start(pace: Pace) -> Backend<Self> {
        Backend::start(Self::new(pace))
    }

    /// One on a given address.
    #[must_use]
    pub fn at(addr: SocketAddr, pace: Pace) -> Backend<Self> {
        Backend::at(addr, Self::new(pace))
    }
}

impl Backend<SlowReader> {
    /// Changes the pace of all connections, those that live included.
    pub fn set_pace(&self, pace: Pace) {
        self.character().pace.send_replace(pace);
    }

    /// How many bytes were read so far, over all connections.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.character().read.load(Ordering::SeqCst)
    }
}

impl Character for SlowReader {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        let mut pace = self.pace.subscribe();
        let mut buffer = vec![0; CHUNK];
        loop {
            let now = *pace.borrow_and_update();
            let limit = match now {
                Pace::Stopped => 0,
                Pace::PerSecond(bytes) => (bytes / BEATS).clamp(1, CHUNK),
                Pace::Unlimited => CHUNK,
            };
            tokio::select! {
                // A new pace comes before more bytes: who said "stop" must not see one more read
                // begin.
                biased;
                changed = pace.changed() => if changed.is_err() { return Ok(()) },
                read = read_at(now, stream, &mut buffer[..limit]) => match read? {
                    0 => return Ok(()),
                    read => {
                        self.read.fetch_add(read as u64, Ordering::SeqCst);
                        if now != Pace::Unlimited {
                            // The beat is the behaviour asked for, not a wait for anything.
                            sleep(BEAT).await;
                        }
                    }
                },
            }
        }
    }

    fn prepare(&self, socket: &Socket) -> io::Result<()> {
        socket.set_recv_buffer_size(RECEIVE_BUFFER)
    }
}

/// Reads once, or never where the reader stands still.
async fn read_at(pace: Pace, stream: &mut Stream, buffer: &mut [u8]) -> io::Result<usize> {
    match pace {
        Pace::Stopped => pending().await,
        _ => stream.read(buffer).await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;

    use super::*;
    use crate::eventually;

    #[tokio::test]
    async fn a_stopped_reader_holds_its_sender_back_until_it_goes_on() {
        const BYTES: usize = 32 << 20;
        let reader = SlowReader::start(Pace::Stopped);
        let mut client = TcpStream::connect(reader.addr()).await.unwrap();
        let sender = tokio::spawn(async move { client.write_all(&vec![7; BYTES]).await });

        eventually!(reader.live() == 1);
        assert_eq!(reader.bytes_read(), 0);
        assert!(!sender.is_finished(), "32 MiB cannot be taken by the kernel alone");

        reader.set_pace(Pace::Unlimited);
        sender.await.unwrap().unwrap();
        eventually!(reader.bytes_read() == BYTES as u64, "{} bytes", reader.bytes_read());
    }

    #[tokio::test]
    async fn a_paced_reader_reads_little_by_little() {
        let reader = SlowReader::start(Pace::PerSecond(50_000));
        let mut client = TcpStream::connect(reader.addr()).await.unwrap();
        client.write_all(&[7; 3_000]).await.unwrap();
        eventually!(reader.bytes_read() >= 1_000);
        assert!(reader.bytes_read() < 3_000);
        eventually!(reader.bytes_read() == 3_000);
    }
}
