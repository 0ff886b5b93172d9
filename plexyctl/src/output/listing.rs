//! A list of things: columns that have keys, and a row for each thing. It is what tables, CSV and bare
//! names are written of, and what is sorted. This module knows nothing of how wide a terminal is.

use std::cmp::Ordering;

use super::colour::Tint;
use super::safe::safe;
use super::units::{age, millis, per_second, short, wait};
use super::view::View;
use crate::args::Order;

/// What stands where there is nothing to say.
pub(super) const NOTHING: &str = "-";

/// What a column of things of one kind is.
pub(super) struct Column<T> {
    head: Head,
    cell: fn(&T) -> Cell,
}

/// A column without its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// How `--columns`, `--sort-by` and CSV call it: in lower case, and the same for ever.
    pub(super) key: &'static str,
    /// What stands over it in a table.
    pub(super) title: &'static str,
    /// Where its cells stand.
    pub(super) side: Side,
    /// Where a terminal is narrow: of columns the least goes first, of equal ones the last.
    pub(super) rank: u8,
    /// Where nobody has named columns: who sees it.
    pub(super) shown: Shown,
}

/// Where the cells of a column stand, and what of one is left where there is no room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words: left, and their begin is left.
    Left,
    /// Addresses: left, and their end is left, since the port tells them apart.
    Address,
    /// Numbers: right.
    Right,
}

/// Who sees a column that nobody has named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Everybody.
    Always,
    /// `wide`, and CSV.
    Wide,
    /// CSV alone: tables tell it elsewhere.
    Data,
}

/// One thing of one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// For people.
    pub(super) shown: String,
    /// For programs.
    pub(super) raw: Raw,
    /// Whether it is good or bad.
    pub(super) tint: Option<Tint>,
}

/// A value as programs want it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    /// There is none.
    Nothing,
    /// Words, a time in RFC 3339, or yes and no.
    Text(String),
    /// How many: things or bytes.
    Count(u64),
    /// Seconds, or anything else that has decimals.
    Number(f64),
}

/// Rows and columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listing {
    pub(super) heads: Vec<Head>,
    pub(super) rows: Vec<Row>,
}

/// One thing of a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// What a command can call it by.
    pub(super) name: String,
    /// One for each column.
    pub(super) cells: Vec<Cell>,
}

impl<T> Column<T> {
    /// One of words.
    pub(super) const fn text(key: &'static str, title: &'static str, cell: fn(&T) -> Cell) -> Self {
        Self { head: Head { key, title, side: Side::Left, rank: 1, shown: Shown::Always }, cell }
    }

    /// One of addresses.
    pub(super) const fn address(
        key: &'static str,
        title: &'static str,
        cell: fn(&T) -> Cell,
    ) -> Self {
        let text = Self::text(key, title, cell);
        Self { head: Head { side: Side::Address, ..text.head }, ..text }
    }

    /// One of numbers.
    pub(super) const fn number(
        key: &'static str,
        title: &'static str,
        cell: fn(&T) -> Cell,
    ) -> Self {
        let text = Self::text(key, title, cell);
        Self { head: Head { side: Side::Right, ..text.head }, ..text }
    }

    /// Of what weight it is where a terminal is narrow; 1 where nothing is said.
    pub(super) const fn rank(self, rank: u8) -> Self {
        Self { head: Head { rank, ..self.head }, ..self }
    }

    /// For `wide` only.
    pub(super) const fn wide(self) -> Self {
        Self { head: Head { shown: Shown::Wide, ..self.head }, ..self }
    }

    /// For CSV, and for those who name it.
    pub(super) const fn data(self) -> Self {
        Self { head: Head { shown: Shown::Data, ..self.head }, ..self }
    }
}

/// What columns are called.
pub(super) fn keys<T>(columns: &[Column<T>]) -> Vec<&'static str> {
    columns.iter().map(|column| column.head.key).collect()
}

impl Cell {
    fn new(shown: String, raw: Raw) -> Self {
        Self { shown, raw, tint: None }
    }

    /// Somebody's words.
    pub(super) fn text(text: &str) -> Self {
        Self::new(safe(text), Raw::Text(safe(text)))
    }

    /// The same where there may be none.
    pub(super) fn maybe(text: Option<&str>) -> Self {
        text.filter(|text| !text.is_empty()).map_or_else(Self::nothing, Self::text)
    }

    /// Nothing to say.
    pub(super) fn nothing() -> Self {
        Self::new(NOTHING.to_owned(), Raw::Nothing)
    }

    /// How many things or bytes: three digits for people.
    pub(super) fn count(count: u64) -> Self {
        Self::new(short(count), Raw::Count(count))
    }

    /// A number of which every digit matters.
    pub(super) fn number(number: u64) -> Self {
        Self::new(number.to_string(), Raw::Count(number))
    }

    /// How long something lasts.
    pub(super) fn seconds(seconds: u64) -> Self {
        Self::new(age(seconds), Raw::Count(seconds))
    }

    /// The same in milliseconds: whole seconds for people.
    pub(super) fn millis(ms: u64) -> Self {
        Self::new(age(ms / 1_000), seconds_of(ms))
    }

    /// How long it is until something happens, in milliseconds.
    pub(super) fn until(ms: u64) -> Self {
        Self::new(wait(ms), seconds_of(ms))
    }

    /// How often something happens in a second, told how often in a thousand of them.
    #[expect(clippy::cast_precision_loss, reason = "no daemon does a thing that often")]
    pub(super) fn per_second(per_1000s: u64) -> Self {
        Self::new(per_second(per_1000s), Raw::Number(per_1000s as f64 / 1_000.0))
    }

    /// A short time, told in microseconds: seconds for programs.
    #[expect(clippy::cast_precision_loss, reason = "no short time is a hundred years")]
    pub(super) fn micros(micros: u64) -> Self {
        Self::new(millis(micros), Raw::Number(micros as f64 / 1_000_000.0))
    }

    /// Something that is or is not.
    pub(super) fn flag(is: bool, shown: &str) -> Self {
        let raw = Raw::Text(if is { "yes" } else { "no" }.to_owned());
        Self::new(shown.to_owned(), raw)
    }

    /// The same thing, told otherwise to people.
    pub(super) fn shown_as(self, shown: impl Into<String>) -> Self {
        Self { shown: shown.into(), ..self }
    }

    /// The same thing, told otherwise to programs.
    pub(super) fn with_raw(self, raw: Raw) -> Self {
        Self { raw, ..self }
    }

    /// In the colour of what is good or bad.
    pub(super) fn tinted(self, tint: Option<Tint>) -> Self {
        Self { tint, ..self }
    }
}

/// Seconds, to the millisecond.
#[expect(clippy::cast_precision_loss, reason = "a span of that many milliseconds outlives the sun")]
fn seconds_of(ms: u64) -> Raw {
    Raw::Number(ms as f64 / 1_000.0)
}

impl Raw {
    /// Numbers before words, and what is not there last.
    fn compare(&self, other: &Self) -> Ordering {
        match (self.number(), other.number()) {
            (Some(one), Some(two)) => one.total_cmp(&two),
            _ => match (self, other) {
                (Self::Text(one), Self::Text(two)) => one.cmp(two),
                _ => self.class().cmp(&other.class()),
            },
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "only to compare with what has decimals")]
    fn number(&self) -> Option<f64> {
        match self {
            Self::Count(count) => Some(*count as f64),
            Self::Number(number) => Some(*number),
            Self::Nothing | Self::Text(_) => None,
        }
    }

    fn class(&self) -> u8 {
        match self {
            Self::Count(_) | Self::Number(_) => 0,
            Self::Text(_) => 1,
            Self::Nothing => 2,
        }
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

impl Listing {
    /// A row for each thing; `name` is what a command can call it by.
    pub(super) fn new<'a, T: 'a>(
        columns: &[Column<T>],
        items: impl IntoIterator<Item = &'a T>,
        name: impl Fn(&T) -> String,
    ) -> Self {
        let row = |item: &T| Row {
            name: safe(&name(item)),
            cells: columns.iter().map(|column| (column.cell)(item)).collect(),
        };
        let heads = columns.iter().map(|column| column.head).collect();
        Self { heads, rows: items.into_iter().map(row).collect() }
    }

    /// With the columns of another one beside its own: the rows are of the same things.
    pub(super) fn beside(mut self, other: Self) -> Self {
        self.heads.extend(other.heads);
        for (row, more) in self.rows.iter_mut().zip(other.rows) {
            row.cells.extend(more.cells);
        }
        self
    }

    /// With a column before its own that is the same in every row.
    pub(super) fn led_by<T>(mut self, column: &Column<T>, item: &T) -> Self {
        let cell = (column.cell)(item);
        self.heads.insert(0, column.head);
        self.rows.iter_mut().for_each(|row| row.cells.insert(0, cell.clone()));
        self
    }

    /// In the order, and with the columns, that somebody asks for.
    pub(super) fn viewed(self, view: &View) -> Self {
        self.sorted(view).chosen(view)
    }

    /// In the order that somebody asks for.
    pub(super) fn sorted(mut self, view: &View) -> Self {
        if let Some(order) = &view.order {
            self.sort(order);
        }
        self
    }

    fn chosen(self, view: &View) -> Self {
        let kept: Vec<_> = match &view.columns {
            Some(keys) => keys.iter().filter_map(|key| self.find(key)).collect(),
            None => (0..self.heads.len()).filter(|at| self.is_shown(*at, view)).collect(),
        };
        self.with(&kept)
    }

    /// Without these columns, for those who have not named any.
    pub(super) fn without(self, keys: &[&str]) -> Self {
        let kept: Vec<_> = (0..self.heads.len())
            .filter(|at| self.heads.get(*at).is_some_and(|head| !keys.contains(&head.key)))
            .collect();
        self.with(&kept)
    }

    /// With these columns alone.
    pub(super) fn only(&self, keys: &[&str]) -> Self {
        let kept: Vec<_> = keys.iter().filter_map(|key| self.find(key)).collect();
        self.with(&kept)
    }

    /// With those columns, in that order.
    fn with(&self, kept: &[usize]) -> Self {
        let heads = kept.iter().filter_map(|at| self.heads.get(*at).copied()).collect();
        let rows = self.rows.iter().map(|row| Row {
            name: row.name.clone(),
            cells: kept.iter().filter_map(|at| row.cells.get(*at).cloned()).collect(),
        });
        Self { heads, rows: rows.collect() }
    }

    fn is_shown(&self, at: usize, view: &View) -> bool {
        self.heads.get(at).is_some_and(|head| view.shows(head.shown))
    }

    fn find(&self, key: &str) -> Option<usize> {
        self.heads.iter().position(|head| head.key == key)
    }

    /// What is not there stands last in both directions.
    fn sort(&mut self, order: &Order) {
        let Some(at) = self.find(&order.key) else { return };
        let nothing = Raw::Nothing;
        self.rows.sort_by(|one, two| {
            let raw = |row: &'_ Row| row.cells.get(at).map_or(&nothing, |cell| &cell.raw).clone();
            let (one, two) = (raw(one), raw(two));
            match one.compare(&two) {
                ordering if one.is_nothing() || two.is_nothing() => ordering,
                ordering if order.is_descending => ordering.reverse(),
                ordering => ordering,
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;

    struct Thing(&'static str, Option<u64>);

    type Field = Column<Thing>;

    const COLUMNS: &[Field] = &[
        Field::text("name", "NAME", |it| Cell::text(it.0)),
        Field::number("bytes", "BYTES", |it| it.1.map_or_else(Cell::nothing, Cell::count)),
        Field::text("note", "NOTE", |_| Cell::text("x")).wide(),
        Field::text("hidden", "HIDDEN", |_| Cell::text("y")).data(),
    ];

    fn view(format: Format, columns: Option<&[&str]>, order: &str) -> View {
        View {
            format,
            columns: columns.map(|keys| keys.iter().map(|&key| key.to_owned()).collect()),
            order: (!order.is_empty()).then(|| order.parse().unwrap()),
        }
    }

    fn listing() -> Listing {
        let things = [Thing("b", Some(9_000)), Thing("a", None), Thing("c", Some(10_000))];
        Listing::new(COLUMNS, &things, |it| it.0.to_owned())
    }

    #[track_caller]
    fn sorted(order: &str, expected: [&str; 3]) {
        let listing = listing().viewed(&view(Format::Name, None, order));
        let names: Vec<_> = listing.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, expected, "{order}");
    }

    #[test]
    fn it_is_sorted_by_what_is_meant_and_not_by_what_is_shown() {
        sorted("", ["b", "a", "c"]);
        sorted("name", ["a", "b", "c"]);
        sorted("-name", ["c", "b", "a"]);
        // 9.00k and 10.0k; what is not there is last both ways.
        sorted("bytes", ["b", "c", "a"]);
        sorted("-bytes", ["c", "b", "a"]);
    }

    #[test]
    fn whoever_looks_wider_sees_more() {
        let keys = |view: &View| {
            let heads = listing().viewed(view).heads;
            heads.iter().map(|head| head.key).collect::<Vec<_>>()
        };
        assert_eq!(keys(&view(Format::Table, None, "")), ["name", "bytes"]);
        assert_eq!(keys(&view(Format::Wide, None, "")), ["name", "bytes", "note"]);
        assert_eq!(keys(&view(Format::Csv, None, "")), ["name", "bytes", "note", "hidden"]);
        let named = view(Format::Table, Some(&["hidden", "name"]), "");
        assert_eq!(keys(&named), ["hidden", "name"]);
    }
}
