//! The attempts of a connection to reach a backend, in one word.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bits of the count; above it are the microseconds until one stood.
const COUNT_BITS: u32 = 8;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;

/// How many there were, and how long they took. Written by the task that carries the connection and
/// by nobody else.
#[derive(Debug, Default)]
pub(crate) struct Tries(AtomicU64);

impl Tries {
    /// One more is made.
    pub(crate) fn count(&self) {
        let now = self.0.load(Ordering::Relaxed);
        if now & COUNT_MAX < COUNT_MAX {
            self.0.store(now + 1, Ordering::Relaxed);
        }
    }

    /// The last one stands, so long after the client was accepted.
    pub(crate) fn stands(&self, after: Duration) {
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        // Nothing is done in no time: none is what stands for no success.
        let micros = micros.clamp(1, u64::MAX >> COUNT_BITS);
        let now = self.0.load(Ordering::Relaxed);
        self.0.store(micros << COUNT_BITS | now & COUNT_MAX, Ordering::Relaxed);
    }

    /// How many there were.
    pub(crate) fn number(&self) -> u8 {
        u8::try_from(self.0.load(Ordering::Relaxed) & COUNT_MAX).unwrap_or(u8::MAX)
    }

    /// When one stood, after the client was accepted.
    pub(crate) fn time(&self) -> Option<Duration> {
        let micros = self.0.load(Ordering::Relaxed) >> COUNT_BITS;
        (micros > 0).then(|| Duration::from_micros(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_and_time_do_not_touch_each_other() {
        let tries = Tries::default();
        assert_eq!((tries.number(), tries.time()), (0, None));
        (0..101).for_each(|_| tries.count());
        tries.stands(Duration::from_hours(200));
        assert_eq!((tries.number(), tries.time()), (101, Some(Duration::from_hours(200))));
        (0..300).for_each(|_| tries.count());
        assert_eq!((tries.number(), tries.time()), (255, Some(Duration::from_hours(200))));
        tries.stands(Duration::ZERO);
        assert_eq!(tries.time(), Some(Duration::from_micros(1)));
    }
}
