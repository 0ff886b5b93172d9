//! Reads a filter from left to right and knows where it is.

use std::str::FromStr;
use std::time::Duration;

use super::{Comparison, Equality, FilterError, FilterErrorKind, Key, NO_TLS, Test};
use crate::connection::Phase;
use crate::error::{Span, is_unprintable};
use crate::spec::{SpecError, TlsVersion};
use crate::units::{ValueError, parse_duration, parse_size};
use crate::word::Words;

/// Ages and silences that can be asked for: ten years are more than any.
const TIMES: std::ops::RangeInclusive<Duration> =
    Duration::ZERO..=Duration::from_secs(10 * 365 * 24 * 3_600);

/// Sizes that can be asked for: 2⁵⁰ bytes, a petabyte, is more than any connection carries.
const SIZES: std::ops::RangeInclusive<u64> = 0..=1 << 50;

/// The operators, those that others begin with behind them.
const OPERATORS: [(&str, Comparison); 6] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("!=", Comparison::Unequal),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::More),
];

/// A place in a filter.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    input: &'a str,
    at: usize,
}

/// A word of the input and where it stood.
#[derive(Debug)]
struct Piece<'a> {
    text: &'a str,
    span: Span,
}

impl<'a> Reader<'a> {
    /// Starts at the beginning. Text that could act on a terminal is refused here, once.
    pub(super) fn new(input: &'a str) -> Result<Self, FilterError> {
        match input.char_indices().find(|(_, c)| is_unprintable(*c) && !c.is_whitespace()) {
            None => Ok(Self { input, at: 0 }),
            Some((at, character)) => {
                let span = at..at + character.len_utf8();
                Err(FilterError::new(FilterErrorKind::Unprintable(character), span, input))
            }
        }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Something is wrong from here on.
    pub(super) fn error(&mut self, kind: FilterErrorKind) -> FilterError {
        self.skip_blanks();
        FilterError::new(kind, self.at..self.input.len(), self.input)
    }

    /// Takes a word if it stands here, in any case.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let before = self.at;
        let is_there = self.take(|c| !c.is_whitespace()).text.eq_ignore_ascii_case(word);
        if !is_there {
            self.at = before;
        }
        is_there
    }

    fn rest(&self) -> &'a str {
        self.input.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        self.at = self.input.len() - self.rest().trim_start().len();
    }

    /// Takes what stands here up to a character that does not belong to it.
    fn take(&mut self, mut belongs: impl FnMut(char) -> bool) -> Piece<'a> {
        self.skip_blanks();
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let span = self.at..self.at + end;
        self.at = span.end;
        Piece { text: rest.get(..end).unwrap_or_default(), span }
    }

    fn key(&mut self) -> Result<Key, FilterError> {
        let piece = self.take(|c| !c.is_whitespace() && !matches!(c, '<' | '>' | '=' | '!'));
        let kind = match Key::read(piece.text) {
            Some(Key::Id) => FilterErrorKind::UnknownKey(piece.text.to_owned()),
            Some(key) => return Ok(key),
            None if piece.text.is_empty() => FilterErrorKind::KeyMissing,
            None => FilterErrorKind::UnknownKey(piece.text.to_owned()),
        };
        Err(FilterError::new(kind, piece.span, self.input))
    }

    fn comparison(&mut self, key: Key) -> Result<Comparison, FilterError> {
        self.skip_blanks();
        let rest = self.rest();
        let Some((sign, comparison)) = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign))
        else {
            return Err(self.error(FilterErrorKind::OperatorMissing(key)));
        };
        self.at += sign.len();
        Ok(*comparison)
    }

    fn equality(&mut self, key: Key) -> Result<Equality, FilterError> {
        self.skip_blanks();
        let start = self.at;
        match self.comparison(key)? {
            Comparison::Equal => Ok(Equality::Is),
            Comparison::Unequal => Ok(Equality::IsNot),
            _ => {
                let kind = FilterErrorKind::NoMoreOrLess(key);
                Err(FilterError::new(kind, start..self.at, self.input))
            }
        }
    }

    /// A value; blanks between quotes belong to it.
    fn piece(&mut self, key: Key) -> Result<Piece<'a>, FilterError> {
        let (mut is_quoted, mut is_escaped) = (false, false);
        let piece = self.take(|c| {
            let belongs = is_quoted || !c.is_whitespace();
            is_quoted ^= c == '"' && !is_escaped;
            is_escaped = c == '\\' && is_quoted && !is_escaped;
            belongs
        });
        match piece.text {
            "" => Err(FilterError::new(FilterErrorKind::ValueMissing(key), piece.span, self.input)),
            _ => Ok(piece),
        }
    }

    fn value<T>(
        &mut self,
        key: Key,
        parse: impl Fn(&str) -> Result<T, ValueError>,
    ) -> Result<T, FilterError> {
        let piece = self.piece(key)?;
        parse(piece.text).map_err(|error| {
            FilterError::new(FilterErrorKind::Value(key, error), piece.span, self.input)
        })
    }

    /// A tunnel or a backend, in the grammar of specifications.
    fn spec<T: FromStr<Err = SpecError>>(&mut self, key: Key) -> Result<T, FilterError> {
        let piece = self.piece(key)?;
        piece.text.parse().map_err(|error: SpecError| {
            let start = piece.span.start;
            let span = error.span.start + start..error.span.end + start;
            FilterError::new(FilterErrorKind::Spec(Box::new(error)), span, self.input)
        })
    }
}

impl Test {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, FilterError> {
        let key = reader.key()?;
        let duration = |text: &str| parse_duration(text, &TIMES);
        let size = |text: &str| parse_size(text, &SIZES);
        Ok(match key {
            Key::Tunnel => Self::Tunnel(reader.equality(key)?, reader.spec(key)?),
            Key::Backend => Self::Backend(reader.equality(key)?, reader.spec(key)?),
            Key::Client => Self::Client(reader.equality(key)?, reader.value(key, str::parse)?),
            Key::Phase => Self::Phase(reader.equality(key)?, reader.value(key, phase)?),
            Key::Sni => Self::Sni(reader.equality(key)?, reader.value(key, str::parse)?),
            Key::Tls => Self::Tls(reader.equality(key)?, reader.value(key, version)?),
            Key::Subject => Self::Subject(reader.equality(key)?, reader.value(key, str::parse)?),
            Key::Fingerprint => {
                Self::Fingerprint(reader.equality(key)?, reader.value(key, str::parse)?)
            }
            Key::Age => Self::Age(reader.comparison(key)?, reader.value(key, duration)?),
            Key::Idle => Self::Idle(reader.comparison(key)?, reader.value(key, duration)?),
            Key::BytesIn => Self::BytesIn(reader.comparison(key)?, reader.value(key, size)?),
            Key::BytesOut => Self::BytesOut(reader.comparison(key)?, reader.value(key, size)?),
            Key::Rate => Self::Rate(reader.comparison(key)?, reader.value(key, size)?),
            // No filter tests the id: `key` has refused it.
            Key::Bytes | Key::Id => Self::Bytes(reader.comparison(key)?, reader.value(key, size)?),
        })
    }
}

fn phase(text: &str) -> Result<Phase, ValueError> {
    let known = Phase::ALL.iter().copied();
    known.clone().find(|phase| phase.word().eq_ignore_ascii_case(text)).ok_or_else(|| {
        ValueError::UnknownWord { given: text.to_owned(), valid: known.map(Phase::word).collect() }
    })
}

fn version(text: &str) -> Result<Option<TlsVersion>, ValueError> {
    if text.eq_ignore_ascii_case(NO_TLS) {
        return Ok(None);
    }
    let known = TlsVersion::ALL.iter().copied();
    known.clone().find(|version| version.word() == text).map(Some).ok_or_else(|| {
        let valid = known.map(TlsVersion::as_str).chain([NO_TLS]).collect();
        ValueError::UnknownWord { given: text.to_owned(), valid }
    })
}
