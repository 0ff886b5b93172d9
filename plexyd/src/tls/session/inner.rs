//! What stands behind a session: rustls, and the bytes on their way through it.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::task::{Context, Poll, ready};

use plexy_shared::info::TlsFailure;
use rustls::Error;

use super::rest::{Rest, Room};
use crate::relay::{Readiness, Stream, WIDE_BUFFER_BYTES, is_transient};
use crate::socket::Socket;
use crate::tls::endpoint::{Came, Endpoint, Words};
use crate::tls::failure::failure_of;

/// Raw bytes that are read at once: so few that they are still in the cache when they are decrypted.
const RAW_BYTES: usize = 256 * 1024;

/// Most raw bytes that are held because more belongs to them: the longest message of a handshake that
/// rustls takes, and a record that may end it. A record has 16 KiB and a bit.
const HELD_BYTES_MAX: usize = 96 * 1024;

/// Room for what is made of one write: each record of 16 KiB grows by less than 64 bytes (RFC 8446, section
/// 5.2; RFC 5246, section 6.2.3), and new keys may be told before.
const ENCRYPTED_BYTES: usize =
    WIDE_BUFFER_BYTES + (WIDE_BUFFER_BYTES / (16 * 1024) + 1) * 64 + 1024;

/// More than an encrypted alert takes in either version.
const CLOSE_NOTIFY_BYTES_MAX: usize = 64;

thread_local! {
    /// What was read from a socket and is about to be decrypted, one per worker: it is used within one
    /// read, and never held over a wait.
    static RAW: RefCell<Box<[u8]>> =
        RefCell::new(vec![0; HELD_BYTES_MAX + RAW_BYTES].into_boxed_slice());
    /// The same of what is encrypted, within one write.
    static ENCRYPTED: RefCell<Box<[u8]>> = RefCell::new(vec![0; ENCRYPTED_BYTES].into_boxed_slice());
}

/// The state of a session.
pub(in crate::tls) struct Inner {
    pub(in crate::tls) tls: Endpoint,
    /// Raw bytes that are no whole record yet, or message.
    held: Vec<u8>,
    /// Plaintext for which the relay had no room.
    plain: Rest,
    /// Bytes for the socket that it has not taken yet.
    unsent: Rest,
    /// The peer has said that it sends nothing more.
    peer_has_ended: bool,
    /// We have said so.
    has_ended: bool,
    /// Why nothing more can be read.
    pub(in crate::tls) failure: Option<TlsFailure>,
    /// What the socket has said, which it says once, behind what was still given.
    broken: Option<ErrorKind>,
}

impl Inner {
    pub(in crate::tls) fn new(mut tls: Endpoint) -> Self {
        let mut unsent = Rest::default();
        tls.speak(unsent.bytes());
        Self {
            tls,
            held: Vec::new(),
            plain: Rest::default(),
            unsent,
            peer_has_ended: false,
            has_ended: false,
            failure: None,
            broken: None,
        }
    }

    /// Takes raw bytes of a handshake. What they say behind it is [taken](Self::take) later.
    pub(in crate::tls) fn receive(&mut self, raw: &[u8]) -> Result<(), Error> {
        let mut whole = std::mem::take(&mut self.held);
        whole.extend_from_slice(raw);
        self.decrypt(&mut whole, &mut Room::new(&mut []))
    }

    /// The same of what the socket has, at most so many. `WouldBlock` where nothing is there.
    pub(in crate::tls) fn step(&mut self, socket: &Socket, raw_bytes_max: usize) -> io::Result<()> {
        self.read(socket, raw_bytes_max, Readiness::Unknown, &mut Room::new(&mut []))
    }

    /// Gives what is there, as [`Stream::try_read`] does.
    pub(super) fn try_read(
        &mut self,
        socket: &Socket,
        buffer: &mut [u8],
        readiness: Readiness,
    ) -> io::Result<usize> {
        let taken = self.take(buffer);
        if taken > 0 {
            return Ok(taken);
        }
        if self.failure.is_some() || self.peer_has_ended {
            return self.rest();
        }
        let read = self.fill(socket, readiness, buffer)?;
        if !self.unsent.is_empty() {
            // An answer to what was read: new keys are asked for, or it is no good. What the socket
            // does not take now goes with what is written next.
            self.flush(socket).ok();
        }
        if read > 0 { Ok(read) } else { self.rest() }
    }

    /// Whether a read gives something although the socket has nothing.
    pub(super) fn has_news(&self) -> bool {
        let is_over = self.failure.is_some() || self.broken.is_some() || self.peer_has_ended;
        is_over || !self.plain.is_empty()
    }

    /// Takes what goes into one call, once nothing is left of what was taken before.
    pub(super) fn try_write(&mut self, socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
        self.flush(socket)?;
        let bytes = bytes.get(..WIDE_BUFFER_BYTES).unwrap_or(bytes);
        self.write(socket, bytes)?;
        Ok(bytes.len())
    }

    /// Bytes for the socket that it has not taken yet.
    pub(super) fn unsent_bytes(&self) -> usize {
        self.unsent.left().len()
    }

    /// Hands to the socket what is left of what it has for it; `WouldBlock` while some of it is.
    pub(in crate::tls) fn flush(&mut self, socket: &Socket) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let sent = socket.try_write(self.unsent.left(), Readiness::Told)?;
            self.unsent.went(sent);
        }
        Ok(())
    }

    /// The same; ready when nothing is left.
    pub(in crate::tls) fn poll_flushed(
        &mut self,
        socket: &Socket,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.flush(socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(socket.poll_writable(cx))?;
                }
                flushed => return Poll::Ready(flushed),
            }
        }
    }

    /// Says that nothing more will be sent; ready when that is with the socket.
    pub(super) fn poll_end(
        &mut self,
        socket: &Socket,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.has_ended {
            self.end()?;
        }
        self.poll_flushed(socket, cx)
    }

    /// Reads at most so many raw bytes, decrypts them, and gives what they say, as far as there is room;
    /// the rest is [taken](Self::take) later. `WouldBlock` where nothing is there.
    fn read(
        &mut self,
        socket: &Socket,
        raw_bytes_max: usize,
        readiness: Readiness,
        room: &mut Room<'_>,
    ) -> io::Result<()> {
        RAW.with_borrow_mut(|raw| {
            let (held, fresh) = raw.split_at_mut(self.held.len());
            let fresh = fresh.get_mut(..raw_bytes_max.min(RAW_BYTES)).unwrap_or_default();
            let read = socket.try_read(fresh, readiness)?;
            if read == 0 {
                self.failure = Some(TlsFailure::Truncated);
                return Err(ErrorKind::UnexpectedEof.into());
            }
            held.copy_from_slice(&self.held);
            let whole = held.len() + read;
            // What is wrong with it is known then.
            self.decrypt(raw.get_mut(..whole).unwrap_or_default(), room).ok();
            Ok(())
        })
    }

    /// The same again and again, as long as there is more and room for what it says.
    fn fill(
        &mut self,
        socket: &Socket,
        readiness: Readiness,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        if let Some(error) = self.broken {
            return Err(error.into());
        }
        let raw_bytes_max = buffer.len();
        let mut room = Room::new(buffer);
        self.read(socket, raw_bytes_max, readiness, &mut room)?;
        while self.failure.is_none() && !self.peer_has_ended && room.left() >= RAW_BYTES {
            if let Err(error) = self.read(socket, RAW_BYTES, Readiness::Told, &mut room) {
                let is_over = self.failure.is_some() || is_transient(&error);
                self.broken = Some(error.kind()).filter(|_| !is_over);
                break;
            }
        }
        Ok(room.filled())
    }

    /// Decrypts what was held and what has come behind it, in place, and holds what is not whole.
    fn decrypt(&mut self, raw: &mut [u8], room: &mut Room<'_>) -> Result<(), Error> {
        let plain = self.plain.bytes();
        let give = |bytes: &[u8]| plain.extend_from_slice(room.put(bytes));
        let (done, came) = self.tls.receive(raw, give, self.unsent.bytes());
        let rest = raw.get(done..).unwrap_or_default();
        let came = match came {
            Ok(Came::Whole) if rest.len() > HELD_BYTES_MAX => Err(Error::PeerSentOversizedRecord),
            came => came,
        };
        self.hold(if came == Ok(Came::Whole) { rest } else { &[] });
        match came {
            Ok(Came::Whole) => {}
            Ok(Came::End) => self.peer_has_ended = true,
            Err(ref error) => self.failure = Some(failure_of(error)),
        }
        came.map(drop)
    }

    fn hold(&mut self, raw: &[u8]) {
        if raw.is_empty() {
            self.held = Vec::new();
        } else {
            self.held.clear();
            self.held.extend_from_slice(raw);
        }
    }

    /// Takes what was decrypted, as far as it fits.
    fn take(&mut self, buffer: &mut [u8]) -> usize {
        let mut room = Room::new(buffer);
        room.put(self.plain.left());
        self.plain.went(room.filled());
        room.filled()
    }

    /// What a read comes to when all that came was given.
    fn rest(&self) -> io::Result<usize> {
        match self.failure {
            Some(_) => Err(ErrorKind::InvalidData.into()),
            None if self.peer_has_ended => Ok(0),
            None => Err(ErrorKind::WouldBlock.into()),
        }
    }

    /// Encrypts all of it, and hands to the socket what that takes; only where nothing was left.
    fn write(&mut self, socket: &Socket, bytes: &[u8]) -> io::Result<()> {
        if self.has_failed() {
            return Err(ErrorKind::BrokenPipe.into());
        }
        ENCRYPTED.with_borrow_mut(|encrypted| {
            let length = self.tls.encrypt(&mut self.held, Words::Plain(bytes), encrypted)?;
            let encrypted = encrypted.get(..length).unwrap_or_default();
            let sent = match socket.try_write(encrypted, Readiness::Told) {
                Ok(sent) => sent,
                Err(error) if is_transient(&error) => 0,
                Err(error) => return Err(error),
            };
            let rest = encrypted.get(sent..).unwrap_or_default();
            self.unsent.bytes().extend_from_slice(rest);
            Ok(())
        })
    }

    /// Whether its TLS is no good any more. The peer was told why with an alert, which nothing may follow.
    fn has_failed(&self) -> bool {
        self.failure.is_some_and(|failure| failure != TlsFailure::Truncated)
    }

    /// Says that nothing more will be sent, if that can be said.
    fn end(&mut self) -> io::Result<()> {
        self.has_ended = true;
        if !self.has_failed() {
            let mut word = [0; CLOSE_NOTIFY_BYTES_MAX];
            let length = self.tls.encrypt(&mut self.held, Words::End, &mut word)?;
            self.unsent.bytes().extend_from_slice(word.get(..length).unwrap_or_default());
        }
        Ok(())
    }
}
