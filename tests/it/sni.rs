//! Routing by the name that a client of TLS asks for, without terminating: who comes where, and what
//! becomes of clients that begin in other ways.

mod changes;
mod doors;
mod explained;
mod hostile;
mod limits;
mod routes;
mod servers;

use std::net::SocketAddr;

use plexy_tests::backend::{Backend, Greeter};
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually::in_time;
use plexy_tests::stream::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A vector with a length of two bytes before it.
fn vector(content: &[u8]) -> Vec<u8> {
    [&u16::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
}

fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1][..], &vector(fragment)].concat()
}

/// The message of a ClientHello of this version with one cipher, and the name if there is one (RFC
/// 8446, section 4.1.2; RFC 6066, section 3).
fn message(version: [u8; 2], name: Option<&str>) -> Vec<u8> {
    let name = name.map_or_else(Vec::new, |name| {
        let entry = [&[0][..], &vector(name.as_bytes())].concat();
        [&[0, 0][..], &vector(&vector(&entry))].concat()
    });
    let extensions = vector(&[&name[..], &[0, 23, 0, 0]].concat());
    let body = [&version[..], &[7; 32], &[0], &vector(&[0, 0x2f]), &[1, 0], &extensions].concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[1], &length[1..], &body].concat()
}

fn hello(name: Option<&str>) -> Vec<u8> {
    record(22, &message([3, 3], name))
}

/// A client that has said this.
async fn saying(tunnel: SocketAddr, bytes: &[u8]) -> Stream {
    let mut client = Stream::connect(tunnel).await.unwrap();
    client.write_all(bytes).await.unwrap();
    client
}

/// A client that asks for a name and comes to the greeter of that banner, who gets the hello as it was
/// said and sends it back.
#[track_caller]
fn comes_to(
    tunnel: SocketAddr,
    name: Option<&str>,
    banner: &str,
) -> impl Future<Output = Stream> + use<> {
    let (bytes, banner) = (hello(name), banner.to_owned());
    in_time("the answer of a greeter", async move {
        let mut client = saying(tunnel, &bytes).await;
        answered(&mut client, &banner, &bytes).await;
        client
    })
}

async fn answered(client: &mut Stream, banner: &str, bytes: &[u8]) {
    let mut answer = vec![0; banner.len() + bytes.len()];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer[..banner.len()]), banner);
    assert_eq!(answer[banner.len()..], *bytes);
}

/// So many greeters, whose banners are one letter each.
fn greeters<const N: usize>() -> [Backend<Greeter>; N] {
    let mut letters = 'a'..;
    std::array::from_fn(|_| Greeter::start(letters.next().unwrap().to_string()))
}

/// How many clients of a tunnel were turned away for a cause.
async fn refused(daemon: &Daemon, tunnel: SocketAddr, cause: &str) -> u64 {
    let labels = format!("{{tunnel=\"{tunnel}\",cause=\"{cause}\"}} ");
    let series = format!("plexy_tunnel_hellos_refused_total{labels}");
    let scrape = daemon.monitor().get("/metrics").await.body;
    let value = scrape.lines().find_map(|line| line.strip_prefix(&series));
    value.map_or(0, |value| value.parse().unwrap())
}
