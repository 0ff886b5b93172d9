//! A free port below those that outgoing connections take, for programs that must be told their
//! port.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// The ports to pick from: above the well-known ones, below the 32768 where outgoing connections
/// begin.
const RANGE: std::ops::Range<u16> = 15_000..32_000;

/// How many ports are tried before the machine is said to have none.
const ATTEMPTS: usize = 1_000;

/// A port of 127.0.0.1 that stays reserved until this is dropped.
///
/// It is bound but does not listen: connections are refused, nobody else is given it, and a program
/// that binds with `SO_REUSEADDR` (as servers do) can listen on it, die, and come back, while it
/// stays reserved.
#[derive(Debug)]
pub struct Port {
    addr: SocketAddr,
    _socket: Socket,
}

impl Port {
    /// Reserves a port that is free now.
    #[must_use]
    pub fn reserve() -> Self {
        (0..ATTEMPTS)
            .map(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(RANGE))))
            .find_map(Self::try_reserve)
            .unwrap_or_else(|| panic!("no free port in {RANGE:?} after {ATTEMPTS} attempts"))
    }

    /// The address with the reserved port.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn try_reserve(addr: SocketAddr) -> Option<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket can be made");
        // Bound without the option, so that a port in any use is not taken; the option afterwards
        // lets the server in whose name it is reserved bind beside it.
        socket.bind(&addr.into()).ok()?;
        socket.set_reuse_address(true).expect("a bound socket takes the option");
        Some(Self { addr, _socket: socket })
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_reserved_port_refuses_and_lets_its_server_listen() {
        let port = Port::reserve();
        assert!(TcpStream::connect(port.addr()).is_err());
        assert!(Port::try_reserve(port.addr()).is_none(), "nobody else may reserve it");

        // The listener of std sets SO_REUSEADDR.
        let listener = TcpListener::bind(port.addr()).unwrap();
        TcpStream::connect(port.addr()).unwrap();
        drop(listener);
        assert!(TcpStream::connect(port.addr()).is_err());
        TcpListener::bind(port.addr()).unwrap();
    }
}
