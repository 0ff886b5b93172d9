//! By which bounds durations are counted: finely, so that quantiles can be told, and by the few of
//! them that metrics tell, each of which is one more series per tunnel or backend.

use std::time::Duration;

/// Upper bounds that metrics tell, the last bucket without a bound not counted.
pub(crate) const TOLD_BOUNDS: usize = 7;

/// What is measured, by its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// All of them, in microseconds, rising: a fourth more from one to the next, which are the
    /// preferred numbers R10 of ISO 3.
    pub(crate) micros: &'static [u64],
    /// Those of metrics, each of which is one of all.
    pub(crate) told: [Duration; TOLD_BOUNDS],
}

/// How long connections live: from a health check to a session of hours, and up to ten days.
pub(crate) const LIFETIMES: Bounds = Bounds {
    micros: &[
        1_000,
        1_250,
        1_600,
        2_000,
        2_500,
        3_150,
        4_000,
        5_000,
        6_300,
        8_000,
        10_000,
        12_500,
        16_000,
        20_000,
        25_000,
        31_500,
        40_000,
        50_000,
        63_000,
        80_000,
        100_000,
        125_000,
        160_000,
        200_000,
        250_000,
        315_000,
        400_000,
        500_000,
        630_000,
        800_000,
        1_000_000,
        1_250_000,
        1_600_000,
        2_000_000,
        2_500_000,
        3_150_000,
        4_000_000,
        5_000_000,
        6_300_000,
        8_000_000,
        10_000_000,
        12_500_000,
        16_000_000,
        20_000_000,
        25_000_000,
        31_500_000,
        40_000_000,
        50_000_000,
        60_000_000, // A minute, not 63 s.
        80_000_000,
        100_000_000,
        125_000_000,
        160_000_000,
        200_000_000,
        250_000_000,
        315_000_000,
        400_000_000,
        500_000_000,
        600_000_000, // Ten of them.
        800_000_000,
        1_000_000_000,
        1_250_000_000,
        1_600_000_000,
        2_000_000_000,
        2_500_000_000,
        3_150_000_000,
        3_600_000_000, // An hour, too.
        4_000_000_000,
        5_000_000_000,
        6_300_000_000,
        8_000_000_000,
        10_000_000_000,
        12_500_000_000,
        16_000_000_000,
        20_000_000_000,
        25_000_000_000,
        31_500_000_000,
        40_000_000_000,
        50_000_000_000,
        63_000_000_000,
        80_000_000_000,
        100_000_000_000,
        125_000_000_000,
        160_000_000_000,
        200_000_000_000,
        250_000_000_000,
        315_000_000_000,
        400_000_000_000,
        500_000_000_000,
        630_000_000_000,
        864_000_000_000, // Ten days, not 800 000 s.
    ],
    told: [
        Duration::from_millis(10),
        Duration::from_millis(100),
        Duration::from_secs(1),
        Duration::from_secs(10),
        Duration::from_secs(60),
        Duration::from_secs(600),
        Duration::from_secs(3600),
    ],
};

/// How long it takes to connect: from the same machine to another continent, and up to a minute.
pub(crate) const CONNECT_TIMES: Bounds = Bounds {
    micros: &[
        50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1_000, 1_250, 1_600, 2_000,
        2_500, 3_150, 4_000, 5_000, 6_300, 8_000, 10_000, 12_500, 16_000, 20_000, 25_000, 31_500,
        40_000, 50_000, 63_000, 80_000, 100_000, 125_000, 160_000, 200_000, 250_000, 315_000,
        400_000, 500_000, 630_000, 800_000, 1_000_000, 1_250_000, 1_600_000, 2_000_000, 2_500_000,
        3_150_000, 4_000_000, 5_000_000, 6_300_000, 8_000_000, 10_000_000, 12_500_000, 16_000_000,
        20_000_000, 25_000_000, 31_500_000, 40_000_000, 50_000_000, 60_000_000,
    ],
    told: [
        Duration::from_micros(500),
        Duration::from_millis(1),
        Duration::from_micros(2500),
        Duration::from_millis(10),
        Duration::from_millis(50),
        Duration::from_millis(250),
        Duration::from_secs(1),
    ],
};

/// How long clients are parked: from one of many short connections to the longest time-out. Nobody
/// asks for quantiles of it.
pub(crate) const PARKED_TIMES: Bounds = Bounds {
    micros: &[1_000, 10_000, 100_000, 1_000_000, 5_000_000, 30_000_000, 300_000_000],
    told: [
        Duration::from_millis(1),
        Duration::from_millis(10),
        Duration::from_millis(100),
        Duration::from_secs(1),
        Duration::from_secs(5),
        Duration::from_secs(30),
        Duration::from_secs(300),
    ],
};

impl Bounds {
    /// The first bucket that holds so many microseconds; the one behind all bounds has none.
    pub(super) fn bucket(&self, micros: u64) -> usize {
        self.micros.partition_point(|bound| *bound < micros)
    }

    /// The same among those that metrics tell, for one of the buckets of all.
    pub(super) fn told(&self, bucket: usize) -> usize {
        let up_to = self.micros.get(bucket);
        let is_below = |told: &&Duration| up_to.is_none_or(|it| told.as_micros() < (*it).into());
        self.told.iter().take_while(is_below).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CHUNK_CELLS, CHUNKS};
    use super::*;

    #[test]
    fn bounds_rise_by_a_fourth_or_so_and_hold_all_that_metrics_tell() {
        for bounds in [LIFETIMES, CONNECT_TIMES] {
            let steps = bounds.micros.windows(2);
            let is_fine = |step: &[u64]| step[0] < step[1] && step[1] * 100 <= step[0] * 138;
            assert!(steps.clone().all(is_fine), "{:?}", steps.filter(|it| !is_fine(it)));
        }
        for bounds in [LIFETIMES, CONNECT_TIMES, PARKED_TIMES] {
            assert!(bounds.micros.len() < CHUNKS * CHUNK_CELLS);
            for told in bounds.told {
                let told = u64::try_from(told.as_micros()).unwrap();
                assert!(bounds.micros.contains(&told), "{told}");
            }
        }
    }

    #[test]
    fn a_bucket_holds_its_bound_and_what_metrics_tell_holds_the_bucket() {
        let buckets =
            [0, 50, 51, 500, 501, 60_000_000, 60_000_001].map(|it| CONNECT_TIMES.bucket(it));
        assert_eq!(buckets, [0, 0, 1, 10, 11, 61, 62]);
        let told = [0, 10, 11, 13, 14, 17, 43, 44, 62].map(|it| CONNECT_TIMES.told(it));
        assert_eq!(told, [0, 0, 1, 1, 2, 2, 6, 7, 7]);
    }
}
