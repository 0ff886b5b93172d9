//! A backend that sends a checksummed stream and nothing else.

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;

use crate::stream::Stream;
use crate::traffic::send;

use super::{Backend, Character};

/// Sends so many bytes of the pattern of a seed to whoever connects, and then a clean end.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    seed: u64,
    bytes: u64,
}

impl Source {
    /// A source of `bytes` bytes, for [`Backend::unix`] and the like.
    #[must_use]
    pub fn new(seed: u64, bytes: u64) -> Self {
        Self { seed, bytes }
    }

    /// A source on a free port of 127.0.0.1.
    #[must_use]
    pub fn start(seed: u64, bytes: u64) -> Backend<Self> {
        Backend::start(Self::new(seed, bytes))
    }

    /// A source on a given address.
    #[must_use]
    pub fn at(addr: SocketAddr, seed: u64, bytes: u64) -> Backend<Self> {
        Backend::at(addr, Self::new(seed, bytes))
    }
}

impl Character for Source {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        send(stream, self.seed, self.bytes).await.map_err(io::Error::other)?;
        stream.shutdown().await?;
        // Until the client ends too: closing over what it may have sent would reset what was not
        // yet taken.
        tokio::io::copy(stream, &mut tokio::io::sink()).await?;
        Ok(())
    }
}
