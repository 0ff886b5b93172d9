use std::time::Duration;

use plexy_shared::word::Words;

use super::*;

/// A row of a made-up kind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Thing(u32);

impl Row for Thing {
    type Id = u32;
    type Column = TunnelColumn;

    fn id(&self) -> u32 {
        self.0
    }

    fn place(&self) -> String {
        (self.0 % 100).to_string()
    }

    fn first_order() -> Order<TunnelColumn> {
        Order::by(TunnelColumn::Name)
    }
}

fn seconds(seconds: u64) -> Moment {
    Duration::from_secs(seconds)
}

fn reply(ids: impl IntoIterator<Item = u32>, skipped: u64, matched: u64) -> RowsReply<Thing> {
    RowsReply { total: matched, matched, skipped, rows: ids.into_iter().map(Thing).collect() }
}

fn all(ids: impl IntoIterator<Item = u32, IntoIter: ExactSizeIterator>) -> RowsReply<Thing> {
    let ids = ids.into_iter();
    let count = ids.len() as u64;
    reply(ids, 0, count)
}

fn table(ids: impl IntoIterator<Item = u32, IntoIter: ExactSizeIterator>) -> Table<Thing> {
    let mut table = Table::default();
    table.set_height(5);
    table.told(all(ids), seconds(0));
    table
}

fn ids(table: &Table<Thing>) -> Vec<u32> {
    table.rows().iter().map(|listed| listed.row.0).collect()
}

fn selected(table: &Table<Thing>) -> Option<u32> {
    table.selected().map(|listed| listed.row.0)
}

#[test]
fn the_selection_stays_on_its_row_through_a_hundred_orders() {
    let mut table = table(0..10);
    table.select(3);
    for turn in 0..100_u32 {
        // 7 and 10 have no divisor in common: each turn is another order of all of them.
        let order: Vec<u32> = (0..10).map(|at| (at * 7 + turn) % 10).collect();
        table.told(all(order.clone()), seconds(1));
        assert_eq!(selected(&table), Some(3), "{order:?}");
        let seen: Vec<u32> = table.seen(table.height()).map(|(listed, _)| listed.row.0).collect();
        assert!(seen.len() == 5 && seen.contains(&3), "{seen:?}");
        assert_eq!(table.seen(table.height()).filter(|(_, is_selected)| *is_selected).count(), 1);
    }
}

#[test]
fn a_row_that_goes_is_seen_for_a_moment_and_cannot_be_acted_on() {
    let mut table = table(0..4);
    table.select(1);
    table.told(all([0, 2, 3]), seconds(1));
    assert_eq!(ids(&table), [0, 1, 2, 3]);
    assert_eq!(selected(&table), Some(1));
    assert_eq!(table.selected_row(), None);
    assert_eq!(table.row(&1), None);
    // It does not come to be again by being told of once more, and goes in its time.
    table.told(all([0, 2, 3]), seconds(3));
    assert_eq!(ids(&table), [0, 1, 2, 3]);
    assert!(!table.forget_gone(seconds(3)) && table.forget_gone(seconds(4)));
    assert_eq!((ids(&table), selected(&table)), (vec![0, 2, 3], Some(2)));
}

#[test]
fn a_row_that_comes_back_is_there_once() {
    let mut table = table(0..3);
    table.told(all([0, 2]), seconds(1));
    table.told(all(0..3), seconds(2));
    assert_eq!(ids(&table), [0, 1, 2]);
    assert!(table.rows().iter().all(|listed| listed.gone.is_none()));
}

#[test]
fn what_is_found_no_more_has_not_gone() {
    let mut table = table(0..4);
    table.look_for("x");
    table.told(reply([2], 0, 1), seconds(1));
    assert_eq!(ids(&table), [2]);
}

#[test]
fn of_another_daemon_the_row_is_selected_that_stands_in_the_same_place() {
    let mut table = table(0..4);
    table.select(2);
    table.restart();
    assert!(table.rows().is_empty() && table.selected_row().is_none());
    // It may go again before it has told anything.
    table.restart();
    table.told(all([9, 101, 102, 103, 2]), seconds(1));
    assert_eq!(ids(&table), [9, 101, 102, 103, 2]);
    assert_eq!(selected(&table), Some(102));
    table.restart();
    table.told(all([200, 201]), seconds(2));
    assert_eq!(selected(&table), Some(200));
}

#[test]
fn locked_rows_stay_where_they_are_and_new_ones_come_behind() {
    let mut table = table(0..4);
    table.is_locked = true;
    table.told(all([9, 3, 2, 1, 0]), seconds(1));
    assert_eq!(ids(&table), [0, 1, 2, 3, 9]);
    table.sort(Order::by(TunnelColumn::Conns));
    table.told(all([9, 3, 2, 1, 0]), seconds(2));
    assert_eq!(ids(&table), [9, 3, 2, 1, 0]);
}

#[test]
fn keys_move_within_the_rows_and_what_is_selected_is_seen() {
    let mut table = table(0..20);
    table.select_by(-3);
    assert_eq!(selected(&table), Some(0));
    table.select_by(7);
    assert_eq!((selected(&table), table.offset()), (Some(7), 3));
    // Up again, it is the selection that moves, not the rows.
    table.select_by(-2);
    assert_eq!((selected(&table), table.offset()), (Some(5), 3));
    table.select_last();
    assert_eq!((selected(&table), table.offset()), (Some(19), 15));
    assert!(table.set_height(10));
    assert_eq!(table.offset(), 10);
    table.select_first();
    assert_eq!((selected(&table), table.offset()), (Some(0), 0));
}

#[test]
fn a_table_without_rows_has_no_selection() {
    let mut table = table(0..0);
    table.select_by(1);
    table.select_last();
    assert_eq!(selected(&table), None);
    assert_eq!(table.seen(table.height()).count(), 0);
    table.told(all(5..7), seconds(1));
    assert_eq!(selected(&table), Some(5));
}

/// Ten thousand rows, of which a part is told as it is asked for, the selected one in the middle.
fn tell(table: &mut Table<Thing>, order: &[u32]) {
    let part = table.part();
    let limit = part.limit.unwrap();
    let at = part.around.and_then(|id| order.iter().position(|it| *it == id));
    let last = order.len() - limit;
    let skip = at.map_or(part.skip.unwrap_or(0), |at| at.saturating_sub(limit / 2)).min(last);
    let rows = order[skip..].iter().take(limit).copied();
    table.told(reply(rows, skip as u64, order.len() as u64), seconds(1));
}

#[test]
fn whoever_scrolls_comes_through_all_of_ten_thousand_rows() {
    let order: Vec<u32> = (0..10_000).rev().collect();
    let mut table = Table::default();
    table.set_height(20);
    tell(&mut table, &order);
    let mut steps = 0;
    while selected(&table) != Some(0) {
        let before = selected(&table);
        table.select_by(20);
        tell(&mut table, &order);
        assert_ne!(selected(&table), before, "at {}", table.place());
        let place = usize::try_from(table.place()).unwrap();
        assert_eq!(Some(order[place]), selected(&table));
        steps += 1;
    }
    assert!(steps <= 501, "{steps}");
    table.select_first();
    tell(&mut table, &order);
    assert_eq!((selected(&table), table.place()), (Some(9_999), 0));
    table.select_last();
    tell(&mut table, &order);
    assert_eq!((selected(&table), table.place()), (Some(0), 9_999));
}

#[test]
fn a_selection_that_is_sorted_far_away_is_looked_for_there() {
    let mut order: Vec<u32> = (0..10_000).collect();
    let mut table = Table::default();
    table.set_height(20);
    tell(&mut table, &order);
    table.select(7);
    let row = order.remove(7);
    order.insert(6_000, row);
    tell(&mut table, &order);
    // Meanwhile nobody takes another row for it.
    assert_eq!(table.selected().map(|it| it.row.0), None);
    tell(&mut table, &order);
    assert_eq!((selected(&table), table.place()), (Some(7), 6_000));
    // And where it has gone altogether, the one in its place is selected.
    order.remove(6_000);
    for _ in 0..3 {
        tell(&mut table, &order);
    }
    table.forget_gone(seconds(9));
    assert!(selected(&table).is_some_and(|id| id != 7));
}

#[test]
fn every_column_can_be_named_and_has_its_first_order() {
    for column in TunnelColumn::ALL {
        let order = Order::by(*column);
        assert_eq!(order.to_string().parse(), Ok(order));
    }
}
