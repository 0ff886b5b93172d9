//! What some connections feel of others, and a tunnel of many idle ones.

use std::time::Duration;

use anyhow::ensure;

use super::exchange::{cpu_us_per_unit, percentiles};
use crate::figure::{Figure, Figures};
use crate::load::{Client, Extent, Life, Task, Ways, Work};
use crate::proxy::Proxy;
use crate::scene::Scene;

/// The connections that are watched.
const SMALL: Work = Work::Exchange { connections: 64, answer_bytes: 64, life: Life::Long };

/// Streams that take all they can get.
const STREAMS: usize = 16;

/// How long it may take until they run.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long they run: until they are killed.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// Starts streams that go on until the client is dropped.
pub(super) fn streams(
    scene: &Scene<'_>,
    target: std::net::SocketAddr,
    ways: Ways,
) -> anyhow::Result<Client> {
    let extent = Extent::Time { warm_up: scene.effort.warm_up, measured: FOR_EVER };
    let work = Work::Bulk { ways, streams: STREAMS };
    let (targets, tls) = (vec![target], scene.tls);
    let task = Task { targets, tls, work, extent, watched: Vec::new() };
    let mut client = scene.client(&task)?;
    client.counting(scene.effort.warm_up + PATIENCE)?;
    Ok(client)
}

/// Small exchanges beside streams.
pub(super) fn bulk(scene: &Scene<'_>) -> anyhow::Result<Figures> {
    // Streams and exchanges have their own backends: the proxy alone is between them.
    let (backend, other) = (scene.backend()?, scene.backend()?);
    let proxy = scene.proxy(&[other.services().source, backend.services().respond])?;
    let [source, respond] = proxy.addrs() else { return Ok(Figures::new()) };
    let _streams = streams(scene, *source, Ways::Down)?;
    let sample = scene.run(SMALL, &[*respond], &proxy, &backend)?;
    let mut figures = sample.latency.map(percentiles).unwrap_or_default();
    let rate = sample.units as f64 / sample.elapsed.as_secs_f64();
    figures.insert(Figure::RequestsPerSecond, rate);
    Ok(figures)
}

/// Small exchanges through one of many tunnels, and through the only one.
pub(super) fn tunnels(scene: &Scene<'_>, count: usize) -> anyhow::Result<Figures> {
    let backend = scene.backend()?;
    let respond = backend.services().respond;
    let cost = |proxy: &Proxy| {
        let sample = scene.run(SMALL, &[proxy.addr()], proxy, &backend)?;
        ensure!(sample.units > 0, "nothing went through");
        anyhow::Ok(cpu_us_per_unit(&sample))
    };
    let without = cost(&scene.proxy(&[respond])?)?;
    let with = cost(&scene.proxy(&vec![respond; count])?)?;
    Ok(Figures::from([
        (Figure::CpuUsPerRequest, with),
        (Figure::CostOfIdleTunnels, with / without),
    ]))
}
