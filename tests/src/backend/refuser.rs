//! An address that refuses connections, and stays that way.

use std::net::SocketAddr;

use crate::port::Port;

/// A port of 127.0.0.1 on which nothing listens and which nobody else can take: each connect is
/// refused.
///
/// A backend may come up there while the refuser still stands (`Echo::at(refuser.addr())`), and
/// when that is killed the address refuses again.
#[derive(Debug)]
pub struct Refuser {
    port: Port,
}

impl Refuser {
    /// Takes a free port and refuses on it.
    #[must_use]
    pub fn start() -> Self {
        Self { port: Port::reserve() }
    }

    /// The address that refuses.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::net::TcpStream;

    use super::*;
    use crate::backend::Echo;

    #[tokio::test]
    async fn a_refuser_refuses_until_a_backend_comes_up_and_again_after_it() {
        let refuser = Refuser::start();
        assert_eq!(
            TcpStream::connect(refuser.addr()).await.unwrap_err().kind(),
            ErrorKind::ConnectionRefused
        );
        let echo = Echo::at(refuser.addr());
        TcpStream::connect(refuser.addr()).await.unwrap();
        echo.kill().await;
        assert_eq!(
            TcpStream::connect(refuser.addr()).await.unwrap_err().kind(),
            ErrorKind::ConnectionRefused
        );
    }
}
