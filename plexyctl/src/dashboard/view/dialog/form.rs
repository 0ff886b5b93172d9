//! A form: a row for each field, then what the selected one means, what is wrong with it all, and the
//! command that it is.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;

use super::super::super::message::{Drawn, Target};
use super::super::super::state::{Field, Form, FormKind, Looks, State};
use super::super::super::theme::Role;
use super::super::put::{columns, put, row_of};
use super::buttons::{self, Button};
use super::panel::{Panel, Piece, shown, wrapped};
use super::{offer, typed};
use crate::consequence::same_as;
use crate::output::safe;

/// Columns of it.
const COLUMNS: u16 = 74;

/// Rows for what is told of it, at most.
const TOLD: u16 = 6;

/// Draws it.
pub(super) fn draw(
    state: &State,
    form: &Form,
    area: Rect,
    frame: &mut Frame<'_>,
    drawn: &mut Drawn,
) {
    let looks = &state.looks;
    let wide = COLUMNS.min(area.width.saturating_sub(4)).max(1);
    let mut told = told(state, form, wide);
    told.truncate(usize::from(TOLD.min(area.height.saturating_sub(4) / 2)));
    let below = u16::try_from(told.len()).unwrap_or(TOLD).saturating_add(1);
    let fields = u16::try_from(form.fields.len()).unwrap_or(u16::MAX).max(1);
    let high = fields.saturating_add(below).saturating_add(1);
    let title = title(form);
    let inner = Panel { title: &title, foot: "", size: (wide, high) }.draw(looks, area, frame);
    let last = inner.height.saturating_sub(1);
    buttons::draw(&keys(form, looks), looks, row_of(inner, last), frame, drawn);
    let rows = Rect { height: inner.height.saturating_sub(below), ..inner };
    let begin = rows.height;
    for (row, (text, role)) in told.iter().enumerate() {
        let row = begin.saturating_add(u16::try_from(row).unwrap_or(u16::MAX));
        if row < last {
            put(frame.buffer_mut(), inner, (0, row), text, looks.style(*role));
        }
    }
    let cursor = all_fields(form, looks, rows, frame, drawn);
    if let (Some(offered), Some(cursor)) = (&form.offer, cursor) {
        let high = offer::rows(offered).min(inner.height.saturating_sub(1));
        let is_above = cursor.y + 1 + high > area.bottom();
        let y = if is_above { cursor.y.saturating_sub(high) } else { cursor.y + 1 };
        offer::draw(offered, looks, Rect { y, height: high, ..inner }.intersection(area), frame);
    }
}

/// Each field in a row, as many as there is room for: the row of the selected one.
fn all_fields(
    form: &Form,
    looks: &Looks,
    area: Rect,
    frame: &mut Frame<'_>,
    drawn: &mut Drawn,
) -> Option<Rect> {
    let keys = form.fields.iter().map(|field| columns(field.key)).max().unwrap_or_default() + 4;
    let rows = usize::from(area.height);
    let first = (form.at + 1).saturating_sub(rows);
    let mistake = form.mistake().filter(|_| !form.is_begun);
    let mut cursor = None;
    for (row, (at, field)) in form.fields.iter().enumerate().skip(first).take(rows).enumerate() {
        let place = row_of(area, u16::try_from(row).unwrap_or(u16::MAX));
        let is_selected = at == form.at;
        let mark = mark(field, is_selected, looks);
        let role = if is_selected { Role::Accent } else { Role::Text };
        put(frame.buffer_mut(), place, (0, 0), &format!("{mark}{}", field.key), looks.style(role));
        let room = Rect {
            x: place.x + keys.min(place.width),
            width: place.width.saturating_sub(keys),
            ..place
        };
        let wrong = mistake.as_ref().filter(|(number, _)| *number == at).map(|(_, span)| span);
        let has_cursor = is_selected && form.sent.is_none();
        typed::draw(&field.input, wrong, has_cursor, looks, room, frame);
        drawn.targets.push((place, Target::Item(at)));
        if is_selected {
            cursor = Some(place);
        }
    }
    cursor
}

/// What stands before a field: whether it is selected, and whether it is changed.
fn mark(field: &Field, is_selected: bool, looks: &Looks) -> String {
    let selected = match (is_selected, looks.is_ascii) {
        (false, _) => " ",
        (true, true) => ">",
        (true, false) => "▸",
    };
    format!("{selected}{} ", if field.is_changed() { "*" } else { " " })
}

/// What is told below the fields.
fn told(state: &State, form: &Form, wide: u16) -> Vec<Piece> {
    let piece = |text: &str, role: Role| -> Vec<Piece> {
        wrapped(text, wide).into_iter().map(|line| (line, role)).collect()
    };
    if form.fields.is_empty() && form.failure.is_none() {
        return piece("plexyd is asked what there is", Role::Dim);
    }
    let mut lines = Vec::new();
    match &form.failure {
        _ if form.sent.is_some() => lines.extend(piece("plexyd is asked", Role::Dim)),
        Some(failure) if form.fields.is_empty() || form.is_filled() || !form.is_begun => {
            let meant =
                failure.suggestion.as_deref().map(|it| format!("; did you mean {}?", safe(it)));
            let hint = failure.hint.as_deref().map(|it| format!("; {}", safe(it)));
            let more = meant.or(hint).unwrap_or_default();
            let role = if form.is_begun { Role::Dim } else { Role::Bad };
            lines.extend(piece(&format!("{}{more}", safe(&failure.message)), role));
        }
        _ => {}
    }
    if let Some(field) = form.field() {
        lines.extend(piece(&field.help, Role::Dim));
    }
    let line = form.composed().line;
    if form.is_filled() && !line.is_empty() {
        let is_protected = state.place.protected.is_some();
        let same = same_as(&line, &state.place.way(), is_protected);
        lines.extend(piece(&format!("Same as:  {}", safe(&same)), Role::Dim));
    }
    lines
}

fn title(form: &Form) -> String {
    match &form.kind {
        FormKind::Open => "Open a tunnel".to_owned(),
        FormKind::Add(tunnel) => format!("Add a backend to {}", safe(&tunnel.label)),
        FormKind::Options(tunnel) => format!("Options of {}", safe(&tunnel.label)),
        FormKind::Attributes(tunnel, backend) => {
            format!("Attributes of {} of {}", safe(backend), safe(&tunnel.label))
        }
    }
}

fn keys(form: &Form, looks: &Looks) -> Vec<Button> {
    let does = match form.kind {
        FormKind::Open => "open",
        FormKind::Add(_) => "add",
        FormKind::Options(_) | FormKind::Attributes(..) => "difference",
    };
    vec![
        Button::First("Cancel", KeyCode::Esc),
        Button::Key(shown("Enter", looks), does.to_owned(), KeyCode::Enter),
        Button::Key("Tab".to_owned(), "complete".to_owned(), KeyCode::Tab),
        Button::Note(shown("Up/Down field", looks)),
    ]
}
