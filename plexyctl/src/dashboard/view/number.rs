//! Numbers, as people read them on one screen: few digits, and always as wide.

use std::time::Duration;

use super::super::state::Units;
use crate::output::{age, scaled};

/// Letters for thousands, and for 1 024 times.
const THOUSANDS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// Three digits; of one in a row of others, one decimal at most; and four characters together.
const PRECISE: [u32; 3] = [2, 1, 0];
const BRIEF: [u32; 3] = [1, 1, 0];
const TINY: [u32; 3] = [1, 0, 0];

/// Three digits: `1.24k`.
pub(crate) fn precise(count: u64) -> String {
    lettered(count, 1_000, PRECISE)
}

/// One decimal where there is room for it: `1.1k`, `31.2M`, `118M`; five characters at most.
pub(crate) fn brief(count: u64) -> String {
    lettered(count, 1_000, BRIEF)
}

/// Four characters at most: `1.1k`, `31M`.
pub(crate) fn tiny(count: u64) -> String {
    lettered(count, 1_000, TINY)
}

/// Without a decimal that says nothing: `5k`.
pub(crate) fn round(count: u64) -> String {
    brief(count).replacen(".0", "", 1)
}

fn lettered(count: u64, base: u16, decimals: [u32; 3]) -> String {
    let letters = if base == 1_000 { THOUSANDS } else { BINARY };
    let (digits, power) = scaled(count, base, decimals);
    digits + letters.get(power).copied().unwrap_or_default()
}

/// Bytes per second, with three digits and their unit: `42.1 MB/s`.
pub(crate) fn rate(bytes: u64, units: Units) -> String {
    match units {
        Units::Bytes => with_unit(bytes, 1_000, "B/s"),
        Units::Bits => with_unit(bytes.saturating_mul(8), 1_000, "bit/s"),
        Units::Iec => with_unit(bytes, 1_024, "B/s"),
    }
}

/// Bytes, with three digits and their unit: `89.3 MB`. Nobody counts in bits what is over.
pub(crate) fn bytes(bytes: u64, units: Units) -> String {
    with_unit(bytes, if units == Units::Iec { 1_024 } else { 1_000 }, "B")
}

fn with_unit(count: u64, base: u16, unit: &str) -> String {
    let letters = if base == 1_000 { THOUSANDS } else { BINARY };
    let (digits, power) = scaled(count, base, PRECISE);
    format!("{digits} {}{unit}", letters.get(power).copied().unwrap_or_default())
}

/// Bytes per second in a row of others, whose head says the rest; bits tell that they are some:
/// `31.2M`, `250Mb`, `29.8Mi`. Six characters at most.
pub(crate) fn rate_in_row(bytes: u64, units: Units) -> String {
    in_row(bytes, units, BRIEF)
}

/// The same in five characters at most.
pub(crate) fn rate_in_few(bytes: u64, units: Units) -> String {
    in_row(bytes, units, TINY)
}

fn in_row(bytes: u64, units: Units, decimals: [u32; 3]) -> String {
    match units {
        _ if bytes == 0 => "0".to_owned(),
        Units::Bytes => lettered(bytes, 1_000, decimals),
        Units::Bits => lettered(bytes.saturating_mul(8), 1_000, decimals) + "b",
        Units::Iec => lettered(bytes, 1_024, decimals),
    }
}

/// Bytes in a row of others: six characters at most.
pub(crate) fn bytes_in_row(bytes: u64, units: Units) -> String {
    rate_in_row(bytes, if units == Units::Iec { Units::Iec } else { Units::Bytes })
}

/// So many in a thousand seconds, per second: `0.3`, `62.0`, `1.2k`; what is not nothing is not shown as
/// nothing. Five characters at most.
pub(crate) fn per_second(per_1000s: u64) -> String {
    let tenths = per_1000s.saturating_add(50) / 100;
    match per_1000s {
        1..50 => "<0.1".to_owned(),
        0..99_950 => format!("{}.{}", tenths / 10, tenths % 10),
        _ => brief(per_1000s.saturating_add(500) / 1_000),
    }
}

/// A time in microseconds: `0.05ms`, `1.2ms`, `18ms`, `2.5s`, `4m`. Six characters at most, beside what
/// takes longer than a week.
pub(crate) fn latency(micros: u64) -> String {
    match micros {
        1..5 => "<.01ms".to_owned(),
        0..95 => format!("0.{:02}ms", (micros + 5) / 10),
        95..9_950 => {
            let tenths = (micros + 50) / 100;
            format!("{}.{}ms", tenths / 10, tenths % 10)
        }
        9_950..999_500 => format!("{}ms", (micros + 500) / 1_000),
        999_500..9_950_000 => {
            let tenths = (micros + 50_000) / 100_000;
            format!("{}.{}s", tenths / 10, tenths % 10)
        }
        _ => age_in_row((micros / 1_000 + 500) / 1_000),
    }
}

/// The largest unit of a time: `12d`, `3h`, `4m`, `0s`. Four characters.
pub(crate) fn lasting(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400..86_400_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / (365 * 86_400)),
    }
}

/// The two largest units of a time, or the one that has room: `4m12s`, `1h02m`, `12d`. Five characters.
pub(crate) fn age_in_row(seconds: u64) -> String {
    let age = age(seconds);
    if age.len() <= 5 { age } else { lasting(seconds) }
}

/// How long something runs: `12d 03h`.
pub(crate) fn uptime(seconds: u64) -> String {
    let age = age(seconds);
    age.replacen('d', "d ", 1)
}

/// How often something is done, or how old it is: `250ms`, `1s`.
pub(crate) fn interval(time: Duration) -> String {
    match time.as_millis() {
        millis @ 1..1_000 => format!("{millis}ms"),
        _ => age(time.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_the_digits_that_have_room() {
        for (count, shown) in [
            (0, ["0", "0", "0", "0"]),
            (999, ["999", "999", "999", "999"]),
            (1_000, ["1.00k", "1.0k", "1.0k", "1k"]),
            (1_238, ["1.24k", "1.2k", "1.2k", "1.2k"]),
            (5_000, ["5.00k", "5.0k", "5.0k", "5k"]),
            (9_960, ["9.96k", "10.0k", "10k", "10k"]),
            (31_234_567, ["31.2M", "31.2M", "31M", "31.2M"]),
            (999_499, ["999k", "999k", "999k", "999k"]),
            (999_500, ["1.00M", "1.0M", "1.0M", "1M"]),
            (u64::MAX, ["18.4E", "18.4E", "18E", "18.4E"]),
        ] {
            assert_eq!([precise, brief, tiny, round].map(|shown| shown(count)), shown, "{count}");
        }
    }

    #[test]
    fn rates_are_told_in_the_units_that_are_wanted() {
        let all = [Units::Bytes, Units::Bits, Units::Iec];
        let shown = |bytes| all.map(|units| rate(bytes, units));
        assert_eq!(shown(42_100_000), ["42.1 MB/s", "337 Mbit/s", "40.1 MiB/s"]);
        assert_eq!(shown(0), ["0 B/s", "0 bit/s", "0 B/s"]);
        let shown = |bytes| all.map(|units| rate_in_row(bytes, units));
        assert_eq!(shown(31_200_000), ["31.2M", "250Mb", "29.8Mi"]);
        assert_eq!(shown(7), ["7", "56b", "7"]);
        assert_eq!(all.map(|units| rate_in_few(31_200_000, units)), ["31M", "250Mb", "30Mi"]);
        assert_eq!(all.map(|units| bytes(89_300_000, units)), ["89.3 MB", "89.3 MB", "85.2 MiB"]);
        for bytes in [0, 999, 1_023, 1_024, 999_999, 123_456_789, u64::MAX] {
            for units in all {
                assert!(rate_in_row(bytes, units).len() <= 6, "{bytes} {units:?}");
                assert!(rate_in_few(bytes, units).len() <= 5, "{bytes} {units:?}");
            }
        }
    }

    #[test]
    fn what_happens_seldom_is_not_shown_as_never() {
        for (per_1000s, shown) in [
            (0, "0.0"),
            (1, "<0.1"),
            (50, "0.1"),
            (300, "0.3"),
            (62_000, "62.0"),
            (99_949, "99.9"),
            (99_950, "100"),
            (1_234_000, "1.2k"),
            (u64::MAX, "18.4P"),
        ] {
            assert_eq!(per_second(per_1000s), shown, "{per_1000s}");
        }
    }

    #[test]
    fn times_have_two_digits() {
        for (micros, shown) in [
            (0, "0.00ms"),
            (4, "<.01ms"),
            (52, "0.05ms"),
            (94, "0.09ms"),
            (95, "0.1ms"),
            (300, "0.3ms"),
            (1_234, "1.2ms"),
            (9_949, "9.9ms"),
            (9_950, "10ms"),
            (18_400, "18ms"),
            (999_499, "999ms"),
            (999_500, "1.0s"),
            (9_949_999, "9.9s"),
            (9_950_000, "10s"),
            (252_000_000, "4m12s"),
        ] {
            assert_eq!(latency(micros), shown, "{micros}");
        }
        for (seconds, shown) in [
            (0, ["0s", "0s", "0s"]),
            (252, ["4m", "4m12s", "4m12s"]),
            (3_720, ["1h", "1h02m", "1h02m"]),
        ] {
            assert_eq!([lasting, age_in_row, uptime].map(|shown| shown(seconds)), shown);
        }
        let shown = [lasting, age_in_row, uptime].map(|shown| shown(1_047_600));
        assert_eq!(shown, ["12d", "12d", "12d 03h"]);
        assert_eq!([lasting(86_399_999), lasting(86_400_000)], ["999d", "2y"]);
        assert_eq!(interval(Duration::from_millis(250)), "250ms");
        assert_eq!(interval(Duration::from_secs(72)), "1m12s");
    }
}
