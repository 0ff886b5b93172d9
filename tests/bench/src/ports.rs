//! Ports for programs that must be told theirs.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;

use anyhow::Context;
use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with, sockopt,
};

/// Ports of 127.0.0.1, picked by the kernel and reserved until this is dropped.
///
/// They are bound but do not listen: nobody else is given them, nor any outgoing connection, and a
/// program that binds with `SO_REUSEADDR`, as servers do, can listen on them.
#[derive(Debug)]
pub(crate) struct Ports {
    addrs: Vec<SocketAddr>,
    _sockets: Vec<OwnedFd>,
}

impl Ports {
    /// Reserves so many.
    pub(crate) fn reserve(count: usize) -> anyhow::Result<Self> {
        let reserved = (0..count).map(|_| reserve()).collect::<std::io::Result<Vec<_>>>();
        let (addrs, sockets) = reserved.context("cannot reserve ports")?.into_iter().unzip();
        Ok(Self { addrs, _sockets: sockets })
    }

    /// The addresses with them.
    pub(crate) fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }
}

fn reserve() -> std::io::Result<(SocketAddr, OwnedFd)> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // Bound without the option, so that it is a port in no use at all.
    bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    Ok((SocketAddr::try_from(getsockname(&socket)?)?, socket))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_reserved_port_refuses_and_lets_its_server_listen() {
        let ports = Ports::reserve(2).unwrap();
        let addr = ports.addrs()[1];
        assert!(TcpStream::connect(addr).is_err());
        // The listener of std sets SO_REUSEADDR.
        let listener = TcpListener::bind(addr).unwrap();
        TcpStream::connect(addr).unwrap();
        drop(listener);
    }
}
