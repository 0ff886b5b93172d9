//! What is shown of the selected tunnel between the tunnels and the events, where there is so much room:
//! its backends and busiest connections, its histogram and its options.
//!
//! ```text
//! ─ web ▸ backends ───────────────────────── ⏎ to focus ─ ─ web ▸ connect time, 60s ───── n=3.7k ─
//!    BACKEND          STATE   FOR  CONN  WT    IN/s   OUT/s   ≤1ms ██████████████████████████ 1.7k
//!  ● 10.0.1.5:80      up      12d   560   1   16.0M   49.9M   ≤2ms ███████████████ 812
//! ─ web ▸ top connections by rate ──────────────── 1108 ─ ─ web ▸ options ────────────── e edit ─
//!    ID    CLIENT             BACKEND        AGE    RATE   strategy least-conn   max-fails 1
//!    8f31  10.9.4.22:51544    10.0.1.5:80  4m12s    2.1M   max-conns 5000
//! ```

use plexy_shared::overview::{Overview, TunnelOverview};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::state::{Room, State};
use super::super::theme::Role;
use super::number::precise;
use super::put::put;
use super::scrolled::TextLine;
use super::table::Shown;
use super::{backends, bars, connections, detail, options, rule, scrolled};

/// Rows that it takes at most, and at least.
const HEIGHT: [u16; 2] = [15, 10];

/// Rows that stay for the tunnels, if they have so many.
const TUNNELS: u16 = 10;

/// Columns of a hundred that backends and connections have beside a histogram.
const LEFT_PERCENT: u16 = 63;

/// Rows of the bars of a histogram beside options.
const BARS: u16 = 8;

/// How many rows of these are for it: none where nothing is to be shown beside.
pub(super) fn height(state: &State, rows: u16) -> u16 {
    let [most, least] = HEIGHT;
    let height = (rows / 3).clamp(least, most);
    if state.has_details() && rows >= least + TUNNELS { height } else { 0 }
}

/// Draws it.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let (Some(told), Some(tunnel)) = (&state.told, state.tunnel()) else {
        rule::draw(&state.looks, area, &[], &[], buffer);
        return;
    };
    if state.room() != Room::Wide {
        let height = area.height.div_ceil(2) + 1;
        let upper = Rect { height: height.min(area.height), ..area };
        let below = Rect { y: area.y + upper.height, height: area.height - upper.height, ..area };
        backends_of(state, &told.overview, tunnel, upper, buffer);
        histogram(state, tunnel, below, buffer);
        return;
    }
    let left = Rect { width: area.width * LEFT_PERCENT / 100, ..area };
    let gap = left.width + 1;
    let right = Rect { x: area.x + gap, width: area.width - gap, ..area };
    // Half for each of them, and one row more for those that have a state.
    let height = area.height / 2;
    let upper = Rect { height, ..left };
    let below = Rect { y: area.y + height, height: area.height - height, ..left };
    backends_of(state, &told.overview, tunnel, upper, buffer);
    connections_of(state, &told.overview, tunnel, below, buffer);
    let height = (BARS + 1).min(area.height / 2 + 1);
    let below = Rect { y: area.y + height, height: area.height - height, ..right };
    histogram(state, tunnel, Rect { height, ..right }, buffer);
    options_of(state, tunnel, below, buffer);
}

/// What stands below a title.
fn below(area: Rect) -> Rect {
    Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area }
}

fn title(state: &State, tunnel: &TunnelOverview, what: &str) -> TextLine {
    let status = &tunnel.info.status;
    detail::title(state, status.name.as_ref().unwrap_or(&status.listen), what)
}

fn backends_of(
    state: &State,
    overview: &Overview,
    tunnel: &TunnelOverview,
    area: Rect,
    buffer: &mut Buffer,
) {
    let looks = &state.looks;
    let open = [
        (looks.key("⏎").to_owned(), looks.style(Role::Key)),
        (" to focus".to_owned(), Style::new()),
    ];
    rule::draw(looks, area, &title(state, tunnel, "backends"), &open, buffer);
    let Some(reply) = &overview.backends else { return };
    let room = area.height.saturating_sub(2);
    let more = reply.matched.saturating_sub(room.into());
    // The last row says how many there are that have none.
    let room = if more > 0 { room.saturating_sub(1) } else { room };
    let rows = reply.rows.iter().filter(|row| row.tunnel_id == tunnel.row.id);
    let rows = rows.take(room.into()).map(Shown::only);
    let mut grid = backends::grid(state);
    grid.order = None;
    grid.draw_rows(rows, state, below(area), buffer, &mut Vec::new());
    if more > 0 && area.height > 2 {
        let text = format!("and {} more", precise(more + 1));
        put(buffer, area, (4, area.height - 1), &text, looks.style(Role::Dim));
    }
}

fn connections_of(
    state: &State,
    overview: &Overview,
    tunnel: &TunnelOverview,
    area: Rect,
    buffer: &mut Buffer,
) {
    let Some(reply) = &overview.connections else { return };
    let total = [(precise(reply.matched), Style::new())];
    let title = title(state, tunnel, "top connections by rate");
    rule::draw(&state.looks, area, &title, &total, buffer);
    let rows = reply.rows.iter().filter(|row| row.listen == tunnel.info.status.listen);
    let mut grid = connections::grid(state);
    grid.order = None;
    grid.draw_rows(rows.map(Shown::only), state, below(area), buffer, &mut Vec::new());
}

fn histogram(state: &State, tunnel: &TunnelOverview, area: Rect, buffer: &mut Buffer) {
    if area.height > 1 {
        let title = title(state, tunnel, "connect time");
        bars::titled(&state.looks, title, &tunnel.connect, area, buffer);
    }
}

fn options_of(state: &State, tunnel: &TunnelOverview, area: Rect, buffer: &mut Buffer) {
    let looks = &state.looks;
    let edit = [("e".to_owned(), looks.style(Role::Key)), (" edit".to_owned(), Style::new())];
    let can_edit = if state.can_act() { &edit[..] } else { &[] };
    rule::draw(looks, area, &title(state, tunnel, "options"), can_edit, buffer);
    let inside = below(area);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(1), ..inside };
    let lines = options::flowing(&tunnel.info, looks, inside.width);
    scrolled::draw(&lines, 0, inside, buffer);
}
