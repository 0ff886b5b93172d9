//! Keys that have a name, by what the terminal sends for them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One that is a byte.
pub(super) fn of_ascii(byte: u8) -> KeyEvent {
    let held = |letter: u8| KeyEvent::new(KeyCode::Char(letter.into()), KeyModifiers::CONTROL);
    match byte {
        b'\r' => KeyCode::Enter.into(),
        b'\t' => KeyCode::Tab.into(),
        0x7f => KeyCode::Backspace.into(),
        0x00 => held(b' '),
        0x01..=0x1a => held(byte - 1 + b'a'),
        0x1b => KeyCode::Esc.into(),
        0x1c..=0x1f => held(byte - 0x1c + b'4'),
        _ => of_character(byte.into()),
    }
}

/// One that is a character.
pub(super) fn of_character(letter: char) -> KeyEvent {
    let shift = if letter.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    KeyEvent::new(KeyCode::Char(letter), shift)
}

/// One behind `ESC O`.
pub(super) fn of_ss3(key: u8) -> Option<KeyEvent> {
    match key {
        b'M' => Some(KeyCode::Enter.into()),
        _ => of_letter(key).map(KeyEvent::from),
    }
}

/// One behind `ESC [ [`.
pub(super) fn of_console(key: u8) -> Option<KeyEvent> {
    (b'A'..=b'E').contains(&key).then(|| KeyCode::F(key - b'A' + 1).into())
}

/// One with parameters: which, and what is held with it.
pub(super) fn of_sequence(parameters: &str, kind: u8) -> Option<KeyEvent> {
    let mut numbers = parameters.split(';').map(|number| number.parse::<u8>().unwrap_or(1));
    let number = numbers.next().unwrap_or(1);
    let modifiers = numbers.next().map_or(KeyModifiers::NONE, held);
    let code = match kind {
        b'~' => of_number(number)?,
        b'Z' => return Some(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)),
        // Where the cursor is, told to somebody else.
        b'R' => return None,
        _ => of_letter(kind)?,
    };
    Some(KeyEvent::new(code, modifiers))
}

fn of_letter(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        _ => return None,
    })
}

fn of_number(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23 | 24 => KeyCode::F(number - 12),
        _ => return None,
    })
}

/// What is held, as a bit each, plus one.
fn held(number: u8) -> KeyModifiers {
    let bits = number.saturating_sub(1);
    let of = |bit: u8, modifier| if bits & bit > 0 { modifier } else { KeyModifiers::NONE };
    of(1, KeyModifiers::SHIFT) | of(2, KeyModifiers::ALT) | of(4, KeyModifiers::CONTROL)
}
