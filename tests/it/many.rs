//! Many tunnels, and many connections at once.

use std::net::SocketAddr;

use plexy_tests::backend::Echo;
use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::descriptors;
use plexy_tests::eventually;
use plexy_tests::server::Redis;
use plexy_tests::traffic::round_trip;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const TUNNELS: usize = 10_000;

/// An address that no other test listens on: the ports that are given back here would be given to
/// those at once, and nobody could tell whether they are free.
const HOST: &str = "127.77.0.1";

const CONNECTIONS: usize = 9_500;

/// Descriptors that everything else takes, in the proxy, the server and the test.
const OTHERS: usize = 500;

/// Clients that work at once; each has its share of the connections.
const CLIENTS: usize = 50;

/// How many of `wanted` the limit of open files allows, at so many descriptors each.
fn affordable(wanted: usize, descriptors_each: usize) -> usize {
    let limit = usize::try_from(descriptors::raise_limit()).unwrap_or(usize::MAX);
    let count = wanted.min(limit.saturating_sub(OTHERS) / descriptors_each);
    if count < wanted {
        eprintln!("only {count} instead of {wanted}: the limit of open files is {limit}");
    }
    count
}

async fn plexyd(arguments: &[&str]) -> Process {
    let arguments =
        [&["--control-socket", "127.0.0.1:0", "--log-level", "info"], arguments].concat();
    Process::start(env!("CARGO_BIN_EXE_plexyd-under-test"), &arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_tunnels_are_opened_listed_and_closed() {
    let count = affordable(TUNNELS, 1);
    let echo = Echo::start();
    let process = plexyd(&[]).await;
    let before = descriptors::of(process.pid()).unwrap();
    let mut line = LineClient::connect_text(process.control_addr()).await;

    let opens: String = (0..count)
        .map(|number| format!("open {HOST}:0={}[name=t{number}]\n", echo.addr()))
        .collect();
    line.send(opens.as_bytes()).await;
    let mut tunnels = Vec::new();
    for _ in 0..count {
        let answer = line.next_line().await.unwrap();
        let listen = answer.trim().strip_prefix("OK: ").unwrap_or_else(|| panic!("{answer}"));
        tunnels.push(listen.parse::<SocketAddr>().unwrap());
    }
    for place in [0, count / 2, count - 1] {
        round_trip(tunnels[place], 1_000).await.unwrap();
    }

    line.send(b"status full\n").await;
    assert_eq!(line.next_line().await.unwrap(), format!("OK: Tunnels: {count}\n"));
    for (number, tunnel) in tunnels.iter().enumerate() {
        let row = line.next_line().await.unwrap();
        assert!(row.starts_with(&format!("\t{tunnel} = open conns 0, total ")), "{row}");
        assert!(row.ends_with(&format!(", name t{number}\n")), "{row}");
    }

    let closes: String = tunnels.iter().map(|tunnel| format!("close {tunnel}\n")).collect();
    line.send(closes.as_bytes()).await;
    for _ in 0..count {
        assert_eq!(line.next_line().await.unwrap(), "OK\n");
    }
    line.send(b"status\n").await;
    assert_eq!(line.next_line().await.unwrap(), "OK: Tunnels: 0\n");
    for place in [0, count / 2, count - 1] {
        assert!(TcpStream::connect(tunnels[place]).await.is_err());
    }
    // The session itself is one.
    eventually!(descriptors::of(process.pid()).unwrap() <= before + 1);
}

/// Asks and is answered, over a connection that stays.
async fn ping(stream: &mut TcpStream) {
    stream.write_all(b"PING\r\n").await.unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

/// Opens so many connections, one after the other, each of them answered.
async fn connect(tunnel: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(tunnel).await.unwrap();
        ping(&mut stream).await;
        streams.push(stream);
    }
    streams
}

/// The line of the only tunnel in `status full`.
async fn status(line: &mut LineClient) -> String {
    line.ask("status full").await.lines().nth(1).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nine_and_a_half_thousand_connections_are_held_and_each_still_answers() {
    let count = affordable(CONNECTIONS, 2) / CLIENTS * CLIENTS;
    let arguments = ["--maxclients", &(count + 100).to_string(), "--tcp-backlog", "4096"];
    let Some(redis) = Redis::start_with(&arguments).await else { return };
    let process = plexyd(&[&format!("0={}", redis.addr())]).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    let row = status(&mut line).await;
    let tunnel: SocketAddr = row.trim().split_once(' ').unwrap().0.parse().unwrap();

    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(connect(tunnel, count / CLIENTS));
    }
    let mut streams: Vec<_> = clients.join_all().await.into_iter().flatten().collect();

    let open = format!("open conns {count}, total {count},");
    let row = status(&mut line).await;
    assert!(row.contains(&open), "{row}");
    for stream in &mut streams {
        ping(stream).await;
    }
    let bytes = (count * 2 * "PING\r\n".len(), count * 2 * "+PONG\r\n".len());
    let moved = format!("bytes sent {}, received {}", bytes.0, bytes.1);
    // The last answer is counted a moment after it is here.
    eventually!(status(&mut line).await.contains(&moved), "{moved}: {}", status(&mut line).await);

    drop(streams);
    eventually!(status(&mut line).await.contains(&format!("open conns 0, total {count},")));
    round_trip_of_ping(tunnel).await;
    assert!(!process.says("WARN no") && !process.says("ERROR"), "{}", process.log());
}

async fn round_trip_of_ping(tunnel: SocketAddr) {
    ping(&mut TcpStream::connect(tunnel).await.unwrap()).await;
}
