//! The clock of a table: milliseconds since it began, which take half the room of an [`Instant`].

use std::time::Instant;

/// From when on they count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    began: Instant,
}

impl Clock {
    pub(super) fn since(began: Instant) -> Self {
        Self { began }
    }

    /// A moment in its milliseconds.
    pub(super) fn ms(self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.began);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn now_ms(self) -> u64 {
        self.ms(Instant::now())
    }
}
