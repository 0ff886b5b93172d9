//! How soon plexyd answers while its data path has no time to spare.

use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::json;

use super::beside::streams;
use crate::figure::{Figure, Figures};
use crate::load::Ways;
use crate::ports::Ports;
use crate::scene::Scene;

/// The pause between two calls.
const PAUSE: Duration = Duration::from_millis(2);

/// Digits of a time that are right.
const DIGITS: u8 = 3;

pub(super) fn measure(scene: &Scene<'_>) -> anyhow::Result<Figures> {
    let backend = scene.backend()?;
    let mut proxy = scene.proxy(&[backend.services().both])?;
    let mut rpc = proxy.rpc()?;
    let ports = Ports::reserve(1)?;
    let Some(spare) = ports.addrs().first() else { return Ok(Figures::new()) };
    let spec = format!("{spare}={}", backend.services().respond);
    // Looking and changing, by turns.
    let calls = [
        ("ping", json!({})),
        ("openTunnel", json!({ "spec": spec })),
        ("listTunnels", json!({})),
        ("closeTunnel", json!({ "tunnel": spare.to_string() })),
    ];
    let _streams = streams(scene, proxy.addr(), Ways::Both)?;
    let mut answers = Histogram::<u64>::new(DIGITS)?;
    let until = Instant::now() + scene.effort.measured;
    while Instant::now() < until {
        for (method, params) in &calls {
            let began = Instant::now();
            rpc.call(method, params)?;
            answers.record(u64::try_from(began.elapsed().as_nanos())?)?;
            thread::sleep(PAUSE);
        }
    }
    let ms = |nanos: u64| Duration::from_nanos(nanos).as_secs_f64() * 1e3;
    Ok(Figures::from([
        (Figure::ControlP50Ms, ms(answers.value_at_quantile(0.5))),
        (Figure::ControlP99Ms, ms(answers.value_at_quantile(0.99))),
        (Figure::ControlMaxMs, ms(answers.max())),
    ]))
}
