//! Bytes of a terminal, and the keys that they mean (xterm's "Control Sequences", `ctlseqs`). A sequence
//! may come in pieces; what follows the first byte of one within a moment belongs to it.

use std::collections::VecDeque;
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::{mouse, named};

/// How long what follows Escape may take: without it, Escape is a key by itself. A terminal sends all of a
/// sequence at once; it is the network that may cut it. Neovim waits as long (`ttimeoutlen`), Vim twice as
/// long, and tmux before 3.5 and readline ten times: too long for a key that goes back.
const ESCAPE_ALONE: Duration = Duration::from_millis(50);

/// How long the rest of a sequence or of a character may take of which more has come: nobody types that by
/// hand, so that nobody waits for it. readline waits as long (`keyseq-timeout`). Alt-`[` and Alt-`O` begin one,
/// too, and take the key behind them with them that is typed within that time: they mean nothing here, and a
/// sequence may be cut right there.
const REST: Duration = Duration::from_millis(500);

/// How long a paste may say nothing before it is over, where its end was lost.
const PASTE: Duration = Duration::from_secs(1);

/// Longest sequence that is held: an answer of a terminal to somebody else.
const SEQUENCE_MAX: usize = 256;

/// Longest paste that is held: what follows is no line that anybody types.
const PASTE_MAX: usize = 64 * 1024;

const ESCAPE: u8 = 0x1b;
/// Control-C: whoever wants out is heard, whatever was begun before.
const INTERRUPT: u8 = 0x03;
const PASTE_BEGIN: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// What is known of what comes.
#[derive(Debug, Default)]
pub(super) struct Parser {
    held: Vec<u8>,
    /// Whether somebody pastes.
    is_paste: bool,
}

/// What the first bytes are.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    /// So many of them are this, or nothing that we know.
    Event(usize, Option<Event>),
    /// There may be more to come.
    Begun,
}

impl Parser {
    /// Takes bytes, and adds what they mean.
    pub(super) fn take(&mut self, bytes: &[u8], read: &mut VecDeque<Event>) {
        self.held.extend_from_slice(bytes);
        self.read(read);
    }

    /// How long to wait for the rest of what has begun, if something has.
    pub(super) fn patience(&self) -> Option<Duration> {
        match self.held.as_slice() {
            _ if self.is_paste => Some(PASTE),
            [] => None,
            // The latter are keys with Alt, too, and swallow whatever is typed next.
            [ESCAPE] | [ESCAPE, b']' | b'P' | b'_' | b'^', ..] => Some(ESCAPE_ALONE),
            _ => Some(REST),
        }
    }

    /// Nothing more has come: what is held is all.
    pub(super) fn end(&mut self, read: &mut VecDeque<Event>) {
        if self.is_paste {
            let all = self.held.len();
            return self.paste(all, read);
        }
        let key = match std::mem::take(&mut self.held).as_slice() {
            [ESCAPE] => KeyEvent::from(KeyCode::Esc),
            [ESCAPE, key] => KeyEvent::new(KeyCode::Char(char::from(*key)), KeyModifiers::ALT),
            // Cut off.
            _ => return,
        };
        read.push_back(Event::Key(key));
    }

    fn read(&mut self, read: &mut VecDeque<Event>) {
        let mut held = std::mem::take(&mut self.held);
        let mut at = 0;
        loop {
            let left = held.get(at..).unwrap_or_default();
            if self.is_paste {
                self.held = left.to_vec();
                return self.read_paste(read);
            }
            if left.starts_with(PASTE_BEGIN) {
                self.is_paste = true;
                at += PASTE_BEGIN.len();
                continue;
            }
            match first(left) {
                Read::Event(bytes, event) => {
                    at += bytes;
                    read.extend(event);
                }
                Read::Begun => break,
            }
        }
        held.drain(..at);
        self.held = held;
    }

    fn read_paste(&mut self, read: &mut VecDeque<Event>) {
        let end = self.held.windows(PASTE_END.len()).position(|part| part == PASTE_END);
        match end {
            Some(end) => {
                let rest = self.held.split_off(end).split_off(PASTE_END.len());
                self.paste(end, read);
                self.take(&rest, read);
            }
            None if self.held.len() > PASTE_MAX + PASTE_END.len() => {
                // The end may have begun.
                let end = self.held.split_off(self.held.len() - PASTE_END.len());
                self.held.truncate(PASTE_MAX);
                self.held.extend(end);
            }
            None => {}
        }
    }

    /// So many of the bytes were pasted.
    fn paste(&mut self, bytes: usize, read: &mut VecDeque<Event>) {
        let mut pasted = std::mem::take(&mut self.held);
        pasted.truncate(bytes.min(PASTE_MAX));
        self.is_paste = false;
        read.push_back(Event::Paste(String::from_utf8_lossy(&pasted).into_owned()));
    }
}

fn first(bytes: &[u8]) -> Read {
    match bytes {
        [] | [ESCAPE] => Read::Begun,
        [ESCAPE, b'[', ..] => control_sequence(bytes),
        [ESCAPE, b'O'] => Read::Begun,
        [ESCAPE, b'O', INTERRUPT, ..] => Read::Event(2, None),
        [ESCAPE, b'O', key, ..] => Read::Event(3, named::of_ss3(*key).map(Event::Key)),
        [ESCAPE, b']' | b'P' | b'_' | b'^', ..] => text(bytes),
        [ESCAPE, ESCAPE | INTERRUPT, ..] => Read::Event(1, Some(Event::Key(KeyCode::Esc.into()))),
        [ESCAPE, rest @ ..] => match character(rest) {
            Read::Event(count, Some(Event::Key(key))) => {
                let key = KeyEvent::new(key.code, key.modifiers | KeyModifiers::ALT);
                Read::Event(count + 1, Some(Event::Key(key)))
            }
            Read::Event(count, _) => Read::Event(count + 1, None),
            Read::Begun => Read::Begun,
        },
        _ => character(bytes),
    }
}

/// `ESC [`, parameters, and what they are for.
fn control_sequence(bytes: &[u8]) -> Read {
    let behind = bytes.get(2..).unwrap_or_default();
    // A key of the console of Linux, and a mouse as it was told in the beginning.
    let fixed = match behind {
        [b'[', ..] => Some(4),
        [b'M', ..] => Some(6),
        _ => None,
    };
    if let Some(all) = fixed {
        return fixed_sequence(bytes, all);
    }
    let is_end = |byte: &u8| !(0x20..0x40).contains(byte);
    let Some(end) = behind.iter().position(is_end) else {
        let is_too_long = bytes.len() > SEQUENCE_MAX;
        return if is_too_long { Read::Event(bytes.len(), None) } else { Read::Begun };
    };
    let (parameters, last) = behind.split_at(end);
    let parameters = str::from_utf8(parameters).unwrap_or_default();
    let event = match (last.first(), parameters.strip_prefix('<')) {
        // Another one begins in the midst of it.
        (Some(&(ESCAPE | INTERRUPT)), _) => return Read::Event(end + 2, None),
        (Some(kind), Some(place)) => mouse::of(place, *kind).map(Event::Mouse),
        (Some(kind), None) => named::of_sequence(parameters, *kind).map(Event::Key),
        (None, _) => None,
    };
    Read::Event(end + 3, event)
}

/// `ESC [ [` or `ESC [ M`, and what has no mark of its end: so many bytes altogether. None of them is below
/// a blank, so that whatever is belongs to something else.
fn fixed_sequence(bytes: &[u8], all: usize) -> Read {
    let parameters = bytes.get(3..all.min(bytes.len())).unwrap_or_default();
    let is_another = |byte: &u8| [ESCAPE, INTERRUPT].contains(byte);
    if let Some(end) = parameters.iter().position(is_another) {
        return Read::Event(3 + end, None);
    }
    let key = parameters.first().and_then(|key| named::of_console(*key)).filter(|_| all == 4);
    match bytes.len() >= all {
        true => Read::Event(all, key.map(Event::Key)),
        false => Read::Begun,
    }
}

/// An answer that is a text, until its end; nobody here has asked for it.
fn text(bytes: &[u8]) -> Read {
    let end = bytes.iter().enumerate().skip(2).find_map(|(at, byte)| match byte {
        0x07 => Some(at + 1),
        &INTERRUPT => Some(at),
        &ESCAPE => Some(at + 2),
        _ => None,
    });
    match end {
        Some(end) if end <= bytes.len() => Read::Event(end, None),
        Some(_) | None if bytes.len() <= SEQUENCE_MAX => Read::Begun,
        _ => Read::Event(bytes.len(), None),
    }
}

/// A key that is a character, or one with Control.
fn character(bytes: &[u8]) -> Read {
    let Some(byte) = bytes.first() else { return Read::Begun };
    if byte.is_ascii() {
        return Read::Event(1, Some(Event::Key(named::of_ascii(*byte))));
    }
    let longest = bytes.get(..bytes.len().min(4)).unwrap_or_default();
    let valid = match str::from_utf8(longest) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => {
            let valid = longest.get(..error.valid_up_to()).unwrap_or_default();
            str::from_utf8(valid).unwrap_or_default()
        }
        // Cut, or nothing that is a character.
        Err(error) => match error.error_len() {
            None => return Read::Begun,
            Some(wrong) => return Read::Event(wrong, None),
        },
    };
    match valid.chars().next() {
        Some(letter) => {
            Read::Event(letter.len_utf8(), Some(Event::Key(named::of_character(letter))))
        }
        None => Read::Event(1, None),
    }
}

#[cfg(test)]
mod tests;
