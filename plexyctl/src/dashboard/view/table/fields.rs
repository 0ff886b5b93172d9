//! The columns of a table: what each says of a row, and which of them have room.

use super::super::super::state::{Looks, Row, State};
use super::super::super::theme::Role;
use crate::output::Side;

/// The first column of the screen that a table has for cells: a mark and a glyph stand before.
pub(super) const FIRST: u16 = 4;

/// What stays whatever happens.
const STAYS: u8 = u8::MAX;

/// What is wanted by who wants more columns goes after what they can see without.
const WANTED: u8 = 100;

/// What a column is.
pub(crate) struct Field<R: Row> {
    /// What stands over it.
    pub(super) title: &'static str,
    /// Where its cells stand.
    pub(super) side: Side,
    /// How wide it is: at least, with room, and with much room.
    widths: [u16; 3],
    /// By what rows are sorted that are sorted by it.
    pub(super) column: Option<R::Column>,
    /// Where there is no room: what has the least goes first, equal ones together.
    rank: u8,
    /// It is only there where those of this rank are not.
    instead: Option<u8>,
    /// Whether it is only there for who wants more columns.
    is_more: bool,
    /// Whether it says something where somebody is.
    is_here: fn(&State) -> bool,
    /// What it says.
    pub(super) cell: fn(&R, &State) -> Cell,
}

impl<R: Row> Field<R> {
    /// One of words.
    pub(crate) const fn text(
        title: &'static str,
        widths: [u16; 3],
        cell: fn(&R, &State) -> Cell,
    ) -> Self {
        Self {
            title,
            side: Side::Left,
            widths,
            column: None,
            rank: STAYS,
            instead: None,
            is_more: false,
            is_here: |_| true,
            cell,
        }
    }

    /// One of addresses, of which the end is left where there is little room.
    pub(crate) const fn address(
        title: &'static str,
        widths: [u16; 3],
        cell: fn(&R, &State) -> Cell,
    ) -> Self {
        Self { side: Side::Address, ..Self::text(title, widths, cell) }
    }

    /// One of numbers: with much room it needs no more than with some.
    pub(crate) const fn number(
        title: &'static str,
        [least, most]: [u16; 2],
        cell: fn(&R, &State) -> Cell,
    ) -> Self {
        Self { side: Side::Right, ..Self::text(title, [least, most, most], cell) }
    }

    /// Rows can be sorted by it.
    pub(crate) const fn sorted(self, column: R::Column) -> Self {
        Self { column: Some(column), ..self }
    }

    /// It goes where there is no room, those of the least rank first.
    pub(crate) const fn goes(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    /// It stands for those of this rank, where they have gone.
    pub(crate) const fn instead_of(self, rank: u8) -> Self {
        Self { instead: Some(rank), ..self }
    }

    /// It is only there for who wants more columns.
    pub(crate) const fn more(self) -> Self {
        Self { is_more: true, ..self }
    }

    /// It is only there where it says something.
    pub(crate) const fn only(self, is_here: fn(&State) -> bool) -> Self {
        Self { is_here, ..self }
    }

    fn rank(&self) -> u8 {
        if self.is_more { self.rank.saturating_add(WANTED).min(STAYS - 1) } else { self.rank }
    }
}

/// What a column says of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    /// In few characters, which nothing bad can come of.
    pub(super) text: String,
    /// What that means.
    pub(super) role: Role,
}

impl Cell {
    /// Something that was made here.
    pub(crate) fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), role: Role::Text }
    }

    /// Somebody else's text.
    pub(crate) fn text(text: &str, looks: &Looks) -> Self {
        Self::of(looks.safe(text))
    }

    /// Somebody else's text, where there is one.
    pub(crate) fn maybe(text: Option<&str>, looks: &Looks) -> Self {
        match text {
            Some(text) => Self::text(text, looks),
            None => Self::nothing(looks),
        }
    }

    /// There is nothing to say.
    pub(crate) fn nothing(looks: &Looks) -> Self {
        Self::of(looks.nothing()).role(Role::Dim)
    }

    /// What it means.
    pub(crate) fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }
}

/// The columns that have room in so many columns of the screen, and how wide each is.
pub(super) fn chosen<'a, R: Row>(
    fields: &'a [Field<R>],
    state: &State,
    room: u16,
) -> Vec<(&'a Field<R>, u16)> {
    let may_be =
        |field: &&Field<R>| (state.looks.is_wide || !field.is_more) && (field.is_here)(state);
    let all: Vec<_> = fields.iter().filter(may_be).collect();
    let mut gone = Vec::new();
    loop {
        let is_here = |field: &&Field<R>| {
            !gone.contains(&field.rank()) && field.instead.is_none_or(|rank| gone.contains(&rank))
        };
        let here = all.iter().copied().filter(is_here);
        let columns: Vec<_> = here.map(|field| (field, field.widths[0])).collect();
        let goes = columns.iter().map(|(field, _)| field.rank()).filter(|rank| *rank != STAYS);
        match goes.min() {
            Some(rank) if total(&columns) > room => gone.push(rank),
            _ => return fitted(columns, room),
        }
    }
}

/// How many columns of the screen they take, with what stands before them and a blank behind each.
fn total<R: Row>(columns: &[(&Field<R>, u16)]) -> u16 {
    columns.iter().map(|(_, width)| width + 1).fold(FIRST, u16::saturating_add)
}

/// Gives them what room there is, the first ones first; or takes what is too much from addresses, then
/// from all.
fn fitted<R: Row>(mut columns: Vec<(&Field<R>, u16)>, room: u16) -> Vec<(&Field<R>, u16)> {
    for step in [1, 2] {
        let mut left = room.saturating_sub(total(&columns));
        // What is left is shared, so that one does not grow at the cost of the others.
        let growing = columns.iter().filter(|(field, width)| field.most(step) > *width).count();
        let share = left / u16::try_from(growing).unwrap_or(u16::MAX).max(1);
        for (field, width) in &mut columns {
            let wanted = field.most(step).saturating_sub(*width);
            let more = wanted.min(if step == 1 { left } else { share });
            (*width, left) = (*width + more, left - more);
        }
    }
    let may_shrink: [fn(Side) -> bool; 2] = [|side| side == Side::Address, |_| true];
    for may_shrink in may_shrink {
        let mut excess = total(&columns).saturating_sub(room);
        for (_, width) in columns.iter_mut().filter(|(field, _)| may_shrink(field.side)) {
            let less = excess.min(width.saturating_sub(LEAST));
            (*width, excess) = (*width - less, excess - less);
        }
    }
    columns
}

/// What is left of a column where there is no room: a sign that something was cut, and a port.
const LEAST: u16 = 6;

impl<R: Row> Field<R> {
    fn most(&self, step: usize) -> u16 {
        self.widths.get(step).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::fixture;
    use super::super::super::super::state::Units;
    use super::super::super::put::columns;
    use super::super::super::{backends, connections, tunnels};
    use super::*;

    /// No number is cut, whatever it is: its first digits would be another number.
    #[track_caller]
    fn check<R: Row>(fields: &[Field<R>], row: &R, state: &State) {
        for field in fields.iter().filter(|field| field.side == Side::Right) {
            let Cell { text, .. } = (field.cell)(row, state);
            let [least, ..] = field.widths;
            assert!(columns(&text) <= least, "{}: {text}", field.title);
            assert!(columns(field.title) <= least, "{}", field.title);
        }
    }

    #[test]
    fn the_largest_numbers_have_room() {
        let mut state = fixture::begun();
        let (tunnel, backend, connection) = fixture::largest_rows();
        for units in [Units::Bytes, Units::Bits, Units::Iec] {
            state.looks.units = units;
            check(tunnels::grid(&state).fields, &tunnel, &state);
            check(backends::grid(&state).fields, &backend, &state);
            check(connections::grid(&state).fields, &connection, &state);
        }
    }

    /// The titles that have room.
    fn titles<R: Row>(fields: &[Field<R>], state: &State, room: u16) -> Vec<&'static str> {
        let columns = chosen(fields, state, room);
        assert!(total(&columns) <= room || room < 50, "{room}");
        columns.into_iter().map(|(field, _)| field.title).filter(|it| !it.is_empty()).collect()
    }

    #[test]
    fn columns_go_in_their_order_and_the_last_ones_stay() {
        let state = fixture::begun();
        let fields = tunnels::grid(&state).fields;
        let mut seen = titles(fields, &state, 300);
        let mut gone = Vec::new();
        for room in (0..300).rev() {
            let now = titles(fields, &state, room);
            gone.extend(seen.iter().copied().filter(|title| !now.contains(title)));
            seen = now;
        }
        assert_eq!(
            gone,
            [
                "TREND in+out",
                "TLS",
                "STRATEGY",
                "LIMIT",
                "p99 CONN",
                "STATE",
                "ERR/s",
                "NEW/s",
                "IN/s",
                "OUT/s"
            ]
        );
        assert_eq!(seen, ["NAME", "LISTEN", "UP", "CONN", "RATE"]);
    }

    #[test]
    fn addresses_of_a_connection_have_room_on_a_small_screen() {
        let mut state = fixture::begun();
        let wide = |state: &State, title: &str| {
            let columns = chosen(connections::grid(state).fields, state, 80);
            columns.into_iter().find(|(field, _)| field.title == title).map(|(_, width)| width)
        };
        for pane in ["3", "2"] {
            fixture::press(&mut state, pane);
            assert!(wide(&state, "CLIENT") >= Some(columns("192.168.10.10:65535")));
            assert_eq!(wide(&state, "BACKEND"), Some(columns("127.0.0.1:65535")));
            state = fixture::drilled();
        }
    }

    #[test]
    fn what_is_wanted_comes_before_what_is_there_without() {
        let mut state = fixture::begun();
        state.looks.is_wide = true;
        let fields = tunnels::grid(&state).fields;
        for room in [80, 100, 120] {
            let titles = titles(fields, &state, room);
            assert!(titles.contains(&"CERT"), "{room}: {titles:?}");
            assert!(!titles.contains(&"STRATEGY"), "{room}: {titles:?}");
        }
    }
}
