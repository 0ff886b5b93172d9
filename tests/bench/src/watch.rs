//! What it costs that somebody watches: CPU time of plexyd with one who is shown an overview each
//! second, beside the same without; that of the dashboard of plexyctl, and how long a key takes there
//! until it is seen.

mod dashboard;
mod traffic;
mod watcher;

use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::contestant::Contestant;
use crate::cpus::{Cpus, Layout, Pin};
use crate::effort::Effort;
use crate::launch::raise_descriptors;
use crate::load::{Extent, Life, Task, Work};
use crate::ports::Ports;
use crate::proxy::Proxy;
use crate::scene::Scene;
use crate::{interrupt, meter};
use traffic::Traffic;
use watcher::Watcher;

/// Rounds, in each of which every way to watch is measured once.
const ROUNDS: usize = 7;

/// How long each is measured.
const MEASURED: Duration = Duration::from_secs(10);

/// Tunnels, and connections that are silent; the busy ones come on top.
const TUNNELS: usize = 10_000;
const CONNECTIONS: usize = 4_400;

/// Tunnels that have those.
const TUNNELS_USED: usize = 1_000;

/// Descriptors that a daemon needs for other things.
const RESERVE: u64 = 600;

/// How long opening all of them may take.
const OPENING: Duration = Duration::from_secs(180);

/// Tunnels that are there before the others, and idle.
const TUNNELS_FEW: usize = 1_000;

/// Keys that are pressed in each view of the dashboard.
const KEYS: usize = 200;

/// How much of it there is.
struct Size {
    rounds: usize,
    measured: Duration,
    keys: usize,
    tunnels: usize,
    connections: usize,
}

/// Measures it, and prints medians.
pub(crate) fn run(
    contestant: &Contestant,
    plexyctl: &Path,
    cpus: &Cpus,
    effort: Effort,
) -> anyhow::Result<()> {
    let Some(layout) = Layout::new(Pin::Unpinned, cpus) else { return Ok(()) };
    let size = Size::of(effort)?;
    let scene = Scene::new(contestant, effort, None, Pin::Unpinned, &layout)?;
    let backend = scene.backend()?;
    let mut proxy = scene.proxy(&[backend.services().respond])?;
    let ports = Ports::reserve(size.tunnels)?;
    let specs: Vec<_> = ports
        .addrs()
        .iter()
        .zip(0..)
        .map(|(addr, number)| format!("{addr}={}[name=t{number}]", backend.services().respond))
        .collect();
    let (few, more) = specs.split_at(specs.len().min(TUNNELS_FEW));
    proxy.rpc()?.call("openTunnels", &json!({ "specs": few }))?;
    writeln!(io::stdout(), "with {} tunnels and no connections:", few.len())?;
    dashboard::run(plexyctl, &size, &mut proxy, false)?;
    proxy.rpc()?.call("openTunnels", &json!({ "specs": more }))?;
    let targets = ports.addrs().iter().copied().take(TUNNELS_USED).collect();
    let task = Task {
        targets,
        tls: None,
        work: Work::Exchange { connections: size.connections, answer_bytes: 64, life: Life::Idle },
        extent: Extent::Units(1),
        watched: Vec::new(),
    };
    let mut silent = scene.client(&task)?;
    silent.idle(OPENING)?;
    let _busy = Traffic::start(ports.addrs())?;
    thread::sleep(effort.settling);
    measure(&size, &mut proxy)?;
    dashboard::run(plexyctl, &size, &mut proxy, true)
}

impl Size {
    fn of(effort: Effort) -> anyhow::Result<Self> {
        if effort == Effort::SMOKE {
            let (measured, connections) = (Duration::from_millis(500), effort.connections_max);
            return Ok(Self { rounds: 1, measured, keys: 10, tunnels: 100, connections });
        }
        let left = raise_descriptors()?.saturating_sub(RESERVE);
        let tunnels = TUNNELS.min(usize::try_from(left)? / 2);
        let connections = CONNECTIONS.min((usize::try_from(left)? - tunnels) / 2);
        Ok(Self { rounds: ROUNDS, measured: MEASURED, keys: KEYS, tunnels, connections })
    }
}

fn measure(size: &Size, proxy: &mut Proxy) -> anyhow::Result<()> {
    let ways = [
        ("nobody watches", None),
        ("100 tunnels by health", Some(json!({ "tunnels": {} }))),
        ("100 connections by -rate", Some(json!({ "connections": { "sort": "-rate" } }))),
        (
            "100 tunnels, and 500 connections by -rate",
            Some(json!({ "tunnels": {}, "connections": { "sort": "-rate", "limit": 500 } })),
        ),
    ];
    let mut percents = vec![Vec::new(); ways.len()];
    for _ in 0..size.rounds {
        for ((_, query), percents) in ways.iter().zip(&mut percents) {
            interrupt::check()?;
            percents.push(percent(size, proxy, query.as_ref())?);
        }
    }
    let mut stdout = io::stdout();
    writeln!(
        stdout,
        "with {} tunnels and {} silent connections, plexyd in percent of one CPU, medians of {}:",
        size.tunnels, size.connections, size.rounds
    )?;
    let medians: Vec<_> = percents.into_iter().map(median).collect();
    let without = medians.first().copied().unwrap_or_default();
    for ((way, query), median) in ways.iter().zip(medians) {
        let more = median - without;
        let beside = if query.is_some() { format!(", {more:+.2} by that") } else { String::new() };
        writeln!(stdout, "{way}: {median:.2} %{beside}")?;
    }
    Ok(())
}

/// What the daemon takes while that is watched.
fn percent(size: &Size, proxy: &mut Proxy, query: Option<&Value>) -> anyhow::Result<f64> {
    let watcher = match query {
        None => None,
        Some(query) => {
            // It is there before anybody connects.
            drop(proxy.rpc()?);
            Some(Watcher::start(&proxy.socket(), query)?)
        }
    };
    let percent = used(size, proxy.pid())?;
    watcher.map(Watcher::end).transpose()?;
    Ok(percent)
}

/// What a process takes now, in percent of one CPU.
fn used(size: &Size, pid: u32) -> anyhow::Result<f64> {
    let (began, used) = (Instant::now(), meter::cpu(pid)?);
    thread::sleep(size.measured);
    let used = meter::cpu(pid)?.saturating_sub(used);
    Ok(100.0 * used.as_secs_f64() / began.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
