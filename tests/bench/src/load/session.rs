//! TLS on a connection of the load.
//!
//! It reads much at once and hands it to rustls in pieces, throws the plain text away where it lies,
//! and writes what has come together in one call. It decrypts what a proxy has encrypted, which costs
//! the load generator about as much as the proxy.

use std::io::{self, BufRead, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind};

use super::socket::{self, Got, Outlet};
use crate::certificate::load_name;

/// The client's side of it.
#[derive(Debug)]
pub(super) struct Session {
    connection: ClientConnection,
    /// The socket has taken less than it was given.
    is_stuck: bool,
}

impl Session {
    /// One that begins with the first write; it resumes a session of the same `who`.
    pub(super) fn new(config: &Arc<ClientConfig>, who: usize) -> anyhow::Result<Self> {
        let name = ServerName::try_from(load_name(who))?;
        let connection = ClientConnection::new(Arc::clone(config), name)?;
        Ok(Self { connection, is_stuck: false })
    }

    /// Takes bytes once the handshake is done and those before have gone.
    pub(super) fn write(&mut self, socket: &OwnedFd, bytes: &[u8]) -> io::Result<usize> {
        if self.is_stuck {
            self.flush(socket)?;
        }
        let mut taken = 0;
        if !self.is_stuck && !self.connection.is_handshaking() && !bytes.is_empty() {
            // No more than 64 KiB, which is where rustls ends by itself.
            taken = self.connection.writer().write(bytes)?;
        }
        self.flush(socket)?;
        Ok(taken)
    }

    /// Reads, and throws the plain text away; counts its bytes. What is to be answered is sent with
    /// the next write.
    pub(super) fn discard(&mut self, socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<Got> {
        let read = match socket::read(socket, buffer)? {
            Got::Bytes(read) => read,
            other => return Ok(other),
        };
        let mut records: &[u8] = buffer.get(..read).unwrap_or_default();
        let (mut bytes, mut has_ended) = (0, false);
        while !records.is_empty() && !has_ended {
            self.connection.read_tls(&mut records)?;
            let state = self.connection.process_new_packets().map_err(io::Error::other)?;
            has_ended = state.peer_has_closed();
            if state.plaintext_bytes_to_read() > 0 {
                bytes += self.throw_away()?;
            }
        }
        Ok(match bytes {
            0 if has_ended => Got::End,
            0 => Got::Nothing,
            bytes => Got::Bytes(bytes),
        })
    }

    /// Says that nothing follows.
    pub(super) fn end(&mut self, socket: &OwnedFd) -> io::Result<()> {
        self.connection.send_close_notify();
        self.flush(socket)
    }

    /// Whether something waits to be sent.
    pub(super) fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// Whether it has not come to its keys yet.
    pub(super) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// How it has come to its keys.
    pub(super) fn handshake(&self) -> Option<HandshakeKind> {
        self.connection.handshake_kind()
    }

    fn throw_away(&mut self) -> io::Result<usize> {
        let (mut reader, mut bytes) = (self.connection.reader(), 0);
        loop {
            match reader.fill_buf().map(<[u8]>::len) {
                Ok(0) => return Ok(bytes),
                Ok(more) => {
                    reader.consume(more);
                    bytes += more;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(bytes),
                Err(error) => return Err(error),
            }
        }
    }

    fn flush(&mut self, socket: &OwnedFd) -> io::Result<()> {
        self.is_stuck = false;
        while self.connection.wants_write() && !self.is_stuck {
            match self.connection.write_tls(&mut Outlet(socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_stuck = true,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
