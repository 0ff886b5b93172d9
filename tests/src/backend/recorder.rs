//! A backend that keeps what it was sent and how each connection ended.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::eventually;
use crate::stream::Stream;
use crate::traffic::Ending;

use super::{Backend, Character};

const CHUNK: usize = 64 * 1024;

/// Keeps the bytes and the end of each connection; after a clean end it may reply.
#[derive(Debug, Default)]
pub struct Recorder {
    reply: Vec<u8>,
    records: Mutex<Vec<Record>>,
}

/// One connection as the backend saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// All bytes received so far.
    pub bytes: Vec<u8>,
    /// How the peer ended it; nothing while it lives, or where the backend itself was killed.
    pub ending: Option<Ending>,
}

impl Recorder {
    /// A recorder that answers nothing, for [`Backend::unix`] and the like.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends `reply` after the client ended its direction: the client that half-closes and expects
    /// an answer.
    #[must_use]
    pub fn replying(mut self, reply: impl Into<Vec<u8>>) -> Self {
        self.reply = reply.into();
        self
    }

    /// A recorder on a free port of 127.0.0.1.
    #[must_use]
    pub fn start() -> Backend<Self> {
        Backend::start(Self::new())
    }

    /// A recorder on a given address.
    #[must_use]
    pub fn at(addr: SocketAddr) -> Backend<Self> {
        Backend::at(addr, Self::new())
    }

    /// Does something with the records while nobody else does.
    fn with<T>(&self, act: impl FnOnce(&mut Vec<Record>) -> T) -> T {
        act(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Backend<Recorder> {
    /// All records, of live and of ended connections, in the order they were accepted.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.character().with(|records| records.clone())
    }

    /// Waits until `count` connections were accepted and all of them have ended; then takes the
    /// records.
    pub async fn ended(&self, count: usize) -> Vec<Record> {
        eventually!(
            self.character().with(
                |records| records.len() >= count && records.iter().all(|r| r.ending.is_some())
            ),
            "{count} ended connections were awaited, but there are {:?}",
            self.character().with(|records| records
                .iter()
                .map(|r| (r.bytes.len(), r.ending))
                .collect::<Vec<_>>())
        );
        self.character().with(mem::take)
    }
}

impl Character for Recorder {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        let mut ticket = Ticket::new(self);
        let mut buffer = vec![0; CHUNK];
        let ending = loop {
            match stream.read(&mut buffer).await {
                Ok(0) => break Ending::Fin,
                Ok(read) => ticket.received(&buffer[..read]),
                Err(error) => break Ending::try_from(error)?,
            }
        };
        ticket.ended(ending);
        if ending == Ending::Fin {
            stream.write_all(&self.reply).await?;
            stream.shutdown().await?;
        }
        Ok(())
    }
}

/// The place of one connection among the records.
struct Ticket<'a> {
    recorder: &'a Recorder,
    index: usize,
}

impl<'a> Ticket<'a> {
    fn new(recorder: &'a Recorder) -> Self {
        let index = recorder.with(|records| {
            records.push(Record { bytes: Vec::new(), ending: None });
            records.len() - 1
        });
        Self { recorder, index }
    }

    fn received(&mut self, bytes: &[u8]) {
        self.recorder.with(|records| records[self.index].bytes.extend_from_slice(bytes));
    }

    fn ended(&mut self, ending: Ending) {
        self.recorder.with(|records| records[self.index].ending = Some(ending));
    }
}
