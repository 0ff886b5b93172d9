//! A backend that answers what it is told to, and something else from one moment to the next: what
//! health checks ask.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use crate::stream::Stream;

use super::{Backend, Character};

/// The pause between the bytes of [`Reply::Slow`].
const PAUSE: Duration = Duration::from_millis(20);

/// What is said to whoever has connected.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These bytes, once something has come, and then the end.
    Answer(Vec<u8>),
    /// These bytes at once, and then nothing until the peer leaves.
    Banner(Vec<u8>),
    /// The same, a byte at a time.
    Slow(Vec<u8>),
    /// These bytes, and then the last of them for ever.
    Endless(Vec<u8>),
    /// Nothing, until the peer leaves.
    Silence,
    /// Nothing, and the end, once something has come.
    End,
    /// Nothing, and a reset, once something has come.
    Reset,
}

impl Reply {
    /// An answer of HTTP with this status, and no body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let head = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
        Self::Answer(head.into_bytes())
    }
}

/// Replies, and notes what it was asked, and when.
#[derive(Debug)]
pub struct Answerer {
    reply: Mutex<Reply>,
    asked: Mutex<Vec<(Instant, Vec<u8>)>>,
}

impl Answerer {
    /// One with this reply, for [`Backend::at`].
    #[must_use]
    pub fn new(reply: Reply) -> Self {
        Self { reply: Mutex::new(reply), asked: Mutex::default() }
    }

    /// One on a free port of 127.0.0.1.
    #[must_use]
    pub fn start(reply: Reply) -> Backend<Self> {
        Backend::start(Self::new(reply))
    }

    /// One on a given address.
    #[must_use]
    pub fn at(addr: SocketAddr, reply: Reply) -> Backend<Self> {
        Backend::at(addr, Self::new(reply))
    }

    /// Says something else to whoever connects from now on.
    pub fn reply(&self, reply: Reply) {
        *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = reply;
    }

    /// When each connection came to be served.
    #[must_use]
    pub fn times(&self) -> Vec<Instant> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().map(|(time, _)| *time).collect()
    }

    /// What was asked last; nothing where the reply does not wait for that.
    #[must_use]
    pub fn last_asked(&self) -> String {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.last().map(|(_, text)| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
    }
}

impl Character for Answerer {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        let (time, mut asked) = (Instant::now(), vec![0; 4096]);
        let reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let read = match reply {
            // Who closes with something unread resets, and may be quicker than the asker.
            Reply::Answer(_) | Reply::End | Reply::Reset => stream.read(&mut asked).await?,
            _ => 0,
        };
        asked.truncate(read);
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push((time, asked));
        match reply {
            Reply::Answer(bytes) => return stream.write_all(&bytes).await,
            Reply::Banner(bytes) => stream.write_all(&bytes).await?,
            Reply::Slow(bytes) => {
                for byte in bytes {
                    stream.write_all(&[byte]).await?;
                    sleep(PAUSE).await;
                }
            }
            Reply::Endless(bytes) => {
                stream.write_all(&bytes).await?;
                let more = vec![bytes.last().copied().unwrap_or_default(); 1024];
                loop {
                    stream.write_all(&more).await?;
                }
            }
            Reply::Silence => {}
            Reply::End => return Ok(()),
            Reply::Reset => {
                stream.reset_on_close();
                return Ok(());
            }
        }
        while stream.read(&mut [0; 64]).await? > 0 {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;
    use crate::traffic::Ending;

    #[tokio::test]
    async fn it_says_what_it_was_told_last_and_knows_what_it_was_asked() {
        let answerer = Answerer::start(Reply::Reset);
        let mut client = TcpStream::connect(answerer.addr()).await.unwrap();
        client.write_all(b"GET").await.unwrap();
        assert_eq!(Ending::of(&mut client).await.unwrap().1, Ending::Reset);

        answerer.character().reply(Reply::status(204));
        let mut client = TcpStream::connect(answerer.addr()).await.unwrap();
        client.write_all(b"GET").await.unwrap();
        let (answer, ending) = Ending::of(&mut client).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 204 x\r\n"));
        assert_eq!(ending, Ending::Fin);
        assert_eq!(answerer.character().last_asked(), "GET");
        assert_eq!(answerer.character().times().len(), 2);
    }
}
