//! Three lines: how many tunnels are how, and what goes through all of them.

use plexy_shared::overview::{Overview, Sums};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::super::state::{State, Trend};
use super::super::super::theme::Role;
use super::super::number::{lasting, latency, per_second, precise, rate};
use super::super::put::{columns, put, put_all, row_of, width_of};
use super::super::sparkline;
use super::super::tunnels::CERTIFICATE_SECONDS;

type Texts = Vec<(String, Style)>;

/// Draws as many of them as have room.
pub(in super::super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let Some(told) = &state.told else { return };
    tunnels(state, &told.overview, row_of(area, 0), buffer);
    connections(state, &told.overview.sums, row_of(area, 1), buffer);
    bytes(state, &told.overview.sums, row_of(area, 2), buffer);
}

/// Where the right half begins, so that both lines have the same.
fn middle(area: Rect) -> u16 {
    area.width / 2 + 2
}

/// `Tunnels 6: 3 ok, 1 down     Backends 9/13 up`
fn tunnels(state: &State, overview: &Overview, area: Rect, buffer: &mut Buffer) {
    let Overview { sums, process, .. } = overview;
    let looks = &state.looks;
    let mut left: Texts = vec![(format!("Tunnels {}", sums.tunnels.total()), Style::new())];
    let paused = u64::try_from(process.tunnels_paused).unwrap_or(u64::MAX);
    let counts = [
        (sums.tunnels.ok, "ok", Role::Text),
        (sums.tunnels.draining, "drain", Role::Drain),
        (sums.tunnels.disabled, "disabled", Role::Text),
        (sums.tunnels.degraded, "degraded", Role::Warning),
        (sums.tunnels.down, "down", Role::Bad),
        (paused, "without descriptors", Role::Bad),
    ];
    for (at, (count, word, role)) in counts.into_iter().filter(|(it, ..)| *it > 0).enumerate() {
        left.push((if at == 0 { ": " } else { ", " }.to_owned(), Style::new()));
        left.push((format!("{count} {word}"), looks.style(role)));
    }
    let end = put_all(buffer, area, (1, 0), &left);
    let is_less = sums.backends_up < sums.backends;
    let role = if is_less { Role::Warning } else { Role::Text };
    let backends = format!("{}/{}", sums.backends_up, sums.backends);
    // Nine columns behind the middle, which the words of the left one have room in.
    let begin = (middle(area) + 8).max(end + 2);
    let said = [["Backends ", " up"], ["Backends ", ""], ["", " up"], ["", ""]];
    let texts = said.map(|[before, behind]| {
        let style = Style::new();
        let counted = (backends.clone(), looks.style(role));
        [(before.to_owned(), style), counted, (behind.to_owned(), style)]
    });
    let fits = |texts: &&[(String, Style); 3]| end + 2 + width_of(*texts) < area.width;
    let right = texts.iter().find(fits).map(Vec::from).unwrap_or_default();
    let begin = begin.min(area.width.saturating_sub(width_of(&right) + 1));
    let end = put_all(buffer, area, (begin, 0), &right);
    if let Some((text, role)) = certificate(sums) {
        let begin = area.width.saturating_sub(columns(&text) + 1);
        if begin > end {
            put(buffer, area, (begin, 0), &text, looks.style(role));
        }
    }
}

/// The first certificate that ends, where that is soon.
fn certificate(sums: &Sums) -> Option<(String, Role)> {
    let seconds = sums.certificate_seconds.filter(|seconds| *seconds < CERTIFICATE_SECONDS)?;
    Some(match u64::try_from(seconds) {
        Ok(seconds) => (format!("cert {}", lasting(seconds)), Role::Warning),
        Err(_) => ("cert ended".to_owned(), Role::Bad),
    })
}

/// `Conns 1.24k      New  87.0/s ▂▃▃▄▆▅▄▃    Connect p50 1.2ms p99 18ms`
fn connections(state: &State, sums: &Sums, area: Rect, buffer: &mut Buffer) {
    let middle = middle(area);
    let is_narrow = area.width < 80;
    put(buffer, area, (1, 0), "Conns", Style::new());
    put(buffer, area, (7, 0), &precise(sums.traffic.connections), Style::new());
    let at = if is_narrow { 14 } else { 18 };
    put(buffer, area, (at, 0), "New", Style::new());
    let new = format!("{}/s", per_second(sums.rates.new_per_1000s));
    let end = put(buffer, area, (at + 4, 0), &format!("{new:>7}"), Style::new());
    trend(&state.trends.new, state, area, (end + 1, middle.saturating_sub(end + 5)), buffer);
    let mut texts = vec![("Connect ".to_owned(), Style::new())];
    let time = |micros| match sums.connect.count {
        0 => state.looks.nothing().to_owned(),
        _ => latency(micros),
    };
    let [p50, p99] = [sums.connect.p50_us, sums.connect.p99_us].map(time);
    texts.push((format!("p50 {p50} p99 {p99}"), Style::new()));
    let mut end = put_all(buffer, area, (middle, 0), &texts);
    // What is seldom looked for, where there is room.
    for (count, word) in
        [(sums.rates.failed_per_1000s, "errors"), (sums.rates.rejected_per_1000s, "refused")]
    {
        let role = if count > 0 { Role::Warning } else { Role::Text };
        let text = format!("{word} {}/s", per_second(count));
        if !is_narrow && end + 2 + columns(&text) < area.width {
            end = put(buffer, area, (end + 2, 0), &text, state.looks.style(role));
        }
    }
}

/// `In  42.1 MB/s ▁▂▃▅▇▆▅▄▃▃▄▅▆▇▇▆▅▄▃▂       Out 118 MB/s ▂▃▄▄▅▆▇▇▆▅▄▄▃▃▄▅▆▆▅▄`
fn bytes(state: &State, sums: &Sums, area: Rect, buffer: &mut Buffer) {
    let middle = middle(area);
    let [shown_in, shown_out] =
        [sums.rates.rate_in, sums.rates.rate_out].map(|bytes| rate(bytes, state.looks.units));
    put(buffer, area, (1, 0), "In", Style::new());
    let end = put(buffer, area, (5, 0), &shown_in, Style::new()).max(14);
    let width = middle.saturating_sub(22).min(middle.saturating_sub(end + 2));
    trend(&state.trends.rate_in, state, area, (end + 1, width), buffer);
    put(buffer, area, (middle, 0), "Out", Style::new());
    let end = put(buffer, area, (middle + 4, 0), &shown_out, Style::new());
    let width = width.min(area.width.saturating_sub(end + 2));
    trend(&state.trends.rate_out, state, area, (end + 1, width), buffer);
}

fn trend(
    trend: &Trend,
    state: &State,
    area: Rect,
    (column, width): (u16, u16),
    buffer: &mut Buffer,
) {
    let width = usize::from(width);
    let line = sparkline::line(trend.last(width), width, state.looks.is_ascii);
    put(buffer, area, (column, 0), &line, state.looks.style(Role::Accent));
}
