//! Medians of figures, and ratios between proxies.
//!
//! A ratio is the median of the ratios of each round, not the ratio of two medians: what the machine
//! did to a round it did to both, and it cancels out.

use crate::cpus::Pin;
use crate::figure::Figure;
use crate::record::Record;

/// The records of a run, to look things up in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison<'a>(pub(crate) &'a [Record]);

/// What one figure of one row is looked up by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) row: &'a str,
    pub(crate) pin: Pin,
    pub(crate) figure: Figure,
}

/// A median, and how far the middle half of the values lies from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Middle {
    pub(crate) median: f64,
    /// Half the distance between the quartiles, as a share of the median.
    pub(crate) spread: f64,
}

impl Comparison<'_> {
    /// What a proxy came to.
    pub(crate) fn figure(&self, place: Place<'_>, proxy: &str) -> Option<Middle> {
        Middle::of(self.values(place, proxy).map(|(_, value)| value).collect())
    }

    /// The ratio of what a proxy came to to what another one came to.
    pub(crate) fn ratio(&self, place: Place<'_>, proxy: &str, other: &str) -> Option<Middle> {
        let ratios = self.values(place, proxy).filter_map(|(round, value)| {
            let (_, beside) = self.values(place, other).find(|(it, _)| *it == round)?;
            (beside > 0.0).then_some(value / beside)
        });
        Middle::of(ratios.collect())
    }

    fn values(&self, place: Place<'_>, proxy: &str) -> impl Iterator<Item = (u32, f64)> {
        let records = self
            .0
            .iter()
            .filter(move |it| it.row == place.row && it.pin == place.pin && it.proxy == proxy);
        records.filter_map(move |it| Some((it.round, *it.figures.get(&place.figure)?)))
    }
}

impl Middle {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let median = quantile(&values, 0.5)?;
        let between = quantile(&values, 0.75)? - quantile(&values, 0.25)?;
        Some(Self { median, spread: if median == 0.0 { 0.0 } else { between / 2.0 / median } })
    }
}

/// A quantile of sorted values, between two of them where it falls there.
fn quantile(sorted: &[f64], quantile: f64) -> Option<f64> {
    let place = quantile * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (place.floor(), place.ceil());
    let at = |place: f64| sorted.iter().zip(0..).find(|(_, at)| f64::from(*at) == place);
    let (below_value, above_value) = (*at(below)?.0, *at(above)?.0);
    Some(below_value + (above_value - below_value) * (place - below))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(round: u32, proxy: &str, value: f64) -> Record {
        let figures = [(Figure::P99Us, value)].into();
        let (row, proxy) = ("row".to_owned(), proxy.to_owned());
        Record { round, row, pin: Pin::Pinned, proxy, figures, failure: None }
    }

    #[test]
    fn a_slow_round_does_not_change_a_ratio() {
        let rounds = [(1, 10.0, 20.0), (2, 100.0, 200.0), (3, 10.0, 20.0), (4, 70.0, 140.0)];
        let records = rounds.into_iter();
        let records = records.flat_map(|(n, a, b)| [record(n, "a", a), record(n, "b", b)]);
        let records: Vec<_> = records.chain([record(5, "a", 1.0)]).collect();
        let comparison = Comparison(&records);
        let place = Place { row: "row", pin: Pin::Pinned, figure: Figure::P99Us };
        assert_eq!(comparison.ratio(place, "a", "b"), Some(Middle { median: 0.5, spread: 0.0 }));
        assert_eq!(comparison.figure(place, "a").unwrap().median, 10.0);
        assert_eq!(comparison.figure(place, "b").unwrap().median, 80.0);
        assert_eq!(comparison.figure(place, "c"), None);
        assert_eq!(comparison.ratio(Place { row: "other", ..place }, "a", "b"), None);
    }

    #[test]
    fn the_middle_of_few_values() {
        assert_eq!(Middle::of(Vec::new()), None);
        assert_eq!(Middle::of(vec![3.0]), Some(Middle { median: 3.0, spread: 0.0 }));
        let middle = Middle::of(vec![4.0, 1.0, 2.0, 3.0, 5.0]).unwrap();
        assert_eq!((middle.median, middle.spread), (3.0, 1.0 / 3.0));
    }
}
