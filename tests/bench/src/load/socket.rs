//! Sockets that never block, and what a load generator does with them.

use std::io::{self, IoSlice, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, SocketFlags, SocketType, accept_with,
    bind, connect, ipproto, listen, recv, send, sendmsg, socket_with, sockopt,
};

/// Clients that may wait to be accepted (the kernel caps it at `net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// Where listeners are: below the ports of outgoing connections (ip(7), `ip_local_port_range`), as
/// servers are.
const PORTS: std::ops::Range<u16> = 15_000..32_000;

/// How many of them are tried before none is free.
const PORTS_TRIED: u32 = 1_000;

/// No address.
pub(super) const NOWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Most bytes that one call throws away.
const DISCARD_BYTES: usize = 1 << 20;

/// Most bytes of TLS that one call reads: with what rustls makes of them they stay in the cache.
const RECORDS_BYTES: usize = 128 * 1024;

/// What came of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Got {
    Bytes(usize),
    /// Nothing there yet.
    Nothing,
    /// The peer has ended.
    End,
}

/// Begins to connect; it is writable when that is done.
pub(super) fn open(addr: SocketAddr) -> io::Result<OwnedFd> {
    let socket = new()?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    match connect(&socket, &addr) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// A listener on a free port of those that servers have: another one each time, since ports from
/// which somebody has connected to one cannot be used for that again for a minute.
pub(super) fn listener() -> io::Result<(OwnedFd, SocketAddr)> {
    let socket = new()?;
    let bound = (0..PORTS_TRIED).find_map(|_| {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(PORTS)));
        bind(&socket, &addr).is_ok().then_some(addr)
    });
    let addr = bound.ok_or(Errno::ADDRINUSE)?;
    listen(&socket, BACKLOG)?;
    Ok((socket, addr))
}

/// The next client, where one waits.
pub(super) fn accept(listener: impl AsFd) -> io::Result<Option<OwnedFd>> {
    match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
        Ok(socket) => {
            sockopt::set_tcp_nodelay(&socket, true)?;
            Ok(Some(socket))
        }
        // One that went away while it waited is no error of ours.
        Err(Errno::AGAIN | Errno::CONNABORTED) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn new() -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    Ok(socket_with(AddressFamily::INET, SocketType::STREAM, flags, Some(ipproto::TCP))?)
}

/// Writes what the socket takes.
pub(super) fn write(socket: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    match send(socket, bytes, SendFlags::NOSIGNAL) {
        Ok(sent) => Ok(sent),
        Err(Errno::AGAIN) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Reads into a buffer.
pub(super) fn read(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Got> {
    got(recv(socket, buffer, RecvFlags::empty()))
}

/// A socket to write to in pieces that lie apart, in one call.
#[derive(Debug)]
pub(super) struct Outlet<'a>(pub(super) &'a OwnedFd);

impl Write for Outlet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(sendmsg(self.0, pieces, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Throws away what a socket receives without copying it out of the kernel (`MSG_TRUNC`).
#[derive(Debug)]
pub(super) struct Discard {
    /// Never written where nothing is decrypted, so that its pages do not exist: it stands for a
    /// length.
    buffer: Vec<u8>,
}

impl Discard {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; DISCARD_BYTES] }
    }

    pub(super) fn read(&mut self, socket: impl AsFd) -> io::Result<Got> {
        got(recv(socket, self.buffer.as_mut_slice(), RecvFlags::TRUNC))
    }

    /// Room for what has to be read before it can be thrown away.
    pub(super) fn buffer(&mut self) -> &mut [u8] {
        self.buffer.get_mut(..RECORDS_BYTES).unwrap_or_default()
    }
}

fn got(received: Result<(usize, usize), Errno>) -> io::Result<Got> {
    match received {
        Ok((_, 0)) => Ok(Got::End),
        Ok((_, bytes)) => Ok(Got::Bytes(bytes)),
        Err(Errno::AGAIN) => Ok(Got::Nothing),
        Err(error) => Err(error.into()),
    }
}
