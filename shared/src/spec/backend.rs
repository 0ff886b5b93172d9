//! A backend and its attributes: `10.0.0.1:5432+weight=5+backup`.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::cursor::{Cursor, Piece, ends_bare_word, quote_if_needed};
use super::{AdminState, BackendAddr, SpecError, SpecErrorKind};
use crate::units::{ValueError, parse_count};
use crate::word::parse_word;

/// Weights of backends.
const WEIGHTS: RangeInclusive<u32> = 1..=1000;

/// A backend as somebody wrote it.
///
/// ```
/// use plexy_shared::spec::BackendSpec;
///
/// let backend: BackendSpec = "10.0.0.1:5432+weight=5+backup".parse()?;
/// assert_eq!((backend.options.weight, backend.options.backup), (5, true));
/// # Ok::<(), plexy_shared::spec::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendSpec {
    /// Where it is reached: its identity within the tunnel.
    pub addr: BackendAddr,
    /// Its attributes.
    pub options: BackendOptions,
}

/// What can be said of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendOptions {
    /// Its share, relative to the weights of the others.
    pub weight: u32,
    /// Used only while no other backend is.
    pub backup: bool,
    /// Its connections at once; none for any number.
    pub max_conns: Option<u32>,
    /// Whether somebody lets clients come to it.
    pub admin: AdminState,
}

impl Default for BackendOptions {
    fn default() -> Self {
        Self { weight: 1, backup: false, max_conns: None, admin: AdminState::Ready }
    }
}

/// One row of the table of attributes.
#[derive(Debug)]
pub struct AttributeRow {
    /// How it is written.
    pub key: &'static str,
    /// What its value looks like; nothing for one that is set by its name.
    pub value: &'static str,
    /// What it is when it is not written.
    pub default: &'static str,
    /// What it does, in a sentence.
    pub meaning: &'static str,
    set: fn(&mut BackendOptions, &str) -> Result<(), ValueError>,
    reset: fn(&mut BackendOptions),
    show: fn(&BackendOptions) -> Option<String>,
}

/// Every attribute of a backend.
pub static ATTRIBUTES: &[AttributeRow] = &[
    AttributeRow {
        key: "weight",
        value: "1–1000",
        default: "1",
        meaning: "share of the connections, relative to the other backends",
        set: |options, text| parse_count(text, &WEIGHTS).map(|weight| options.weight = weight),
        reset: |options| options.weight = 1,
        show: |options| (options.weight != 1).then(|| format!("weight={}", options.weight)),
    },
    AttributeRow {
        key: "backup",
        value: "",
        default: "off",
        meaning: "used only while no backend without it can be",
        set: |options, text| parse_switch(text).map(|is_on| options.backup = is_on),
        reset: |options| options.backup = false,
        show: |options| options.backup.then(|| "backup".to_owned()),
    },
    AttributeRow {
        key: "max-conns",
        value: "1–1000000, or `none`",
        default: "none",
        meaning: "its connections at once, those still connecting included; another backend takes those beyond it, or they are parked",
        set: |options, text| {
            let is_none = text.eq_ignore_ascii_case("none");
            options.max_conns =
                if is_none { None } else { Some(parse_count(text, &(1..=1_000_000))?) };
            Ok(())
        },
        reset: |options| options.max_conns = None,
        show: |options| options.max_conns.map(|max| format!("max-conns={max}")),
    },
    AttributeRow {
        key: "admin",
        value: "`ready`, `drain`, `disabled`",
        default: "ready",
        meaning: "whether clients may come to it; what `drain`, `disable` and `enable` set",
        set: |options, text| {
            let all = [AdminState::Ready, AdminState::Drain, AdminState::Disabled];
            parse_word(text, &all).map(|admin| options.admin = admin)
        },
        reset: |options| options.admin = AdminState::Ready,
        show: |options| {
            (options.admin != AdminState::Ready).then(|| format!("admin={}", options.admin))
        },
    },
];

impl AttributeRow {
    pub(super) fn set(&self, options: &mut BackendOptions, text: &str) -> Result<(), ValueError> {
        (self.set)(options, text)
    }

    pub(super) fn reset(&self, options: &mut BackendOptions) {
        (self.reset)(options);
    }
}

/// Reads the value of a flag.
fn parse_switch(text: &str) -> Result<bool, ValueError> {
    match text.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(ValueError::UnknownWord { given: text.to_owned(), valid: vec!["on", "off"] }),
    }
}

impl BackendSpec {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SpecError> {
        let addr = BackendAddr::read(cursor)?;
        let mut options = BackendOptions::default();
        let mut seen: Vec<&'static str> = Vec::new();
        cursor.skip_blanks();
        while cursor.eat('+') {
            cursor.skip_blanks();
            let key = cursor.bare(|c| ends_bare_word(c) || c == '=');
            let row = find(&key, cursor)?;
            if seen.contains(&row.key) {
                let kind = SpecErrorKind::Repeated(row.key);
                return Err(SpecError::new(kind, key.span, cursor.input()));
            }
            seen.push(row.key);
            read_value(row, &key, &mut options, cursor)?;
            cursor.skip_blanks();
        }
        Ok(Self { addr, options })
    }
}

fn find(key: &Piece<'_>, cursor: &Cursor<'_>) -> Result<&'static AttributeRow, SpecError> {
    if key.text.is_empty() {
        return Err(cursor.expected("an attribute of the backend"));
    }
    let found = ATTRIBUTES.iter().find(|row| row.key.eq_ignore_ascii_case(&key.text));
    found.ok_or_else(|| {
        let kind = SpecErrorKind::UnknownAttribute(key.text.to_string());
        SpecError::new(kind, key.span.clone(), cursor.input())
    })
}

fn read_value(
    row: &AttributeRow,
    key: &Piece<'_>,
    options: &mut BackendOptions,
    cursor: &mut Cursor<'_>,
) -> Result<(), SpecError> {
    cursor.skip_blanks();
    let has_value = cursor.eat('=');
    let value = if has_value {
        cursor.skip_blanks();
        cursor.text(ends_bare_word)?
    } else if row.value.is_empty() {
        Piece { text: "on".into(), span: key.span.clone() }
    } else {
        let kind = SpecErrorKind::ValueMissing(row.key);
        return Err(SpecError::new(kind, key.span.clone(), cursor.input()));
    };
    (row.set)(options, &value.text).map_err(|error| {
        SpecError::new(SpecErrorKind::Value { key: row.key, error }, value.span, cursor.input())
    })
}

impl FromStr for BackendSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut cursor = Cursor::new(text)?;
        let backend = Self::read(&mut cursor)?;
        cursor.end("the end of the backend")?;
        Ok(backend)
    }
}

impl fmt::Display for BackendSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.addr)?;
        for shown in ATTRIBUTES.iter().filter_map(|row| (row.show)(&self.options)) {
            let (key, value) = shown.split_once('=').unwrap_or((&shown, ""));
            write!(f, "+{key}")?;
            if !value.is_empty() {
                write!(f, "={}", quote_if_needed(value, ends_bare_word))?;
            }
        }
        Ok(())
    }
}
