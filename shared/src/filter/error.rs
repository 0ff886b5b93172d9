//! What can be wrong with a filter, and where.

use std::fmt;

use super::{Key, TESTS_MAX};
use crate::error::{Code, Refusal, Span, nearest, quoted};
use crate::spec::SpecError;
use crate::units::ValueError;

/// An error in a filter: what, and in which bytes of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// What is wrong.
    pub kind: FilterErrorKind,
    /// Which bytes of the input it is about.
    pub span: Span,
    /// Where that is for a person: the character counted from 1.
    pub column: usize,
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterErrorKind {
    /// The input ends where a key was expected.
    KeyMissing,
    /// Nothing of that name can be tested.
    UnknownKey(String),
    /// A key is not followed by an operator.
    OperatorMissing(Key),
    /// More or less, of what has no more or less.
    NoMoreOrLess(Key),
    /// An operator is not followed by a value.
    ValueMissing(Key),
    /// A value is no good.
    Value(Key, ValueError),
    /// A tunnel or a backend does not follow its grammar.
    Spec(Box<SpecError>),
    /// Something else than `and` stands behind a test.
    Unexpected(String),
    /// A character that could act on a terminal.
    Unprintable(char),
    /// More than [`TESTS_MAX`] tests.
    TooManyTests,
}

impl FilterError {
    pub(super) fn new(kind: FilterErrorKind, span: Span, input: &str) -> Self {
        let column = input.get(..span.start).unwrap_or(input).chars().count() + 1;
        Self { kind, span, column }
    }

    /// The same error in a longer input, of which this one began at byte
    /// `bytes` and character `chars`.
    #[must_use]
    pub fn shifted(mut self, bytes: usize, chars: usize) -> Self {
        self.span = self.span.start + bytes..self.span.end + bytes;
        self.column += chars;
        self
    }
}

impl From<FilterError> for Refusal {
    fn from(error: FilterError) -> Self {
        let refusal = match error.kind {
            FilterErrorKind::KeyMissing => {
                Self::new(Code::MissingArgument, "expected a test like `idle>10m`")
            }
            FilterErrorKind::UnknownKey(given) => {
                let suggestion = nearest(&given, Key::words_of_filters()).map(str::to_owned);
                let list = Key::words_of_filters().collect::<Vec<_>>().join(", ");
                Self::new(Code::UnknownOption, format!("unknown key {}", quoted(&given)))
                    .suggesting(suggestion)
                    .with_valid(Key::words_of_filters())
                    .with_hint(format!("expected {list}"))
            }
            FilterErrorKind::OperatorMissing(key) => {
                let message = format!("expected `=`, `!=`, `<`, `>`, `<=` or `>=` behind `{key}`");
                Self::new(Code::MissingArgument, message)
            }
            FilterErrorKind::NoMoreOrLess(key) => {
                let message = format!("`{key}` is the same or not: there is no more or less of it");
                Self::new(Code::UnexpectedArgument, message)
                    .with_valid(["=", "!="])
                    .with_hint("expected `=` or `!=`")
            }
            FilterErrorKind::ValueMissing(key) => {
                Self::new(Code::MissingArgument, format!("expected a value of `{key}`"))
            }
            FilterErrorKind::Value(key, error) => {
                Self::new(error.code(), format!("`{key}`: {error}"))
                    .suggesting(error.suggestion().map(str::to_owned))
                    .with_valid(error.valid().iter().copied())
            }
            // Its place is one of the filter, or of what the filter is a part of.
            FilterErrorKind::Spec(error) => Self::from(*error),
            FilterErrorKind::Unexpected(given) => {
                Self::new(Code::UnexpectedArgument, format!("unexpected {}", quoted(&given)))
                    .suggesting(nearest(&given, ["and"]).map(str::to_owned))
                    .with_valid(["and"])
                    .with_hint("all tests have to hold: expected `and` between them")
            }
            FilterErrorKind::Unprintable(character) => {
                let shown = quoted(&character.to_string());
                Self::new(Code::InvalidSyntax, format!("unprintable character {shown}"))
            }
            FilterErrorKind::TooManyTests => {
                Self::new(Code::OutOfRange, format!("a filter has {TESTS_MAX} tests at most"))
            }
        };
        refusal.at(error.span, error.column)
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Refusal::from(self.clone()).fmt(f)
    }
}

impl std::error::Error for FilterError {}
