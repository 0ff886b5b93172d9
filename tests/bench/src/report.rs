//! What a run has shown: a table of medians and ratios, the targets, and what to be careful with.

use std::collections::BTreeSet;
use std::fmt;

use comfy_table::{CellAlignment, Table, TableStyle};

use crate::comparison::{Comparison, Middle, Place};
use crate::contestant::{Contestant, Kind};
use crate::cpus::Pin;
use crate::figure::{Better, Figure};
use crate::record::Record;
use crate::row::Row;
use crate::target::{Outcome, Verdict};

/// What stands where nothing was measured.
const NOTHING: &str = "-";

/// A generator that is this busy, beside a proxy that is less so, may have been the bottleneck: its
/// two processes wait for each other, too.
const SATURATED_PERCENT: f64 = 85.0;

/// Columns of text; those of numbers follow, then the target and the verdict.
const TEXT_COLUMNS: usize = 3;

/// The report; its `Display` is what is printed.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    contestants: &'a [Contestant],
    rows: &'a [Row],
    records: &'a [Record],
    comparison: Comparison<'a>,
    /// The layout for which targets hold.
    target_pin: Option<Pin>,
}

/// A figure of one proxy beside the others.
struct Standing<'a> {
    report: &'a Report<'a>,
    place: Place<'a>,
    label: &'a str,
}

/// A target and how it is met.
struct Judged {
    text: String,
    verdicts: Vec<(String, Verdict)>,
}

impl<'a> Report<'a> {
    /// About these records.
    pub(crate) fn new(
        contestants: &'a [Contestant],
        rows: &'a [Row],
        records: &'a [Record],
        target_pin: Option<Pin>,
    ) -> Self {
        Self { contestants, rows, records, comparison: Comparison(records), target_pin }
    }

    fn plexyds(&self) -> impl Iterator<Item = &'a Contestant> {
        self.contestants.iter().filter(|it| it.is_plexyd())
    }

    /// Who is compared with whom: a later plexyd with the first one, each of them with the others.
    fn pairs(&self) -> Vec<(&'a str, &'a str)> {
        let label = |it: &'a Contestant| it.label.as_str();
        let first = self.plexyds().next().map(label);
        let mut pairs: Vec<_> = first
            .map(|first| (self.plexyds().skip(1), first))
            .into_iter()
            .flat_map(|(later, first)| later.map(move |it| (label(it), first)))
            .collect();
        for other in self.contestants.iter().filter(|it| !it.is_plexyd()) {
            pairs.extend(self.plexyds().map(|it| (label(it), label(other))));
        }
        pairs
    }

    /// Every figure that was measured, in the order of rows.
    fn places(&self) -> Vec<Place<'a>> {
        let mut places = Vec::new();
        for row in self.rows {
            for pin in [Pin::Pinned, Pin::Unpinned] {
                let records = self.records.iter();
                let records = records.filter(|it| it.row == row.name && it.pin == pin);
                let figures: BTreeSet<_> =
                    records.flat_map(|it| it.figures.keys().copied()).collect();
                let place = |figure| Place { row: &row.name, pin, figure };
                places.extend(figures.into_iter().map(place));
            }
        }
        places
    }

    fn judge(&self, place: Place<'a>) -> Option<Judged> {
        if Some(place.pin) != self.target_pin {
            return None;
        }
        let row = self.rows.iter().find(|row| row.name == place.row)?;
        let target = row.targets.iter().find(|target| target.figure == place.figure)?;
        let verdict = |it: &'a Contestant| {
            let standing = Standing { report: self, place, label: &it.label };
            Some((it.label.clone(), target.verdict(&standing)?))
        };
        let verdicts = self.plexyds().filter_map(verdict).collect();
        Some(Judged { text: target.to_string(), verdicts })
    }

    fn table(&self) -> Table {
        let pairs = self.pairs();
        let mut table = Table::new();
        table.load_style(TableStyle::new());
        let mut header: Vec<String> = ["ROW", "CPU", "FIGURE"].map(str::to_owned).into();
        header.extend(self.contestants.iter().map(|it| it.label.clone()));
        header.extend(pairs.iter().map(|(of, to)| format!("{of}/{to}")));
        header.extend(["MUST (AIM)", "IS"].map(str::to_owned));
        let numbers = TEXT_COLUMNS..header.len() - 2;
        table.set_header(header);
        let mut last = None;
        for place in self.places() {
            // A row's name stands at its first figure.
            let is_new = last.replace((place.row, place.pin)) != Some((place.row, place.pin));
            if !is_explanation(place.figure) {
                table.add_row(self.line(place, &pairs, is_new));
            } else if is_new {
                last = None;
            }
        }
        for (at, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if numbers.contains(&at) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }

    fn line(&self, place: Place<'a>, pairs: &[(&str, &str)], is_new: bool) -> Vec<String> {
        let (row, pin) =
            if is_new { (place.row.to_owned(), place.pin.to_string()) } else { Default::default() };
        let mut line = vec![row, pin, place.figure.title().to_owned()];
        line.extend(self.contestants.iter().map(|it| {
            let middle = self.comparison.figure(place, &it.label);
            middle.map_or_else(|| NOTHING.to_owned(), |it| number(it.median))
        }));
        line.extend(pairs.iter().map(|(of, to)| {
            let ratio = self.comparison.ratio(place, of, to);
            ratio
                .filter(|_| place.figure.better() != Better::Neither)
                .map_or_else(|| NOTHING.to_owned(), ratio_text)
        }));
        match self.judge(place) {
            Some(Judged { text, verdicts }) => {
                let verdicts = verdicts.iter().map(|(_, verdict)| verdict.to_string());
                line.extend([text, verdicts.collect::<Vec<_>>().join(" / ")]);
            }
            None => line.extend([String::new(), String::new()]),
        }
        line
    }

    /// How many targets are met, and which are not.
    fn summary(&self) -> Option<String> {
        let (mut met, mut missed) = (0, Vec::new());
        let has_several = self.plexyds().nth(1).is_some();
        for place in self.places() {
            for (label, verdict) in self.judge(place).map(|it| it.verdicts).unwrap_or_default() {
                if verdict != Verdict::Missed {
                    met += 1;
                } else {
                    let of = if has_several { format!(" of {label}") } else { String::new() };
                    missed.push(format!("{} {}{of}", place.row, place.figure.title()));
                }
            }
        }
        let all = met + missed.len();
        (all > 0).then(|| match missed.as_slice() {
            [] => format!("targets: all {all} met"),
            missed => format!("targets: {met} of {all} met; missed: {}", missed.join(", ")),
        })
    }

    /// Where the load generator may have been the bottleneck.
    fn saturated(&self) -> Vec<String> {
        let mut saturated = Vec::new();
        for place in self.places() {
            if place.figure != Figure::GeneratorBusyPercent {
                continue;
            }
            for contestant in self.contestants {
                let median = |figure| {
                    let middle =
                        self.comparison.figure(Place { figure, ..place }, &contestant.label);
                    middle.map(|it| it.median)
                };
                let generator = median(Figure::GeneratorBusyPercent).unwrap_or_default();
                let proxy = median(Figure::ProxyBusyPercent).unwrap_or_default();
                if generator >= SATURATED_PERCENT && proxy < SATURATED_PERCENT {
                    let (row, pin, label) = (place.row, place.pin, &contestant.label);
                    saturated.push(format!(
                        "{row} {pin} with {label} ({generator:.0} %, the proxy {proxy:.0} %)"
                    ));
                }
            }
        }
        saturated
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.table().trim_fmt())?;
        if let Some(summary) = self.summary() {
            writeln!(f, "\n{summary}")?;
        }
        let saturated = self.saturated();
        if !saturated.is_empty() {
            writeln!(
                f,
                "\nthe load generator had no time to spare, so rates and latencies say little:"
            )?;
            for place in saturated {
                writeln!(f, "  {place}")?;
            }
        }
        Ok(())
    }
}

impl Outcome for Standing<'_> {
    fn value(&self) -> Option<f64> {
        self.report.comparison.figure(self.place, self.label).map(|it| it.median)
    }

    fn ratio_to(&self, kind: Kind) -> Option<f64> {
        let other = self.report.contestants.iter().find(|it| it.kind == kind)?;
        let ratio = self.report.comparison.ratio(self.place, self.label, &other.label);
        ratio.map(|it| it.median)
    }
}

/// Whether it is told only where it explains something.
fn is_explanation(figure: Figure) -> bool {
    matches!(figure, Figure::ProxyBusyPercent | Figure::GeneratorBusyPercent)
}

fn number(value: f64) -> String {
    match value.abs() {
        1_000.0.. => format!("{value:.0}"),
        100.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn ratio_text(ratio: Middle) -> String {
    format!("{:.2} ±{:.0}%", ratio.median, ratio.spread * 100.0)
}
