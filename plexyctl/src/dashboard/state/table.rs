//! A table of rows that come again and again, in an order that may change: what is selected is a row,
//! not a place.

use std::fmt::Debug;
use std::time::Duration;

use plexy_shared::connection::ConnectionInfo;
use plexy_shared::filter::Key;
use plexy_shared::overview::{
    BackendColumn, BackendId, BackendRow, Column, Find, Order, RowsReply, TunnelColumn, TunnelRow,
};

use super::Moment;

/// How long a row is still seen that is there no more.
const GONE: Duration = Duration::from_secs(3);

/// Rows that are asked for at once, so that scrolling seldom has to wait for others.
const WINDOW: usize = 200;

/// What a table is made of.
pub(crate) trait Row: Clone + Debug {
    /// What it is known by.
    type Id: Clone + Eq + Debug;
    /// What it is sorted and found by.
    type Column: Column;

    /// Its own.
    fn id(&self) -> Self::Id;

    /// Where it stands, which is the same in whatever daemon is started there next.
    fn place(&self) -> String;

    /// The order at first.
    fn first_order() -> Order<Self::Column>;
}

impl Row for TunnelRow {
    type Id = u64;
    type Column = TunnelColumn;

    fn id(&self) -> u64 {
        self.id
    }

    fn place(&self) -> String {
        self.status.listen.clone()
    }

    fn first_order() -> Order<TunnelColumn> {
        Order::by(TunnelColumn::Health)
    }
}

impl Row for BackendRow {
    type Id = BackendId;
    type Column = BackendColumn;

    fn id(&self) -> BackendId {
        BackendId { tunnel_id: self.tunnel_id, backend: self.info.addr.clone() }
    }

    fn place(&self) -> String {
        format!("{} {}", self.listen, self.info.addr)
    }

    fn first_order() -> Order<BackendColumn> {
        Order::by(BackendColumn::Health)
    }
}

impl Row for ConnectionInfo {
    type Id = String;
    type Column = Key;

    fn id(&self) -> String {
        self.id.clone()
    }

    // No other process gives it to another one.
    fn place(&self) -> String {
        self.id.clone()
    }

    fn first_order() -> Order<Key> {
        Order::by(Key::Id)
    }
}

/// A row as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Listed<R> {
    /// It, as it was told last.
    pub(crate) row: R,
    /// Since when it is there no more.
    pub(crate) gone: Option<Moment>,
}

/// What a table asks the daemon for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part<I> {
    pub(super) find: Option<String>,
    pub(super) sort: Option<String>,
    pub(super) skip: Option<usize>,
    pub(super) limit: Option<usize>,
    pub(super) around: Option<I>,
}

/// It.
#[derive(Debug)]
pub(crate) struct Table<R: Row> {
    rows: Vec<Listed<R>>,
    /// How many rows there are at all.
    pub(crate) total: u64,
    /// Of them, those that match what is looked for.
    pub(crate) matched: u64,
    /// Of those, so many stand before the first one here.
    pub(crate) skipped: u64,
    /// What is looked for.
    pub(crate) find: Find<R::Column>,
    /// The order.
    pub(crate) order: Order<R::Column>,
    selected: Option<R::Id>,
    /// What was selected of a daemon that is no more.
    before: Option<String>,
    /// Where the selected row stood last, among those here.
    position: usize,
    /// The first row that is seen.
    offset: usize,
    /// How many rows are seen.
    height: usize,
    /// The rows that were drawn last, from the first one that is seen.
    drawn: Vec<R::Id>,
    /// Whether rows stay where they are, whatever their values become.
    pub(crate) is_locked: bool,
    /// The part that is asked for.
    skip: usize,
    around: Option<R::Id>,
    /// The part that is here.
    here: Option<Part<R::Id>>,
}

impl<R: Row> Default for Table<R> {
    /// Empty.
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            total: 0,
            matched: 0,
            skipped: 0,
            find: Find::default(),
            order: R::first_order(),
            selected: None,
            before: None,
            position: 0,
            offset: 0,
            height: 1,
            drawn: Vec::new(),
            is_locked: false,
            skip: 0,
            around: None,
            here: None,
        }
    }
}

impl<R: Row> Table<R> {
    /// All rows that are here, in their order.
    pub(crate) fn rows(&self) -> &[Listed<R>] {
        &self.rows
    }

    /// Those that are seen where so many have room, and whether each is the selected one.
    pub(crate) fn seen(&self, height: usize) -> impl Iterator<Item = (&Listed<R>, bool)> {
        let seen = self.rows.iter().enumerate().skip(self.offset_of(height)).take(height);
        seen.map(|(at, listed)| (listed, at == self.position && self.is_selected(listed)))
    }

    /// The first row that is seen.
    #[cfg(test)]
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The selected row; none while it is looked for elsewhere.
    pub(crate) fn selected(&self) -> Option<&Listed<R>> {
        self.rows.get(self.position).filter(|listed| self.is_selected(listed))
    }

    fn is_selected(&self, listed: &Listed<R>) -> bool {
        self.selected.as_ref().is_some_and(|id| listed.row.id() == *id)
    }

    /// The selected row, if it is still there.
    pub(crate) fn selected_row(&self) -> Option<&R> {
        self.selected().filter(|listed| listed.gone.is_none()).map(|listed| &listed.row)
    }

    /// The row that is known by this, if it is still there.
    #[cfg(test)]
    pub(crate) fn row(&self, id: &R::Id) -> Option<&R> {
        let is_it = |listed: &&Listed<R>| listed.gone.is_none() && listed.row.id() == *id;
        self.rows.iter().find(is_it).map(|listed| &listed.row)
    }

    /// Takes what the daemon has told of the part that is wanted.
    pub(crate) fn told(&mut self, reply: RowsReply<R>, now: Moment) {
        let RowsReply { total, matched, skipped, rows } = reply;
        let part = Some(self.part());
        let is_same_part = part == self.here && skipped == self.skipped;
        self.here = part;
        (self.total, self.matched, self.skipped) = (total, matched, skipped);
        let before = std::mem::take(&mut self.rows);
        self.rows = rows.into_iter().map(|row| Listed { row, gone: None }).collect();
        if self.is_locked {
            self.keep_order(&before);
        }
        // Where others are that match, one that is not here may be there.
        if is_same_part && matched == self.rows.len() as u64 {
            self.keep_gone(before, now);
        }
        if let Some(before) = self.before.take() {
            let found = self.rows.iter().position(|listed| listed.row.place() == before);
            self.position = found.unwrap_or_default();
        }
        self.follow_selected();
    }

    /// Another daemon is there, which gives the same numbers to others: nothing is known of its rows but
    /// that what is selected stands in its place.
    pub(crate) fn restart(&mut self) {
        let selected = self.selected().map(|listed| listed.row.place());
        self.before = selected.or(self.before.take());
        self.rows.clear();
        (self.selected, self.around, self.here, self.skip) = (None, None, None, 0);
    }

    /// Whether nobody has told yet which rows match what is looked for.
    pub(super) fn is_waiting(&self) -> bool {
        self.here.as_ref().is_none_or(|here| here.find != self.part().find)
    }

    /// Puts those that were there before where they were.
    fn keep_order(&mut self, before: &[Listed<R>]) {
        let place = |listed: &Listed<R>| {
            let id = listed.row.id();
            before.iter().position(|it| it.row.id() == id).unwrap_or(usize::MAX)
        };
        self.rows.sort_by_cached_key(place);
    }

    /// Leaves those that have just gone where they were, for a while.
    fn keep_gone(&mut self, before: Vec<Listed<R>>, now: Moment) {
        for (at, mut listed) in before.into_iter().enumerate() {
            let gone = *listed.gone.get_or_insert(now);
            let id = listed.row.id();
            let is_here = self.rows.iter().any(|it| it.row.id() == id);
            if !is_here && now.saturating_sub(gone) < GONE {
                self.rows.insert(at.min(self.rows.len()), listed);
            }
        }
    }

    /// Rows that have been gone long enough are no more: whether there were any.
    pub(crate) fn forget_gone(&mut self, now: Moment) -> bool {
        let before = self.rows.len();
        let stays =
            |listed: &Listed<R>| listed.gone.is_none_or(|gone| now.saturating_sub(gone) < GONE);
        self.rows.retain(stays);
        let has_changed = self.rows.len() != before;
        if has_changed {
            self.follow_selected();
        }
        has_changed
    }

    /// The selection goes where its row is; where that is no more, it stays in its place.
    fn follow_selected(&mut self) {
        let found = self.rows.iter().position(|listed| self.is_selected(listed));
        let is_part = self.matched > self.rows.len() as u64;
        match found {
            Some(position) => self.select(position),
            // It may stand where nobody has looked yet.
            None if is_part && self.selected.is_some() && self.around != self.selected => {
                self.around.clone_from(&self.selected);
                self.keep_in_sight();
            }
            None => self.select(self.position),
        }
    }

    /// Selects the row in this place, or the last one.
    pub(crate) fn select(&mut self, position: usize) {
        self.position = position.min(self.rows.len().saturating_sub(1));
        self.selected = self.rows.get(self.position).map(|listed| listed.row.id());
        self.keep_in_sight();
        self.look_further();
    }

    /// Selects one so many rows away.
    pub(crate) fn select_by(&mut self, rows: isize) {
        self.select(self.position.saturating_add_signed(rows));
    }

    /// Selects the first of all rows that match.
    pub(crate) fn select_first(&mut self) {
        if self.skipped == 0 {
            (self.skip, self.around) = (0, None);
            return self.select(0);
        }
        self.wait_for(0, 0);
    }

    /// Selects the last of all rows that match.
    pub(crate) fn select_last(&mut self) {
        let matched = usize::try_from(self.matched).unwrap_or(usize::MAX);
        if self.skipped + self.rows.len() as u64 >= self.matched {
            return self.select(usize::MAX);
        }
        self.wait_for(matched.saturating_sub(WINDOW), WINDOW - 1);
    }

    /// Asks for another part, of which the row in this place will be selected.
    fn wait_for(&mut self, skip: usize, position: usize) {
        (self.skip, self.around) = (skip, None);
        (self.selected, self.position) = (None, position);
    }

    /// Where the selection is, among all rows that match.
    pub(crate) fn place(&self) -> u64 {
        self.skipped + self.position as u64
    }

    /// Selects the row that was drawn so far below the first one, wherever it stands now: whether it was
    /// selected already. One that is no more is not.
    pub(crate) fn select_drawn(&mut self, number: usize) -> bool {
        let Some(id) = self.drawn.get(number) else { return false };
        let was_selected = self.selected.as_ref() == Some(id);
        let position = self.rows.iter().position(|listed| listed.row.id() == *id);
        position.map(|position| self.select(position)).is_some() && was_selected
    }

    /// How many rows are seen, as was found when it was drawn: whether others are seen by that.
    pub(crate) fn set_height(&mut self, height: usize) -> bool {
        let drawn = self.seen(height).map(|(listed, _)| listed.row.id()).collect();
        self.drawn = drawn;
        let before = self.offset;
        self.height = height.max(1);
        self.keep_in_sight();
        self.offset != before
    }

    /// How many rows are seen.
    pub(crate) fn height(&self) -> usize {
        self.height
    }

    fn keep_in_sight(&mut self) {
        self.offset = self.offset_of(self.height);
    }

    /// The first row that is seen where so many have room, so that the selected one is.
    fn offset_of(&self, height: usize) -> usize {
        let last_offset = self.rows.len().saturating_sub(height);
        let lowest = (self.position + 1).saturating_sub(height);
        self.offset.clamp(lowest, self.position.max(lowest)).min(last_offset)
    }

    /// Asks for another part where the selection comes to the end of this one.
    fn look_further(&mut self) {
        let margin = self.height.clamp(WINDOW / 8, WINDOW / 4);
        let is_at_begin = self.skipped > 0 && self.position < margin;
        let behind = self.rows.len().saturating_sub(self.position);
        let end = self.skipped + self.rows.len() as u64;
        let is_at_end = end < self.matched && behind <= margin;
        if is_at_begin || is_at_end {
            self.around.clone_from(&self.selected);
        }
    }

    /// Shows them in another order.
    pub(crate) fn sort(&mut self, order: Order<R::Column>) {
        self.order = order;
        self.is_locked = false;
    }

    /// Shows those that match.
    pub(crate) fn look_for(&mut self, text: &str) {
        self.find = Find::read(text);
        (self.skip, self.around) = (0, None);
    }

    /// Shows what was asked for in the first place; what is no order leaves the one that is there.
    pub(super) fn begin(&mut self, find: Option<&str>, sort: Option<&str>) {
        self.look_for(find.unwrap_or_default());
        if let Some(order) = sort.and_then(|sort| sort.parse().ok()) {
            self.sort(order);
        }
    }

    /// What is asked of the daemon.
    pub(super) fn part(&self) -> Part<R::Id> {
        Part {
            find: (!self.find.is_all()).then(|| self.find.to_string()),
            sort: Some(self.order.to_string()),
            skip: (self.skip > 0).then_some(self.skip),
            limit: Some(WINDOW),
            around: self.around.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
