//! The transcript of the contract, typed into a real `nc` and compared to the letter.

use std::io;
use std::net::SocketAddr;

use plexy_tests::backend::{Backend, Character};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexy_tests::tool::{Conversation, Tool};
use plexy_tests::traffic::{Ending, Order, send, verify};

/// What a person types is what neither begins with a tab nor with `OK`, and is not empty.
const TRANSCRIPT: &str = "\
status
OK: Tunnels: 2
status full
OK: Tunnels: 2
\t127.0.0.1:4444 = open conns 0, total 0, bytes sent 0, received 0
\t127.0.0.1:3000 = open conns 10, total 11, bytes sent 1540760, received 27767325
close 127.0.0.1:3000
OK
status
OK: Tunnels: 1
open 127.0.0.1:3000=127.0.0.1:3333
OK
status full
OK: Tunnels: 2
\t127.0.0.1:4444 = open conns 0, total 0, bytes sent 0, received 0
\t127.0.0.1:3000 = open conns 10, total 10, bytes sent 1393920, received 25121827
help
OK: commands
\tOPEN tunnel
\tCLOSE socket_address
\tSTATUS [full|long]
\tEXIT
\tHELP
exit

";

/// The bytes of an [`Order`] on the wire.
const ORDER_BYTES: u64 = 24;

/// Takes and gives what each client orders, and holds the connection until the client ends it.
struct Clerk;

impl Character for Clerk {
    async fn serve(&self, stream: &mut Stream) -> io::Result<()> {
        let order = Order::read(stream).await.map_err(io::Error::other)?;
        verify(stream, order.seed, order.up).await.map_err(io::Error::other)?;
        send(stream, !order.seed, order.down).await.map_err(io::Error::other)?;
        tokio::io::copy(stream, &mut tokio::io::sink()).await?;
        Ok(())
    }
}

/// `count` clients that together send and receive exactly so much.
async fn clients(addr: SocketAddr, count: u64, sent: u64, received: u64) -> Vec<Stream> {
    let share = |all: u64, of: u64| all / count + if of == 0 { all % count } else { 0 };
    let mut streams = Vec::new();
    for of in 0..count {
        let (up, down) = (share(sent, of) - ORDER_BYTES, share(received, of));
        let mut stream = Stream::connect(addr).await.unwrap();
        Order { seed: of, up, down }.write(&mut stream).await.unwrap();
        send(&mut stream, of, up).await.unwrap();
        verify(&mut stream, !of, down).await.unwrap();
        streams.push(stream);
    }
    streams
}

/// The real ports, by the ones that the contract shows.
struct Ports(Vec<(&'static str, SocketAddr)>);

impl Ports {
    fn real(&self, contract: &str) -> String {
        self.0.iter().fold(contract.to_owned(), |text, (shown, real)| {
            text.replace(&format!("127.0.0.1:{shown}"), &real.to_string())
        })
    }
}

/// Reads one answer line; `help` may hold other verbs before EXIT.
async fn expect(nc: &mut Conversation, expected: &str) {
    let mut line = nc.line().await.expect("nc goes on");
    while expected == "\tEXIT" && line != expected && line.starts_with('\t') {
        line = nc.line().await.expect("nc goes on");
    }
    assert_eq!(line, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_transcript_of_the_contract_comes_back_from_nc_to_the_letter() {
    let Some(nc) = Tool::find("nc.openbsd", "netcat-openbsd") else { return };
    let backend = Backend::start(Clerk);
    let daemon = Daemon::start().await;
    let other = daemon.open(&backend.addr().to_string()).await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;
    let ports = Ports(vec![("4444", other), ("3000", tunnel), ("3333", backend.addr())]);

    let mut held = clients(tunnel, 11, 1_540_760, 27_767_325).await;
    drop(held.pop());
    eventually!(daemon.status(tunnel).await.traffic.connections == 10);
    eventually!(daemon.status(tunnel).await.traffic.bytes_out == 27_767_325);

    let mut nc = nc.converse(["localhost", &daemon.control_addr().port().to_string()]);
    let mut opened = Vec::new();
    let mut is_reopened = false;
    for line in TRANSCRIPT.lines() {
        if line.is_empty() || line.starts_with('\t') || line.starts_with("OK") {
            expect(&mut nc, &ports.real(line)).await;
        } else {
            if line == "status full" && is_reopened {
                opened = clients(tunnel, 10, 1_393_920, 25_121_827).await;
                eventually!(daemon.status(tunnel).await.traffic.bytes_out == 25_121_827);
            }
            is_reopened |= line.starts_with("open");
            nc.send(&ports.real(line)).await;
        }
    }

    let output = nc.finish().await;
    assert!(output.is_success(), "{}", output.errors());
    assert!(output.text().ends_with("\n\tHELP\n\n"), "{:?}", output.text());
    assert!(!output.text().contains('\r'), "{:?}", output.text());
    for mut stream in held {
        assert_eq!(Ending::of(&mut stream).await.unwrap().1, Ending::Reset, "close ended it");
    }
    assert_eq!(daemon.status(tunnel).await.traffic.connections, opened.len() as u64);
}
