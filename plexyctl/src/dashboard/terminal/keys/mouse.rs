//! What the mouse does, as it is told with numbers (mode 1006 of xterm).

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// Bits of the first number: keys that are held, a movement, and the wheel.
const SHIFT: u16 = 4;
const ALT: u16 = 8;
const CONTROL: u16 = 16;
const MOVED: u16 = 32;
const WHEEL: u16 = 64;

/// `button;column;row`, and whether it is pressed or let go.
pub(super) fn of(place: &str, kind: u8) -> Option<MouseEvent> {
    let mut numbers = place.split(';').map(str::parse::<u16>);
    let mut next = || numbers.next()?.ok();
    let (bits, column, row) = (next()?, next()?, next()?);
    let held = |bit: u16, modifier| if bits & bit > 0 { modifier } else { KeyModifiers::NONE };
    let button = match bits & 0b11 {
        0 => MouseButton::Left,
        1 => MouseButton::Middle,
        _ => MouseButton::Right,
    };
    let kind = match (bits & (WHEEL | MOVED), bits & 0b11, kind) {
        (WHEEL, 0, b'M') => MouseEventKind::ScrollUp,
        (WHEEL, 1, b'M') => MouseEventKind::ScrollDown,
        (0, 0..=2, b'M') => MouseEventKind::Down(button),
        (0, 0..=2, b'm') => MouseEventKind::Up(button),
        (MOVED, 0..=2, b'M') => MouseEventKind::Drag(button),
        _ => return None,
    };
    let modifiers = held(SHIFT, KeyModifiers::SHIFT)
        | held(ALT, KeyModifiers::ALT)
        | held(CONTROL, KeyModifiers::CONTROL);
    Some(MouseEvent {
        kind,
        column: column.saturating_sub(1),
        row: row.saturating_sub(1),
        modifiers,
    })
}
