//! Streams as fast as they go.

use crate::figure::{Figure, Figures};
use crate::load::{Ways, Work};
use crate::scene::{Scene, proxy_cpu};

/// The bytes of a GB.
const GB: f64 = 1e9;

pub(super) fn measure(scene: &Scene<'_>, ways: Ways, streams: usize) -> anyhow::Result<Figures> {
    let backend = scene.backend()?;
    let service = match ways {
        Ways::Up => backend.services().sink,
        Ways::Down => backend.services().source,
        Ways::Both => backend.services().both,
    };
    let proxy = scene.proxy(&[service])?;
    let sample = scene.run(Work::Bulk { ways, streams }, &[proxy.addr()], &proxy, &backend)?;
    let gigabytes = sample.units as f64 / GB;
    let mut figures = scene.load(&sample);
    figures.insert(Figure::CpuMsPerGb, proxy_cpu(&sample).as_secs_f64() * 1e3 / gigabytes);
    figures.insert(Figure::GbPerSecond, gigabytes / sample.elapsed.as_secs_f64());
    Ok(figures)
}
