//! The gate over TLS: the same, and the half-close is a `close_notify` without the end of the
//! connection under it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, anyhow, ensure};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::{BYTES, PATIENCE, count, noise};
use crate::certificate::SERVER_NAME;

/// What is encrypted at once; no multiple of a record.
const PIECE_BYTES: usize = 50_021;

/// What is read at once.
const READ_BYTES: usize = 64 * 1024;

/// Whether a half-close came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HalfClose {
    /// It did, and the answer to it.
    Passed,
    /// It was taken for the end of both directions, or for nothing.
    Lost,
}

/// Sends and compares what comes back; then ends sending, and looks what comes after that.
pub(super) fn echo(
    addr: SocketAddr,
    seed: u64,
    config: Arc<ClientConfig>,
) -> anyhow::Result<HalfClose> {
    let client = Client::connect(addr, config)?;
    let sent = noise(seed, BYTES);
    let received = thread::scope(|scope| {
        let writing = scope.spawn(|| sent.chunks(PIECE_BYTES).try_for_each(|it| client.send(it)));
        let received = client.receive(BYTES).context("cannot read");
        let written = writing.join().map_err(|_| anyhow!("the writer panicked"))?;
        written.context("cannot write")?;
        received
    })?;
    ensure!(received == sent, "the bytes that come back are not those that were sent");
    client.end()?;
    // One that has given the connection up may have broken it, or say nothing any more.
    let answer = client.receive(usize::MAX).ok();
    Ok(if answer == Some(count()?.to_vec()) { HalfClose::Passed } else { HalfClose::Lost })
}

/// A client whose two directions are independent: only what rustls does with a piece is done by one
/// of them at a time.
struct Client {
    stream: TcpStream,
    tls: Mutex<ClientConnection>,
}

impl Client {
    fn connect(addr: SocketAddr, config: Arc<ClientConfig>) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut tls = ClientConnection::new(config, ServerName::try_from(SERVER_NAME)?)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut stream).context("no handshake")?;
        }
        Ok(Self { stream, tls: Mutex::new(tls) })
    }

    fn send(&self, piece: &[u8]) -> anyhow::Result<()> {
        self.say(|tls| tls.writer().write_all(piece))
    }

    /// Ends sending inside of TLS alone.
    fn end(&self) -> anyhow::Result<()> {
        self.say(|tls| {
            tls.send_close_notify();
            Ok(())
        })
    }

    fn say(
        &self,
        what: impl FnOnce(&mut ClientConnection) -> std::io::Result<()>,
    ) -> anyhow::Result<()> {
        let mut records = Vec::new();
        let mut tls = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        what(&mut tls)?;
        while tls.wants_write() {
            tls.write_tls(&mut records)?;
        }
        // The other direction goes on while this one waits for the socket.
        drop(tls);
        Ok((&self.stream).write_all(&records)?)
    }

    /// So many bytes, or all until the peer says that there are no more.
    fn receive(&self, bytes: usize) -> anyhow::Result<Vec<u8>> {
        let (mut received, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
        while received.len() < bytes {
            let read = (&self.stream).read(&mut buffer)?;
            ensure!(read > 0, "the connection ends without a close_notify");
            let mut records = buffer.get(..read).unwrap_or_default();
            let mut tls = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
            while !records.is_empty() {
                tls.read_tls(&mut records)?;
                let state = tls.process_new_packets()?;
                match tls.reader().read_to_end(&mut received) {
                    Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
                    _ if state.peer_has_closed() => return Ok(received),
                    _ => {}
                }
            }
        }
        Ok(received)
    }
}
