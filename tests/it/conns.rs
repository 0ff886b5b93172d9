//! The live connections: which there are, what is told of them, and how one is ended.

mod doors;
mod filters;
mod kills;
mod many;
mod phases;
mod rows;

use std::net::SocketAddr;

use plexy_shared::command::Request;
use plexy_shared::connection::{ConnectionInfo, ConnectionsReply, KillReply};
use plexy_shared::error::Refusal;
use plexy_tests::daemon::Daemon;
use plexy_tests::eventually;
use plexy_tests::stream::Stream;
use plexyd::Actor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn request(line: &str) -> Request {
    Request::parse(line).unwrap_or_else(|error| panic!("{line}: {error}")).unwrap()
}

/// What `conns` says; `words` stand behind it.
async fn try_conns(daemon: &Daemon, words: &str) -> Result<ConnectionsReply, Refusal> {
    let Request::Conns(query) = request(&format!("conns {words}")) else { unreachable!() };
    daemon.service().conns(&query).await.map_err(Refusal::from)
}

async fn conns(daemon: &Daemon, words: &str) -> Vec<ConnectionInfo> {
    try_conns(daemon, words).await.unwrap().connections
}

/// The ids that `conns` shows, in its order.
async fn ids(daemon: &Daemon, words: &str) -> Vec<String> {
    conns(daemon, words).await.into_iter().map(|row| row.id).collect()
}

/// What `kill` does; `words` stand behind it.
async fn kill(daemon: &Daemon, words: &str) -> Result<KillReply, Refusal> {
    let Request::Kill(order) = request(&format!("kill {words}")) else { unreachable!() };
    daemon.service().kill(&order, &Actor::Args.into()).await.map_err(Refusal::from)
}

/// A client whose first bytes have come back, so that its connection relays.
async fn client(tunnel: SocketAddr, bytes: &[u8]) -> Stream {
    let mut client = Stream::connect(tunnel).await.unwrap();
    echoed(&mut client, bytes).await;
    client
}

async fn echoed(client: &mut Stream, bytes: &[u8]) {
    client.write_all(bytes).await.unwrap();
    client.read_exact(&mut vec![0; bytes.len()]).await.unwrap();
}

/// Waits until all that has come back is counted: a client may have it a moment before.
async fn all_counted(daemon: &Daemon) {
    let is_counted = |row: &ConnectionInfo| row.bytes_in == row.bytes_out;
    eventually!(conns(daemon, "limit 10000").await.iter().all(is_counted));
}

/// Where a client's connection came from, as `conns` tells it.
fn addr(client: &Stream) -> String {
    match client {
        Stream::Tcp(client) => client.local_addr().unwrap().to_string(),
        Stream::Unix(_) => "unix".to_owned(),
    }
}

/// The row of a client, once it was let in.
async fn row(daemon: &Daemon, client: &Stream) -> ConnectionInfo {
    let wanted = addr(client);
    let found = async || {
        let rows = conns(daemon, "limit 10000").await;
        rows.into_iter().find(|row| row.client == wanted)
    };
    eventually!(found().await.is_some(), "{wanted} is not live");
    found().await.expect("it is live")
}
