//! A backend and its attributes: `10.0.0.1:5432+weight=5+backup`.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::cursor::{Cursor, Piece, ends_bare_word, quote_if_needed};
use super::option::words_of;
use super::{AdminState, BackendAddr, ServerName, SpecError, SpecErrorKind};
use crate::units::{ValueError, parse_count};
use crate::word::parse_word;

/// Weights of backends.
const WEIGHTS: RangeInclusive<u32> = 1..=1000;

/// Most names that one backend may have: more than a certificate that people run has.
pub const SNI_MAX: usize = 256;

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
    /// The names that clients ask for who come to it: none for those that no other backend has.
    pub sni: Vec<ServerName>,
    /// Whether somebody lets clients come to it.
    pub admin: AdminState,
}

impl Default for BackendOptions {
    fn default() -> Self {
        let (max_conns, sni, admin) = (None, Vec::new(), AdminState::Ready);
        Self { weight: 1, backup: false, max_conns, sni, admin }
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
    /// Of a list, it adds one entry.
    set: fn(&mut BackendOptions, &str) -> Result<(), ValueError>,
    reset: fn(&mut BackendOptions),
    /// One that is no list.
    show: fn(&BackendOptions) -> Option<String>,
    /// The entries of a list, each of which is written behind the key again.
    each: Option<fn(&BackendOptions) -> Vec<String>>,
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
        each: None,
    },
    AttributeRow {
        key: "backup",
        value: "",
        default: "off",
        meaning: "used only while no backend without it can be",
        set: |options, text| parse_switch(text).map(|is_on| options.backup = is_on),
        reset: |options| options.backup = false,
        show: |options| options.backup.then(|| "backup".to_owned()),
        each: None,
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
        each: None,
    },
    AttributeRow {
        key: "sni",
        value: "a DNS name, or `*.` and one for one label more, again for each",
        default: "none",
        meaning: "clients of TLS that ask for this name come to it, and what they say is passed on untouched; those of no such name go to backends without it",
        set: |options, text| {
            let name: ServerName = text.parse()?;
            if options.sni.contains(&name) {
                return Err(ValueError::Repeated(name.to_string()));
            }
            if options.sni.len() == SNI_MAX {
                return Err(ValueError::malformed(text, "is more than the 256 names of a backend"));
            }
            options.sni.push(name);
            Ok(())
        },
        reset: |options| options.sni.clear(),
        show: |_| None,
        each: Some(|options| options.sni.iter().map(ToString::to_string).collect()),
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
        each: None,
    },
];

impl AttributeRow {
    pub(super) fn set(&self, options: &mut BackendOptions, text: &str) -> Result<(), ValueError> {
        (self.set)(options, text)
    }

    pub(super) fn reset(&self, options: &mut BackendOptions) {
        (self.reset)(options);
    }

    /// The words among its values.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        let is_value = |word: &&str| (self.set)(&mut BackendOptions::default(), word).is_ok();
        words_of(self.value).filter(is_value)
    }

    /// Whether it may be given again, each time for one more entry.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.each.is_some()
    }

    /// What it is in these attributes, as it would be written behind its key; the entries of a list stand
    /// behind commas.
    ///
    /// ```
    /// use plexy_shared::spec::{ATTRIBUTES, BackendSpec};
    ///
    /// let backend: BackendSpec = "10.0.0.1:5432+weight=5+backup".parse()?;
    /// let values = ATTRIBUTES.iter().map(|row| row.value_in(&backend.options));
    /// assert_eq!(values.collect::<Vec<_>>(), ["5", "on", "none", "none", "ready"]);
    /// # Ok::<(), plexy_shared::spec::SpecError>(())
    /// ```
    #[must_use]
    pub fn value_in(&self, options: &BackendOptions) -> String {
        if let Some(each) = self.each.map(|each| each(options)).filter(|each| !each.is_empty()) {
            return each.join(",");
        }
        match (self.show)(options) {
            Some(written) => written.split_once('=').map_or("on", |(_, value)| value).to_owned(),
            None => self.default.to_owned(),
        }
    }

    /// As it is written, once for each entry of a list: nothing where it is at its default.
    fn written(&self, options: &BackendOptions) -> Vec<String> {
        match self.each {
            None => (self.show)(options).into_iter().collect(),
            Some(each) => each(options).iter().map(|it| format!("{}={it}", self.key)).collect(),
        }
    }
}

/// Reads the value of a flag.
pub(super) fn parse_switch(text: &str) -> Result<bool, ValueError> {
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
            if seen.contains(&row.key) && !row.is_list() {
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
        for shown in ATTRIBUTES.iter().flat_map(|row| row.written(&self.options)) {
            let (key, value) = shown.split_once('=').unwrap_or((&shown, ""));
            write!(f, "+{key}")?;
            if !value.is_empty() {
                write!(f, "={}", quote_if_needed(value, ends_bare_word))?;
            }
        }
        Ok(())
    }
}
