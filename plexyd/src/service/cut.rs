//! Which part of many rows is shown, in their order. Only those are sorted.

use std::cmp::Ordering;

/// A part of the rows that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// So many of the first ones are left out.
    pub(crate) skip: usize,
    /// So many are shown at most.
    pub(crate) limit: usize,
}

/// What is shown, and how many stand before it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut<T> {
    pub(crate) matched: u64,
    pub(crate) skipped: u64,
    pub(crate) rows: Vec<T>,
}

impl Part {
    /// The part of `all` in their order, in which no two are equal; where one of them `is_wanted`, the
    /// part around that one.
    pub(crate) fn of<T>(
        self,
        mut all: Vec<T>,
        compare: impl Fn(&T, &T) -> Ordering,
        is_wanted: impl Fn(&T) -> bool,
    ) -> Cut<T> {
        let matched = all.len();
        let skip = match all.iter().find(|it| is_wanted(it)) {
            Some(wanted) => {
                let before = all.iter().filter(|it| compare(it, wanted).is_lt()).count();
                let last_page = matched.saturating_sub(self.limit);
                before.saturating_sub(self.limit / 2).min(last_page)
            }
            None => self.skip.min(matched),
        };
        let end = skip.saturating_add(self.limit);
        if all.len() > end {
            all.select_nth_unstable_by(end, &compare);
            all.truncate(end);
        }
        if skip > 0 && skip < all.len() {
            all.select_nth_unstable_by(skip, &compare);
        }
        all.drain(..skip);
        all.sort_unstable_by(&compare);
        Cut { matched: matched as u64, skipped: skip as u64, rows: all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers up to 99 in no order, cut in theirs.
    fn cut(skip: usize, limit: usize, wanted: Option<u32>) -> (u64, Vec<u32>) {
        let all = (0..100).map(|n| n * 37 % 100).collect();
        let cut = Part { skip, limit }.of(all, u32::cmp, |it| Some(*it) == wanted);
        assert_eq!(cut.matched, 100);
        (cut.skipped, cut.rows)
    }

    #[test]
    fn a_part_is_one_of_the_whole_order() {
        for (skip, limit) in [(0, 1), (0, 100), (0, 200), (1, 5), (50, 50), (95, 10), (99, 1)] {
            let expected: Vec<_> = (0..100).skip(skip).take(limit).collect();
            assert_eq!(cut(skip, limit, None), (skip as u64, expected), "{skip} {limit}");
        }
        for skip in [100, 101, usize::MAX] {
            assert_eq!(cut(skip, 5, None), (100, Vec::new()));
        }
    }

    #[test]
    fn who_is_wanted_stands_in_the_middle_where_that_can_be() {
        for (wanted, first) in [(0, 0), (4, 0), (5, 0), (6, 1), (50, 45), (95, 90), (99, 90)] {
            let expected: Vec<_> = (first..first + 10).collect();
            assert_eq!(cut(77, 10, Some(wanted)), (first.into(), expected), "{wanted}");
        }
        assert_eq!(cut(3, 2, Some(100)), (3, vec![3, 4]), "it is not there");
        assert_eq!(cut(3, 1, Some(40)), (40, vec![40]));
        assert_eq!(cut(3, 500, Some(40)).0, 0);
    }
}
