//! An address on which connecting hangs, as towards a machine that is gone, without privileges.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket, Type};

/// How long a connect must have hung to be believed to hang. On loopback a handshake that is
/// answered is over before `connect` returns, so this is generous.
const HANGS: Duration = Duration::from_millis(20);

/// More connects than any kernel takes for a backlog of 0.
const FILLERS_MAX: usize = 16;

/// A listener whose accept queue (backlog 0) is full: the kernel drops each further SYN, so a
/// connect neither succeeds nor fails.
#[derive(Debug)]
pub struct BlackHole {
    addr: SocketAddr,
    _listener: Socket,
    _fillers: Vec<Socket>,
}

impl BlackHole {
    /// A black hole on a free port of 127.0.0.1.
    #[must_use]
    pub fn start() -> Self {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// A black hole on a given address.
    #[must_use]
    pub fn at(addr: SocketAddr) -> Self {
        let listener = Socket::new(Domain::for_address(addr), Type::STREAM, None)
            .expect("a socket can be made");
        listener.set_reuse_address(addr.port() != 0).expect("a new socket takes the option");
        listener
            .bind(&addr.into())
            .unwrap_or_else(|error| panic!("no black hole can be at {addr}: {error}"));
        listener.set_reuse_address(true).expect("a bound socket takes the option");
        listener.listen(0).expect("a bound socket can listen");
        let addr = listener
            .local_addr()
            .ok()
            .and_then(|addr| addr.as_socket())
            .expect("it is bound to an IP address");

        let mut fillers = Vec::new();
        while fillers.len() < FILLERS_MAX {
            let filler = Filler::connect(addr);
            let hangs = filler.hangs();
            fillers.push(filler.0);
            if hangs {
                return Self { addr, _listener: listener, _fillers: fillers };
            }
        }
        panic!(
            "{FILLERS_MAX} connections were taken by a listener with backlog 0: this kernel makes no black holes"
        )
    }

    /// The address on which connecting hangs.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// One connection that takes a place in the queue, or hangs because there is none.
struct Filler(Socket);

impl Filler {
    fn connect(addr: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)
            .expect("a socket can be made");
        socket.set_nonblocking(true).expect("a new socket takes the option");
        // "In progress" is the usual answer; what became of it is asked below.
        socket.connect(&addr.into()).ok();
        Self(socket)
    }

    /// Whether the connect is still in progress after [`HANGS`].
    fn hangs(&self) -> bool {
        let end = Instant::now() + HANGS;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).expect("milliseconds fit");
            match poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], Some(&timeout)) {
                Ok(0) => return true,
                Ok(_) => return false,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("poll failed: {error}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn connecting_to_a_black_hole_hangs_for_everybody() {
        let hole = BlackHole::start();
        for _ in 0..3 {
            assert!(
                timeout(Duration::from_millis(50), TcpStream::connect(hole.addr())).await.is_err()
            );
        }
        // Longer than the first retransmission of the SYN (1 s), which must be dropped too.
        assert!(
            timeout(Duration::from_millis(1_200), TcpStream::connect(hole.addr())).await.is_err()
        );
    }
}
