//! What a client asks of an [`Exchanger`](crate::backend::Exchanger), and how both sides carry it
//! out.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::eventually::PATIENCE;

use super::{Fault, send, shutdown, verify_to_end};

/// The head of an exchange: three numbers, before the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The seed of the client's bytes; those of the other direction have its complement.
    pub seed: u64,
    /// How many bytes the client sends.
    pub up: u64,
    /// How many bytes it wants.
    pub down: u64,
}

impl Order {
    /// Reads the order that a client wrote.
    pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Self, Fault> {
        let numbers = async {
            Ok([stream.read_u64().await?, stream.read_u64().await?, stream.read_u64().await?])
        };
        match timeout(PATIENCE, numbers).await {
            Ok(Ok([seed, up, down])) => Ok(Self { seed, up, down }),
            Ok(Err(error)) => Err(Fault::io(0, error)),
            Err(_) => Err(Fault::Stalled { offset: 0 }),
        }
    }

    /// Writes the order.
    pub async fn write(&self, stream: &mut (impl AsyncWrite + Unpin)) -> Result<(), Fault> {
        let numbers: Vec<u8> = [self.seed, self.up, self.down]
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect();
        stream.write_all(&numbers).await.map_err(|error| Fault::io(0, error))
    }

    /// The client's sending side.
    pub async fn give_up(&self, stream: &mut (impl AsyncWrite + Unpin)) -> Result<(), Fault> {
        send(stream, self.seed, self.up).await?;
        shutdown(stream, self.up).await
    }

    /// The backend's receiving side.
    pub async fn take_up(&self, stream: &mut (impl AsyncRead + Unpin)) -> Result<(), Fault> {
        Fault::unless_length(verify_to_end(stream, self.seed).await?, self.up)
    }

    /// The backend's sending side.
    pub async fn give_down(&self, stream: &mut (impl AsyncWrite + Unpin)) -> Result<(), Fault> {
        send(stream, !self.seed, self.down).await?;
        shutdown(stream, self.down).await
    }

    /// The client's receiving side.
    pub async fn take_down(&self, stream: &mut (impl AsyncRead + Unpin)) -> Result<(), Fault> {
        Fault::unless_length(verify_to_end(stream, !self.seed).await?, self.down)
    }
}
