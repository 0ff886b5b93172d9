//! The first line of all: which daemon it is, and how the way to it is.

use plexy_shared::overview::ProcessInfo;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::super::state::{State, Units, Way};
use super::super::super::theme::Role;
use super::super::glyph::Glyph;
use super::super::number::{brief, bytes, interval, uptime};
use super::super::put::{put_all, width_of};
use crate::output::age;

type Texts = Vec<(String, Style)>;

/// From so many descriptors in a hundred on, somebody should look.
const DESCRIPTORS_WARNING_PERCENT: u64 = 80;

/// Draws it. Of what stands right, the least goes first where there is no room.
pub(in super::super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let mut left = vec![(" plexy  ".to_owned(), state.looks.style(Role::Accent))];
    left.extend(place(state));
    left.extend(way(state));
    let mut right = process(state);
    let has_room = |right: &[(u8, Texts)]| {
        let parts = right.iter().map(|(_, part)| width_of(part) + 2).sum::<u16>();
        width_of(&left) + parts <= area.width
    };
    while !has_room(&right) {
        let Some(least) = right.iter().map(|(rank, _)| *rank).min() else { break };
        right.retain(|(rank, _)| *rank != least);
    }
    put_all(buffer, area, (0, 0), &left);
    let texts: Texts = right
        .into_iter()
        .flat_map(|(_, part)| part.into_iter().chain([("  ".to_owned(), Style::new())]))
        .collect();
    // One blank is left at the end of the line.
    let begin = area.width.saturating_sub(width_of(&texts)) + 1;
    put_all(buffer, area, (begin, 0), &texts);
}

/// Where it is, and what may be done there.
fn place(state: &State) -> Texts {
    let (looks, place) = (&state.looks, &state.place);
    let title = looks.safe(&place.title);
    let mut texts = match &place.protected {
        // As in the prompt of the shell.
        Some(_) => vec![
            (format!("{title}!"), looks.style(Role::Bad)),
            (" protected".to_owned(), looks.style(Role::Bad)),
        ],
        None => vec![(title, Style::new())],
    };
    if place.is_read_only {
        texts.push((" read-only".to_owned(), looks.style(Role::Warning)));
    }
    texts.push(("  ".to_owned(), Style::new()));
    if state.size.0 >= WIDE && place.endpoint != place.title && !place.endpoint.is_empty() {
        texts.push((looks.safe(&place.endpoint) + "  ", looks.style(Role::Dim)));
    }
    texts
}

/// From so many columns on, all of the process is told, and the address.
const WIDE: u16 = 140;

/// How the way to it is, and how old what is shown.
fn way(state: &State) -> Texts {
    let age = |since| age(state.now.saturating_sub(since).as_secs());
    let told = state.age().map(|it| age(state.now.saturating_sub(it))).unwrap_or_default();
    let (glyph, text) = match &state.way {
        Way::Unknown => (Glyph::Unknown, "connecting".to_owned()),
        Way::Live { .. } if state.is_silent() => (Glyph::Degraded, format!("silent {told}")),
        Way::Live { .. } => (Glyph::Ok, format!("live {}", interval(state.every))),
        Way::Lost(lost) => (Glyph::Down, format!("lost {}", age(lost.since))),
    };
    let style = state.looks.style(glyph.role());
    let sign = glyph.sign(state.looks.is_ascii);
    let mut texts = vec![(format!("{sign} {text}"), style)];
    if let Some(since) = state.paused {
        texts.push(("  ".to_owned(), Style::new()));
        texts.push((format!("PAUSED {}", age(since)), state.looks.style(Role::Alarm)));
    }
    texts
}

/// What its process is and uses, with what goes first where there is no room.
fn process(state: &State) -> Vec<(u8, Texts)> {
    let Some(told) = &state.told else { return Vec::new() };
    let (process, looks) = (&told.overview.process, &state.looks);
    let plain = |text: String| vec![(text, Style::new())];
    let version = looks.safe(&process.version);
    let mut parts = Vec::new();
    if state.size.0 >= WIDE {
        parts.push((4, plain(format!("plexyd {version}"))));
        parts.push((1, plain(format!("pid {}", process.pid))));
    } else {
        parts.push((4, plain(format!("v{version}"))));
    }
    parts.push((5, plain(format!("up {}", uptime(process.uptime_seconds)))));
    if state.size.0 >= WIDE {
        let cpu = told.cpu.map(|thousandths| format!("cpu {}%", (thousandths + 5) / 10));
        parts.extend(cpu.map(|text| (3, plain(text))));
        parts.push((2, plain(format!("rss {}", bytes(process.resident_bytes, Units::Iec)))));
    }
    parts.push((6, descriptors(process, state)));
    parts
}

fn descriptors(process: &ProcessInfo, state: &State) -> Texts {
    let used = process.descriptors;
    let Some(max) = process.descriptors_max else {
        return vec![(format!("fd {}", brief(used)), Style::new())];
    };
    let is_much = used.saturating_mul(100) >= max.saturating_mul(DESCRIPTORS_WARNING_PERCENT);
    let role = if is_much { Role::Warning } else { Role::Text };
    vec![(format!("fd {}/{}", brief(used), brief(max)), state.looks.style(role))]
}
