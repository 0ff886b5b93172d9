//! Numbers in the order of their time, as a line of small bars: the newest one stands right. What was not
//! told is a gap, not a zero.

/// Bars, from nothing to all.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The same where there is only ASCII; what stands for a gap is none of them.
const ASCII: [char; 7] = ['.', ':', '-', '=', '+', '*', '#'];

/// In one line of so many columns.
pub(crate) fn line(
    numbers: impl IntoIterator<Item = Option<u64>>,
    width: usize,
    is_ascii: bool,
) -> String {
    lines(numbers, width, 1, is_ascii).pop().unwrap_or_default()
}

/// In so many lines of so many columns, the upper one first. The largest of those that are seen reaches
/// the top.
pub(crate) fn lines(
    numbers: impl IntoIterator<Item = Option<u64>>,
    width: usize,
    height: usize,
    is_ascii: bool,
) -> Vec<String> {
    let numbers: Vec<_> = numbers.into_iter().collect();
    let seen = numbers.get(numbers.len().saturating_sub(width)..).unwrap_or_default();
    let largest = seen.iter().flatten().copied().max().unwrap_or_default().max(1);
    let bars: &[char] = if is_ascii { &ASCII } else { &BARS };
    let steps = bars.len() * height;
    let blanks = " ".repeat(width.saturating_sub(seen.len()));
    let line = |below: usize| {
        let bar = |number: &Option<u64>| match number {
            Some(number) => bar(reached(*number, largest, steps), below, bars),
            None => ' ',
        };
        blanks.clone() + &seen.iter().map(bar).collect::<String>()
    };
    (0..height).rev().map(line).collect()
}

/// How many of so many steps a number takes: the first one always, so that it is seen that it is known.
fn reached(number: u64, largest: u64, steps: usize) -> usize {
    let share = u128::from(number) * steps as u128;
    usize::try_from(share.div_ceil(u128::from(largest))).unwrap_or(steps).clamp(1, steps)
}

/// What is seen of it in a line that has so many lines below it.
fn bar(reached: usize, below: usize, bars: &[char]) -> char {
    match reached.saturating_sub(below * bars.len()) {
        0 => ' ',
        part => bars.get(part.min(bars.len()) - 1).copied().unwrap_or(' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(numbers: &[u64]) -> impl Iterator<Item = Option<u64>> {
        numbers.iter().copied().map(Some)
    }

    #[test]
    fn the_newest_stand_right_and_the_largest_reaches_the_top() {
        assert_eq!(line(some(&[0, 1, 2, 4, 8]), 8, false), "   ▁▁▂▄█");
        assert_eq!(line(some(&[100, 0, 7, 7]), 2, false), "██");
        assert_eq!(line(some(&[u64::MAX, 0]), 2, false), "█▁");
        assert_eq!(line(some(&[]), 3, false), "   ");
        assert_eq!(line(some(&[1]), 0, false), "");
    }

    #[test]
    fn what_was_not_told_is_a_gap_and_nothing_is_a_bar() {
        assert_eq!(line([Some(8), None, Some(0)], 3, false), "█ ▁");
        assert_eq!(line([Some(7), None, Some(0), Some(3)], 4, true), "# .-");
        assert_eq!(line(some(&[0, 0]), 2, false), "▁▁");
    }

    #[test]
    fn bars_grow_through_lines() {
        let drawn = lines([Some(16), Some(8), Some(9), None, Some(0)], 5, 2, false);
        assert_eq!(drawn, ["█ ▁  ", "███ ▁"]);
        assert!(lines(some(&[1]), 5, 0, false).is_empty());
    }
}
