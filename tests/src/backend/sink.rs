//! A backend that checks a checksummed stream and says nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use crate::stream::Stream;
use crate::traffic::{Fault, verify_to_end};

use super::{Backend, Character};

/// Reads to the end and checks each byte against the pattern of a seed.
#[derive(Debug)]
pub struct Sink {
    seed: u64,
    results: Mutex<Vec<Result<u64, Fault>>>,
}

impl Sink {
    /// A sink for streams of this seed, for [`Backend::unix`] and the like.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, results: Mutex::default() }
    }

    /// A sink on a free port of 127.0.0.1.
    #[must_use]
    pub fn start(seed: u64) -> Backend<Self> {
        Backend::start(Self::new(seed))
    }

    /// A sink on a given address.
    #[must_use]
    pub fn at(addr: SocketAddr, seed: u64) -> Backend<Self> {
        Backend::at(addr, Self::new(seed))
    }
}

impl Backend<Sink> {
    /// What became of each ended connection, in the order they ended: its bytes, or what was wrong.
    /// It empties the list.
    #[must_use]
    pub fn results(&self) -> Vec<Result<u64, Fault>> {
        std::mem::take(
            &mut *self.character().results.lock().unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl Character for Sink {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        let result = verify_to_end(stream, self.seed).await;
        self.results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;

    use super::*;
    use crate::backend::Source;
    use crate::eventually;
    use crate::traffic::send;

    #[tokio::test]
    async fn a_sink_takes_what_was_sent_and_complains_about_another_seed() {
        let sink = Sink::start(1);
        for seed in [1, 2] {
            let mut client = TcpStream::connect(sink.addr()).await.unwrap();
            send(&mut client, seed, 100_000).await.unwrap();
            client.shutdown().await.unwrap();
            let mut results = Vec::new();
            eventually!({
                results = sink.results();
                !results.is_empty()
            });
            match (seed, &results[..]) {
                (1, [Ok(100_000)]) | (2, [Err(Fault::WrongByte { offset: 0, .. })]) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_source_sends_all_and_ends() {
        let source = Source::start(3, 100_000);
        let mut client = TcpStream::connect(source.addr()).await.unwrap();
        assert_eq!(verify_to_end(&mut client, 3).await.unwrap(), 100_000);
    }
}
