//! What can be wrong with a specification, and where.

use std::fmt;

use super::{ATTRIBUTES, BACKENDS_MAX, BackendAddr, OPTIONS};
use crate::error::{Code, Refusal, Span, nearest, quoted};
use crate::units::ValueError;

/// An error of the grammar: what, and in which bytes of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    /// What is wrong.
    pub kind: SpecErrorKind,
    /// Which bytes of the input it is about.
    pub span: Span,
    /// Where that is for a person: the character counted from 1.
    pub column: usize,
}

/// What is wrong with a specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpecErrorKind {
    /// Something else was expected here.
    Expected {
        /// What was expected.
        what: &'static str,
        /// What stands there; nothing at the end of the input.
        found: Option<char>,
    },
    /// A character that could act on a terminal.
    Unprintable(char),
    /// A quote is opened and not closed.
    UnterminatedQuote,
    /// A backslash before anything but a quote or a backslash.
    UnknownEscape(char),
    /// An address is no good.
    Address(AddressError),
    /// A tunnel's name is no good.
    Name(String),
    /// No option of a tunnel has that name.
    UnknownOption(String),
    /// No attribute of a backend has that name.
    UnknownAttribute(String),
    /// The option or attribute was given before.
    Repeated(&'static str),
    /// The backend was given before.
    RepeatedBackend(BackendAddr),
    /// More than [`BACKENDS_MAX`] backends.
    TooManyBackends,
    /// An option or attribute lacks its value.
    ValueMissing(&'static str),
    /// An option is of no use without another one.
    Needs {
        /// The option.
        key: &'static str,
        /// What has to stand beside it.
        needed: &'static str,
    },
    /// The value of an option or attribute is no good.
    Value {
        /// The option or attribute.
        key: &'static str,
        /// What is wrong with its value.
        error: ValueError,
    },
}

/// What is wrong with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressError {
    /// No address at all.
    Empty,
    /// A host without a port.
    PortMissing(String),
    /// A port that is not a number up to 65535.
    BadPort(String),
    /// Port 0 where one connects to it.
    PortZero,
    /// Dots and digits that are not an IPv4 address.
    BadIpv4(String),
    /// Not an IPv6 address between brackets.
    BadIpv6(String),
    /// An IPv6 address without brackets.
    Ipv6WithoutBrackets(String),
    /// Not a host name.
    BadHost(String),
    /// A wildcard where one connects to it.
    WildcardBackend(String),
    /// A Unix path that does not begin with a slash.
    RelativePath(String),
    /// A Unix path that ends like one of a folder.
    PathOfFolder(String),
    /// A Unix path that does not fit into a socket address.
    PathTooLong {
        /// How long it is, in bytes.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
}

impl SpecError {
    pub(crate) fn new(kind: SpecErrorKind, span: Span, input: &str) -> Self {
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

    /// The code that programs see.
    #[must_use]
    pub fn code(&self) -> Code {
        match &self.kind {
            SpecErrorKind::Expected { .. }
            | SpecErrorKind::Unprintable(_)
            | SpecErrorKind::UnterminatedQuote
            | SpecErrorKind::UnknownEscape(_) => Code::InvalidSyntax,
            SpecErrorKind::Address(_) => Code::InvalidAddress,
            SpecErrorKind::UnknownOption(_) | SpecErrorKind::UnknownAttribute(_) => {
                Code::UnknownOption
            }
            SpecErrorKind::Repeated(_) | SpecErrorKind::RepeatedBackend(_) => Code::Repeated,
            SpecErrorKind::TooManyBackends => Code::TooManyBackends,
            SpecErrorKind::Name(_)
            | SpecErrorKind::ValueMissing(_)
            | SpecErrorKind::Needs { .. } => Code::InvalidValue,
            SpecErrorKind::Value { error, .. } => error.code(),
        }
    }

    /// What was probably meant.
    #[must_use]
    pub fn suggestion(&self) -> Option<String> {
        let text = match &self.kind {
            SpecErrorKind::UnknownOption(given) => nearest_option(given)?,
            SpecErrorKind::UnknownAttribute(given) => {
                nearest(given, ATTRIBUTES.iter().map(|row| row.key))?
            }
            SpecErrorKind::Value { error, .. } => error.suggestion()?,
            SpecErrorKind::Address(AddressError::Ipv6WithoutBrackets(given)) => {
                return bracketed(given);
            }
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// What would have been accepted, where that is a short list.
    #[must_use]
    pub fn valid(&self) -> Vec<&'static str> {
        match &self.kind {
            SpecErrorKind::UnknownOption(_) => OPTIONS.iter().map(|row| row.key).collect(),
            SpecErrorKind::UnknownAttribute(_) => ATTRIBUTES.iter().map(|row| row.key).collect(),
            SpecErrorKind::Value { error, .. } => error.valid().to_vec(),
            _ => Vec::new(),
        }
    }

    fn hint(&self) -> Option<String> {
        let valid = self.valid();
        match &self.kind {
            SpecErrorKind::UnknownOption(_) | SpecErrorKind::UnknownAttribute(_) => {
                Some(format!("known ones are {}", valid.join(", ")))
            }
            SpecErrorKind::Expected { found: Some('+' | '[' | '"'), .. } => Some(
                "a value with a comma, bracket, plus, quote or blank is written in quotes"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// The option whose name or alias is nearest, under its own name.
fn nearest_option(given: &str) -> Option<&'static str> {
    let names =
        OPTIONS.iter().flat_map(|row| std::iter::once(row.key).chain(row.aliases.iter().copied()));
    let name = nearest(given, names)?;
    OPTIONS.iter().find(|row| row.is_called(name)).map(|row| row.key)
}

/// `::1:80` as `[::1]:80`, if that is an address.
fn bracketed(given: &str) -> Option<String> {
    let (host, port) = given.rsplit_once(':')?;
    let text = format!("[{host}]:{port}");
    text.parse::<std::net::SocketAddrV6>().is_ok().then_some(text)
}

impl fmt::Display for SpecErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected { what, found: Some(found) } => {
                write!(f, "expected {what}, found {}", quoted(found.encode_utf8(&mut [0; 4])))
            }
            Self::Expected { what, found: None } => write!(f, "expected {what}, found the end"),
            Self::Unprintable(character) => {
                write!(
                    f,
                    "{} is not a printable character",
                    quoted(character.encode_utf8(&mut [0; 4]))
                )
            }
            Self::UnterminatedQuote => f.write_str("the quote is not closed"),
            Self::UnknownEscape(character) => {
                write!(f, "`\\{character}` is not an escape; only `\\\"` and `\\\\` are")
            }
            Self::Address(error) => error.fmt(f),
            Self::Name(given) => write!(
                f,
                "{} is not a name: a letter, then up to 62 letters, digits, `.`, `_` or `-`",
                quoted(given)
            ),
            Self::UnknownOption(given) => write!(f, "unknown option {}", quoted(given)),
            Self::UnknownAttribute(given) => {
                write!(f, "unknown attribute {} of a backend", quoted(given))
            }
            Self::Repeated(key) => write!(f, "`{key}` is given twice"),
            Self::RepeatedBackend(addr) => write!(f, "backend `{addr}` is given twice"),
            Self::TooManyBackends => write!(f, "more than {BACKENDS_MAX} backends"),
            Self::ValueMissing(key) => write!(f, "`{key}` lacks its value: write `{key}=…`"),
            Self::Needs { key, needed } => write!(f, "`{key}` needs {needed}"),
            Self::Value { key, error } => write!(f, "`{key}`: {error}"),
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an address is missing"),
            Self::PortMissing(given) => write!(f, "{} has no port", quoted(given)),
            Self::BadPort(given) => write!(f, "{} is not a port: 0 to 65535", quoted(given)),
            Self::PortZero => f.write_str("port 0 cannot be connected to"),
            Self::BadIpv4(given) => write!(f, "{} is not an IPv4 address", quoted(given)),
            Self::BadIpv6(given) => write!(f, "{} is not an IPv6 address", quoted(given)),
            Self::Ipv6WithoutBrackets(given) => {
                write!(f, "{} is an IPv6 address without brackets", quoted(given))
            }
            Self::BadHost(given) => write!(f, "{} is not a host name", quoted(given)),
            Self::WildcardBackend(given) => {
                write!(f, "{} is no address to connect to", quoted(given))
            }
            Self::RelativePath(given) => {
                write!(f, "{} is not an absolute path: write `unix:/…`", quoted(given))
            }
            Self::PathOfFolder(given) => {
                write!(f, "{} is the path of a folder, not of a socket", quoted(given))
            }
            Self::PathTooLong { bytes, bytes_max } => write!(
                f,
                "a socket path of {bytes} bytes is too long; the system allows {bytes_max}"
            ),
        }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Refusal::from(self.clone()).fmt(f)
    }
}

impl std::error::Error for SpecError {}

impl From<SpecError> for Refusal {
    fn from(error: SpecError) -> Self {
        let mut refusal = Self::new(error.code(), error.kind.to_string())
            .suggesting(error.suggestion())
            .with_valid(error.valid());
        refusal.hint = error.hint();
        refusal.at(error.span, error.column)
    }
}
