//! How options are written behind a tunnel: `[key=value,…]`, read and printed.

use std::fmt;

use super::{OPTIONS, OptionRow, TunnelOptions};
use crate::error::Span;
use crate::spec::check::Mismatch;
use crate::spec::cursor::{
    Cursor, Piece, ends_bare_word, quote_escaped_if_needed, quote_if_needed,
};
use crate::spec::{BackendSpec, CheckKind, SpecError, SpecErrorKind};
use crate::units::ValueError;

impl TunnelOptions {
    /// Reads `[key=value,…]`, or nothing, for a tunnel to these backends.
    pub(crate) fn read(
        cursor: &mut Cursor<'_>,
        backends: &[BackendSpec],
    ) -> Result<Self, SpecError> {
        let mut options = Self::default();
        let mut seen: Vec<(&'static str, Span)> = Vec::new();
        cursor.skip_blanks();
        if !cursor.eat('[') {
            return Ok(options);
        }
        loop {
            cursor.skip_blanks();
            if seen.is_empty() && cursor.eat(']') {
                return Ok(options);
            }
            let key = cursor.bare(|c| ends_bare_word(c) || c == '=');
            let row = find(&key, cursor)?;
            if !seen.iter().any(|(key, _)| *key == row.key) {
                seen.push((row.key, key.span.clone()));
            } else if !row.is_list() {
                let kind = SpecErrorKind::Repeated(row.key);
                return Err(SpecError::new(kind, key.span, cursor.input()));
            }
            read_value(row, &key, &mut options, cursor)?;
            cursor.skip_blanks();
            if cursor.eat(']') {
                options.settle(&seen, backends, cursor)?;
                return Ok(options);
            }
            if !cursor.eat(',') {
                return Err(cursor.expected("`,` or `]`"));
            }
        }
    }

    /// Once all are read: refuses what does not go together, at one of the options that `seen` has.
    fn settle(
        &mut self,
        seen: &[(&str, Span)],
        backends: &[BackendSpec],
        cursor: &Cursor<'_>,
    ) -> Result<(), SpecError> {
        let of_tls = || {
            let mismatch = self.tls().mismatch().or_else(|| self.backend_tls().mismatch(backends));
            mismatch.map(|(key, needed)| Mismatch::Needs(key, needed))
        };
        if let Some(mismatch) = self.check().mismatch(self.check_interval).or_else(of_tls) {
            let (key, kind) = match mismatch {
                Mismatch::Needs(key, needed) => (key, SpecErrorKind::Needs { key, needed }),
                Mismatch::Value(key, error) => (key, SpecErrorKind::Value { key, error }),
            };
            let span = seen.iter().find(|(seen, _)| *seen == key).map(|(_, span)| span.clone());
            return Err(SpecError::new(kind, span.unwrap_or_default(), cursor.input()));
        }
        if self.check().kind == CheckKind::None {
            self.check = None;
        }
        Ok(())
    }
}

fn find(key: &Piece<'_>, cursor: &Cursor<'_>) -> Result<&'static OptionRow, SpecError> {
    if key.text.is_empty() {
        return Err(cursor.expected("an option"));
    }
    OPTIONS.iter().find(|row| row.is_called(&key.text)).ok_or_else(|| {
        let kind = SpecErrorKind::UnknownOption(key.text.to_string());
        SpecError::new(kind, key.span.clone(), cursor.input())
    })
}

fn read_value(
    row: &OptionRow,
    key: &Piece<'_>,
    options: &mut TunnelOptions,
    cursor: &mut Cursor<'_>,
) -> Result<(), SpecError> {
    cursor.skip_blanks();
    let has_value = cursor.eat('=');
    if !has_value && !row.is_flag() {
        let kind = SpecErrorKind::ValueMissing(row.key);
        return Err(SpecError::new(kind, key.span.clone(), cursor.input()));
    }
    cursor.skip_blanks();
    let value = if !has_value {
        Piece { text: "on".into(), span: key.span.clone() }
    } else if row.has_escapes() {
        cursor.escaped_text(ends_bare_word)?
    } else {
        cursor.text(ends_bare_word)?
    };
    if value.text.is_empty() && !row.has_escapes() {
        let kind = SpecErrorKind::Value { key: row.key, error: ValueError::Empty };
        return Err(SpecError::new(kind, value.span, cursor.input()));
    }
    (row.set)(options, &value.text).map_err(|error| {
        SpecError::new(SpecErrorKind::Value { key: row.key, error }, value.span, cursor.input())
    })
}

impl fmt::Display for TunnelOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Compared before nothing gets its word: a tunnel may be called `none`.
        let default = Self::default();
        let changed = OPTIONS.iter().filter(|row| (row.show)(self) != (row.show)(&default));
        let mut separator = '[';
        for row in changed {
            let values = row.each.map_or_else(|| vec![row.value_in(self)], |each| each(self));
            for value in values {
                write!(f, "{separator}{}", row.key)?;
                if !(row.is_flag() && value == "on") {
                    let quoted = if row.has_escapes() {
                        quote_escaped_if_needed(&value, ends_bare_word)
                    } else {
                        quote_if_needed(&value, ends_bare_word)
                    };
                    write!(f, "={quoted}")?;
                }
                separator = ',';
            }
        }
        if separator == ',' { f.write_str("]") } else { Ok(()) }
    }
}
