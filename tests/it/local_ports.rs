//! Out of local ports: that is no fault of the backend, and it passes.

use std::net::SocketAddr;

use plexy_tests::backend::Echo;
use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::network::{in_own_network, limit_local_ports};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::is_reset;
use crate::process::PLEXYD;

/// Ports that connections to one address can come from.
const PORTS: u16 = 4;

fn addr(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

async fn connected(tunnel: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(tunnel).await.unwrap();
    stream.write_all(b"ping").await.unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.unwrap();
    stream
}

#[test]
fn a_connection_for_which_no_local_port_is_left_is_refused_and_nobody_is_blamed() {
    in_own_network(|| async {
        limit_local_ports(40_000, PORTS);
        let _echo = Echo::at(addr(20_000));
        let plexyd = Process::start(
            PLEXYD,
            &["--control-socket", "20009", "20001=20000[retries=0]", "20002=20000[retries=0]"],
        )
        .await;
        let mut held = Vec::new();
        for _ in 0..PORTS {
            held.push(connected(addr(20_001)).await);
        }

        is_reset(addr(20_002)).await;

        eventually!(plexyd.says("not by the backend's fault"), "{}", plexyd.log());
        let mut line = LineClient::connect(addr(20_009)).await;
        let detail = line.ask("detail 20002").await;
        assert!(detail.contains("backend 127.0.0.1:20000 = up"), "{detail}");
        assert!(detail.contains("failed attempts 0"), "{detail}");

        // A reset leaves no port that has to wait for a minute.
        let one = held.pop().unwrap();
        SockRef::from(&one).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(one);
        eventually!(line.ask("detail 20001").await.contains("open conns 3"));
        connected(addr(20_002)).await;
    });
}
