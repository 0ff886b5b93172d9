//! Refusals: the one shape in which every door says no.
//!
//! Each layer has an error enum of its own; at the door it becomes a
//! [`Refusal`], which holds what a person and a program need and nothing else.

use std::fmt;
use std::ops::Range;

use serde::{Serialize, Serializer};

use crate::word::{Words, words};

/// Byte range of the input that an error is about.
pub type Span = Range<usize>;

/// Longest piece of somebody's text that a sentence repeats, in characters.
const QUOTED_CHARS_MAX: usize = 80;

/// The number of the first code in JSON-RPC. The library that serves it uses
/// some of those above.
pub const NUMBER_FIRST: i32 = -32050;

/// Why something was refused, for programs: a closed list that only grows, at
/// its end, so that a number keeps its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The text does not follow the grammar.
    InvalidSyntax,
    /// An address is malformed or of no use where it stands.
    InvalidAddress,
    /// No option or attribute of that name is known.
    UnknownOption,
    /// The same option, attribute or backend was given twice.
    Repeated,
    /// The value is not of the option's kind.
    InvalidValue,
    /// The value is of the right kind but beyond the documented range.
    OutOfRange,
    /// No verb of that name is known.
    UnknownVerb,
    /// A command lacks an argument.
    MissingArgument,
    /// A command has an argument too many, or one it does not know.
    UnexpectedArgument,
    /// A line is longer than [`LINE_BYTES_MAX`](crate::command::LINE_BYTES_MAX).
    LineTooLong,
    /// A line is not UTF-8.
    NotUtf8,
    /// No open tunnel has that name or address.
    TunnelNotFound,
    /// The tunnel has no such backend.
    BackendNotFound,
    /// The tunnel has that backend already.
    BackendExists,
    /// The only backend of a tunnel cannot be removed.
    LastBackend,
    /// The tunnel would hold more backends than it may.
    TooManyBackends,
    /// Another tunnel has that name.
    NameInUse,
    /// The address is listened on, by another tunnel or another program.
    AddressInUse,
    /// The operating system does not let this user listen there.
    PermissionDenied,
    /// The address cannot be listened on for another reason.
    CannotListen,
    /// The host name of a listen address does not resolve.
    NameNotResolved,
    /// A backend of the tunnel is the tunnel itself.
    OwnBackend,
    /// No descriptors are left for it.
    OutOfDescriptors,
    /// A token is wanted and was not given, or was wrong.
    Unauthorized,
    /// The session was ended by the daemon.
    SessionEnded,
    /// The daemon is on its way out.
    ShuttingDown,
    /// The daemon is at another revision than the caller expected.
    RevisionMismatch,
    /// More is under way for this caller than may be.
    Overloaded,
    /// A request of a kind that a browser could be made to send.
    Forbidden,
    /// The body of a request is longer than it may be.
    BodyTooLarge,
    /// The body of a request did not come in time.
    BodyTooSlow,
    /// One call asks for more tunnels than it may.
    TooManyTunnels,
    /// No method of that name is known.
    UnknownMethod,
    /// The parameters are not those of the method.
    InvalidParams,
    /// What came is no JSON.
    ParseError,
    /// What came is JSON, and no request of JSON-RPC.
    InvalidRequest,
    /// A batch holds more calls than it may.
    BatchTooLarge,
    /// The answer would be longer than it may be.
    AnswerTooLarge,
    /// The method needs a WebSocket, and a message of its own.
    NeedsWebSocket,
    /// The daemon has failed; its log says more.
    InternalError,
    /// The change could not be saved, and so was not made.
    NotSaved,
    /// The daemon keeps no state.
    NoState,
    /// The daemon has no configuration file.
    NoConfig,
    /// A file is no good; nothing was changed.
    BadFile,
    /// There are not so many changes that could be undone.
    NothingToUndo,
    /// None of the ids is one of a live connection.
    ConnectionNotFound,
    /// A certificate, a key or an authority cannot be read, or is no good.
    BadCertificate,
}

words!(Code {
    InvalidSyntax => "invalid-syntax",
    InvalidAddress => "invalid-address",
    UnknownOption => "unknown-option",
    Repeated => "repeated",
    InvalidValue => "invalid-value",
    OutOfRange => "out-of-range",
    UnknownVerb => "unknown-verb",
    MissingArgument => "missing-argument",
    UnexpectedArgument => "unexpected-argument",
    LineTooLong => "line-too-long",
    NotUtf8 => "not-utf8",
    TunnelNotFound => "tunnel-not-found",
    BackendNotFound => "backend-not-found",
    BackendExists => "backend-exists",
    LastBackend => "last-backend",
    TooManyBackends => "too-many-backends",
    NameInUse => "name-in-use",
    AddressInUse => "address-in-use",
    PermissionDenied => "permission-denied",
    CannotListen => "cannot-listen",
    NameNotResolved => "name-not-resolved",
    OwnBackend => "own-backend",
    OutOfDescriptors => "out-of-descriptors",
    Unauthorized => "unauthorized",
    SessionEnded => "session-ended",
    ShuttingDown => "shutting-down",
    RevisionMismatch => "revision-mismatch",
    Overloaded => "overloaded",
    Forbidden => "forbidden",
    BodyTooLarge => "body-too-large",
    BodyTooSlow => "body-too-slow",
    TooManyTunnels => "too-many-tunnels",
    UnknownMethod => "unknown-method",
    InvalidParams => "invalid-params",
    ParseError => "parse-error",
    InvalidRequest => "invalid-request",
    BatchTooLarge => "batch-too-large",
    AnswerTooLarge => "answer-too-large",
    NeedsWebSocket => "needs-websocket",
    InternalError => "internal-error",
    NotSaved => "not-saved",
    NoState => "no-state",
    NoConfig => "no-config",
    BadFile => "bad-file",
    NothingToUndo => "nothing-to-undo",
    ConnectionNotFound => "connection-not-found",
    BadCertificate => "bad-certificate",
});

impl Code {
    /// The code of that number.
    #[must_use]
    pub fn numbered(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }

    /// The number of it in JSON-RPC: that of the standard where it has one,
    /// else from [`NUMBER_FIRST`] downwards, in the order of the list.
    ///
    /// ```
    /// use plexy_shared::error::Code;
    /// assert_eq!(Code::InvalidSyntax.number(), -32050);
    /// assert_eq!(Code::TunnelNotFound.number(), -32061);
    /// assert_eq!(Code::UnknownMethod.number(), -32601);
    /// ```
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::UnknownMethod => -32601,
            Self::InvalidParams => -32602,
            Self::ParseError => -32700,
            Self::InvalidRequest => -32600,
            Self::InternalError => -32603,
            _ => {
                let place = Self::ALL.iter().take_while(|known| **known != self).count();
                NUMBER_FIRST - i32::try_from(place).unwrap_or_default()
            }
        }
    }
}

/// A no, as every door tells it.
///
/// ```
/// use plexy_shared::spec::TunnelSpec;
/// use plexy_shared::error::Refusal;
///
/// let error = "3000=4000[stratgy=random]".parse::<TunnelSpec>().unwrap_err();
/// let refusal = Refusal::from(error);
/// assert_eq!(refusal.code.as_str(), "unknown-option");
/// assert_eq!(refusal.span, Some(10..17));
/// assert_eq!(refusal.suggestion.as_deref(), Some("strategy"));
/// assert_eq!(
///     refusal.to_string(),
///     "unknown option `stratgy` at column 11; did you mean `strategy`?"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// For programs.
    pub code: Code,
    /// One sentence, lower case, without a full stop.
    pub message: String,
    /// Which bytes of the input it is about; programs see `[start, end]`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_pair")]
    pub span: Option<Span>,
    /// What was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// What would have been accepted, where that is a short list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub valid: Vec<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Which parameter of a call it is about, and its span points into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<&'static str>,
    /// Which one of many it is about, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Position of the span's begin in characters, from 1, for sentences.
    #[serde(skip)]
    column: Option<usize>,
}

fn as_pair<S: Serializer>(span: &Option<Span>, serializer: S) -> Result<S::Ok, S::Error> {
    span.as_ref().map(|span| (span.start, span.end)).serialize(serializer)
}

impl Refusal {
    /// A refusal with a code and a sentence only.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            span: None,
            suggestion: None,
            valid: Vec::new(),
            hint: None,
            parameter: None,
            index: None,
            column: None,
        }
    }

    /// Says which bytes of `input` it is about.
    #[must_use]
    pub fn at(mut self, span: Span, column: usize) -> Self {
        self.span = Some(span);
        self.column = Some(column);
        self
    }

    /// Says what was probably meant.
    #[must_use]
    pub fn suggesting(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    /// Leaves the column out of its sentence, where the place is told in another way.
    #[must_use]
    pub fn without_column(mut self) -> Self {
        self.column = None;
        self
    }

    /// Says what would have been accepted.
    #[must_use]
    pub fn with_valid(mut self, valid: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.valid = valid.into_iter().map(Into::into).collect();
        self
    }

    /// Says which parameter of a call it is about.
    #[must_use]
    pub fn of_parameter(mut self, name: &'static str) -> Self {
        self.parameter = Some(name);
        self
    }

    /// Says which one of many it is about, from 0.
    #[must_use]
    pub fn of_item(mut self, index: usize) -> Self {
        self.index = Some(index);
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, &self.message, self.column, self.suggestion.as_deref(), self.hint.as_deref())
    }
}

/// One sentence of it all.
pub(crate) fn show(
    f: &mut fmt::Formatter<'_>,
    message: &str,
    column: Option<usize>,
    suggestion: Option<&str>,
    hint: Option<&str>,
) -> fmt::Result {
    f.write_str(message)?;
    if let Some(column) = column {
        write!(f, " at column {column}")?;
    }
    match (suggestion, hint) {
        (Some(suggestion), _) => write!(f, "; did you mean `{suggestion}`?"),
        (None, Some(hint)) => write!(f, "; {hint}"),
        (None, None) => Ok(()),
    }
}

impl std::error::Error for Refusal {}

/// Somebody's text in backticks, safe for a terminal or a log: control
/// characters are escaped, and what is too long is cut.
///
/// ```
/// use plexy_shared::error::quoted;
/// assert_eq!(quoted("web"), "`web`");
/// assert_eq!(quoted("\x1b[31mred"), r"`\u{1b}[31mred`");
/// ```
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::from("`");
    for (index, character) in text.chars().enumerate() {
        if index == QUOTED_CHARS_MAX {
            out.push('…');
            break;
        }
        if is_unprintable(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out.push('`');
    out
}

/// Text of somebody else with what would act on a terminal escaped.
///
/// ```
/// assert_eq!(plexy_shared::error::printable("a\x1b[31mé"), "a\\u{1b}[31mé");
/// ```
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unprintable(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// Characters that act on a terminal, or reorder what stands around them,
/// instead of showing themselves.
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The candidate that a mistyped word most probably meant.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= 1.max(word.len().min(candidate.len()) / 3)
                || (word.len() >= 3 && candidate.starts_with(&word))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
