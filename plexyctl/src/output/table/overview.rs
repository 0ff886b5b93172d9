//! One look at a daemon: what `top` writes where it has no screen. Two lines of sums stand before the
//! rows that were asked for.

mod backends;
mod summary;
mod tunnels;

use plexy_shared::overview::{Overview, Quantiles};

use super::super::colour::Tint;
use super::super::layout::Layout;
use super::super::listing::{Cell, Column, Listing, keys as keys_of};
use super::super::units;
use super::conns;
use crate::args::TopView;
pub(in super::super) use summary::note;

/// When it was: where looks come one behind the other, rows of programs say of which they are.
const TIME: &[Column<Overview>] =
    &[Column::text("time", "TIME", |it: &Overview| Cell::text(&it.time)).data()];

/// Its rows, in the order in which the daemon has sent them; none where none were asked for.
pub(in super::super) fn overview(overview: &Overview) -> Option<Listing> {
    let tunnels = overview.tunnels.as_ref().map(|reply| tunnels::tunnels(&reply.rows));
    let backends = || overview.backends.as_ref().map(|reply| backends::backends(&reply.rows));
    let connections = || overview.connections.as_ref().map(|reply| conns::conns(&reply.rows));
    let rows = tunnels.or_else(backends).or_else(connections)?;
    Some(TIME.iter().fold(rows, |rows, column| rows.led_by(column, overview)))
}

/// What columns it has where these rows are asked for.
pub(crate) fn keys(view: TopView) -> Vec<&'static str> {
    let of_view = match view {
        TopView::Tunnels => tunnels::keys(),
        TopView::Backends => backends::keys(),
        TopView::Connections => conns::keys(),
    };
    [keys_of(TIME), of_view].concat()
}

/// The same for people. Who wants no titles wants rows alone.
pub(in super::super) fn lines(look: &Overview, layout: &Layout<'_>) -> String {
    let sums = if layout.has_headers { summary::lines(look, layout.screen) } else { String::new() };
    sums + &overview(look).map(|listing| layout.table(listing)).unwrap_or_default()
}

/// How something is, in a word.
fn state(word: &str) -> Cell {
    Cell::text(word).tinted(Tint::of_word(word))
}

/// So many bytes in a second.
fn bytes(count: u64) -> Cell {
    Cell::count(count).shown_as(units::bytes(count))
}

/// A quantile of times, where any was observed.
fn quantile(of: &Quantiles, micros: u64) -> Cell {
    if of.count == 0 {
        Cell::nothing()
    } else {
        Cell::micros(micros).shown_as(units::micros(micros))
    }
}

#[cfg(test)]
mod tests;
