//! A backend that says back what it hears.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::stream::Stream;

use super::{Backend, Character};

const CHUNK: usize = 64 * 1024;

/// Echoes until the client ends its direction, then ends its own, after everything was echoed.
#[derive(Debug, Clone, Copy)]
pub struct Echo;

impl Echo {
    /// An echo on a free port of 127.0.0.1.
    #[must_use]
    pub fn start() -> Backend<Self> {
        Backend::start(Self)
    }

    /// An echo on a given address.
    #[must_use]
    pub fn at(addr: SocketAddr) -> Backend<Self> {
        Backend::at(addr, Self)
    }

    /// An echo on a Unix path.
    #[must_use]
    pub fn unix(path: impl AsRef<Path>) -> Backend<Self> {
        Backend::unix(path, Self)
    }
}

impl Character for Echo {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        echo(stream).await
    }
}

/// Copies what is read from `stream` back to it until its end, and then shuts it down.
pub(super) async fn echo(stream: &mut Stream) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return stream.shutdown().await,
            read => stream.write_all(&buffer[..read]).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;
    use crate::traffic::Ending;

    #[tokio::test]
    async fn a_half_closed_client_gets_everything_and_a_clean_end() {
        let echo = Echo::start();
        let mut client = TcpStream::connect(echo.addr()).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(Ending::of(&mut client).await.unwrap(), (b"hello".to_vec(), Ending::Fin));
    }
}
