//! A place in the text of a specification, and the few ways to move on.

use std::borrow::Cow;

use super::{SpecError, SpecErrorKind};
use crate::error::{Span, is_unprintable};

/// Reads a specification from left to right and knows where it is.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    input: &'a str,
    at: usize,
}

/// A piece of the input and where it stood; quotes are taken off.
#[derive(Debug, Clone)]
pub(crate) struct Piece<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) span: Span,
}

/// Characters that end a bare word; a value that holds one is quoted.
pub(crate) fn ends_bare_word(character: char) -> bool {
    matches!(character, ',' | '[' | ']' | '+' | '"') || character.is_whitespace()
}

impl<'a> Cursor<'a> {
    /// Starts at the beginning. Text that could act on a terminal is refused
    /// here, once, so that everything parsed is safe to print.
    pub(crate) fn new(input: &'a str) -> Result<Self, SpecError> {
        match input.char_indices().find(|(_, c)| is_unprintable(*c) && *c != '\t') {
            Some((at, character)) => {
                let kind = SpecErrorKind::Unprintable(character);
                Err(SpecError::new(kind, at..at + character.len_utf8(), input))
            }
            None => Ok(Self { input, at: 0 }),
        }
    }

    pub(crate) fn input(&self) -> &'a str {
        self.input
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.input.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn skip_blanks(&mut self) {
        self.at = self.input.len() - self.rest().trim_start().len();
    }

    /// Takes `character` if it stands here.
    pub(crate) fn eat(&mut self, character: char) -> bool {
        let found = self.peek() == Some(character);
        if found {
            self.at += character.len_utf8();
        }
        found
    }

    /// Takes everything up to a character that `ends` the word.
    pub(crate) fn bare(&mut self, ends: impl Fn(char) -> bool) -> Piece<'a> {
        let rest = self.rest();
        let text = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or_default();
        let span = self.at..self.at + text.len();
        self.at = span.end;
        Piece { text: Cow::Borrowed(text), span }
    }

    /// Takes a quoted text, in which `\"` is a quote and `\\` a backslash, or
    /// else a bare word.
    pub(crate) fn text(&mut self, ends: impl Fn(char) -> bool) -> Result<Piece<'a>, SpecError> {
        let start = self.at;
        if !self.eat('"') {
            return Ok(self.bare(ends));
        }
        let mut text = String::new();
        let mut escaped = false;
        for (offset, character) in self.rest().char_indices() {
            match character {
                '"' | '\\' if escaped => text.push(character),
                '"' => {
                    self.at += offset + 1;
                    return Ok(Piece { text: Cow::Owned(text), span: start..self.at });
                }
                '\\' => {
                    escaped = true;
                    continue;
                }
                _ if escaped => {
                    let at = self.at + offset;
                    let kind = SpecErrorKind::UnknownEscape(character);
                    return Err(SpecError::new(
                        kind,
                        at - 1..at + character.len_utf8(),
                        self.input,
                    ));
                }
                _ => text.push(character),
            }
            escaped = false;
        }
        Err(SpecError::new(SpecErrorKind::UnterminatedQuote, start..self.input.len(), self.input))
    }

    /// Takes a quoted text that has escapes of its own, which stay as they are but for `\"`, or else
    /// a bare word.
    pub(crate) fn escaped_text(
        &mut self,
        ends: impl Fn(char) -> bool,
    ) -> Result<Piece<'a>, SpecError> {
        let start = self.at;
        if !self.eat('"') {
            return Ok(self.bare(ends));
        }
        let (mut text, mut is_escaped) = (String::new(), false);
        for (offset, character) in self.rest().char_indices() {
            match character {
                '"' if is_escaped => text.push('"'),
                '"' => {
                    self.at += offset + 1;
                    return Ok(Piece { text: Cow::Owned(text), span: start..self.at });
                }
                '\\' if !is_escaped => {
                    is_escaped = true;
                    continue;
                }
                _ if is_escaped => text.extend(['\\', character]),
                _ => text.push(character),
            }
            is_escaped = false;
        }
        Err(SpecError::new(SpecErrorKind::UnterminatedQuote, start..self.input.len(), self.input))
    }

    /// The error "`what` is expected here", about the character that stands here instead.
    pub(crate) fn expected(&self, what: &'static str) -> SpecError {
        let found = self.peek();
        let span = self.at..self.at + found.map_or(0, char::len_utf8);
        SpecError::new(SpecErrorKind::Expected { what, found }, span, self.input)
    }

    /// Refuses whatever is left over.
    pub(crate) fn end(&mut self, what: &'static str) -> Result<(), SpecError> {
        self.skip_blanks();
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected(what)) }
    }
}

/// Writes a text so that [`Cursor::text`] reads the same one.
pub(crate) fn quote_if_needed(text: &str, ends: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.is_empty() && !text.contains(ends) {
        return Cow::Borrowed(text);
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    Cow::Owned(format!("\"{escaped}\""))
}

/// Writes a text with escapes of its own so that [`Cursor::escaped_text`] reads the same one.
pub(crate) fn quote_escaped_if_needed(text: &str, ends: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.is_empty() && !text.contains(ends) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("\"{}\"", text.replace('"', "\\\"")))
}
