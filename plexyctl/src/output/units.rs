//! Numbers as people read them. Nothing here goes to a program.

/// Three digits, and a letter for the thousands.
pub(super) fn short(count: u64) -> String {
    let (digits, power) = scaled(count, 1_000, [2, 1, 0]);
    digits + ["", "k", "M", "G", "T", "P", "E"].get(power).copied().unwrap_or_default()
}

/// A number with three digits before its point at most, and how often it was divided by the base for
/// that. It has so many decimals behind one digit, behind two, and behind three; what was not divided has
/// none.
pub(crate) fn scaled(count: u64, base: u16, decimals: [u32; 3]) -> (String, usize) {
    if count < 1_000 {
        return (count.to_string(), 0);
    }
    let (count, mut unit) = (u128::from(count), u128::from(base));
    for power in 1.. {
        for (whole, decimals) in [10, 100, 1_000].into_iter().zip(decimals) {
            let scale = 10_u128.pow(decimals);
            let rounded = (count * scale * 2 + unit) / (unit * 2);
            // What would be rounded to 1000 is one of the next.
            if rounded < whole * scale {
                return (with_point(rounded, decimals), power);
            }
        }
        unit *= u128::from(base);
    }
    (String::new(), 0)
}

fn with_point(number: u128, decimals: u32) -> String {
    let scale = 10_u128.pow(decimals);
    match usize::try_from(decimals).unwrap_or_default() {
        0 => number.to_string(),
        width => format!("{}.{:0width$}", number / scale, number % scale),
    }
}

/// The two largest units of a time.
pub(crate) fn age(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days}d{:02}h", hours % 24),
        () if hours > 0 => format!("{hours}h{:02}m", minutes % 60),
        () if minutes > 0 => format!("{minutes}m{:02}s", seconds % 60),
        () => format!("{seconds}s"),
    }
}

/// A time until something happens, rounded up: it is not over before.
pub(super) fn wait(ms: u64) -> String {
    age(ms.div_ceil(1_000))
}

/// A short time, in milliseconds with one decimal.
pub(super) fn millis(micros: u64) -> String {
    format!("{}.{}ms", micros / 1_000, micros % 1_000 / 100)
}

/// A time that may be as short as a connection within a machine takes, with the unit that fits.
pub(super) fn micros(micros: u64) -> String {
    match micros {
        short if short < 1_000 => format!("{short}us"),
        long if long < 1_000_000 => millis(long),
        seconds => format!("{}.{}s", seconds / 1_000_000, seconds % 1_000_000 / 100_000),
    }
}

/// How often something happens in a second, told how often in a thousand of them.
pub(super) fn per_second(per_1000s: u64) -> String {
    match per_1000s {
        few if few < 999_950 => {
            let tenths = (few + 50) / 100;
            format!("{}.{}", tenths / 10, tenths % 10)
        }
        many => short(many / 1_000),
    }
}

/// So many bytes.
pub(super) fn bytes(count: u64) -> String {
    format!("{}B", short(count))
}

/// So many of something.
pub(super) fn some(count: impl Into<u64>, one: &str, more: &str) -> String {
    match count.into() {
        1 => format!("1 {one}"),
        count => format!("{count} {more}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_has_three_digits() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1.00k"),
            (1_234, "1.23k"),
            (9_994, "9.99k"),
            (9_995, "10.0k"),
            (99_949, "99.9k"),
            (99_950, "100k"),
            (999_499, "999k"),
            (999_500, "1.00M"),
            (42_100_000, "42.1M"),
            (118_000_000_000, "118G"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(short(count), text, "{count}");
        }
    }

    #[test]
    fn a_time_has_two_units() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (60, "1m00s"), (3_661, "1h01m"), (1_047_600, "12d03h")]
        {
            assert_eq!(age(seconds), text);
        }
        assert_eq!(wait(1), "1s");
        assert_eq!(wait(2_000), "2s");
        assert_eq!([millis(0), millis(180), millis(12_345)], ["0.0ms", "0.1ms", "12.3ms"]);
    }

    #[test]
    fn what_happens_seldom_has_one_decimal() {
        for (per_1000s, text) in [
            (0, "0.0"),
            (49, "0.0"),
            (50, "0.1"),
            (12_000, "12.0"),
            (999_949, "999.9"),
            (999_950, "999"),
            (1_240_000, "1.24k"),
        ] {
            assert_eq!(per_second(per_1000s), text);
        }
        assert_eq!([bytes(0), bytes(31_200_000)], ["0B", "31.2MB"]);
        let times = [83, 1_250, 999_999, 5_040_000].map(micros);
        assert_eq!(times, ["83us", "1.2ms", "999.9ms", "5.0s"]);
    }

    #[test]
    fn one_is_not_many() {
        let shown = |count: u64| some(count, "backend", "backends");
        assert_eq!([shown(0), shown(1), shown(2)], ["0 backends", "1 backend", "2 backends"]);
    }
}
