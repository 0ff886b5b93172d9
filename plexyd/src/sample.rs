//! Which connections are told of, where that is not each: a part of them, picked by their numbers.

use std::num::NonZeroU32;
use std::str::FromStr;

/// What is multiplied with to spread numbers: the golden ratio of 2⁶⁴.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Where spread numbers end.
const END: u64 = 1 << 32;

/// A part of all connections. Its number decides, so that all that is told of a connection is told or
/// left out together; of two parts the smaller one is in the larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Spread numbers that are less are in it.
    below: u64,
}

impl Sample {
    /// Each of them.
    pub(crate) const ALL: Self = Self { below: END };

    /// None of them.
    pub(crate) const NONE: Self = Self { below: 0 };

    /// One in so many.
    pub(crate) fn one_in(count: NonZeroU32) -> Self {
        Self { below: END.div_ceil(count.get().into()) }
    }

    /// This part of them, from 0 to 1.
    pub(crate) fn ratio(ratio: f64) -> Option<Self> {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "it is between 0 and a power of two"
        )]
        (0.0..=1.0).contains(&ratio).then(|| Self { below: (ratio * END as f64).ceil() as u64 })
    }

    /// How large a part it is, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "it is small")]
    pub(crate) fn part(self) -> f64 {
        self.below as f64 / END as f64
    }

    /// Whether it is no connection at all.
    pub(crate) fn is_empty(self) -> bool {
        self.below == 0
    }

    /// Whether this connection is in it. Numbers are given one after the other: multiplied by the
    /// golden ratio they are spread evenly, and yet not in step with clients who come in turn, as
    /// every n-th would be.
    pub(crate) fn takes(self, connection: u64) -> bool {
        connection.wrapping_mul(GOLDEN) >> 32 < self.below
    }
}

impl FromStr for Sample {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ratio = text.trim().parse().ok().and_then(Self::ratio);
        ratio.ok_or_else(|| "a part of all connections is wanted, from 0 to 1: 0.01".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: u64 = 1_795_000_000 << 32;

    fn one_in(count: u32) -> Sample {
        Sample::one_in(NonZeroU32::new(count).unwrap())
    }

    #[test]
    fn one_in_so_many_is_sampled_and_not_in_step_with_anything() {
        for count in [1, 2, 3, 10, 100, 1_000] {
            let sample = one_in(count);
            let told: Vec<u64> = (FIRST..FIRST + 100_000).filter(|id| sample.takes(*id)).collect();
            let expected = 100_000 / count as usize;
            assert!(told.len().abs_diff(expected) <= 2, "{} of 1/{count}", told.len());
            let even = told.iter().filter(|id| *id % 2 == 0).count();
            assert!(even.abs_diff(expected / 2) <= expected / 20 + 1, "{even} even of 1/{count}");
        }
    }

    #[test]
    fn a_ratio_takes_what_one_in_so_many_takes() {
        for (ratio, count) in [("1", 1), ("0.5", 2), ("0.1", 10), ("1e-2", 100), (" 0.001 ", 1_000)]
        {
            assert_eq!(ratio.parse(), Ok(one_in(count)), "{ratio}");
        }
        let (small, large): (Sample, Sample) = ("0.03".parse().unwrap(), "0.2".parse().unwrap());
        let taken = (FIRST..FIRST + 10_000).filter(|id| small.takes(*id));
        assert!(taken.clone().count() > 200 && taken.clone().all(|id| large.takes(id)));
    }

    #[test]
    fn nothing_and_next_to_nothing_differ() {
        let nothing: Sample = "0".parse().unwrap();
        assert!(nothing.is_empty() && !(FIRST..FIRST + 10_000).any(|id| nothing.takes(id)));
        assert!(!"1e-300".parse::<Sample>().unwrap().is_empty());
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in ["", "-0.1", "1.1", "2", "1%", "NaN", "inf", "0,5"] {
            assert!(text.parse::<Sample>().unwrap_err().contains("from 0 to 1"), "{text}");
        }
    }
}
