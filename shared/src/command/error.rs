//! What can be wrong with a command line.

use std::fmt;

use super::Verb;
use crate::error::{Code, Refusal, Span, nearest, quoted};
use crate::filter::FilterError;
use crate::spec::SpecError;
use crate::units::ValueError;

/// An error in a command, with its place in the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandError {
    /// No verb is called that.
    UnknownVerb {
        /// What was given.
        given: String,
        /// What was probably meant.
        suggestion: Option<&'static str>,
        /// Where it stands.
        place: Place,
    },
    /// An argument is missing.
    MissingArgument {
        /// What was expected.
        what: &'static str,
        /// The end of the line.
        place: Place,
    },
    /// An argument is not one of those that may stand there.
    UnexpectedArgument {
        /// What was given.
        given: String,
        /// What may stand there.
        valid: Vec<&'static str>,
        /// Where it stands.
        place: Place,
    },
    /// The verb takes no more arguments.
    TooManyArguments {
        /// The verb.
        verb: &'static Verb,
        /// What was given.
        given: String,
        /// Where it stands.
        place: Place,
    },
    /// The value of a `key=value` argument is no good.
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong with the value.
        error: ValueError,
        /// Where it stands.
        place: Place,
    },
    /// A tunnel, a backend or an address does not follow its grammar.
    Spec(Box<SpecError>),
    /// A filter does not follow its grammar.
    Filter(Box<FilterError>),
}

/// Where in a line something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    span: Span,
    column: usize,
}

impl Place {
    fn new(span: Span, line: &str) -> Self {
        let column = line.get(..span.start).unwrap_or(line).chars().count() + 1;
        Self { span, column }
    }
}

impl CommandError {
    pub(super) fn missing(what: &'static str, line: &str) -> Self {
        Self::MissingArgument { what, place: Place::new(line.len()..line.len(), line) }
    }

    pub(super) fn too_many(verb: &'static Verb, word: &str, span: Span, line: &str) -> Self {
        Self::TooManyArguments { verb, given: word.to_owned(), place: Place::new(span, line) }
    }

    pub(super) fn unexpected(word: &str, valid: &[&'static str], span: Span, line: &str) -> Self {
        let (given, valid) = (word.to_owned(), valid.to_vec());
        Self::UnexpectedArgument { given, valid, place: Place::new(span, line) }
    }

    pub(super) fn unknown_verb(
        word: &str,
        names: impl Iterator<Item = &'static str>,
        span: Span,
        line: &str,
    ) -> Self {
        let suggestion = nearest(word, names);
        Self::UnknownVerb { given: word.to_owned(), suggestion, place: Place::new(span, line) }
    }

    pub(super) fn bad_value(key: &'static str, error: ValueError, span: Span, line: &str) -> Self {
        Self::Value { key, error, place: Place::new(span, line) }
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::UnknownVerb { given, suggestion, place } => {
                Self::new(Code::UnknownVerb, format!("unknown verb {}", quoted(&given)))
                    .at(place.span, place.column)
                    .suggesting(suggestion.map(str::to_owned))
                    .with_hint("`help` lists the verbs")
            }
            CommandError::MissingArgument { what, place } => {
                Self::new(Code::MissingArgument, format!("expected {what}"))
                    .at(place.span, place.column)
            }
            CommandError::UnexpectedArgument { given, valid, place } => {
                let list = valid.join(" or ");
                Self::new(Code::UnexpectedArgument, format!("unexpected {}", quoted(&given)))
                    .at(place.span, place.column)
                    .suggesting(nearest(&given, valid.iter().copied()).map(str::to_owned))
                    .with_hint(format!("expected {list}"))
                    .with_valid(valid)
            }
            CommandError::TooManyArguments { verb, given, place } => {
                let takes = if verb.usage.is_empty() { "nothing" } else { verb.usage };
                Self::new(Code::UnexpectedArgument, format!("unexpected {}", quoted(&given)))
                    .at(place.span, place.column)
                    .with_hint(format!("{} takes {takes}", verb.name))
            }
            CommandError::Value { key, error, place } => {
                Self::new(error.code(), format!("`{key}`: {error}"))
                    .at(place.span, place.column)
                    .suggesting(error.suggestion().map(str::to_owned))
            }
            CommandError::Spec(error) => Self::from(*error),
            CommandError::Filter(error) => Self::from(*error),
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Refusal::from(self.clone()).fmt(f)
    }
}

impl std::error::Error for CommandError {}
