//! Bytes into lines.
//!
//! A line ends with LF, CRLF or CR NUL; the last one may have no end. What telnet
//! negotiates is taken out. A line that is too long is dropped as it comes and
//! reported once it ends, so that it costs no memory.

use plexy_shared::command::LINE_BYTES_MAX;

/// What a line was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framed {
    Line(String),
    /// Longer than [`LINE_BYTES_MAX`].
    TooLong,
    /// Not UTF-8, from this byte on.
    NotUtf8(usize),
}

/// The line that is being received.
#[derive(Debug, Default)]
pub(super) struct Framing {
    line: Vec<u8>,
    is_too_long: bool,
    telnet: Telnet,
}

/// Where in a telnet command we are (RFC 854).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Telnet {
    #[default]
    Text,
    Command,
    /// One byte is left: which option.
    Option,
    /// So many bytes of it so far.
    Subnegotiation(u8),
    SubnegotiationCommand(u8),
}

/// Longest subnegotiation that is taken out; one that does not end is none.
const SUBNEGOTIATION_BYTES_MAX: u8 = 128;

const SE: u8 = 240;
const SB: u8 = 250;
const WILL: u8 = 251;
const DONT: u8 = 254;
const IAC: u8 = 255;

impl Framing {
    /// Takes bytes that have arrived, and gives the lines that they end.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Framed> {
        let mut lines = Vec::new();
        for byte in bytes {
            if let Some(byte) = self.telnet.next(*byte) {
                match byte {
                    b'\n' => lines.push(self.take()),
                    // As telnet sends Enter on a terminal of its own (RFC 854).
                    0 if self.line.last() == Some(&b'\r') => lines.push(self.take()),
                    _ if self.is_too_long => {}
                    // One more for the CR that may end it.
                    _ if self.line.len() > LINE_BYTES_MAX => {
                        self.is_too_long = true;
                        self.line = Vec::new();
                    }
                    _ => self.line.push(byte),
                }
            }
        }
        lines
    }

    /// The line that the end of the input ends, if one was begun.
    pub(super) fn finish(&mut self) -> Option<Framed> {
        (self.is_too_long || !self.line.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> Framed {
        let mut line = std::mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if std::mem::take(&mut self.is_too_long) || line.len() > LINE_BYTES_MAX {
            return Framed::TooLong;
        }
        String::from_utf8(line)
            .map_or_else(|error| Framed::NotUtf8(error.utf8_error().valid_up_to()), Framed::Line)
    }
}

impl Telnet {
    /// The byte, if it is text.
    fn next(&mut self, byte: u8) -> Option<u8> {
        *self = match (*self, byte) {
            (Self::Text, IAC) => Self::Command,
            (Self::Text, _) => return Some(byte),
            (Self::Command, WILL..=DONT) => Self::Option,
            (Self::Command, SB) => Self::Subnegotiation(0),
            (Self::Subnegotiation(bytes), IAC) => Self::SubnegotiationCommand(bytes),
            (Self::SubnegotiationCommand(_), SE)
            | (Self::Command | Self::Option, _)
            | (Self::Subnegotiation(SUBNEGOTIATION_BYTES_MAX), _) => Self::Text,
            (Self::Subnegotiation(bytes) | Self::SubnegotiationCommand(bytes), _) => {
                Self::Subnegotiation(bytes.saturating_add(1).min(SUBNEGOTIATION_BYTES_MAX))
            }
        };
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Framed> {
        let mut framing = Framing::default();
        let mut lines = framing.push(bytes);
        lines.extend(framing.finish());
        lines
    }

    fn line(text: &str) -> Framed {
        Framed::Line(text.to_owned())
    }

    #[test]
    fn lines_end_in_any_of_three_ways() {
        assert_eq!(lines(b"a\r\nb\nc"), [line("a"), line("b"), line("c")]);
        assert_eq!(lines(b"\n\n"), [line(""), line("")]);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn telnet_commands_are_taken_out() {
        assert_eq!(
            lines(b"\xff\xfd\x03st\xff\xfb\x18at\xff\xfa\x18\x00xterm\xff\xf0us\xff\xf1\n"),
            [line("status")]
        );
    }

    #[test]
    fn a_telnet_command_without_an_end_does_not_silence_the_session() {
        let mut bytes = b"\xff\xfa".to_vec();
        bytes.extend([b'x'; 200]);
        bytes.extend(b"\nping\r\0status\n");
        let lines = lines(&bytes);
        assert_eq!(lines.get(1..), Some([line("ping"), line("status")].as_slice()));
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_the_next_one_is_read() {
        let mut bytes = vec![b'x'; 1_000_000];
        bytes.extend(b"\nping\n");
        assert_eq!(lines(&bytes), [Framed::TooLong, line("ping")]);
        let longest = "x".repeat(LINE_BYTES_MAX);
        assert_eq!(lines(format!("{longest}\r\n").as_bytes()), [line(&longest)]);
        assert_eq!(lines(format!("{longest}x\n").as_bytes()), [Framed::TooLong]);
    }

    #[test]
    fn what_is_not_utf8_is_told_with_its_place() {
        assert_eq!(lines(b"ab\x80\nping"), [Framed::NotUtf8(2), line("ping")]);
    }

    #[test]
    fn bytes_may_come_one_by_one() {
        let mut framing = Framing::default();
        let whole: Vec<_> =
            b"ping\r\nstatus\n".iter().flat_map(|byte| framing.push(&[*byte])).collect();
        assert_eq!(whole, [line("ping"), line("status")]);
    }
}
