//! Opening many tunnels, and what they take. plexyd is told by one call while it runs; the others
//! have to be started with a file.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::json;

use crate::figure::{Figure, Figures};
use crate::load::REQUEST_BYTES;
use crate::meter;
use crate::ports::Ports;
use crate::scene::Scene;
use crate::target::{Bound, Target};

/// As many as `openTunnels` takes in one call.
pub(super) const MANY: usize = 10_000;

/// Beside whom the tunnels have to be open.
pub(super) const OPENED_IN_TIME: Target =
    Target { figure: Figure::OpenMs, must: Bound::OfHaproxy(1.0), aim: Bound::OfNginx(1.0) };

/// How long an exchange through a new tunnel may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What opening came to.
struct Opened {
    took: Duration,
    /// In bytes, of the tunnels that came in addition to the first.
    memory: u64,
    tunnels: usize,
}

pub(super) fn measure(scene: &Scene<'_>, count: usize) -> anyhow::Result<Figures> {
    let backend = scene.backend()?;
    let respond = backend.services().respond;
    let opened = if scene.contestant.is_plexyd() {
        call(scene, respond, count)?
    } else {
        start(scene, respond, count)?
    };
    let tunnels = opened.tunnels as f64;
    Ok(Figures::from([
        (Figure::OpenMs, opened.took.as_secs_f64() * 1e3),
        (Figure::KbPerTunnel, opened.memory as f64 / 1024.0 / tunnels),
    ]))
}

/// One call, until its answer has come and the last tunnel works.
fn call(scene: &Scene<'_>, backend: SocketAddr, count: usize) -> anyhow::Result<Opened> {
    let mut proxy = scene.proxy(&[backend])?;
    exchange(proxy.addr())?;
    let mut rpc = proxy.rpc()?;
    rpc.call("ping", &json!({}))?;
    let before = meter::memory(proxy.pid())?;
    let ports = Ports::reserve(count)?;
    let specs: Vec<_> = ports.addrs().iter().map(|addr| format!("{addr}={backend}")).collect();
    let params = json!({ "specs": specs });
    let began = Instant::now();
    rpc.call("openTunnels", &params)?;
    exchange(last(ports.addrs())?)?;
    let took = began.elapsed();
    drop(rpc);
    let memory = meter::memory(proxy.pid())?.saturating_sub(before);
    Ok(Opened { took, memory, tunnels: count })
}

/// A start with a file, until the last tunnel works; its memory beside that of a start with one.
fn start(scene: &Scene<'_>, backend: SocketAddr, count: usize) -> anyhow::Result<Opened> {
    let one = scene.proxy(&[backend])?;
    exchange(one.addr())?;
    let before = meter::memory(one.pid())?;
    drop(one);
    let many = scene.proxy(&vec![backend; count])?;
    let began = Instant::now();
    exchange(last(many.addrs())?)?;
    let took = many.started_in() + began.elapsed();
    let memory = meter::memory(many.pid())?.saturating_sub(before);
    Ok(Opened { took, memory, tunnels: count - 1 })
}

fn last(addrs: &[SocketAddr]) -> anyhow::Result<SocketAddr> {
    addrs.last().copied().context("no tunnels")
}

/// Asks for a short answer, and gets it.
fn exchange(addr: SocketAddr) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = [0; REQUEST_BYTES];
    let size = u32::try_from(REQUEST_BYTES)?;
    if let Some(asked) = request.first_chunk_mut() {
        *asked = size.to_be_bytes();
    }
    stream.write_all(&request)?;
    let mut answer = [0; REQUEST_BYTES];
    stream.read_exact(&mut answer).context("a new tunnel does not answer")?;
    ensure!(stream.peer_addr()? == addr, "somebody else answers");
    Ok(())
}
