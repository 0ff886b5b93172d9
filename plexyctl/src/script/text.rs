//! The text of a script: what of it is one command, and where that stands.

use std::mem;
use std::sync::Arc;

use crate::args::Options;
use crate::commands::Line;
use crate::failure::{Failure, Origin};

/// Makes commands of lines. One that ends with a backslash goes on in the next.
#[derive(Debug)]
pub(super) struct Reader {
    name: Arc<str>,
    line: usize,
    begun: Said,
}

/// A command as somebody has written it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    name: Arc<str>,
    /// In one line.
    text: String,
    pieces: Vec<Piece>,
}

/// Where a part of it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    /// Its first byte in the text.
    at: usize,
    /// From 1.
    line: usize,
    /// Of its first character, from 1.
    column: usize,
}

impl Reader {
    /// For a text of that name.
    pub(super) fn new(name: &str) -> Self {
        let name = Arc::from(name);
        Self { begun: Said { name: Arc::clone(&name), ..Said::default() }, name, line: 0 }
    }

    /// Takes one more line, without its end: the command that is whole by now.
    pub(super) fn line(&mut self, line: &str) -> Option<Said> {
        self.line += 1;
        let line = line.strip_suffix('\r').unwrap_or(line);
        let goes_on = line.strip_suffix('\\');
        self.begun.add(goes_on.unwrap_or(line), self.line, 1);
        if goes_on.is_some() { None } else { self.end() }
    }

    /// What was begun and has no next line.
    pub(super) fn end(&mut self) -> Option<Said> {
        let next = Said { name: Arc::clone(&self.name), ..Said::default() };
        let said = mem::replace(&mut self.begun, next);
        (!said.pieces.is_empty()).then_some(said)
    }

    /// All of a text that is whole.
    pub(super) fn all(name: &str, text: &str) -> Vec<Said> {
        let mut reader = Self::new(name);
        let mut all: Vec<_> = text.lines().filter_map(|line| reader.line(line)).collect();
        all.extend(reader.end());
        all
    }

    /// The same of what stands on a command line, where `;` ends a command too.
    pub(super) fn all_of_argument(name: &str, text: &str) -> Vec<Said> {
        Self::all(name, text).iter().flat_map(Said::split).collect()
    }
}

impl Said {
    /// What it says; where it has no options of its own, these hold.
    pub(super) fn read<'a>(&'a self, options: &'a Options) -> Result<Line<'a>, Failure> {
        Line::read(&self.text, options).map_err(|failure| self.place(failure))
    }

    /// Where it went wrong.
    pub(super) fn place(&self, failure: Failure) -> Failure {
        let of_text = failure.place.as_ref().filter(|place| place.text == self.text);
        let blanks = self.text.len() - self.text.trim_start().len();
        let at = of_text.map_or(blanks, |place| place.span.start);
        Failure { origin: Some(Box::new(self.origin(at))), ..failure }
    }

    fn origin(&self, at: usize) -> Origin {
        let first = Piece { at: 0, line: 1, column: 1 };
        let piece = self.pieces.iter().rfind(|piece| piece.at <= at).unwrap_or(&first);
        let before = self.text.get(piece.at..at.min(self.text.len())).unwrap_or_default();
        let column = piece.column + before.chars().count();
        Origin { file: self.name.to_string(), line: piece.line, column }
    }

    fn add(&mut self, text: &str, line: usize, column: usize) {
        self.pieces.push(Piece { at: self.text.len(), line, column });
        self.text.push_str(text);
    }

    /// At each `;` that is not in quotes.
    fn split(&self) -> Vec<Self> {
        let (mut is_quoted, mut is_escaped, mut begin) = (false, false, 0);
        let mut parts = Vec::new();
        for (at, character) in self.text.char_indices() {
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' if is_quoted => is_escaped = true,
                '"' => is_quoted = !is_quoted,
                ';' if !is_quoted => {
                    parts.push(self.part(begin, at));
                    begin = at + 1;
                }
                _ => {}
            }
        }
        parts.push(self.part(begin, self.text.len()));
        parts
    }

    fn part(&self, begin: usize, end: usize) -> Self {
        let Origin { line, column, .. } = self.origin(begin);
        let mut part = Self { name: Arc::clone(&self.name), ..Self::default() };
        part.add(self.text.get(begin..end).unwrap_or_default(), line, column);
        part
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[track_caller]
    fn check(all: &[Said], expected: &[(&str, usize, usize)]) {
        let told: Vec<_> = all
            .iter()
            .map(|said| {
                let Origin { line, column, .. } = *said.place(Failure::usage("no")).origin.unwrap();
                (said.text.trim(), line, column)
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn each_line_is_a_command_and_a_backslash_goes_on() {
        let text = "ping\r\n\n# note\n  open 3000=\\\n  4000\nlist \\";
        let expected = [
            ("ping", 1, 1),
            ("", 2, 1),
            ("# note", 3, 1),
            ("open 3000=  4000", 4, 3),
            ("list", 6, 1),
        ];
        check(&Reader::all("a", text), &expected);
    }

    #[test]
    fn on_a_command_line_a_semicolon_ends_a_command() {
        let text = "ping; open 1=2[check-send=\"a;b\\\";\"] ;list\n ping;";
        let expected = [
            ("ping", 1, 1),
            ("open 1=2[check-send=\"a;b\\\";\"]", 1, 7),
            ("list", 1, 38),
            ("ping", 2, 2),
            ("", 2, 7),
        ];
        check(&Reader::all_of_argument("-c", text), &expected);
    }

    #[test]
    fn what_is_wrong_is_placed_in_the_line_where_it_stands() {
        let all = Reader::all("a", "ping\nclose \\\n  db \\\n  drian\n");
        let options = Options::parse_from(["plexyctl"]);
        let failure = all[1].read(&options).unwrap_err();
        let origin = failure.origin.unwrap();
        assert_eq!((origin.file.as_str(), origin.line, origin.column), ("a", 4, 3));
    }
}
