//! What has happened, the newest first: a line for each.
//!
//! ```text
//!  14:02:06 ✖ db-ro        backend 10.0.2.8:5432 ejected: connection refused
//! ```

mod sentence;

use plexy_shared::event::{Event, Severity};
use plexy_shared::units::counted;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::state::{EventLine, Pane, Scope, State};
use super::super::theme::Role;
use super::clock::clock;
use super::put::{columns, put_all, row_of, width_of};
use super::rule;
use super::scrolled::TextLine;
use crate::output::{Side, cut};
use sentence::{glyph, sentence};

/// Columns of the name of a tunnel, without much room and with it.
const NAMES: [usize; 2] = [12, 20];

/// From so many columns on, it is told who asked for what happened.
const DETAILED: u16 = 100;

/// Draws as many of those about something as have room.
pub(super) fn draw(state: &State, scope: &Scope, area: Rect, buffer: &mut Buffer) {
    let seen = state.events.seen(scope, area.height.into());
    let now = state.told.as_ref().map(|told| told.overview.time.as_str());
    let times: Vec<_> = seen
        .iter()
        .map(|line| match line {
            EventLine::Event(event) => clock(&event.time, now, &state.zone),
            EventLine::Missed(_) | EventLine::Restarted => String::new(),
        })
        .collect();
    let time_width = times.iter().map(|time| columns(time)).max().unwrap_or_default();
    for (row, (line, time)) in (0..area.height).zip(seen.into_iter().zip(times)) {
        let texts = match line {
            EventLine::Event(event) => {
                let time = format!(" {time:width$} ", width = time_width.into());
                of_event(state, scope, event, time, area.width)
            }
            gap => of_gap(state, gap),
        };
        put_all(buffer, row_of(area, row), (0, 0), &texts);
    }
    if state.events.count(scope) == 0 {
        let text = match state.events.has_warnings_only {
            true => " no warnings (w shows all)",
            false => " nothing has happened",
        };
        put_all(buffer, area, (0, 0), &[(text.to_owned(), state.looks.style(Role::Dim))]);
    }
}

/// Draws a title, and the newest ones of all below it.
pub(super) fn strip(state: &State, area: Rect, buffer: &mut Buffer) {
    let below = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
    let title = [("Events".to_owned(), state.looks.style(Role::Text))];
    let is_large = state.has_details();
    let status = match (state.events.unread, is_large || state.events.is_frozen()) {
        (_, true) => status(state, &Scope::All, below.height.into(), area.width / 2),
        (0, _) => Vec::new(),
        (unread, _) => vec![(format!("{unread} new"), state.looks.style(Role::Accent))],
    };
    rule::draw(&state.looks, area, &title, &status, buffer);
    draw(state, &Scope::All, below, buffer);
}

/// Whether so many of them are shown as they come, and what changes that, in so many columns: what has no
/// room is left out.
pub(super) fn status(state: &State, scope: &Scope, height: usize, room: u16) -> TextLine {
    let looks = &state.looks;
    let events = &state.events;
    let mut status = match (events.is_frozen(), events.newer(scope, height)) {
        (false, _) => vec![("following".to_owned(), Style::new())],
        (true, newer) => vec![(format!("frozen, {newer} newer"), looks.style(Role::Warning))],
    };
    let f = if events.is_frozen() { "to follow" } else { "to freeze" };
    let w = if events.has_warnings_only { "shows all" } else { "warnings only" };
    // Elsewhere it means wide columns.
    let has_w = state.level().pane == Pane::Events;
    for (key, what) in [("f", f), ("w", w)].into_iter().take(1 + usize::from(has_w)) {
        let hint = [
            ("   ".to_owned(), Style::new()),
            (key.to_owned(), looks.style(Role::Key)),
            (format!(" {what}"), Style::new()),
        ];
        if width_of(&status) + width_of(&hint) <= room {
            status.extend(hint);
        }
    }
    status
}

fn of_event(state: &State, scope: &Scope, event: &Event, time: String, width: u16) -> TextLine {
    let looks = &state.looks;
    let glyph = glyph(event);
    let mut texts = vec![
        (time, looks.style(Role::Dim)),
        (format!("{} ", glyph.sign(looks.is_ascii)), looks.style(glyph.role())),
    ];
    if *scope == Scope::All {
        let [short, long] = NAMES;
        let name = if width >= DETAILED { long } else { short };
        let tunnel = event.tunnel.as_deref().unwrap_or("plexyd");
        let tunnel = cut(&looks.safe(tunnel), name, Side::Address, looks.ellipsis());
        texts.push((format!("{tunnel:name$} "), looks.style(Role::Accent)));
    }
    let is_warning = event.severity == Severity::Warning;
    let style = if is_warning { looks.style(Role::Warning) } else { Style::new() };
    let taken = usize::from(width_of(&texts));
    let mut more = String::new();
    if width >= DETAILED {
        more.extend(event.actor.as_ref().map(|actor| format!("  by {actor}")));
        more.extend(event.revision.map(|revision| format!("  revision {revision}")));
    }
    let said = looks.safe(&sentence(event));
    let room = usize::from(width).saturating_sub(taken);
    texts.push((cut(&said, room, Side::Left, looks.ellipsis()), style));
    texts.push((looks.safe(&more), looks.style(Role::Dim)));
    texts
}

fn of_gap(state: &State, line: &EventLine) -> TextLine {
    let rule = state.looks.rule().repeat(3);
    let text = match line {
        EventLine::Missed(count) => {
            format!("{} happened that nobody has kept", counted(*count, "event"))
        }
        _ => "another plexyd counts from here on".to_owned(),
    };
    vec![(format!(" {rule} {text} {rule}"), state.looks.style(Role::Dim))]
}
