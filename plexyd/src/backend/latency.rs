//! How long it takes to connect to a backend: a mean that forgets, but that believes a bad sign at
//! once. The algorithm is the peak-sensitive EWMA of Finagle (`PeakEwma`, Twitter, 2015).
//!
//! It is a float, since it is no time that anybody waits for: only the order of such means counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// After so long a measurement counts 1/e: the time in which Finagle and Linkerd forget.
const DECAY: Duration = Duration::from_secs(10);

/// What is less counts as this, in seconds: below it, differences are noise, and the connections of a
/// backend still count that nobody has connected to for long.
const LEAST: f32 = 1e-6;

/// An estimate in one cell, so that it is read and written without a lock. Times are counted from
/// when the record of the backend was made.
#[derive(Debug, Default)]
pub(super) struct Latency {
    /// Above, when it was measured last, in milliseconds; below, the bits of the estimate in
    /// seconds. Zero where nothing was measured.
    cell: AtomicU64,
}

impl Latency {
    /// Takes in one measurement.
    pub(super) fn observe(&self, took: Duration, now: Duration) {
        let took = took.as_secs_f32().max(LEAST);
        let now = wrapped(now);
        let next = |cell| {
            let estimate = match unpack(cell) {
                Some((estimate, measured)) if estimate > took => {
                    let old = kept(measured, now);
                    estimate * old + took * (1.0 - old)
                }
                _ => took,
            };
            u64::from(now) << 32 | u64::from(estimate.to_bits())
        };
        self.cell.update(Ordering::Relaxed, Ordering::Relaxed, next);
    }

    /// The estimate in seconds, if anything was measured. It sinks while nothing is, so that a
    /// backend that was slow is tried again.
    pub(super) fn estimate(&self, now: Duration) -> Option<f32> {
        let (estimate, measured) = unpack(self.cell.load(Ordering::Relaxed))?;
        Some((estimate * kept(measured, wrapped(now))).max(LEAST))
    }
}

fn unpack(cell: u64) -> Option<(f32, u32)> {
    let halves = (u32::try_from(cell & u64::from(u32::MAX)), u32::try_from(cell >> 32));
    let (Ok(bits), Ok(measured)) = halves else { return None };
    (bits != 0).then(|| (f32::from_bits(bits), measured))
}

/// The part of an estimate that is left.
fn kept(measured: u32, now: u32) -> f32 {
    // Half of the range is the past, since threads do not look at the clock in the order in which
    // they write. So what is 25 to 50 days old passes for new, until it is measured again.
    let passed = Some(now.wrapping_sub(measured)).filter(|passed| *passed <= u32::MAX / 2);
    let passed = Duration::from_millis(passed.unwrap_or_default().into());
    (-passed.as_secs_f32() / DECAY.as_secs_f32()).exp()
}

/// Milliseconds, which begin again after 50 days.
fn wrapped(time: Duration) -> u32 {
    u32::try_from(time.as_millis() & u128::from(u32::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[track_caller]
    fn is_near(latency: &Latency, now: Duration, expected_ms: f32) {
        let estimate = latency.estimate(now).unwrap() * 1_000.0;
        assert!((estimate - expected_ms).abs() < expected_ms / 100.0, "{estimate} ms");
    }

    #[test]
    fn nothing_is_told_before_the_first_measurement() {
        let latency = Latency::default();
        assert_eq!(latency.estimate(MS), None);
        latency.observe(MS, Duration::ZERO);
        is_near(&latency, Duration::ZERO, 1.0);
    }

    #[test]
    fn it_rises_at_once_and_sinks_slowly() {
        let latency = Latency::default();
        latency.observe(MS, MS);
        latency.observe(100 * MS, 2 * MS);
        is_near(&latency, 2 * MS, 100.0);
        // Half of its life, ln 2 times the decay.
        latency.observe(MS, 6_934 * MS);
        is_near(&latency, 6_934 * MS, 50.5);
    }

    #[test]
    fn many_measurements_sink_it_as_fast_as_one_does() {
        let latency = Latency::default();
        latency.observe(100 * MS, Duration::ZERO);
        for now in 0..6_934 * 4 {
            latency.observe(MS, Duration::from_micros(now * 250));
        }
        is_near(&latency, 6_934 * MS, 50.5);
    }

    #[test]
    fn what_nobody_measures_again_is_forgotten_but_never_nothing() {
        let latency = Latency::default();
        latency.observe(100 * MS, Duration::ZERO);
        is_near(&latency, DECAY, 36.79);
        is_near(&latency, 100 * DECAY, 0.001);
    }

    #[test]
    fn a_clock_that_was_read_late_harms_nothing() {
        let latency = Latency::default();
        latency.observe(100 * MS, 500 * MS);
        is_near(&latency, 499 * MS, 100.0);
    }
}
