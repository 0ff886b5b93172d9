//! The sums of a daemon in four boxes, where there is much room.
//!
//! ```text
//! ╭ In ─────────────────────────────────╮ ╭ Out ────────────────────────────────╮
//! │ 42.1 MB/s                           │ │ 118 MB/s                            │
//! │ max 61.0 MB/s   total 31.2 TB       │ │ max 174 MB/s   total 88.0 TB        │
//! │       ▁▃▅▇▆▃    ▁▂▂      ▂▄▆▇▆▄▂    │ │    ▂▄▆▆▄▂      ▁▃▅▆▆▅▃▁    ▂▄▅▅▄▂   │
//! │ ▃▄▅▇███████▆▅▄▅▇███▇▆▅▅▇███████▇▆▅  │ │ ▅▆███████▇▆▅▆▇█████████▇▆▇██████▇▆  │
//! ╰─────────────────────────────────────╯ ╰─────────────────────────────────────╯
//! ```

use plexy_shared::overview::Sums;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::state::{Looks, State, Trend};
use super::super::theme::Role;
use super::number::{bytes, latency, per_second, precise, rate};
use super::put::{put, row_of};
use super::sparkline;

/// Rows that they take.
pub(super) const HEIGHT: u16 = 6;

/// What stands in one of them.
struct Content<'a> {
    title: &'static str,
    lines: [String; 2],
    trend: &'a Trend,
}

/// Draws them, once there is something to draw.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let Some(told) = &state.told else { return };
    let contents = contents(state, &told.overview.sums);
    let width = area.width / 4;
    for (number, content) in (0..4).zip(contents) {
        let place = Rect {
            x: area.x + number * width,
            width: width.saturating_sub(1),
            height: HEIGHT.min(area.height),
            ..area
        };
        one(&state.looks, &content, place, buffer);
    }
}

fn contents<'a>(state: &'a State, sums: &Sums) -> [Content<'a>; 4] {
    let (trends, units) = (&state.trends, state.looks.units);
    let way = |title, now, total, trend: &'a Trend| Content {
        title,
        lines: [
            rate(now, units),
            format!("max {}   total {}", rate(trend.peak(), units), bytes(total, units)),
        ],
        trend,
    };
    let (traffic, rates) = (&sums.traffic, &sums.rates);
    let connections = Content {
        title: "Connections",
        lines: [
            format!(
                "{} open   {} new/s",
                precise(traffic.connections),
                per_second(rates.new_per_1000s)
            ),
            format!(
                "peak {}   refused {}/s",
                precise(sums.connections_peak),
                per_second(rates.rejected_per_1000s)
            ),
        ],
        trend: &trends.connections,
    };
    let time = |micros| match sums.connect.count {
        0 => state.looks.nothing().to_owned(),
        _ => latency(micros),
    };
    let connect = Content {
        title: "Backend connect",
        lines: [
            format!("p50 {}   p99 {}", time(sums.connect.p50_us), time(sums.connect.p99_us)),
            format!(
                "errors {}/s   {} of {} up",
                per_second(rates.failed_per_1000s),
                sums.backends_up,
                sums.backends
            ),
        ],
        trend: &trends.failed,
    };
    [
        way("In", rates.rate_in, traffic.bytes_in, &trends.rate_in),
        way("Out", rates.rate_out, traffic.bytes_out, &trends.rate_out),
        connections,
        connect,
    ]
}

fn one(looks: &Looks, content: &Content<'_>, area: Rect, buffer: &mut Buffer) {
    let dim = looks.style(Role::Dim);
    let inside = usize::from(area.width).saturating_sub(4);
    let rule = looks.rule().repeat(inside + 2);
    let last = HEIGHT - 1;
    for (row, [left, right]) in [
        (0, [looks.sign("╭", "+"), looks.sign("╮", "+")]),
        (last, [looks.sign("╰", "+"), looks.sign("╯", "+")]),
    ] {
        put(buffer, area, (0, row), &format!("{left}{rule}{right}"), dim);
    }
    put(buffer, area, (1, 0), &format!(" {} ", content.title), looks.style(Role::Head));
    let [first, second] = &content.lines;
    let bars = sparkline::lines(content.trend.last(inside), inside, 2, looks.is_ascii);
    let styles = [Style::new(), Style::new(), looks.style(Role::Accent), looks.style(Role::Accent)];
    let lines = [first, second].into_iter().chain(&bars).zip(styles);
    let side = looks.sign("│", "|");
    let text = Rect { width: area.width.saturating_sub(2), ..area };
    for (row, (line, style)) in (1..last).zip(lines) {
        put(buffer, row_of(text, row), (2, 0), line, style);
        put(buffer, area, (0, row), side, dim);
        put(buffer, area, (area.width.saturating_sub(1), row), side, dim);
    }
}
