//! The other side of [`exchange`](crate::traffic::exchange): checked bytes both ways, as many as
//! the client says.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use tokio::io::split;

use crate::stream::Stream;
use crate::traffic::Order;

use super::{Backend, Character};

/// Reads the client's order (seed, bytes up, bytes down), then takes and gives that at the same
/// time. What is wrong on the way up it answers with a reset, so that the client's exchange fails.
#[derive(Debug, Clone, Copy)]
pub struct Exchanger;

impl Exchanger {
    /// An exchanger on a free port of 127.0.0.1.
    #[must_use]
    pub fn start() -> Backend<Self> {
        Backend::start(Self)
    }

    /// An exchanger on a given address.
    #[must_use]
    pub fn at(addr: SocketAddr) -> Backend<Self> {
        Backend::at(addr, Self)
    }

    /// An exchanger on a Unix path.
    #[must_use]
    pub fn unix(path: impl AsRef<Path>) -> Backend<Self> {
        Backend::unix(path, Self)
    }
}

impl Character for Exchanger {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        let result = async {
            let order = Order::read(stream).await?;
            let (mut reader, mut writer) = split(&mut *stream);
            tokio::try_join!(order.take_up(&mut reader), order.give_down(&mut writer))
        };
        if let Err(fault) = result.await {
            stream.reset_on_close();
            return Err(io::Error::other(fault));
        }
        Ok(())
    }
}
