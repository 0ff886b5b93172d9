//! Histograms as bars: a line for each bucket, with fewer of them where there is less room.
//!
//! ```text
//! ─ Connect time to backends, last 60s ────────────────────────────────── n=3.7k ─
//!   ≤1ms   ███████████████████████████████████████████▌ 2.6k
//!   ≤2ms   █████████████▊ 812
//!  >10ms   ▏ 4
//! ```

use plexy_shared::overview::{Bucket, LatencyInfo};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::state::Looks;
use super::super::theme::Role;
use super::number::{age_in_row, brief};
use super::put::{put, put_all, row_of};
use super::rule;
use super::scrolled::TextLine;

/// Columns of a bound.
const BOUND: usize = 8;

/// Columns of a count, and the blank before it.
const COUNT: u16 = 6;

/// Draws a title, and the bars of what is recent below it.
pub(super) fn titled(
    looks: &Looks,
    mut title: TextLine,
    info: &LatencyInfo,
    area: Rect,
    buffer: &mut Buffer,
) {
    title.push((format!(", {}", recent(info)), Style::new()));
    let count = (format!("n={}", brief(info.recent.count)), Style::new());
    rule::draw(looks, area, &title, &[count], buffer);
    let below = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
    draw(looks, info, below, buffer);
}

/// What time is recent.
pub(super) fn recent(info: &LatencyInfo) -> String {
    format!("last {}", age_in_row(info.recent_ms.div_ceil(1_000)).replace("1m00s", "60s"))
}

/// Draws the bars of what is recent.
pub(super) fn draw(looks: &Looks, info: &LatencyInfo, area: Rect, buffer: &mut Buffer) {
    let buckets = merged(&info.buckets, area.height.into());
    if buckets.is_empty() {
        put(buffer, area, (2, 0), "none in that time", looks.style(Role::Dim));
        return;
    }
    let largest = buckets.iter().map(|bucket| bucket.count).max().unwrap_or_default();
    let begin = u16::try_from(BOUND).unwrap_or_default() + 1;
    let room = area.width.saturating_sub(begin + COUNT + 1);
    let mut before = None;
    for (row, bucket) in (0..area.height).zip(&buckets) {
        let bound = match bucket.up_to_us {
            Some(bound) => format!("{}{}", looks.sign("≤", "<="), exact(bound)),
            None => format!(">{}", exact(before.unwrap_or_default())),
        };
        before = bucket.up_to_us.or(before);
        let texts = [
            (format!("{bound:>BOUND$} "), looks.style(Role::Dim)),
            (bar(bucket.count, largest, room.into(), looks.is_ascii), looks.style(Role::Accent)),
            (format!(" {}", brief(bucket.count)), Style::new()),
        ];
        put_all(buffer, row_of(area, row), (0, 0), &texts);
    }
}

/// A bar of so many columns, in eighths of one; in ASCII, whole ones. What is not zero has one eighth.
///
/// The largest value has `width` columns.
pub(super) fn bar(value: u64, largest: u64, width: usize, is_ascii: bool) -> String {
    let parts = if is_ascii { 1 } else { 8 };
    let room = width as u128 * parts;
    let filled = (u128::from(value) * room).checked_div(u128::from(largest)).unwrap_or_default();
    let filled = usize::try_from(filled.min(room)).unwrap_or(width);
    let filled = filled.max(usize::from(value > 0 && width > 0));
    if is_ascii {
        return "#".repeat(filled);
    }
    let mut bar = "█".repeat(filled / 8);
    bar.extend(['▏', '▎', '▍', '▌', '▋', '▊', '▉'].get((filled % 8).wrapping_sub(1)));
    bar
}

/// A bound, with all its digits: `1ms`, `1.25ms`, `31.5s`, `10m`.
fn exact(micros: u64) -> String {
    let (whole, part, unit) = match micros {
        0..1_000_000 => (micros / 1_000, micros % 1_000, "ms"),
        1_000_000..60_000_000 => (micros / 1_000_000, micros / 1_000 % 1_000, "s"),
        _ => {
            let age = age_in_row(micros / 1_000_000);
            return age.replace("m00s", "m").replace("h00m", "h");
        }
    };
    let digits = format!("{whole}.{part:03}");
    format!("{}{unit}", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// The buckets in so many lines at most. The bounds of a daemon are fine, for the sake of quantiles: where
/// there is no room for all of them, those that are 1, 2 or 5 in front of zeros stay, or those that are 1;
/// where even these are too many, the longest times come together in the last one.
pub(super) fn merged(buckets: &[Bucket], lines: usize) -> Vec<Bucket> {
    const KEPT: [&[u64]; 3] = [&[], &[1, 2, 5], &[1]];
    if lines == 0 {
        return Vec::new();
    }
    let mut merged = Vec::new();
    for kept in KEPT {
        merged = merged_at(buckets, kept);
        if merged.len() <= lines {
            return merged;
        }
    }
    let rest: u64 = merged.iter().skip(lines - 1).map(|bucket| bucket.count).sum();
    merged.truncate(lines - 1);
    merged.push(Bucket { up_to_us: None, count: rest });
    merged
}

/// Buckets up to the bounds that are one of these in front of zeros, and to the last one.
fn merged_at(buckets: &[Bucket], kept: &[u64]) -> Vec<Bucket> {
    let mut merged = Vec::new();
    let mut count = 0;
    for (at, bucket) in buckets.iter().enumerate() {
        count += bucket.count;
        // Beyond the last bound nothing is like what is below it.
        let is_before_last = buckets.get(at + 1).is_none_or(|next| next.up_to_us.is_none());
        let is_kept =
            kept.is_empty() || bucket.up_to_us.is_none_or(|bound| kept.contains(&leading(bound)));
        if is_kept || is_before_last {
            merged.push(Bucket { up_to_us: bucket.up_to_us, count });
            count = 0;
        }
    }
    merged
}

/// What stands in front of the zeros.
fn leading(mut bound: u64) -> u64 {
    while bound >= 10 && bound.is_multiple_of(10) {
        bound /= 10;
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_part_of_the_largest() {
        let shown = |value| bar(value, 80, 10, false);
        assert_eq!([shown(0), shown(80), shown(44)], ["", "██████████", "█████▌"]);
        assert_eq!(bar(1, 1_000_000, 10, false), "▏", "what is there is seen");
        assert_eq!([bar(44, 80, 10, true), bar(1, 900, 10, true)], ["#####", "#"]);
        assert_eq!([bar(5, 0, 10, false), bar(5, 9, 0, false)], ["▏", ""]);
        assert_eq!(bar(u64::MAX, u64::MAX, 3, false), "███");
    }

    #[test]
    fn a_bound_has_all_its_digits() {
        for (micros, shown) in [
            (63, "0.063ms"),
            (1_000, "1ms"),
            (1_250, "1.25ms"),
            (31_500, "31.5ms"),
            (100_000, "100ms"),
            (1_600_000, "1.6s"),
            (60_000_000, "1m"),
            (100_000_000, "1m40s"),
            (3_600_000_000, "1h"),
        ] {
            assert_eq!(exact(micros), shown, "{micros}");
        }
    }

    fn buckets(bounds: &[u64], beyond: bool) -> Vec<Bucket> {
        let bounds = bounds.iter().map(|bound| Some(*bound));
        let bounds = bounds.chain(beyond.then_some(None));
        bounds.map(|up_to_us| Bucket { up_to_us, count: 1 }).collect()
    }

    #[track_caller]
    fn check(lines: usize, expected: &[(Option<u64>, u64)]) {
        let fine = [800, 1_000, 1_250, 1_600, 2_000, 2_500, 3_150, 4_000, 5_000, 6_300];
        let merged = merged(&buckets(&fine, true), lines);
        let merged: Vec<_> = merged.iter().map(|it| (it.up_to_us, it.count)).collect();
        assert_eq!(merged, expected, "{lines} lines");
    }

    #[test]
    fn fewer_lines_have_rounder_bounds() {
        check(
            5,
            &[(Some(1_000), 2), (Some(2_000), 3), (Some(5_000), 4), (Some(6_300), 1), (None, 1)],
        );
        check(3, &[(Some(1_000), 2), (Some(6_300), 8), (None, 1)]);
        check(2, &[(Some(1_000), 2), (None, 9)]);
        check(1, &[(None, 11)]);
        check(0, &[]);
        assert_eq!(merged(&buckets(&[1, 3, 4], false), 9).len(), 3, "all, where there is room");
        assert!(merged(&[], 3).is_empty());
    }
}
