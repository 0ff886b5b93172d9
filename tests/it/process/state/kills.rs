//! Killed at any instant: what was answered is there, what was under way is done or not, never half.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use plexy_shared::history::{ChangeInfo, Edit};
use plexy_tests::eventually;
use plexy_tests::port::Port;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};

use super::{Home, changes_behind, kill, tunnels};

/// How often the daemon is killed; `PLEXY_KILLS` says otherwise.
const KILLS: usize = 200;

/// Clients that work at once, and tunnels of each, which nobody else changes.
const CLIENTS: usize = 4;
const TUNNELS: usize = 3;

/// Ports of backends; nobody connects to them.
const BACKENDS: std::ops::Range<u16> = 1..6;

/// Answers after which the daemon is killed, at most.
const ANSWERS: usize = 40;

/// How long a start takes, at most, that is to be killed.
const START: Duration = Duration::from_millis(60);

fn kills() -> usize {
    env::var("PLEXY_KILLS").map_or(KILLS, |kills| kills.parse().expect("PLEXY_KILLS is a number"))
}

/// Waits for a random instant, which nothing tells of: that is the point.
async fn a_moment(rng: &mut Rng, at_most: Duration) {
    tokio::time::sleep(at_most.mul_f64(rng.f64())).await;
}

/// A way in that ends when the daemon does.
enum Door {
    Line(BufReader<TcpStream>),
    Rpc(PathBuf),
}

impl Door {
    async fn line(addr: SocketAddr) -> Option<Self> {
        let mut stream = BufReader::new(TcpStream::connect(addr).await.ok()?);
        stream.write_all(b"mode json\n").await.ok()?;
        stream.read_line(&mut String::new()).await.ok()?;
        Some(Self::Line(stream))
    }

    /// Whether it was answered; what is cut is no answer.
    async fn is_answered(&mut self, change: &Change) -> bool {
        let answer = match self {
            Self::Line(stream) => ask_line(stream, &change.line).await,
            Self::Rpc(path) => call(path, change.method, &change.params).await,
        };
        let Some(answer) = answer else { return false };
        assert!(answer["error"].is_null(), "{}: {answer}", change.line);
        true
    }
}

async fn ask_line(stream: &mut BufReader<TcpStream>, line: &str) -> Option<Value> {
    stream.write_all(format!("{line}\n").as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_line(&mut answer).await.ok()?;
    serde_json::from_str(&answer).ok()
}

async fn call(path: &PathBuf, method: &str, params: &Value) -> Option<Value> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let mut stream = UnixStream::connect(path).await.ok()?;
    let head =
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json";
    let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// A tunnel, as its client knows it: closed without backends.
struct Tunnel {
    listen: SocketAddr,
    backends: Vec<u16>,
}

impl Tunnel {
    fn spec_with(&self, backends: &[u16]) -> Option<String> {
        let backends: Vec<_> = backends.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        (!backends.is_empty()).then(|| format!("{}={}", self.listen, backends.join(",")))
    }

    fn becoming(&self, after: &[u16]) -> Edit {
        Edit { before: self.spec_with(&self.backends), after: self.spec_with(after) }
    }
}

/// A change of tunnels: how it is asked for, and what it makes of them.
struct Change {
    line: String,
    method: &'static str,
    params: Value,
    edits: Vec<Edit>,
    /// The places of its tunnels, and their backends after it.
    after: Vec<(usize, Vec<u16>)>,
}

/// A client, and what it knows of its tunnels.
struct Client {
    tunnels: Vec<Tunnel>,
    rng: Rng,
    /// Changes that were answered since the daemon began.
    answered: Vec<Vec<Edit>>,
    /// The one that was not.
    under_way: Option<Vec<Edit>>,
}

impl Client {
    fn next_change(&mut self, is_rpc: bool) -> Change {
        let are_closed = self.tunnels.iter().all(|tunnel| tunnel.backends.is_empty());
        if is_rpc && are_closed {
            return self.open_all();
        }
        if is_rpc && self.rng.u8(..4) == 0 {
            return self.apply_all();
        }
        let place = self.rng.usize(..self.tunnels.len());
        let tunnel = &self.tunnels[place];
        let (listen, backend) = (tunnel.listen.to_string(), self.rng.u16(BACKENDS));
        let addr = format!("127.0.0.1:{backend}");
        let mut after = tunnel.backends.clone();
        let has = after.contains(&backend);
        let of_backend = json!({ "tunnel": listen, "backend": addr });
        let (line, method, params) = match after.len() {
            0 => {
                after.push(backend);
                let spec = format!("{listen}={addr}");
                (format!("open {spec}"), "openTunnel", json!({ "spec": spec }))
            }
            2.. if has => {
                after.retain(|other| *other != backend);
                (format!("remove {listen} {addr}"), "removeBackend", of_backend)
            }
            _ if has || self.rng.u8(..8) == 0 => {
                after.clear();
                (format!("close {listen}"), "closeTunnel", json!({ "tunnel": listen }))
            }
            _ => {
                after.push(backend);
                (format!("add {listen} {addr}"), "addBackend", of_backend)
            }
        };
        let edits = vec![tunnel.becoming(&after)];
        Change { line, method, params, edits, after: vec![(place, after)] }
    }

    fn open_all(&self) -> Change {
        let after = BACKENDS.take(2).collect::<Vec<_>>();
        let edits: Vec<_> = self.tunnels.iter().map(|tunnel| tunnel.becoming(&after)).collect();
        let specs: Vec<_> = edits.iter().map(|edit| edit.after.clone()).collect();
        let after = (0..self.tunnels.len()).map(|place| (place, after.clone())).collect();
        let params = json!({ "specs": specs });
        Change { line: "all of them".to_owned(), method: "openTunnels", params, edits, after }
    }

    /// All of its tunnels shall be, with some backends: some are opened, some changed, some stay.
    fn apply_all(&mut self) -> Change {
        let mut after: Vec<Vec<u16>> = Vec::new();
        for _ in &self.tunnels {
            let first = self.rng.u16(BACKENDS);
            let second = self.rng.u16(BACKENDS);
            after.push(if first == second { vec![first] } else { vec![first, second] });
        }
        let edits = self.tunnels.iter().zip(&after).map(|(tunnel, after)| tunnel.becoming(after));
        let edits: Vec<_> = edits.collect();
        let specs: Vec<_> = edits.iter().map(|edit| edit.after.clone()).collect();
        let mut edits: Vec<_> =
            edits.into_iter().filter(|edit| edit.before != edit.after).collect();
        // What is changed stands before what is opened.
        edits.sort_by_key(|edit| edit.before.is_none());
        let params = json!({ "specs": specs });
        let after = after.into_iter().enumerate().collect();
        Change { line: "all shall be".to_owned(), method: "applyTunnels", params, edits, after }
    }

    /// Changes its tunnels until the daemon is gone.
    async fn work(mut self, door: Option<Door>, answers: Arc<AtomicUsize>) -> Self {
        let Some(mut door) = door else { return self };
        loop {
            let change = self.next_change(matches!(door, Door::Rpc(_)));
            if !door.is_answered(&change).await {
                self.under_way = Some(change.edits);
                return self;
            }
            answers.fetch_add(1, Ordering::Relaxed);
            // What is as it shall be already is no change.
            self.answered.extend(Some(change.edits).filter(|edits| !edits.is_empty()));
            for (place, after) in change.after {
                self.tunnels[place].backends = after;
            }
        }
    }

    /// The place of the tunnel that a change is of.
    fn place(&self, edit: &Edit) -> Option<usize> {
        let spec = edit.before.as_ref().or(edit.after.as_ref())?;
        let (listen, _) = spec.split_once('=')?;
        self.tunnels.iter().position(|tunnel| tunnel.listen.to_string() == listen)
    }

    /// Compares what was answered with what the daemon has done, and takes over what was under way.
    fn check(&mut self, changes: &[ChangeInfo]) {
        let ours = changes.iter().map(|change| &change.edits);
        let ours: Vec<_> = ours.filter(|edits| self.place(&edits[0]).is_some()).collect();
        let (answered, under_way) = (std::mem::take(&mut self.answered), self.under_way.take());
        let (known, further) = ours.split_at(answered.len().min(ours.len()));
        assert!(known.iter().copied().eq(&answered), "answered {answered:?}, there is {ours:?}");
        match further {
            [] => {}
            [edits] => assert_eq!(Some(*edits), under_way.as_ref(), "only that was asked for"),
            _ => panic!("more is there than was asked for: {further:?}"),
        }
        for edit in further.iter().copied().flatten() {
            let place = self.place(edit).expect("it is ours");
            self.tunnels[place].backends = backends_of(edit.after.as_deref());
        }
    }
}

fn backends_of(spec: Option<&str>) -> Vec<u16> {
    let backends = spec.and_then(|spec| spec.split_once('=')).map_or("", |(_, backends)| backends);
    let ports = backends.split(',').filter_map(|backend| backend.rsplit(':').next()?.parse().ok());
    ports.collect()
}

/// What changes make of tunnels, which are in order of opening.
fn apply(tunnels: &mut Vec<String>, changes: &[ChangeInfo]) {
    for Edit { before, after } in changes.iter().flat_map(|change| &change.edits) {
        let place = tunnels.iter().position(|tunnel| Some(tunnel) == before.as_ref());
        match (place, after) {
            (Some(place), Some(after)) => tunnels[place].clone_from(after),
            (Some(place), None) => drop(tunnels.remove(place)),
            (None, Some(after)) => tunnels.push(after.clone()),
            (None, None) => panic!("{before:?} was not there"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_there_after_a_kill_at_any_instant() {
    let seed = fastrand::u64(..);
    eprintln!("the seed is {seed}");
    let (home, mut rng) = (Home::new(), Rng::with_seed(seed));
    let ports: Vec<_> = (0..CLIENTS * TUNNELS).map(|_| Port::reserve()).collect();
    let tunnel = |port: &Port| Tunnel { listen: port.addr(), backends: Vec::new() };
    let client = |(ports, rng): (&[Port], Rng)| Client {
        tunnels: ports.iter().map(tunnel).collect(),
        rng,
        answered: Vec::new(),
        under_way: None,
    };
    let rngs = std::iter::repeat_with(|| rng.fork());
    let mut clients: Vec<_> = ports.chunks(TUNNELS).zip(rngs).map(client).collect();
    let (mut open, mut revision) = (Vec::new(), 0);
    let mut process = home.start(&[]).await;

    for _ in 0..kills() {
        let answers = Arc::new(AtomicUsize::new(0));
        let mut working = Vec::new();
        for (number, client) in clients.drain(..).enumerate() {
            let door = match number % 2 {
                0 => Door::line(process.control_addr()).await,
                _ => Some(Door::Rpc(process.rpc_socket())),
            };
            working.push(tokio::spawn(client.work(door, Arc::clone(&answers))));
        }
        let enough = rng.usize(..ANSWERS);
        eventually!(answers.load(Ordering::Relaxed) >= enough, "{}", process.log());
        a_moment(&mut rng, Duration::from_millis(3)).await;
        kill(process).await;
        for worked in working {
            clients.push(worked.await.unwrap());
        }
        if rng.u8(..4) == 0 {
            let starting = home.spawn(&[]);
            a_moment(&mut rng, START).await;
            kill(starting).await;
        }

        process = home.start(&[]).await;

        let changes = changes_behind(&process, revision).await;
        clients.iter_mut().for_each(|client| client.check(&changes));
        apply(&mut open, &changes);
        // Two that were opened at once may stand in either order.
        let mut restored = tunnels(&process).await;
        restored.sort_unstable();
        open.sort_unstable();
        assert_eq!(restored, open);
        revision = changes.last().map_or(revision, |change| change.revision);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_is_killed_at_any_instant_stands_in_no_way() {
    for _ in 0..kills() / 4 {
        let home = Home::new();
        let starting = home.spawn(&[]);
        a_moment(&mut Rng::new(), START).await;
        kill(starting).await;

        let process = home.start(&[]).await;

        assert!(tunnels(&process).await.is_empty());
    }
}
