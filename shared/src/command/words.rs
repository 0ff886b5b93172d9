//! The words of one line, from left to right.

use std::str::FromStr;

use super::{CommandError, VERBS, Verb};
use crate::error::Span;
use crate::filter::{Filter, FilterError};
use crate::spec::{BackendSpec, SpecError, TunnelRef};
use crate::units::ValueError;

/// What stands for a backend, where one is missing.
pub(super) const BACKEND: &str = "a backend like `10.0.0.1:5432`";

/// Reads a line word by word and knows where the last one stood. Quotes hold
/// a word together and stay on it, for whoever parses the word.
#[derive(Debug)]
pub(super) struct Words<'a> {
    line: &'a str,
    at: usize,
    last: Span,
}

impl<'a> Words<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self { line, at: 0, last: 0..0 }
    }

    fn rest(&self) -> &'a str {
        self.line.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        self.at = self.line.len() - self.rest().trim_start().len();
    }

    pub(super) fn is_empty(&mut self) -> bool {
        self.skip_blanks();
        self.rest().is_empty()
    }

    pub(super) fn maybe_next(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let rest = self.rest();
        let mut quoted = false;
        let mut escaped = false;
        let end = rest.find(|c: char| {
            let ends = c.is_whitespace() && !quoted;
            quoted ^= c == '"' && !escaped;
            escaped = c == '\\' && quoted && !escaped;
            ends
        });
        let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.last = self.at..self.at + word.len();
        self.at = self.last.end;
        (!word.is_empty()).then_some(word)
    }

    /// Where the word is that was just read.
    pub(super) fn span(&self) -> Span {
        self.last.clone()
    }

    /// The next word, which is still to be read.
    pub(super) fn peek(&self) -> Option<&'a str> {
        Self { line: self.line, at: self.at, last: self.last.clone() }.maybe_next()
    }

    /// The next word, as something of the grammar of specifications.
    pub(super) fn one<T: FromStr<Err = SpecError>>(
        &mut self,
        what: &'static str,
    ) -> Result<T, CommandError> {
        let word = self.next(what)?;
        self.parse(word)
    }

    /// Whether this word is the next one; it is not read.
    pub(super) fn comes(&self, word: &str) -> bool {
        let rest = self.rest().split_whitespace();
        rest.take(1).any(|next| next.eq_ignore_ascii_case(word))
    }

    pub(super) fn next(&mut self, what: &'static str) -> Result<&'a str, CommandError> {
        self.maybe_next().ok_or_else(|| CommandError::missing(what, self.line))
    }

    /// The next word as one of a few.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        what: &'static str,
        words: &[(&'static str, T)],
    ) -> Result<T, CommandError> {
        let word = self.next(what)?;
        let known = words.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        known.map(|(_, value)| *value).ok_or_else(|| {
            let valid: Vec<_> = words.iter().map(|(name, _)| *name).collect();
            self.unexpected(word, &valid)
        })
    }

    pub(super) fn tunnel(&mut self) -> Result<TunnelRef, CommandError> {
        let word = self.next("a tunnel: its name or its listen address")?;
        self.parse(word)
    }

    /// The next word, without the quotes around it.
    pub(super) fn text(&mut self, what: &'static str) -> Result<String, CommandError> {
        let word = self.next(what)?;
        let inner = word.strip_prefix('"').and_then(|word| word.strip_suffix('"'));
        let Some(inner) = inner else { return Ok(word.to_owned()) };
        let mut text = String::new();
        let mut is_escaped = false;
        for character in inner.chars() {
            is_escaped = character == '\\' && !is_escaped;
            if !is_escaped {
                text.push(character);
            }
        }
        Ok(text)
    }

    pub(super) fn backend(&mut self) -> Result<BackendSpec, CommandError> {
        self.rest_as(BACKEND)
    }

    /// A filter: it ends where no more tests follow.
    pub(super) fn filter(&mut self) -> Result<Filter, CommandError> {
        let (before, rest) = self.line.split_at(self.at);
        let (filter, end) = Filter::read(rest).map_err(|error: FilterError| {
            let error = error.shifted(before.len(), before.chars().count());
            CommandError::Filter(Box::new(error))
        })?;
        self.at += end;
        Ok(filter)
    }

    /// All that is left, which may hold blanks.
    pub(super) fn rest_as<T: FromStr<Err = SpecError>>(
        &mut self,
        what: &'static str,
    ) -> Result<T, CommandError> {
        if self.is_empty() {
            return Err(CommandError::missing(what, self.line));
        }
        let rest = self.rest().trim_end();
        self.last = self.at..self.at + rest.len();
        self.at = self.line.len();
        self.parse(rest)
    }

    /// The word that was just read, as what it stands for.
    pub(super) fn parse<T: FromStr<Err = SpecError>>(&self, text: &str) -> Result<T, CommandError> {
        let before = self.line.get(..self.last.start).unwrap_or_default();
        text.parse().map_err(|error: SpecError| {
            CommandError::Spec(Box::new(error.shifted(before.len(), before.chars().count())))
        })
    }

    /// Refuses words that the verb does not take.
    pub(super) fn end(mut self, verb: &'static Verb) -> Result<(), CommandError> {
        match self.maybe_next() {
            None => Ok(()),
            Some(word) => Err(CommandError::too_many(verb, word, self.last, self.line)),
        }
    }

    pub(super) fn unknown_verb(&self, word: &str) -> CommandError {
        let names = VERBS
            .iter()
            .flat_map(|verb| std::iter::once(verb.name).chain(verb.aliases.iter().copied()));
        CommandError::unknown_verb(word, names, self.last.clone(), self.line)
    }

    /// Refuses the word that was just read.
    pub(super) fn unexpected(&self, word: &str, valid: &[&'static str]) -> CommandError {
        CommandError::unexpected(word, valid, self.last.clone(), self.line)
    }

    /// Refuses the value of the word that was just read.
    pub(super) fn bad_value(&self, key: &'static str, error: ValueError) -> CommandError {
        CommandError::bad_value(key, error, self.last.clone(), self.line)
    }
}
