//! TCP keepalive as one value: `60s/15s/4`.

use std::fmt;
use std::time::Duration;

use crate::units::{ValueError, parse_count, parse_duration, show_duration};

const ONE_SECOND: Duration = Duration::from_secs(1);

/// TCP keepalive: after `idle` of silence a probe every `interval`, and after
/// `probes` of them without an answer the connection is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// Silence before the first probe, in whole seconds.
    pub idle: Duration,
    /// Time between probes, in whole seconds.
    pub interval: Duration,
    /// Probes without an answer that end the connection.
    pub probes: u32,
}

impl Keepalive {
    pub(super) fn parse(text: &str) -> Result<Option<Self>, ValueError> {
        if text.eq_ignore_ascii_case("off") {
            return Ok(None);
        }
        let mut parts = text.split('/');
        let (Some(idle), Some(interval), Some(probes), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ValueError::malformed(
                text,
                "is not idle/interval/probes like `60s/15s/4`, or `off`",
            ));
        };
        let seconds = |text: &str| {
            let duration = parse_duration(text, &(ONE_SECOND..=Duration::from_secs(32_767)))?;
            let whole = duration.subsec_millis() == 0;
            if whole {
                Ok(duration)
            } else {
                Err(ValueError::malformed(text, "is not in whole seconds"))
            }
        };
        Ok(Some(Self {
            idle: seconds(idle)?,
            interval: seconds(interval)?,
            probes: parse_count(probes, &(1..=127))?,
        }))
    }
}

impl fmt::Display for Keepalive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (idle, interval) = (show_duration(self.idle), show_duration(self.interval));
        write!(f, "{idle}/{interval}/{}", self.probes)
    }
}
