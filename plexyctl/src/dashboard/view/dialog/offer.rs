//! What could stand where somebody types, each with what it is.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Clear;

use super::super::super::state::{Looks, Offer};
use super::super::super::theme::{Role, SELECTED};
use super::super::put::{columns, put, row_of};
use crate::output::safe;

/// The most that are seen at once.
pub(super) const ROWS: u16 = 8;

/// How many rows it takes.
pub(super) fn rows(offer: &Offer) -> u16 {
    u16::try_from(offer.candidates.len()).unwrap_or(ROWS).min(ROWS)
}

/// Draws as many as an area has room for, the selected one among them.
pub(super) fn draw(offer: &Offer, looks: &Looks, area: Rect, frame: &mut Frame<'_>) {
    frame.render_widget(Clear, area);
    let rows = usize::from(area.height);
    let first = (offer.at + 1).saturating_sub(rows);
    let widest = offer.candidates.iter().map(|it| columns(&safe(&it.text))).max();
    let beside = widest.unwrap_or_default().min(area.width / 2).saturating_add(3);
    for (row, (at, candidate)) in
        offer.candidates.iter().enumerate().skip(first).take(rows).enumerate()
    {
        let place = row_of(area, u16::try_from(row).unwrap_or(u16::MAX));
        let text = Rect { width: place.width.min(beside), ..place };
        put(frame.buffer_mut(), text, (1, 0), &safe(&candidate.text), looks.style(Role::Text));
        let about = safe(&candidate.description);
        put(frame.buffer_mut(), place, (beside, 0), &about, looks.style(Role::Dim));
        if at == offer.at {
            frame.buffer_mut().set_style(place, SELECTED);
        }
    }
}
