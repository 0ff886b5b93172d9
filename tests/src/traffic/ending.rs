//! How a peer ended a connection, and ending one the hard way.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::eventually::in_time;
use crate::stream::Stream;

/// How the peer ended its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Cleanly: everything it sent was read.
    Fin,
    /// With a reset.
    Reset,
}

impl Ending {
    /// Reads until the peer ends, and answers what it sent before and how it ended.
    ///
    /// It panics where no end comes in time; an error that is neither is returned.
    pub async fn of(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(Vec<u8>, Self)> {
        let mut bytes = Vec::new();
        match in_time("the end of a connection", stream.read_to_end(&mut bytes)).await {
            Ok(_) => Ok((bytes, Self::Fin)),
            Err(error) => Self::try_from(error).map(|ending| (bytes, ending)),
        }
    }
}

impl TryFrom<io::Error> for Ending {
    type Error = io::Error;

    /// A reset shows itself as `ECONNRESET`, and as `EPIPE` to who writes after it.
    fn try_from(error: io::Error) -> io::Result<Self> {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Ok(Self::Reset),
            _ => Err(error),
        }
    }
}

/// Ends `stream` now, with a reset: what its peer has not taken yet may be lost.
pub fn reset(stream: impl Into<Stream>) {
    stream.into().reset_on_close();
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;

    use super::*;
    use crate::backend::{Record, Recorder};

    #[tokio::test]
    async fn a_backend_tells_a_reset_from_a_clean_end() {
        let recorder = Recorder::start();
        let mut clean = TcpStream::connect(recorder.addr()).await.unwrap();
        clean.write_all(b"clean").await.unwrap();
        drop(clean);
        let mut hard = TcpStream::connect(recorder.addr()).await.unwrap();
        hard.write_all(b"hard").await.unwrap();
        crate::eventually!(recorder.records().iter().any(|record| record.bytes == b"hard"));
        reset(hard);
        assert_eq!(
            recorder.ended(2).await,
            [
                Record { bytes: b"clean".to_vec(), ending: Some(Ending::Fin) },
                Record { bytes: b"hard".to_vec(), ending: Some(Ending::Reset) },
            ]
        );
    }

    #[tokio::test]
    async fn a_recorder_can_reply_to_a_half_closed_client() {
        let recorder = crate::backend::Backend::start(Recorder::new().replying("thanks"));
        let mut client = TcpStream::connect(recorder.addr()).await.unwrap();
        client.write_all(b"all").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(Ending::of(&mut client).await.unwrap(), (b"thanks".to_vec(), Ending::Fin));
        assert_eq!(
            recorder.ended(1).await,
            [Record { bytes: b"all".to_vec(), ending: Some(Ending::Fin) }]
        );
    }
}
