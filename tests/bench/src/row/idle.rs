//! Many connections on which nothing happens: what they take, and that they cost no time.

use std::thread;
use std::time::{Duration, Instant};

use crate::figure::{Figure, Figures};
use crate::launch::raise_descriptors;
use crate::load::{Extent, Life, Task, Work};
use crate::meter;
use crate::scene::Scene;

/// Descriptors that a proxy needs for other things than connections; plexyd keeps 280 for control.
const RESERVE: u64 = 400;

/// How long opening all of them may take, with a handshake each on a busy machine.
const OPENING: Duration = Duration::from_secs(180);

pub(super) fn measure(scene: &Scene<'_>) -> anyhow::Result<Figures> {
    let backend = scene.backend()?;
    let proxy = scene.proxy(&[backend.services().respond])?;
    // What the first connections need once and for all is not theirs.
    let warm = Task {
        targets: vec![proxy.addr()],
        tls: scene.tls,
        work: Work::Exchange { connections: 16, answer_bytes: 4096, life: Life::Long },
        extent: Extent::Units(1_000),
        watched: Vec::new(),
    };
    scene.client(&warm)?.done(OPENING)?;
    let before = meter::memory(proxy.pid())?;
    let connections = affordable()?.min(scene.effort.connections_max);
    let task =
        Task { work: Work::Exchange { connections, answer_bytes: 4096, life: Life::Idle }, ..warm };
    let mut client = scene.client(&task)?;
    client.idle(OPENING)?;
    thread::sleep(scene.effort.settling);
    let memory = meter::memory(proxy.pid())?.saturating_sub(before);
    let (began, used) = (Instant::now(), meter::cpu(proxy.pid())?);
    thread::sleep(scene.effort.idle);
    let used = meter::cpu(proxy.pid())?.saturating_sub(used);
    let percent = 100.0 * used.as_secs_f64() / began.elapsed().as_secs_f64();
    Ok(Figures::from([
        (Figure::Connections, connections as f64),
        (Figure::KbPerConnection, memory as f64 / 1024.0 / connections as f64),
        (Figure::IdleCpuPercent, percent),
    ]))
}

/// Connections for which a proxy has descriptors: two each.
fn affordable() -> anyhow::Result<usize> {
    Ok(usize::try_from(raise_descriptors()?.saturating_sub(RESERVE) / 2)?)
}
