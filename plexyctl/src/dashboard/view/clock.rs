//! Times of a daemon as the clock on the wall shows them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::output::safe;

/// The time of day of something, and the day too where that is not the day of `now`: both in UTC
/// (RFC 3339), as a daemon tells them. What is no time is shown as it is.
pub(super) fn clock(time: &str, now: Option<&str>, zone: &TimeZone) -> String {
    let at = |text: &str| text.parse::<Timestamp>().ok().map(|it| it.to_zoned(zone.clone()));
    let Some(then) = at(time) else { return safe(time) };
    let is_today = now.and_then(at).is_none_or(|now| now.date() == then.date());
    then.strftime(if is_today { "%H:%M:%S" } else { "%b %d %H:%M" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_where_somebody_sits() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let at = "2026-11-23T14:02:06.120Z";
        assert_eq!(clock(at, None, &zone), "16:02:06");
        assert_eq!(clock(at, Some("2026-11-23T21:59:00Z"), &zone), "16:02:06");
        assert_eq!(
            clock(at, Some("2026-11-23T22:00:00Z"), &zone),
            "Nov 23 16:02",
            "it is the 24th"
        );
        assert_eq!(clock("soon\x07", None, &zone), "soon\\u{7}");
    }
}
