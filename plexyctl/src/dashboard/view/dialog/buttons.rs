//! Keys that answer, in a line, for who has a mouse too.

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::super::super::message::{Drawn, Target};
use super::super::super::state::Looks;
use super::super::super::theme::Role;
use super::super::put::{columns, put};

/// One of them.
#[derive(Debug)]
pub(super) enum Button {
    /// What Enter does.
    First(&'static str, KeyCode),
    /// A key and what it does.
    Key(String, String, KeyCode),
    /// More of something, and less.
    More(&'static str),
    /// What has nothing to be clicked; it gives way first.
    Note(String),
}

impl Button {
    /// What a letter does.
    pub(super) fn letter(letter: char, does: impl Into<String>) -> Self {
        Self::Key(letter.to_string(), does.into(), KeyCode::Char(letter))
    }
}

/// Draws them in the first row of an area.
pub(super) fn draw(
    buttons: &[Button],
    looks: &Looks,
    area: Rect,
    frame: &mut Frame<'_>,
    drawn: &mut Drawn,
) {
    let buffer = frame.buffer_mut();
    // Where there is little room, blanks give way first.
    let wide: u16 = buttons.iter().map(|button| columns(&text(button)) + 5).sum();
    let (indent, gap): (u16, u16) = if wide <= area.width { (2, 5) } else { (0, 2) };
    let mut column = indent;
    for button in buttons {
        let has_room = column.saturating_add(columns(&text(button))) <= area.width;
        if matches!(button, Button::Note(_)) && !has_room {
            continue;
        }
        let begin = column;
        column = match button {
            Button::First(..) => {
                let style = looks.style(Role::Text).add_modifier(Modifier::REVERSED);
                put(buffer, area, (column, 0), &text(button), style)
            }
            Button::Key(key, does, _) => {
                let end = put(buffer, area, (column, 0), key, looks.style(Role::Key));
                put(buffer, area, (end, 0), &format!("  {does}"), looks.style(Role::Text))
            }
            Button::More(_) | Button::Note(_) => {
                put(buffer, area, (column, 0), &text(button), looks.style(Role::Dim))
            }
        };
        let place = Rect { x: area.x + begin, width: column - begin, height: 1, ..area };
        if let Button::First(_, code) | Button::Key(_, _, code) = button {
            drawn.targets.push((place.intersection(area), Target::Press(*code)));
        }
        if let Button::More(_) = button {
            for (at, code) in [(begin, KeyCode::Up), (begin + 4, KeyCode::Down)] {
                let sign = Rect { x: area.x + at, width: 1, height: 1, ..area };
                drawn.targets.push((sign.intersection(area), Target::Press(code)));
            }
        }
        column = column.saturating_add(gap);
    }
}

fn text(button: &Button) -> String {
    match button {
        Button::First(does, _) => format!("[ {does} ]"),
        Button::Key(key, does, _) => format!("{key}  {does}"),
        Button::More(what) => format!("+ / - {what}"),
        Button::Note(text) => text.clone(),
    }
}
