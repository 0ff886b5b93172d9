//! A backend that hangs up the hard way.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::stream::Stream;

use super::{Backend, Character};

/// Sends what it was told to, reads as many bytes as it was told to, and resets the connection.
#[derive(Debug, Clone, Default)]
pub struct Resetter {
    greeting: Vec<u8>,
    reads: usize,
}

impl Resetter {
    /// One that resets at once; [`Backend::start`] and the like take it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends these bytes first.
    #[must_use]
    pub fn sending(mut self, greeting: impl Into<Vec<u8>>) -> Self {
        self.greeting = greeting.into();
        self
    }

    /// Reads exactly so many bytes before the reset (after having sent, where it sends).
    #[must_use]
    pub fn reading(mut self, bytes: usize) -> Self {
        self.reads = bytes;
        self
    }

    /// One that resets at once, on a free port of 127.0.0.1.
    #[must_use]
    pub fn start() -> Backend<Self> {
        Backend::start(Self::new())
    }

    /// One that resets at once, on a given address.
    #[must_use]
    pub fn at(addr: SocketAddr) -> Backend<Self> {
        Backend::at(addr, Self::new())
    }
}

impl Character for Resetter {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        stream.reset_on_close();
        stream.write_all(&self.greeting).await?;
        stream.read_exact(&mut vec![0; self.reads]).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;
    use crate::traffic::Ending;

    #[tokio::test]
    async fn the_greeting_arrives_before_the_reset() {
        let resetter = Backend::start(Resetter::new().sending("bye").reading(2));
        let mut client = TcpStream::connect(resetter.addr()).await.unwrap();
        client.write_all(b"ab").await.unwrap();
        assert_eq!(Ending::of(&mut client).await.unwrap(), (b"bye".to_vec(), Ending::Reset));
    }

    #[tokio::test]
    async fn one_told_nothing_resets_at_once() {
        let resetter = Resetter::start();
        let mut client = TcpStream::connect(resetter.addr()).await.unwrap();
        assert_eq!(Ending::of(&mut client).await.unwrap(), (Vec::new(), Ending::Reset));
    }
}
