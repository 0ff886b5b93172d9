//! Whether something is to be done.
//!
//! ```text
//! ┌─ Drain tunnel web? ──────────────────────────────────────────┐
//! │ 0.0.0.0:8080 stops accepting. 1108 open connections keep     │
//! │ running until they end, at most 1m; then they are reset.     │
//! │ Same as:  plexyctl drain web deadline=1m                     │
//! │                                                              │
//! │   [ Cancel ]     y  Drain     + / - deadline                 │
//! └──────────────────────────────────────────────────────────────┘
//! ```

use crossterm::event::KeyCode;
use plexy_shared::command::Request;
use plexy_shared::connection::ConnectionInfo;
use plexy_shared::spec::LiveAction;
use ratatui::Frame;
use ratatui::layout::Rect;

use super::super::super::message::{Drawn, TextDrawn};
use super::super::super::state::{Choice, Confirm, Looks, State, Subject};
use super::super::super::theme::Role;
use super::super::number;
use super::super::put::{columns, put, row_of};
use super::buttons::{self, Button};
use super::panel::{MORE, Panel, Piece, shown, wrapped};
use super::typed;
use crate::consequence::same_as;
use crate::output::{age, safe};

/// Columns of the texts.
const COLUMNS: u16 = 60;

/// Columns where lines of the daemon want more.
const COLUMNS_MAX: u16 = 100;

/// Draws it.
pub(super) fn draw(
    state: &State,
    confirm: &Confirm,
    area: Rect,
    frame: &mut Frame<'_>,
    drawn: &mut Drawn,
) -> TextDrawn {
    let looks = &state.looks;
    let title = confirm.title();
    let widest = confirm.difference.iter().map(|line| columns(line)).max().unwrap_or_default();
    let wide = widest.clamp(COLUMNS, COLUMNS_MAX).min(area.width.saturating_sub(4)).max(1);
    let lines = lines(state, confirm, wide);
    // The answers, with a blank line before them where there is room, and the word.
    let below = if confirm.word().is_some() { 4 } else { 2 };
    let high = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(below);
    let inner = Panel { title: &title, foot: "", size: (wide, high) }.draw(looks, area, frame);
    let last = inner.height.saturating_sub(1);
    buttons::draw(&answers(confirm, looks), looks, row_of(inner, last), frame, drawn);
    let typed_at = last.saturating_sub(if inner.height < high { 1 } else { 2 });
    let mut rows = usize::from(last.saturating_sub(u16::from(inner.height == high)));
    if confirm.word().is_some() {
        word(confirm, looks, row_of(inner, typed_at), frame);
        rows = usize::from(typed_at.saturating_sub(u16::from(inner.height == high)));
    }
    let first = confirm.scroll.min(lines.len().saturating_sub(rows));
    let left = lines.len().saturating_sub(first + rows);
    // The last row tells that there are more.
    let shown_rows = if left > 0 { rows.saturating_sub(1) } else { rows };
    if left > 0 {
        let text = format!("{} {} more lines: PgDn", shown(MORE, looks), left + 1);
        let row = u16::try_from(shown_rows).unwrap_or(u16::MAX);
        put(frame.buffer_mut(), inner, (0, row), &text, looks.style(Role::Dim));
    }
    for (row, (text, role)) in lines.iter().skip(first).take(shown_rows).enumerate() {
        let row = u16::try_from(row).unwrap_or(u16::MAX);
        put(frame.buffer_mut(), inner, (0, row), text, looks.style(*role));
    }
    TextDrawn { lines: lines.len(), height: rows }
}

/// What is told.
fn lines(state: &State, confirm: &Confirm, wide: u16) -> Vec<Piece> {
    let looks = &state.looks;
    let mut lines = Vec::new();
    let mut tell = |text: &str, role: Role| {
        lines.extend(wrapped(text, wide).into_iter().map(|line| (line, role)));
    };
    if let Some(changed) = &confirm.changed {
        tell(&format!("Look again: {changed}."), Role::Warning);
    }
    if let Subject::Connection(connection) = &confirm.subject {
        for line in about(connection, looks) {
            tell(&line, Role::Text);
        }
        tell("\n", Role::Text);
    }
    tell(&confirm.sentences(), Role::Text);
    if let Some(Request::Close { live, .. }) = confirm.request()
        && live.action == LiveAction::Kill
        && confirm.known.live != Some(0)
    {
        tell("Drain (d) would let them finish.", Role::Text);
    }
    for line in &confirm.difference {
        tell(line, Role::Text);
    }
    let protected = state.place.protected.as_deref();
    if let Some(context) = protected {
        tell(&format!("The context {} is protected.", safe(context)), Role::Warning);
    }
    let same = same_as(&confirm.line(), &state.place.way(), protected.is_some());
    tell(&format!("Same as:  {}", safe(&same)), Role::Dim);
    lines
}

/// A connection, in a few lines.
fn about(connection: &ConnectionInfo, looks: &Looks) -> [String; 3] {
    let backend = connection.backend.as_deref().map_or_else(|| "no backend yet".to_owned(), safe);
    let moved = connection.bytes_in.saturating_add(connection.bytes_out);
    let idle = connection.idle_ms / 1_000;
    let activity =
        if idle == 0 { "active now".to_owned() } else { format!("idle for {}", age(idle)) };
    [
        format!("tunnel   {}", safe(&connection.tunnel)),
        format!("client   {}  {}  {backend}", safe(&connection.client), shown("->", looks)),
        format!(
            "open for {}, {} moved, {activity}",
            age(connection.age_ms / 1_000),
            number::bytes(moved, looks.units),
        ),
    ]
}

/// The word that is wanted, as far as it is typed.
fn word(confirm: &Confirm, looks: &Looks, place: Rect, frame: &mut Frame<'_>) {
    let word = safe(confirm.word().unwrap_or_default());
    let text = format!("Type {word} to go on:  ");
    let end = put(frame.buffer_mut(), place, (0, 0), &text, looks.style(Role::Accent));
    let room = Rect { x: place.x + end, width: place.width.saturating_sub(end), ..place };
    typed::draw(&confirm.typed, None, true, looks, room, frame);
}

fn answers(confirm: &Confirm, looks: &Looks) -> Vec<Button> {
    let verb = confirm.verb();
    let mut buttons = vec![Button::First("Cancel", KeyCode::Esc)];
    if confirm.sent.is_some() {
        buttons.push(Button::Note("plexyd is asked what it would do now".to_owned()));
        return buttons;
    }
    let choice = match confirm.choice {
        Choice::Nothing => None,
        Choice::Deadline(_) => Some("deadline"),
        Choice::Fate(_) => Some("connections"),
    };
    if confirm.word().is_none() {
        buttons.push(Button::letter('y', verb));
        buttons.extend(choice.map(Button::More));
        return buttons;
    }
    match confirm.is_typed() {
        true => buttons.push(Button::Key(shown("Enter", looks), verb, KeyCode::Enter)),
        false => {
            let enter = shown("Enter", looks);
            buttons.push(Button::Note(format!("{enter} after all of it: {verb}")));
        }
    }
    let arrows = shown("Up/Down", looks);
    buttons.extend(choice.map(|choice| Button::Note(format!("{arrows} {choice}"))));
    buttons
}
