//! A backend that speaks first: its banner tells which of several backends answered.

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;

use crate::stream::Stream;

use super::echo::echo;
use super::{Backend, Character};

/// Sends its banner to whoever connects, and then echoes.
#[derive(Debug, Clone)]
pub struct Greeter {
    banner: Vec<u8>,
}

impl Greeter {
    /// A greeter with this banner, for [`Backend::unix`] and the like.
    pub fn new(banner: impl Into<Vec<u8>>) -> Self {
        Self { banner: banner.into() }
    }

    /// A greeter on a free port of 127.0.0.1.
    #[must_use]
    pub fn start(banner: impl Into<Vec<u8>>) -> Backend<Self> {
        Backend::start(Self::new(banner))
    }

    /// A greeter on a given address.
    #[must_use]
    pub fn at(addr: SocketAddr, banner: impl Into<Vec<u8>>) -> Backend<Self> {
        Backend::at(addr, Self::new(banner))
    }

    /// What it says first.
    #[must_use]
    pub fn banner(&self) -> &[u8] {
        &self.banner
    }
}

impl Character for Greeter {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        stream.write_all(&self.banner).await?;
        echo(stream).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;
    use crate::traffic::Ending;

    #[tokio::test]
    async fn the_banner_comes_before_the_echo() {
        let greeter = Greeter::start("red\n");
        let mut client = TcpStream::connect(greeter.addr()).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(Ending::of(&mut client).await.unwrap(), (b"red\nhello".to_vec(), Ending::Fin));
    }
}
