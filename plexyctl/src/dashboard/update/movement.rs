//! Where somebody goes: to other rows, other views, into something and back.

use plexy_shared::overview::{Column, Order};
use plexy_shared::word::Words;

use super::super::action::Action;
use super::super::message::Effect;
use super::super::state::{Level, Pane, Row, Scope, State, Table, TunnelName};

/// Goes to another row, or scrolls a text.
pub(super) fn go(state: &mut State, action: Action) -> Vec<Effect> {
    let page = state.drawn.height.max(1);
    let text_page = state.drawn.text.map_or(1, |text| text.height);
    let level = state.level_mut();
    match level.pane {
        Pane::Tunnels | Pane::Latency if level.scope == Scope::All => {
            go_in(&mut level.tunnels, action)
        }
        Pane::Backends => go_in(&mut level.backends, action),
        Pane::Connections => go_in(&mut level.connections, action),
        Pane::Events => {
            let scope = level.scope.clone();
            state.events.scroll(&scope, page, |at| scrolled(at, page, action));
        }
        Pane::Tunnels | Pane::Options | Pane::Latency => {
            level.scroll = scrolled(level.scroll, text_page, action);
        }
    }
    Vec::new()
}

fn go_in<R: Row>(table: &mut Table<R>, action: Action) {
    let page = isize::try_from(table.height()).unwrap_or(isize::MAX);
    match action {
        Action::Up => table.select_by(-1),
        Action::Down => table.select_by(1),
        Action::PageUp => table.select_by(-page),
        Action::PageDown => table.select_by(page),
        Action::HalfPageUp => table.select_by(-(page / 2).max(1)),
        Action::HalfPageDown => table.select_by((page / 2).max(1)),
        Action::First => table.select_first(),
        Action::Last => table.select_last(),
        _ => {}
    }
}

/// How far a text is scrolled; whoever draws it tells where it ends.
pub(super) fn scrolled(at: usize, page: usize, action: Action) -> usize {
    match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => at.saturating_add(1),
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => at.saturating_add(page),
        Action::HalfPageUp => at.saturating_sub(page.div_ceil(2)),
        Action::HalfPageDown => at.saturating_add(page.div_ceil(2)),
        Action::First => 0,
        Action::Last => usize::MAX,
        _ => at,
    }
}

/// Looks into what is selected.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    let level = state.level();
    let scope = match level.pane {
        Pane::Tunnels | Pane::Latency if level.scope == Scope::All => {
            level.tunnels.selected_row().map(|row| Scope::Tunnel(TunnelName::of(row)))
        }
        Pane::Backends => level
            .backends
            .selected_row()
            .map(|row| Scope::Backend(TunnelName::of_backend(row), row.info.addr.clone())),
        _ => None,
    };
    if let Some(scope) = scope {
        state.enter(scope);
    }
    Vec::new()
}

/// Clears what stands in the way, then what is looked for, then goes back.
pub(super) fn back(state: &mut State) -> Vec<Effect> {
    // It ends by itself, and is in nobody's way.
    state.toast = None;
    if state.returned.take().is_some() {
        return Vec::new();
    }
    if state.is_zoomed {
        state.is_zoomed = false;
        return Vec::new();
    }
    let level = state.level_mut();
    let is_all = match level.pane {
        Pane::Tunnels | Pane::Latency => level.tunnels.find.is_all(),
        Pane::Backends => level.backends.find.is_all(),
        Pane::Connections => level.connections.find.is_all(),
        Pane::Events | Pane::Options => true,
    };
    if is_all {
        state.leave();
    } else {
        look_for(level, "");
    }
    Vec::new()
}

/// Shows the rows that match.
pub(super) fn look_for(level: &mut Level, text: &str) {
    match level.pane {
        Pane::Tunnels | Pane::Latency => level.tunnels.look_for(text),
        Pane::Backends => level.backends.look_for(text),
        Pane::Connections => level.connections.look_for(text),
        Pane::Events | Pane::Options => {}
    }
}

/// Shows the view with this number.
pub(super) fn pane(state: &mut State, number: usize) -> Vec<Effect> {
    let level = state.level_mut();
    if let Some(pane) = level.scope.panes().get(number) {
        (level.pane, level.scroll) = (*pane, 0);
    }
    if state.level().pane == Pane::Events {
        state.events.unread = 0;
    }
    Vec::new()
}

/// Shows the view beside the one that is seen.
pub(super) fn pane_beside(state: &mut State, step: isize) -> Vec<Effect> {
    let level = state.level();
    let panes = level.scope.panes();
    let at = panes.iter().position(|pane| *pane == level.pane).unwrap_or_default();
    let next = at.wrapping_add_signed(step).checked_rem(panes.len()).unwrap_or_default();
    let next = if at == 0 && step < 0 { panes.len() - 1 } else { next };
    pane(state, next)
}

/// Changes the order of the rows.
pub(super) fn sort(state: &mut State, action: Action) {
    let level = state.level_mut();
    match level.pane {
        Pane::Tunnels | Pane::Latency => sort_in(&mut level.tunnels, action),
        Pane::Backends => sort_in(&mut level.backends, action),
        Pane::Connections => sort_in(&mut level.connections, action),
        Pane::Events | Pane::Options => {}
    }
}

fn sort_in<R: Row>(table: &mut Table<R>, action: Action) {
    let columns = R::Column::ALL;
    let at = columns.iter().position(|column| *column == table.order.column).unwrap_or_default();
    let beside = |at: usize| columns.get(at).copied().map(Order::by);
    let order = match action {
        Action::Reverse => Some(table.order.reversed()),
        Action::SortLeft => at.checked_sub(1).and_then(beside),
        Action::SortRight => beside(at + 1),
        Action::Lock => {
            table.is_locked = !table.is_locked;
            None
        }
        _ => None,
    };
    if let Some(order) = order {
        table.sort(order);
    }
}

/// Sorts by the column with this number, or the other way round where that is so already.
pub(super) fn sort_by(level: &mut Level, number: usize) {
    match level.pane {
        Pane::Tunnels | Pane::Latency => sort_table_by(&mut level.tunnels, number),
        Pane::Backends => sort_table_by(&mut level.backends, number),
        Pane::Connections => sort_table_by(&mut level.connections, number),
        Pane::Events | Pane::Options => {}
    }
}

fn sort_table_by<R: Row>(table: &mut Table<R>, number: usize) {
    let Some(column) = R::Column::ALL.get(number).copied() else { return };
    let is_so = table.order.column == column;
    table.sort(if is_so { table.order.reversed() } else { Order::by(column) });
}

/// The words of the columns that rows can be sorted by.
pub(crate) fn columns_of(level: &Level) -> Vec<&'static str> {
    fn words<C: Column>() -> Vec<&'static str> {
        C::ALL.iter().map(|column| column.word()).collect()
    }
    match level.pane {
        Pane::Tunnels | Pane::Latency => words::<plexy_shared::overview::TunnelColumn>(),
        Pane::Backends => words::<plexy_shared::overview::BackendColumn>(),
        Pane::Connections => words::<plexy_shared::filter::Key>(),
        Pane::Events | Pane::Options => Vec::new(),
    }
}

/// Selects the row that was drawn so far below the first one: whether it was selected already.
pub(super) fn select_drawn(state: &mut State, row: usize) -> bool {
    let level = state.level_mut();
    match level.pane {
        Pane::Tunnels | Pane::Latency => level.tunnels.select_drawn(row),
        Pane::Backends => level.backends.select_drawn(row),
        Pane::Connections => level.connections.select_drawn(row),
        Pane::Events | Pane::Options => false,
    }
}
