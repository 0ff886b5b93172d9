//! Requests and answers, on long connections or with a connection each.

use std::time::Duration;

use crate::figure::{Figure, Figures};
use crate::load::{Latency, Life, Sample, Work};
use crate::scene::{Scene, proxy_cpu};

pub(super) fn measure(
    scene: &Scene<'_>,
    connections: usize,
    answer_bytes: u32,
    life: Life,
) -> anyhow::Result<Figures> {
    let backend = scene.backend()?;
    let services = backend.services();
    let proxy = match life {
        Life::OneExchange => scene.proxy(&services.responders)?,
        Life::Long | Life::Idle => scene.proxy(&[services.respond])?,
    };
    let work = Work::Exchange { connections, answer_bytes, life };
    let sample = scene.run(work, proxy.addrs(), &proxy, &backend)?;
    let (cpu, rate) = match life {
        Life::OneExchange => (Figure::CpuUsPerConnection, Figure::ConnectionsPerSecond),
        Life::Long | Life::Idle => (Figure::CpuUsPerRequest, Figure::RequestsPerSecond),
    };
    let mut figures = scene.load(&sample);
    figures.insert(cpu, cpu_us_per_unit(&sample));
    figures.insert(rate, sample.units as f64 / sample.elapsed.as_secs_f64());
    figures.extend(sample.latency.map(percentiles).unwrap_or_default());
    Ok(figures)
}

/// What a unit of a sample has cost the proxy.
pub(super) fn cpu_us_per_unit(sample: &Sample) -> f64 {
    micros(proxy_cpu(sample)) / sample.units as f64
}

/// A latency as figures.
pub(super) fn percentiles(latency: Latency) -> Figures {
    Figures::from([
        (Figure::P50Us, micros(latency.p50)),
        (Figure::P99Us, micros(latency.p99)),
        (Figure::P999Us, micros(latency.p999)),
    ])
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
