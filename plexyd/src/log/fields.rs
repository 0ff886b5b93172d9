//! Fields of an event as `key=value`. What would act on a terminal or break a line is escaped,
//! wherever it comes from: an address or an error may hold what a peer has written.

use std::fmt::{self, Write};

use plexy_shared::error::is_unprintable;
use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// The message, and then every field.
#[derive(Debug)]
pub(super) struct TextFields;

impl<'w> FormatFields<'w> for TextFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let in_colour = writer.has_ansi_escapes();
        let mut visitor = TextVisitor { writer, in_colour, is_first: true, written: Ok(()) };
        fields.record(&mut visitor);
        visitor.written
    }
}

struct TextVisitor<'w> {
    writer: Writer<'w>,
    in_colour: bool,
    is_first: bool,
    written: fmt::Result,
}

impl Visit for TextVisitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let gap = if std::mem::take(&mut self.is_first) { "" } else { " " };
        let name = match (field.name(), self.in_colour) {
            ("message", _) => String::new(),
            (name, false) => format!("{name}="),
            (name, true) => format!("\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m"),
        };
        let written = self.writer.write_str(gap).and_then(|()| self.writer.write_str(&name));
        let written = written.and_then(|()| write!(Escaped(&mut self.writer), "{value:?}"));
        self.written = self.written.and(written);
    }
}

/// What is written through it is one line of what shows itself.
pub(super) struct Escaped<'a, W>(pub(super) &'a mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, character)) = rest.char_indices().find(|(_, it)| is_unprintable(*it)) {
            let (good, behind) = rest.split_at(at);
            self.0.write_str(good)?;
            write!(self.0, "{}", character.escape_unicode())?;
            rest = behind.get(character.len_utf8()..).unwrap_or_default();
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_escaped_and_the_rest_is_as_it_was() {
        let mut text = String::new();
        Escaped(&mut text).write_str("a\x1b[31m\r\n\u{202e}\u{9b}é`\\").unwrap();
        assert_eq!(text, r"a\u{1b}[31m\u{d}\u{a}\u{202e}\u{9b}é`\");
    }
}
