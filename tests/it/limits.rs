//! Limits of tunnels and backends: who is parked, who is refused, and what ends.

mod access;
mod age;
mod backends;
mod changes;
mod crowd;
mod hold;
mod queue;
mod rate;
mod sources;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use plexy_tests::daemon::{Daemon, LineClient, Process};
use plexy_tests::eventually::in_time;
use plexy_tests::stream::{Stream, Target};
use plexy_tests::traffic::Ending;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

const PLEXYD: &str = env!("CARGO_BIN_EXE_plexyd-under-test");

/// What a greeter of these tests says first.
const BANNER: &[u8] = b"hello";

/// Clients that have connected, whether they were let in or not.
async fn clients(target: impl Into<Target>, count: usize) -> Vec<Stream> {
    let target = target.into();
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(Stream::connect(&target).await.unwrap());
    }
    clients
}

/// Waits until a greeter has greeted the client.
#[track_caller]
fn greeted(client: &mut Stream) -> impl Future<Output = ()> {
    in_time("the banner", async {
        let mut banner = [0; BANNER.len()];
        client.read_exact(&mut banner).await.expect("it is greeted");
        assert_eq!(banner, BANNER);
    })
}

/// How a client from that address of this machine is answered by a greeter: a client that is let in
/// is kept.
async fn from(source: Ipv4Addr, tunnel: SocketAddr) -> Option<Stream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((source, 0).into()).unwrap();
    let mut stream = match socket.connect(tunnel).await {
        Ok(stream) => Stream::from(stream),
        // It may hear of the reset while it connects still.
        Err(error) => {
            assert_eq!(Ending::try_from(error).unwrap(), Ending::Reset);
            return None;
        }
    };
    let mut banner = [0; BANNER.len()];
    match in_time("an answer", stream.read_exact(&mut banner)).await {
        Ok(_) => Some(stream),
        Err(error) => {
            assert_eq!(Ending::try_from(error).unwrap(), Ending::Reset);
            None
        }
    }
}

/// Says goodbye and waits for the end.
async fn leave(mut client: Stream) {
    client.shutdown().await.unwrap();
    assert_eq!(Ending::of(&mut client).await.unwrap().1, Ending::Fin);
}

/// What was rejected for a reason, by its word.
async fn rejected(daemon: &Daemon, tunnel: SocketAddr, reason: &str) -> u64 {
    let rejected = daemon.detail(tunnel).await.rejected;
    let found = rejected.iter().find(|info| info.reason.as_str() == reason);
    found.map_or(0, |info| info.connections)
}

async fn parked(daemon: &Daemon, tunnel: SocketAddr) -> u64 {
    daemon.detail(tunnel).await.parked
}

/// A daemon with one tunnel in a configuration file that can be written anew.
struct Scene {
    process: Process,
    path: PathBuf,
    _folder: TempDir,
}

impl Scene {
    async fn with(tunnel: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plexy.toml");
        std::fs::write(&path, format!("tunnels = ['{tunnel}']")).unwrap();
        let arguments = ["--config", path.to_str().unwrap(), "--control-socket", "127.0.0.1:0"];
        let process = Process::start(PLEXYD, &arguments).await;
        Self { process, path, _folder: folder }
    }

    async fn reload(&self, tunnel: &str) {
        std::fs::write(&self.path, format!("tunnels = ['{tunnel}']")).unwrap();
        let answer = self.ask("reload").await;
        assert!(answer.starts_with("OK"), "{answer}");
    }

    async fn ask(&self, command: &str) -> String {
        LineClient::connect(self.process.control_addr()).await.ask(command).await
    }
}
