//! Filters of connections: `idle>10m and client=10.0.0.0/8`.
//!
//! ```text
//! filter    = test *( "and" test )
//! test      = key operator value
//! operator  = "<" | ">" | "=" | "<=" | ">=" | "!="     ; only = and != where there is no more or less
//! value     = characters other than blanks; those between quotes may be blanks
//! ```
//!
//! One parser for every door, written by hand for the sake of its errors.

mod client;
mod error;
mod key;
mod reader;
mod text;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

pub use client::ClientPattern;
pub use error::{FilterError, FilterErrorKind};
pub use key::Key;
pub use text::TextPattern;

use crate::connection::Phase;
use crate::fingerprint::Fingerprint;
use crate::spec::{BackendAddr, ServerName, TlsVersion, TunnelRef};
use crate::units::{show_duration, show_size};
use crate::word::words;
use reader::Reader;

/// Most tests of one filter: each may be asked of ten thousand connections.
pub const TESTS_MAX: usize = 32;

/// What stands for no version of TLS.
const NO_TLS: &str = "none";

/// What connections have to be; one without tests lets all pass.
///
/// `FromStr` and `Display` are inverses.
///
/// ```
/// use plexy_shared::filter::Filter;
///
/// let filter: Filter = "idle > 90s AND bytes-out>=10m and client != 10.0.0.0/8".parse()?;
/// assert_eq!(filter.to_string(), "idle>90s and bytes-out>=10m and client!=10.0.0.0/8");
/// assert_eq!(filter.to_string().parse::<Filter>()?, filter);
///
/// let error = "idel>10m".parse::<Filter>().unwrap_err();
/// assert_eq!(error.to_string(), "unknown key `idel` at column 1; did you mean `idle`?");
/// # Ok::<(), plexy_shared::filter::FilterError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// All of them have to hold.
    pub tests: Vec<Test>,
}

/// One thing that a connection has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Its tunnel is this one, or not.
    Tunnel(Equality, TunnelRef),
    /// Its backend is this one, as its tunnel has it, or not; while it connects it has none, which
    /// is not this one.
    Backend(Equality, BackendAddr),
    /// Its client is one of these, or not.
    Client(Equality, ClientPattern),
    /// Its phase is this one, or not.
    Phase(Equality, Phase),
    /// The name that its client has asked for is this one, or one that it covers, or not; who has
    /// asked for none has not asked for this one.
    Sni(Equality, ServerName),
    /// The version of TLS that is spoken with its client is this one, or not; none where that is
    /// passed on, or nothing of it is there.
    Tls(Equality, Option<TlsVersion>),
    /// The subject of the certificate that its client has shown is one of these, or not; who has
    /// shown none is not one of these.
    Subject(Equality, TextPattern),
    /// That certificate is this one, or not; who has shown none has not shown this one.
    Fingerprint(Equality, Fingerprint),
    /// How old it is.
    Age(Comparison, Duration),
    /// For how long no byte has gone.
    Idle(Comparison, Duration),
    /// Bytes in both directions together.
    Bytes(Comparison, u64),
    /// Bytes from the client to the backend.
    BytesIn(Comparison, u64),
    /// Bytes from the backend to the client.
    BytesOut(Comparison, u64),
    /// Bytes per second in both directions together, as `conns` shows them.
    Rate(Comparison, u64),
}

/// How things compare that are the same or not, and nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Equality {
    /// They are the same.
    Is,
    /// They are not.
    IsNot,
}

words!(Equality { Is => "=", IsNot => "!=" });

/// How numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// What is looked at is less.
    Less,
    /// It is less, or the same.
    AtMost,
    /// It is the same.
    Equal,
    /// It is more, or the same.
    AtLeast,
    /// It is more.
    More,
    /// It is not the same.
    Unequal,
}

words!(Comparison {
    Less => "<",
    AtMost => "<=",
    Equal => "=",
    AtLeast => ">=",
    More => ">",
    Unequal => "!=",
});

impl Equality {
    /// Whether it holds for what is the same, or not.
    #[must_use]
    pub fn holds(self, is_same: bool) -> bool {
        match self {
            Self::Is => is_same,
            Self::IsNot => !is_same,
        }
    }
}

impl Comparison {
    /// Whether it holds.
    ///
    /// ```
    /// use plexy_shared::filter::Comparison;
    /// assert!(Comparison::AtLeast.holds(&5, &5) && !Comparison::More.holds(&5, &5));
    /// ```
    #[must_use]
    pub fn holds<T: PartialOrd>(self, found: &T, wanted: &T) -> bool {
        match self {
            Self::Less => found < wanted,
            Self::AtMost => found <= wanted,
            Self::Equal => found == wanted,
            Self::AtLeast => found >= wanted,
            Self::More => found > wanted,
            Self::Unequal => found != wanted,
        }
    }
}

impl Filter {
    /// Whether all connections pass.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// Reads the filter that `text` begins with, and says where it ends: at the first word that
    /// cannot belong to it.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with it, with its place in `text`.
    pub(crate) fn read(text: &str) -> Result<(Self, usize), FilterError> {
        let mut reader = Reader::new(text)?;
        let mut filter = Self::default();
        loop {
            if filter.tests.len() == TESTS_MAX {
                return Err(reader.error(FilterErrorKind::TooManyTests));
            }
            filter.tests.push(Test::read(&mut reader)?);
            if !reader.eat_word("and") {
                return Ok((filter, reader.position()));
            }
        }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let (filter, end) = Self::read(text)?;
        let rest = text.get(end..).unwrap_or_default();
        match rest.split_whitespace().next() {
            None => Ok(filter),
            Some(word) => {
                let start = text.len() - rest.trim_start().len();
                let kind = FilterErrorKind::Unexpected(word.to_owned());
                Err(FilterError::new(kind, start..start + word.len(), text))
            }
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, test) in self.tests.iter().enumerate() {
            let separator = if index == 0 { "" } else { " and " };
            write!(f, "{separator}{test}")?;
        }
        Ok(())
    }
}

impl Test {
    /// What it looks at.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Tunnel(..) => Key::Tunnel,
            Self::Backend(..) => Key::Backend,
            Self::Client(..) => Key::Client,
            Self::Phase(..) => Key::Phase,
            Self::Sni(..) => Key::Sni,
            Self::Tls(..) => Key::Tls,
            Self::Subject(..) => Key::Subject,
            Self::Fingerprint(..) => Key::Fingerprint,
            Self::Age(..) => Key::Age,
            Self::Idle(..) => Key::Idle,
            Self::Bytes(..) => Key::Bytes,
            Self::BytesIn(..) => Key::BytesIn,
            Self::BytesOut(..) => Key::BytesOut,
            Self::Rate(..) => Key::Rate,
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key();
        match self {
            Self::Tunnel(equality, tunnel) => write!(f, "{key}{equality}{tunnel}"),
            Self::Backend(equality, backend) => write!(f, "{key}{equality}{backend}"),
            Self::Client(equality, client) => write!(f, "{key}{equality}{client}"),
            Self::Phase(equality, phase) => write!(f, "{key}{equality}{phase}"),
            Self::Sni(equality, name) => write!(f, "{key}{equality}{name}"),
            Self::Tls(equality, version) => {
                write!(f, "{key}{equality}{}", version.map_or(NO_TLS, TlsVersion::as_str))
            }
            Self::Subject(equality, text) => write!(f, "{key}{equality}{text}"),
            Self::Fingerprint(equality, it) => write!(f, "{key}{equality}{it}"),
            Self::Age(comparison, time) | Self::Idle(comparison, time) => {
                write!(f, "{key}{comparison}{}", show_duration(*time))
            }
            Self::Bytes(comparison, bytes)
            | Self::BytesIn(comparison, bytes)
            | Self::BytesOut(comparison, bytes)
            | Self::Rate(comparison, bytes) => {
                write!(f, "{key}{comparison}{}", show_size(*bytes))
            }
        }
    }
}

#[cfg(test)]
mod tests;
