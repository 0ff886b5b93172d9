//! A table of rows in columns. Where there is no room for all columns the least goes first, and only
//! what is seen is made.
//!
//! ```text
//!     NAME          LISTEN                  UP  CONN  NEW/s    IN/s   OUT/s ERR/s
//! ▸ ✖ db-ro         127.0.0.1:5432         0/2     0    0.0       0       0  12.0
//! ```

mod fields;

use plexy_shared::overview::Order;
use plexy_shared::word::Words;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::message::Target;
use super::super::state::{Listed, Row, State, Table};
use super::super::theme::{GONE, Role, SELECTED};
use super::glyph::Glyph;
use super::put::{put, row_of};
use crate::output::{Side, cut};
pub(crate) use fields::{Cell, Field};
use fields::{FIRST, chosen};

/// What a table looks like, whatever stands in it.
pub(crate) struct Grid<R: Row + 'static> {
    /// Its columns.
    pub(crate) fields: &'static [Field<R>],
    /// The sign in front of a row.
    pub(crate) glyph: fn(&R) -> Option<Glyph>,
    /// By which column its rows are sorted, where that is to be seen.
    pub(crate) order: Option<Order<R::Column>>,
    /// What stands below the row that is selected.
    pub(crate) note: Option<(String, Role)>,
}

/// A row that is seen.
pub(crate) struct Shown<'a, R> {
    /// It.
    pub(crate) row: &'a R,
    /// Whether it is the selected one.
    pub(crate) is_selected: bool,
    /// Whether it is there no more.
    pub(crate) is_gone: bool,
}

impl<'a, R> Shown<'a, R> {
    /// One beside a main table.
    pub(crate) fn only(row: &'a R) -> Self {
        Self { row, is_selected: false, is_gone: false }
    }
}

impl<R: Row> Grid<R> {
    /// Draws a main table: how many of its rows have room.
    pub(crate) fn draw(
        &self,
        table: &Table<R>,
        state: &State,
        area: Rect,
        buffer: &mut Buffer,
        targets: &mut Vec<(Rect, Target)>,
    ) -> usize {
        let below = usize::from(self.note.is_some());
        let height = usize::from(area.height).saturating_sub(1 + below);
        let seen = table.seen(height).map(|(listed, is_selected)| {
            let Listed { row, gone } = listed;
            Shown { row, is_selected, is_gone: gone.is_some() }
        });
        self.draw_rows(seen, state, area, buffer, targets);
        height
    }

    /// Draws these rows below the heads of the columns, as many as have room.
    pub(crate) fn draw_rows<'a>(
        &self,
        rows: impl Iterator<Item = Shown<'a, R>>,
        state: &State,
        area: Rect,
        buffer: &mut Buffer,
        targets: &mut Vec<(Rect, Target)>,
    ) where
        R: 'a,
    {
        let columns = chosen(self.fields, state, area.width);
        self.heads(&columns, state, row_of(area, 0), buffer, targets);
        let mut line = 1;
        for (number, shown) in rows.enumerate() {
            let place = row_of(area, line);
            if place.is_empty() {
                return;
            }
            self.row(&columns, &shown, state, place, buffer);
            targets.push((place, Target::Row(number)));
            line += 1;
            if let Some((note, role)) = self.note.as_ref().filter(|_| shown.is_selected) {
                let place = row_of(area, line);
                put(buffer, place, (FIRST + 2, 0), note, state.looks.style(*role));
                line += 1;
            }
        }
    }

    fn heads(
        &self,
        columns: &[(&Field<R>, u16)],
        state: &State,
        place: Rect,
        buffer: &mut Buffer,
        targets: &mut Vec<(Rect, Target)>,
    ) {
        let mut at = FIRST;
        for (field, width) in columns {
            let by = self.order.map(|order| order.column);
            let is_sorted = by.is_some() && field.column == by;
            let role = if is_sorted { Role::Sorted } else { Role::Head };
            let style = state.looks.style(role);
            in_column(buffer, place, (at, *width), field.side, field.title, style, state);
            let number = field.column.and_then(number_of::<R>);
            let head = Rect { x: place.x + at.min(place.width), width: *width, ..place };
            if let Some(number) = number.filter(|_| self.order.is_some()) {
                targets.push((head.intersection(place), Target::Column(number)));
            }
            at += width + 1;
        }
    }

    fn row(
        &self,
        columns: &[(&Field<R>, u16)],
        shown: &Shown<'_, R>,
        state: &State,
        place: Rect,
        buffer: &mut Buffer,
    ) {
        let looks = &state.looks;
        if shown.is_selected {
            put(buffer, place, (0, 0), looks.inward(), Style::new());
        }
        if let Some(glyph) = (self.glyph)(shown.row) {
            let style = looks.style(glyph.role());
            put(buffer, place, (2, 0), glyph.sign(looks.is_ascii), style);
        }
        let mut at = FIRST;
        for (field, width) in columns {
            let Cell { text, role } = (field.cell)(shown.row, state);
            in_column(buffer, place, (at, *width), field.side, &text, looks.style(role), state);
            at += width + 1;
        }
        if shown.is_selected {
            buffer.set_style(place, Style::new().add_modifier(SELECTED));
        }
        if shown.is_gone {
            buffer.set_style(place, Style::new().add_modifier(GONE));
        }
    }
}

/// Writes a text in a column of so many columns of the screen, from this one on.
fn in_column(
    buffer: &mut Buffer,
    place: Rect,
    (at, width): (u16, u16),
    side: Side,
    text: &str,
    style: Style,
    state: &State,
) {
    let text = cut(text, width.into(), side, state.looks.ellipsis());
    let blank = match side {
        Side::Right => width.saturating_sub(super::put::columns(&text)),
        Side::Left | Side::Address => 0,
    };
    put(buffer, place, (at + blank, 0), &text, style);
}

/// The number of a column among those that rows are sorted by.
fn number_of<R: Row>(column: R::Column) -> Option<usize> {
    R::Column::ALL.iter().position(|it| *it == column)
}
