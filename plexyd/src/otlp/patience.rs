//! How long is waited before something is tried again.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The first pause, which doubles up to the last.
const FIRST: Duration = Duration::from_millis(500);
const LAST: Duration = Duration::from_secs(8);

/// The longest pause that a collector may ask for.
const ASKED_MAX: Duration = Duration::from_secs(300);

/// The pause after so many failures in a row, at least one: between half of it and one and a half,
/// so that many daemons do not come back at once. `random` is at least 0 and below 1.
pub(super) fn pause(failures: u32, random: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(LAST).mul_f64(0.5 + random)
}

/// The pause that an answer asks for, in seconds or as a date.
pub(super) fn asked(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(pause.min(ASKED_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let middle = |failures| pause(failures, 0.5);
        assert_eq!(middle(1), FIRST);
        assert_eq!(middle(2), FIRST * 2);
        assert_eq!(middle(4), FIRST * 8);
        assert_eq!((middle(5), middle(u32::MAX)), (LAST, LAST));
        assert_eq!((pause(1, 0.0), pause(1, 1.0)), (FIRST / 2, FIRST * 3 / 2));
    }

    #[test]
    fn a_collector_may_ask_for_seconds_or_a_date_but_not_for_ever() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            asked(&headers, now)
        };
        assert_eq!(asked(&HeaderMap::new(), now), None);
        assert_eq!(of("3"), Some(Duration::from_secs(3)));
        assert_eq!(of("Sun, 06 Nov 1994 08:49:57 GMT"), Some(Duration::from_secs(20)));
        assert_eq!(of("Sun, 06 Nov 1994 08:49:17 GMT"), Some(Duration::ZERO));
        assert_eq!(of("99999999999"), Some(ASKED_MAX));
        for bad in ["", "-1", "soon", "1.5"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
